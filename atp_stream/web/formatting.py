"""How the views write quantities and times."""

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from atp_stream.domain import quantity
from atp_stream.domain.time_units import US_PER_MS

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def units(hundredths: int) -> msgspec.Raw:
    """Return an amount as an exact JSON number."""
    return msgspec.Raw(quantity.show(hundredths).encode())


def moment(microseconds: int) -> str:
    """Return a time as the views write it, cut to milliseconds."""
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat(timespec="milliseconds")


def date_of(day: int) -> str:
    """Return a day, counted from 1970-01-01, as the views write it."""
    return (_EPOCH + timedelta(days=day)).date().isoformat()


def date_or_none(day: int | None) -> str | None:
    """Return a day, if there is one, as the views write it."""
    return None if day is None else date_of(day)


def log_moment(milliseconds: int) -> str:
    """Return a log time as the views write it."""
    return moment(milliseconds * US_PER_MS)
