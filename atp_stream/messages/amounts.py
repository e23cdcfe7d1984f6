"""Amounts on the wire, to and from whole hundredths.

JSON's text and Avro's decimals of scale 2 are read and written here directly, for they are the hot path;
anything unusual goes to `quantity.parse`, which alone says what is an amount and what is refused.
"""

from decimal import Decimal
from typing import Final

from atp_stream.domain import quantity
from atp_stream.domain.quantity import LARGEST

_INTEGER_DIGITS: Final = quantity.INTEGER_DIGITS
_SCALE: Final = quantity.SCALE
_LONGEST: Final = 64  # bytes of an unscaled decimal; far beyond what an amount may have
_BEYOND: Final = Decimal("1E+100")


class Hundredths(int):
    """An amount whose scale its schema has told: whole hundredths."""


def from_json(raw: bytes) -> int | None:
    """Return the amount that a JSON value states, None for `null`.

    Raises:
        Refused: as `quantity.parse`.
    """
    if raw.isdigit() and len(raw) <= _INTEGER_DIGITS:
        return int(raw) * 100
    if raw == b"null":
        return None
    whole, _, part = raw.partition(b".")
    if len(part) == _SCALE and whole.isdigit() and part.isdigit() and len(whole) <= _INTEGER_DIGITS:
        return int(whole + part)
    return quantity.parse(raw.strip(b'"').decode(errors="replace"))


def from_decimal(unscaled: bytes, scale: int) -> Hundredths | Decimal:
    """Return what the bytes of an Avro decimal state; exact, whatever its scale and size.

    Anything but scale 2 is left to `quantity.parse`, which refuses what is too fine or too large.
    """
    if len(unscaled) > _LONGEST:
        return _BEYOND
    number = int.from_bytes(unscaled, "big", signed=True)
    if scale == _SCALE and -LARGEST <= number <= LARGEST:
        return Hundredths(number)
    return Decimal(f"{number}E-{scale}")


def to_decimal(hundredths: int) -> bytes:
    """Return the bytes of Avro's decimal of scale 2: two's complement, big end first."""
    return hundredths.to_bytes((hundredths.bit_length() + 8) >> 3, "big", signed=True)
