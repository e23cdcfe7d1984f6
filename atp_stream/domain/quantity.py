"""Exact amounts: whole hundredths inside, decimals with at most two places outside.

Law: what `parse` accepts, it keeps exactly; nothing is ever rounded. `parse(show(h)) == parse(to_decimal(h)) == h`.
"""

import re
from decimal import Context, Decimal
from typing import Final

from atp_stream.domain.errors import Refused
from atp_stream.domain.reasons import Reason

SCALE: Final = 2
INTEGER_DIGITS: Final = 12
MAX_HUNDREDTHS: Final = 10 ** (INTEGER_DIGITS + SCALE) - 1
"""The greatest amount a message may state, in hundredths."""

_ONE: Final = 10**SCALE
_TOO_LARGE: Final = 10**INTEGER_DIGITS
_MAX_SHOWN: Final = 40
# Decimal() itself takes too much: "1_000", blanks, digits of other scripts.
_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_NOT_FINITE: Final = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE | re.ASCII)
_EXACT: Final = Context(prec=64)


def parse(value: object) -> int:
    """Return an amount in whole hundredths.

    `value` is an int, a Decimal, or the text of a number as JSON writes it. A float is not taken, for it may already
    have lost what was written: hand over its text. Up to two decimals *by value*: 1.500 is 150, 1.505 is refused.

    Raises Refused with reason quantity_not_a_number, quantity_not_finite, quantity_too_large (more than 12 integer
    digits) or quantity_too_fine (more than 2 decimals). Source: docs/rules/identity.md#quantities.
    """
    if type(value) is int:  # a bool is an int, but no amount
        if abs(value) >= _TOO_LARGE:
            raise Refused(Reason.QUANTITY_TOO_LARGE, _shown(value))
        return _ONE * value
    if type(value) is str:
        value = _read(value)
    if type(value) is Decimal:
        return _hundredths(value)
    raise Refused(Reason.QUANTITY_NOT_A_NUMBER, f"a {type(value).__name__}")


def show(hundredths: int) -> str:
    """Return the amount as text that is a JSON number too: whole amounts print whole, others with two decimals."""
    whole, rest = divmod(abs(hundredths), _ONE)
    sign = "-" if hundredths < 0 else ""
    return f"{sign}{whole}.{rest:02d}" if rest else f"{sign}{whole}"


def to_decimal(hundredths: int) -> Decimal:
    """Return the amount as a Decimal of scale 2, as Avro's decimal(18, 2) wants it."""
    return Decimal(hundredths).scaleb(-SCALE, _EXACT)


def _read(text: str) -> Decimal:
    if _NUMBER.fullmatch(text):
        try:
            return Decimal(text)
        except ArithmeticError:  # an exponent beyond what Decimal can hold
            tiny = "e-" in text.lower()
            raise Refused(Reason.QUANTITY_TOO_FINE if tiny else Reason.QUANTITY_TOO_LARGE, _shown(text)) from None
    if _NOT_FINITE.fullmatch(text):
        raise Refused(Reason.QUANTITY_NOT_FINITE, _shown(text))
    raise Refused(Reason.QUANTITY_NOT_A_NUMBER, _shown(text))


def _hundredths(value: Decimal) -> int:
    """Count on the digits alone: arithmetic would round by the thread's decimal context, or build 10**999999."""
    if not value.is_finite():
        raise Refused(Reason.QUANTITY_NOT_FINITE, _shown(value))
    if not value:
        return 0
    if value.adjusted() >= INTEGER_DIGITS:
        raise Refused(Reason.QUANTITY_TOO_LARGE, _shown(value))
    sign, digits, exponent = value.as_tuple()
    shift = int(exponent) + SCALE
    kept = digits if shift >= 0 else digits[:shift]
    if value.adjusted() < -SCALE or any(digits[len(kept) :]):
        raise Refused(Reason.QUANTITY_TOO_FINE, _shown(value))
    amount = 0
    for digit in kept:
        amount = 10 * amount + digit
    for _ in range(shift):
        amount *= 10
    return -amount if sign else amount


def _shown(value: object) -> str:
    """Return `value` short enough for a header; Python refuses to print an int of thousands of digits."""
    text = str(value) if type(value) is not int else f"an integer of {value.bit_length()} bits"
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
