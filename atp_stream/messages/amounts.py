"""Amounts on the wire, to and from whole hundredths.

JSON's text and Avro's decimals of scale 2 are read and written here directly, for they are the hot path;
anything unusual goes to `quantity.parse`, which alone says what is an amount and what is refused.
"""

from decimal import Decimal
from typing import Final

import msgspec

from atp_stream.domain import quantity
from atp_stream.domain.errors import Refused
from atp_stream.domain.quantity import MAX_HUNDREDTHS

_INTEGER_DIGITS: Final = quantity.INTEGER_DIGITS
_SCALE: Final = quantity.SCALE
_MAX_DECIMAL_BYTES: Final = 64  # bytes of an unscaled decimal; far beyond what an amount may have
_BEYOND: Final = Decimal("1E+100")
_TOO_FINE: Final = "quantity_too_fine"
_HUNDREDTH: Final = Decimal("0.01")
_NOISE: Final = Decimal("1E-9")
_DIGITS: Final = 17  # that the text of a double may need
_MIN_EXPONENT: Final = -324  # exponent of the least double


class Hundredths(int):
    """An amount whose scale its schema states: whole hundredths."""


def amount(found: object) -> int | None:
    """Return the amount that a field of a form states, in hundredths, whichever wire it came by; None if it is absent.

    Raises:
        Refused: as `quantity.parse`.
    """
    if type(found) is Hundredths:
        return int(found)
    if type(found) is not msgspec.Raw:
        return exact(found)
    raw = bytes(found)
    if raw.isdigit() and len(raw) <= _INTEGER_DIGITS:
        return int(raw) * 100
    if not raw or raw == b"null":
        return None
    whole, _, part = raw.partition(b".")
    if len(part) == _SCALE and whole.isdigit() and part.isdigit() and len(whole) <= _INTEGER_DIGITS:
        return int(whole + part)
    return exact(_text(raw))


def _text(raw: bytes) -> str:
    if raw[:1] == b'"' and b"\\" in raw:  # a digit may be written as its code
        return str(msgspec.json.decode(raw))
    return raw.strip(b'"').decode(errors="replace")


def exact(found: object) -> int:
    """Return an amount in hundredths; what sums of floats leave behind it, up to 1e-9, is none of it.

    JavaScript and many others add 10.1 and 19.9 to 30.000000000000004.

    Raises:
        Refused: as `quantity.parse`.
    """
    try:
        return quantity.parse(found)
    except Refused as refused:
        near = _nearest(found) if refused.reason == _TOO_FINE else None
        if near is None:
            raise
        return near


def _nearest(found: object) -> int | None:
    """Return the hundredth that the text of a double means; None if it is none, or means none."""
    try:
        number = Decimal(str(found))
        if len(number.as_tuple().digits) > _DIGITS or number.adjusted() < _MIN_EXPONENT:
            return None
        near = number.quantize(_HUNDREDTH)
    except ArithmeticError:
        return None
    return quantity.parse(near) if abs(number - near) <= _NOISE else None


def from_decimal(unscaled: bytes, scale: int) -> Hundredths | Decimal:
    """Return what the bytes of an Avro decimal state; exact, whatever its scale and size.

    Anything but scale 2 is left to `quantity.parse`, which refuses what is too fine or too large.
    """
    if len(unscaled) > _MAX_DECIMAL_BYTES:
        return _BEYOND
    number = int.from_bytes(unscaled, "big", signed=True)
    if scale == _SCALE and -MAX_HUNDREDTHS <= number <= MAX_HUNDREDTHS:
        return Hundredths(number)
    return Decimal(f"{number}E-{scale}")
