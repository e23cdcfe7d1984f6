"""Dead letters as they are read again from their topic: for people, and to send their messages once more."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol, Self

from atp_stream.messages.dead_letters import AT_HEADER, CUT_HEADER, DETAIL_HEADER, ORIGIN_HEADER, REASON_HEADER
from atp_stream.messages.input_events import InputKind
from atp_stream.messages.subjects import About, about
from atp_stream.records import Record

REPLAYED_HEADER = "atp-replayed"


class StoredRecord(Record, Protocol):
    """A record with its place."""

    @property
    def topic(self) -> str: ...  # noqa: D102
    @property
    def partition(self) -> int: ...  # noqa: D102
    @property
    def offset(self) -> int: ...  # noqa: D102


class StoredLetter(NamedTuple):
    """A dead letter as it stands in its topic.

    `at` is in milliseconds, `size` is that of the value, of which all is here, or the beginning.
    """

    origin: str
    reason: str
    detail: str
    at: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    size: int

    @classmethod
    def of(cls, record: StoredRecord, kept: int | None = None) -> Self:
        """Return the letter of a record, with the first `kept` bytes of its value, or all of them."""
        headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
        at = headers.get(AT_HEADER, "")
        return cls(
            headers.get(ORIGIN_HEADER, f"{record.topic}/{record.partition}/{record.offset}"),
            headers.get(REASON_HEADER, ""),
            headers.get(DETAIL_HEADER, ""),
            int(at) if at.isdigit() else record.timestamp,
            record.key,
            record.value if kept is None or record.value is None else record.value[:kept],
            tuple(record.headers),
            len(record.value or b""),
        )

    @property
    def source(self) -> str:
        """The topic that the message came from."""
        return self.origin.rpartition("/")[0].rpartition("/")[0]

    @property
    def message(self) -> str:
        """The origin of the message: for one that was replayed, that of the first letter it had."""
        first = next((value for name, value in self.headers if name == REPLAYED_HEADER), None)
        return self.origin if first is None else first.decode(errors="replace")

    @property
    def whole(self) -> bool:
        """Whether all of the message was kept."""
        return CUT_HEADER not in dict(self.headers)

    def about(self, kinds: Mapping[str, InputKind]) -> About:
        """Return which item and reservation the message names, if its topic is an input."""
        kind = kinds.get(self.source)
        return About(None, None) if kind is None else about(kind, self.value or b"")

    def plain(self, said: About) -> dict[str, Any]:
        """Return it for programs, with what it is about; a message that is not text is in base64."""
        at = datetime.fromtimestamp(self.at / 1000, UTC).isoformat(timespec="milliseconds")
        return {
            "origin": self.origin,
            "reason": self.reason,
            "detail": self.detail,
            "at": at,
            "item": said.item,
            "reservation": said.reservation,
            **message_of(self.value),
        }


def message_of(value: bytes | None) -> dict[str, str]:
    """Return a refused message for JSON: as text where it is text, else in base64."""
    message = value or b""
    try:
        return {"message": message.decode()}
    except UnicodeDecodeError:
        return {"messageBase64": base64.b64encode(message).decode()}
