"""The values of an output's fields, on either wire: the bytes that Avro has for them, and the text that JSON has.

A value is text (as bytes), a quantity, a time, a day, or quantities by day; its type says which.
"""

from datetime import date
from functools import lru_cache
from typing import Final, TypeAlias

from atp_stream.domain import quantity


class Millis(int):
    """A time, where other numbers are quantities."""


class Day(int):
    """A day, counted from 1970-01-01."""


class OptionalDay(int):
    """A day, where there may be none: `NO_DAY`."""


class Quantities(tuple[tuple[int, int], ...]):
    """Days, each with its `quantity`."""

    __slots__ = ()
    called = "quantity"


class Steps(Quantities):
    """Days, each with what is `available` from then on."""

    __slots__ = ()
    called = "available"


NO_DAY: Final = OptionalDay(-1)

Value: TypeAlias = bytes | int | Quantities


def json_text(value: int | Quantities) -> str:
    """Return the JSON of a value that is not text."""
    if isinstance(value, Quantities):
        entries = (f'{{"date":{_date(day)},"{value.called}":{quantity.show(units)}}}' for day, units in value)
        return f"[{','.join(entries)}]"
    if type(value) is Day or type(value) is OptionalDay:
        return "null" if value == NO_DAY else _date(value)
    return str(value) if type(value) is Millis else quantity.show(value)


def _date(day: int) -> str:
    return f'"{date.fromordinal(_FIRST_DAY + day).isoformat()}"'


def avro_by_day(value: Quantities) -> bytes:
    """Return Avro's array of days, each with an amount: one block, if there are any, and the end."""
    if not value:
        return _END
    return b"".join([avro_long(len(value)), *(avro_long(day) + avro_amount(units) for day, units in value), _END])


_FIRST_DAY: Final = date(1970, 1, 1).toordinal()
NULL, THERE, _END = b"\0", b"\2", b"\0"
"""Avro's first and second branch of a union, and the end of an array."""


@lru_cache(maxsize=16_384)
def avro_amount(hundredths: int) -> bytes:
    """Return Avro's decimal of scale 2 with its length: two's complement, big end first.

    Cached, for most amounts are small.
    """
    size = (hundredths.bit_length() + 8) >> 3
    return LENGTHS[size] + hundredths.to_bytes(size, "big", signed=True)


def avro_long(number: int) -> bytes:
    """Return Avro's long: zigzag, then seven bits a byte, low end first."""
    rest = number << 1 if number >= 0 else (-number << 1) - 1
    coded = bytearray()
    while rest > 127:  # noqa: PLR2004 - seven bits
        coded.append(rest & 127 | 128)
        rest >>= 7
    coded.append(rest)
    return bytes(coded)


LONG_TEXT: Final = 1_024
LENGTHS: Final = [avro_long(length) for length in range(LONG_TEXT)]
