"""What is said about the stock of an item, in the oracle's own words.

Quantities are whole hundredths, stamps are microseconds.
"""

from typing import Any, NamedTuple


class Said(NamedTuple):
    """A fact: an adjustment, a count (no delta) or a delta (no absolute); `reservation` if it ships one.

    `skew` is that of the policy when it came: an absolute includes what left up to `skew` before its stamp.
    """

    at_us: int
    id: Any
    delta: int | None
    absolute: int | None
    reservation: bool
    location: str
    skew_us: int = 0


class Gone(NamedTuple):
    """Units that left a location; `rest` are those of a fulfilment of all that was left, which states no number."""

    at_us: int
    quantity: int
    location: str
    rest: bool = False


class Held(NamedTuple):
    """What there is, and what a percentage of it is taken of."""

    on_hand: int
    basis: int
    split: bool
