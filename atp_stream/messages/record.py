"""A Kafka record as messages are read from it, whoever fetched it."""

from typing import Any, Protocol


class Record(Protocol):
    """What is read of a record: aiokafka's, an `Original` from the item log, or a draft that was never sent.

    `timestamp` is in milliseconds; `headers` are pairs of a name and bytes, or None.
    """

    @property
    def key(self) -> bytes | None: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102
    @property
    def headers(self) -> Any: ...  # noqa: D102
    @property
    def timestamp(self) -> int: ...  # noqa: D102
