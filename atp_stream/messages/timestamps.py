"""Event times: from what upstream writes to whole microseconds since the epoch (UTC).

Text is ISO 8601 with `Z`, an offset, or neither (then UTC); digits beyond microseconds are cut off, and a date
without a time of day is no instant. A number is *milliseconds*, as in the seed's schemas, and its decimals are finer
parts. Nothing is guessed from size: a number that lies before March 1973 is in a larger unit than it should be
(seconds for milliseconds, milliseconds for microseconds) and is refused; one in a smaller unit lies far ahead, and is
refused here or by the fold's five minutes.
"""

from datetime import UTC, date, datetime
from typing import Final

import msgspec

from atp_stream.domain.errors import Refused
from atp_stream.domain.reasons import Reason

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - the twin for texts without an offset
_END_US: Final = 253_402_300_800_000_000  # 10000-01-01
_MIN_MS: Final = 100_000_000_000  # March 1973; as seconds it would be the year 5138
LEAST_MICROS: Final = _MIN_MS * 1000
_DAY_US: Final = 24 * 60 * 60 * 1_000_000
_FIRST_DAY: Final = date(1970, 1, 1)
_NO_DAY: Final = -1
_DATE_CHARS: Final = len("2024-05-01")


class Micros(int):
    """An instant whose unit its schema states: microseconds since the epoch."""


class DayNumber(int):
    """A day, counted from 1970-01-01, as its schema states."""


def micros(stamp: str | float) -> int:
    """Return the instant in whole microseconds since the epoch.

    Raises:
        Refused: `bad_timestamp`.
    """
    if isinstance(stamp, str):
        instant = _from_text(stamp)
    elif type(stamp) is Micros:
        instant = int(stamp)
    else:
        instant = _from_milliseconds(stamp)
    if 0 <= instant < _END_US:
        return instant
    raise Refused(Reason.BAD_TIMESTAMP, f"{stamp!r:.100} is not between 1970 and 9999")


def day_of(found: object) -> int | None:
    """Return the day (UTC) that a date, or an instant that falls into it, states; None where there is none.

    `found` is JSON text, or what a schema made of it: a date is that day, whatever its time zone.

    Raises:
        Refused: `bad_timestamp`.
    """
    if isinstance(found, msgspec.Raw):
        found = _read(found) if found else None
    if found is None or found == "":
        return None
    if type(found) is DayNumber:
        day = int(found)
    elif isinstance(found, str) and len(found) == _DATE_CHARS:
        try:
            day = (date.fromisoformat(found) - _FIRST_DAY).days
        except ValueError:
            day = _NO_DAY
    elif isinstance(found, str | int | float) and not isinstance(found, bool):
        day = micros(found) // _DAY_US
    else:
        day = _NO_DAY
    if 0 <= day < _END_US // _DAY_US:
        return day
    raise Refused(Reason.BAD_TIMESTAMP, f"{found!r:.100} is no day between 1970 and 9999")


def _read(raw: msgspec.Raw) -> object:
    """Return what a part of a message says that nothing has looked into yet."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Refused(Reason.BAD_TIMESTAMP, f"it cannot be read: {error!s:.100}") from None


def _from_text(text: str) -> int:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = _from_odd_text(text)
    if len(text) <= _DATE_CHARS:
        raise Refused(Reason.BAD_TIMESTAMP, f"{text!r} has no time of day")
    since = instant - (_NAIVE_EPOCH if instant.tzinfo is None else _EPOCH)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _from_odd_text(text: str) -> datetime:
    # The seed's snippet glues a `Z` to isoformat(); with an aware clock that makes `+00:00Z`.
    plain = text.upper()
    if plain.endswith("+00:00Z"):
        plain = plain[:-1]
    try:
        return datetime.fromisoformat(plain)
    except ValueError:
        raise Refused(Reason.BAD_TIMESTAMP, f"{text!r:.100} is not ISO 8601") from None


def _from_milliseconds(number: float) -> int:
    if not _MIN_MS <= number < _END_US:  # false for NaN, too
        raise Refused(Reason.BAD_TIMESTAMP, f"{number!r:.100} is not in milliseconds since the epoch")
    return number * 1000 if type(number) is int else round(number * 1000)
