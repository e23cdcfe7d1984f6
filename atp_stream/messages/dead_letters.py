"""Dead letters: what was refused, as it came, and why.

The value and key are the original's, byte for byte; its headers come first, ours behind them. Replaying a letter
is sending its value and key again. Readers dedupe by `atp-origin`, the place that the record came from.
"""

import re
from typing import Final

import msgspec

from atp_stream.domain.errors import Refused
from atp_stream.records import Output, Record

DEAD_LETTER: Final = "DeadLetter"
"""What a letter is called beside the names of events."""
REASON_HEADER: Final = "atp-reason"
DETAIL_HEADER: Final = "atp-detail"
ORIGIN_HEADER: Final = "atp-origin"
AT_HEADER: Final = "atp-at"
CUT_HEADER: Final = "atp-cut"  # of how many bytes this letter keeps the beginning
OUR_HEADERS: Final = frozenset({REASON_HEADER, DETAIL_HEADER, ORIGIN_HEADER, AT_HEADER, CUT_HEADER})

MAX_LETTER_BYTES: Final = 1_500_000
"""Key, value and headers of a letter are bytes of the original up to here in all; the topic takes 2 MiB."""
_MAX_KEY_BYTES: Final = 1_000
_MAX_DETAIL_CHARS: Final = 500
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Original(msgspec.Struct, frozen=True, array_like=True):
    """An input record as it came, carried in the item log so that a refusal by the fold can give it back."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    timestamp: int


def letter(record: Record, origin: str, refused: Refused, *, to: tuple[str, int], at_ms: int | None = None) -> Output:
    """Return the letter of a record that was refused, to a partition of the dead-letter topic.

    `origin` is where it came from, `topic/partition/offset`; `at_ms` is when it was refused, in milliseconds, or
    else when it was written: so the same refusal is the same letter, however often it is sent.
    """
    ours = {
        REASON_HEADER: refused.reason,
        DETAIL_HEADER: escaped(refused.detail),
        ORIGIN_HEADER: origin,
        AT_HEADER: str(record.timestamp if at_ms is None else at_ms),
    }
    key, value = record.key, record.value
    theirs = [header for header in record.headers or () if header[0] not in OUR_HEADERS]
    size = len(key or b"") + len(value or b"") + sum(len(one or b"") for _, one in theirs)
    if size > MAX_LETTER_BYTES:  # more than any broker takes: what it was is kept as far as it goes
        ours[CUT_HEADER] = str(size)
        key, value, theirs = (key or b"")[:_MAX_KEY_BYTES], (value or b"")[:MAX_LETTER_BYTES], []
    return Output(*to, key, value, [*theirs, *((name, text.encode()) for name, text in ours.items())], DEAD_LETTER)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Original).decode


def pack_original(record: Record) -> bytes:
    """Return key, value, headers and timestamp as one header's value."""
    return _encode((record.key, record.value, tuple(record.headers or ()), record.timestamp))


def unpack_original(packed: bytes) -> Original:
    """Return what `pack_original` was given.

    Raises:
        msgspec.DecodeError: it was not packed by us.
    """
    return _decode(packed)


def escaped(detail: str) -> str:
    """Return text that stays on one line of a terminal: control characters escaped, at most 500 characters."""
    shown = detail if len(detail) <= _MAX_DETAIL_CHARS else detail[:_MAX_DETAIL_CHARS] + "…"
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), shown)
