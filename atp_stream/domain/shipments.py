"""Units that have left and may not be in the stock yet, by the location that they left from.

They are kept, after an absolute has included them, until every floor has: a late fact, or the first absolute of
another location, may still ask for them. Too many are merged; a merged one counts as the latest of its parts, so it is
subtracted longer: in doubt, under-promise.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from itertools import pairwise
from operator import attrgetter
from typing import Final, TypeAlias

import msgspec

MOST: Final = 64
"""So many shipments of an item are told apart (and at least one of each location)."""

_stamp = attrgetter("at")


class Shipment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Units that left `location` ("" if none is known: of the event, else of its reservation) at `at`."""

    at: int
    quantity: int
    location: str = ""


class Left(msgspec.Struct, array_like=True, gc=False):
    """Units of one location that left from `since` to `at`: more than an instant only where shipments were merged."""

    at: int
    quantity: int
    since: int


Shipments: TypeAlias = dict[str, list[Left]]
"""By location; each list in the order of stamps, its spans disjoint."""

IncludedUpTo: TypeAlias = Callable[[str], int]
"""The stamp (less skew) up to which what left a location is included."""


def add(shipments: Shipments, location: str, shipment: Shipment) -> None:
    """Add units; those of one instant are one."""
    group = shipments.setdefault(location, [])
    place = bisect_left(group, shipment.at, key=_stamp)
    if place < len(group) and group[place].since <= shipment.at:
        group[place].quantity += shipment.quantity
    else:
        group.insert(place, Left(shipment.at, shipment.quantity, shipment.at))


def take(shipments: Shipments, location: str, shipment: Shipment) -> int:
    """Take back units that were added, and return how many; what is no longer kept is included for good, and stays."""
    group = shipments.get(location, [])
    place = bisect_left(group, shipment.at, key=_stamp)
    if place == len(group) or group[place].since > shipment.at:
        return 0
    left = group[place]
    taken = min(left.quantity, shipment.quantity)
    left.quantity -= taken
    if not left.quantity:
        del group[place]
        if not group:
            del shipments[location]
    return taken


def forget(shipments: Shipments, included: IncludedUpTo) -> None:
    """Forget what every floor includes."""
    for location in list(shipments):
        border = included(location)
        kept = [left for left in shipments[location] if left.at > border]
        if kept:
            shipments[location] = kept
        else:
            del shipments[location]


def missing(shipments: Shipments, included: IncludedUpTo) -> int:
    """Return the units that are not included yet."""
    units = 0
    for location, group in shipments.items():
        border = included(location)
        for left in reversed(group):
            if left.at <= border:
                break
            units += left.quantity
    return units


def parts(shipments: Shipments, included: IncludedUpTo) -> list[Shipment]:
    """Return the shipments that `missing` sums, by location and time; those that were merged are one."""
    return [
        Shipment(at=one.at, quantity=one.quantity, location=location)
        for location, group in sorted(shipments.items())
        for one in group
        if one.at > included(location)
    ]


def between(groups: Iterable[list[Left]], after: int, until: int) -> int:
    """Return the units that left after the first stamp and not after the second."""
    units = 0
    for group in groups:
        for left in reversed(group):
            if left.at <= after:
                break
            if left.at <= until:
                units += left.quantity
    return units


def merge(shipments: Shipments, included: IncludedUpTo) -> None:
    """Merge neighbours where it costs least, if there are too many: up to a quarter at once, so that it is rare.

    It costs nothing where both are included; else the units of the earlier for the time between the two. Always the
    oldest two would make one heap as young as the 64th latest: a busy item's daily count would never include it.
    """
    if sum(map(len, shipments.values())) <= MOST:
        return
    costs: list[tuple[bool, bool, int, str, int]] = []
    for location, group in shipments.items():
        border = included(location)
        for place, (one, heir) in enumerate(pairwise(group)):
            is_open = heir.at > border
            revives = is_open and one.at <= border  # what is included would be missing again
            costs.append((revives, is_open, one.quantity * (heir.at - one.at), location, place))
    merged: set[tuple[str, int]] = set()
    for revives, _, _, location, place in sorted(costs):
        if merged and (revives or len(merged) >= MOST // 4):
            break
        if not {(location, place - 1), (location, place + 1)} & merged:  # chains would heap up the oldest
            merged.add((location, place))
    for location, place in sorted(merged, reverse=True):
        one = shipments[location].pop(place)
        heir = shipments[location][place]
        heir.quantity += one.quantity
        heir.since = one.since
