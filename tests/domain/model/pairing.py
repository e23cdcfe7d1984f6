"""What of a reservation's fulfilments stands in the stock beside the adjustments that name it.

An adjustment moves the stock by itself, and may tell of what a fulfilment tells of too. From the same location, or
where one of them names none, that is one movement; from different locations it is two. Whoever says that all the rest
has left counts in what left elsewhere, so it goes with an adjustment of any location.
Source: docs/rules/stock.md#pairing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Fulfilled(NamedTuple):
    """Units that a fulfilment says have left `location`; `rest` if it said that all that was left has."""

    at: int
    quantity: int
    location: str = ""
    rest: bool = False

    @property
    def stated(self) -> str:
        """The location that decides what it goes with."""
        return "" if self.rest else self.location


def unpaired(fulfilled: Iterable[Fulfilled], adjusted: Mapping[str, int]) -> list[Fulfilled]:
    """Return the fulfilments without the units that adjustments report as well, which are the oldest of a location."""
    in_order = sorted(fulfilled, key=lambda one: (one.at, one.stated, one.location))
    units: Counter[str] = Counter()
    for one in in_order:
        units[one.stated] += one.quantity
    repeated_at = Counter({place: min(units[place], moved) for place, moved in adjusted.items() if place})
    elsewhere = sum(moved - repeated_at[place] for place, moved in adjusted.items() if place)
    nowhere = adjusted.get("", 0)
    repeated_at[""] = min(units[""], elsewhere + nowhere)
    anywhere = nowhere - max(0, repeated_at[""] - elsewhere)  # goes with what is left, the oldest first
    counted = []
    for one in in_order:
        repeated = min(one.quantity, repeated_at[one.stated])
        repeated_at[one.stated] -= repeated
        more = min(one.quantity - repeated, anywhere)
        anywhere -= more
        counted.append(one._replace(quantity=one.quantity - repeated - more))
    return [one for one in counted if one.quantity]
