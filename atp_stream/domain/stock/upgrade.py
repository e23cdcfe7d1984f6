"""Rows of stock as versions before 0.2 wrote them, and how they become rows of today.

An old item kept the newest facts of each location over a floor, and its shipments in its own row. What a floor holds
becomes the end of an absolute, or a sum of deltas, in which no stamps are kept apart: a later fact stamped in front of
it is past or stale, as it was. Until the last location is read, on hand, gap and basis stay what they were.
"""

from typing import Any

import msgspec

from atp_stream.domain.row_keys import old_location_key
from atp_stream.domain.stock.facts import NEVER, Fact
from atp_stream.domain.stock.fold import UNSEEN, StockFold
from atp_stream.domain.stock.rows import Stock, Sums


class OldFact(msgspec.Struct, array_like=True, gc=False):
    """A fact in the tail of an old location."""

    at_us: int
    id: str
    delta: int | None
    absolute: int | None
    reservation: bool = False


class OldFloor(msgspec.Struct, array_like=True, gc=False):
    """How an old location stood in front of its tail; stamps below 0 mean never."""

    value: int = 0
    gap: int = 0
    absolute_at_us: int = NEVER
    basis: int = 0


class OldLocation(msgspec.Struct, array_like=True, gc=False):
    """The old row of a location."""

    floor: OldFloor = msgspec.field(default_factory=OldFloor)
    floor_at_us: int = NEVER
    tail: list[OldFact] = []


class OldShipment(msgspec.Struct, array_like=True, gc=False):
    """Units that left an old location from `since_us` to `at_us`."""

    at_us: int
    quantity: int
    since_us: int


def is_old(stock: Stock) -> bool:
    """Return whether the rows of an item's stock are old ones, or half way from that."""
    return bool(stock.places) or bool(stock.shipments) or stock.upgrading is not None


def may_begin(stock: Stock) -> bool:
    """Return whether an upgrade is due and has not begun."""
    return stock.upgrading is None and is_old(stock)


def begin(stock: Stock, generation: int) -> None:
    """Let the upgrade begin; all facts of the old rows count as of `generation`."""
    stock.upgrading = generation


def upgrade(fold: StockFold) -> int:
    """Do a unit of an item's upgrade: first all floors and shipments, then the facts of one location at a time.

    Returns how many rows and facts it read; `upgrading` is None once all is done. The caller puts the item's row.
    """
    stock = fold.stock
    assert stock.upgrading is not None  # noqa: S101  (`begin` was called)
    shown = stock.on_hand, stock.gap, stock.basis, stock.split
    fold.live_by(fold.rules, stock.upgrading)
    read = 0
    if not stock.places or any(place is not None for place in stock.places.values()):
        read += len(stock.places) + len(stock.shipments)
        _take_floors(fold)
        stock.places = dict.fromkeys(stock.places)  # what is left of each: its tail
    if stock.places:
        location = next(iter(stock.places))
        key = old_location_key(fold.item, location)
        tail = _old_row(fold, key).tail
        read += len(tail)
        for fact in tail:
            fold.record(Fact(fact.at_us, fact.id, fact.delta, fact.absolute, fact.reservation), location)
        fold.rows.delete(key)
        del stock.places[location]
    if stock.places:
        stock.on_hand, stock.gap, stock.basis, stock.split = shown
        return read
    stock.upgrading = None
    fold.derive()
    return read


def _take_floors(fold: StockFold) -> None:
    stock, skew_us = fold.stock, fold.rules.skew_us
    stock.named, stock.bare = Sums(), Sums()
    for location in stock.places:
        was = _old_row(fold, old_location_key(fold.item, location))
        floor, place = was.floor, fold.turned(location)
        row = place.row
        row.forgotten_at_us = row.facts.edge_us = max(was.floor_at_us, NEVER)
        if floor.absolute_at_us < 0:
            row.after = floor.value
        else:
            row.at_us = row.base_at_us = row.basis_at_us = floor.absolute_at_us
            row.end, row.sure, row.base_end, row.base_counts = floor.value, 2, floor.value - floor.gap, True
            row.basis = floor.basis
            row.included_at_us = row.base_included_at_us = floor.absolute_at_us - skew_us
            if floor.gap:  # it counts from a moment before
                row.base_at_us -= 1
        fold.see(place, UNSEEN)
    for location, group in stock.shipments.items():
        for left in msgspec.convert(group, list[OldShipment]):
            fold.ship(left.at_us, left.quantity, location)
    stock.shipments = {}


def _old_row(fold: StockFold, key: str) -> OldLocation:
    row: Any = fold.rows.get(key)
    assert isinstance(row, OldLocation)  # noqa: S101  (an old item has the rows of its locations)
    return row
