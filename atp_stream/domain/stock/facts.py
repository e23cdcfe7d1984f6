"""What is said about the stock of one location, and the rules by which it is taken in.

Amounts are whole hundredths; stamps are microseconds since the epoch and never below 0.
Source: docs/rules/stock.md#facts.
"""

from enum import Enum
from typing import Final

import msgspec

NEVER: Final = -1
"""A stamp before all others."""

MAX_SUM: Final = 4 * 10**18
"""Sums stop here, 10,000 times the greatest amount that a message may state: every one fits 64 bits."""


MAX_SHOWN: Final = 10**15
"""What an item shows of its sums stops here, ten times the greatest amount that a message may state."""


class StockRules(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How late a fact may come: a part of the policy document; both are microseconds.

    `window_us` (W) is how long a fact is remembered at the least. An absolute includes what was shipped up to `skew_us`
    before it; below 0, also what was shipped up to as long after it.
    """

    window_us: int = 24 * 60 * 60 * 1_000_000
    skew_us: int = 0


class Fact(msgspec.Struct, frozen=True, gc=False):
    """One message about the stock of a location.

    An adjustment has `delta` and `absolute` (the stock after it), a delta has no absolute, a count no delta.
    `reservation` says that the movement ships a reservation. `id` is the message's event id.
    """

    at_us: int
    id: str
    delta: int | None
    absolute: int | None
    reservation: bool = False


class Outcome(Enum):
    """What became of a fact."""

    APPLIED = "applied"
    LATE = "late"
    """Applied, in front of the newest absolute of its location."""
    DUPLICATE = "duplicate"
    PAST = "past"
    """A newer absolute already holds it: it moves nothing."""
    STALE = "stale"
    """Nobody can know any more whether it was counted."""


def saturated(total: int) -> int:
    """Return a sum, held within ±MAX_SUM."""
    return total if -MAX_SUM <= total <= MAX_SUM else MAX_SUM if total > 0 else -MAX_SUM
