"""How much a step, a partition, an item and a reservation may have at most.

`parts`, `movements` and `shipments` decide what is refused, or how shipments are matched: whoever changes one of them
folds another meaning into the same log. The others only cut the work into pieces, and make a partition wait; they show
in nothing but how availability is conflated.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one call of the fold. Source: docs/rules/identity.md#slices, docs/rules/reservations.md#parts."""

    slice: int = 500
    """Reservations that are served, ended or taken back, or items that are visited, in one go."""

    step_output: int = 4_000
    """Output with which a step takes no further command."""

    deferred: int = 1_000
    """Commands deferred for an item that has work to finish; then its partition waits for it."""

    pending_ticks: int = 1_000
    """Ticks kept for items to meet; the next one waits until the walk has caught up."""

    earlier_policies: int = 256
    policy_bytes: int = 2_000_000
    """Policies, and their bytes in all, kept for items to meet: each step reads them. The next one waits, and with it
    the partition, until the sweep has caught up."""

    parts: int = 256
    """Allocations, promises and waiting parts of a reservation; then it grows no more and takes no more parts."""

    movements: int = 512
    """Releases and fulfilments of a reservation that are known apart; more are refused."""

    shipments: int = 32
    """Shipments of a reservation that are known apart. Of more, neighbours are merged, and count as the younger: in
    doubt, under-promise. From a location for which there is no room at all, each shipment is a movement of its own,
    for the same reason."""


DEFAULT_LIMITS = Limits()

DAYS_EACH: Final = 8
"""Looking at so many days of a curve counts as one of a slice, and of the output of a step."""


class SliceBudget:
    """What is left of a slice."""

    __slots__ = ("left",)

    def __init__(self, limits: Limits) -> None:
        self.left = limits.slice

    def take_days(self, days: int) -> bool:
        """Take one place, and those of looking at so many days, or all that are left; return whether there was one."""
        if not self.left:
            return False
        self.left = max(0, self.left - 1 - days // DAYS_EACH)
        return True

    def take(self) -> bool:
        """Take one place; return whether there was one."""
        if not self.left:
            return False
        self.left -= 1
        return True
