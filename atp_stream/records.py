"""Records of Kafka on both sides: what is read of one that was consumed, and one to produce."""

from typing import Any, Protocol

import msgspec

Headers = list[tuple[str, bytes]]


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


class Output(msgspec.Struct, frozen=True, gc=False):
    """A record to produce; `event` names what it says, for who counts."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    event: str = ""
