"""Stock: what is held of one item, from facts that come late, twice and in any order.

Law: within the window, any order of arrival, with any duplicates, of the same facts and shipments gives the same
on hand and the same gap. For all that is read is a function of sets: of the facts of each location (folded in the
order of their stamps), of the stamps of the absolutes, and of the shipments.

on hand = the sum of the locations - what was shipped and is not included in an absolute yet. An absolute of its own
location includes a shipment; where that has none, it takes those of every location that has one. With absolutes both
with and without a location there are two such sums: the smaller is on hand. It may be negative.

The rows hold results, so that what arrives in order costs one instant, and a shipment reads no location;
`locations.fold` is what they are results of. Amounts are whole hundredths, stamps and times microseconds.
Source: domain.md, Stock.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

import msgspec

from atp_stream.domain import shipments as left
from atp_stream.domain.errors import Refused
from atp_stream.domain.instants import NEVER, Fact, Shipped, Standing
from atp_stream.domain.locations import Location, Outcome, StockRules, admits, enter, fold
from atp_stream.domain.shipments import IncludedUpTo, Shipment, Shipments

__all__ = [
    "Counted", "Fact", "Location", "Locations", "Outcome", "Place", "Shipment", "Stock", "StockRules",
    "counted", "derive", "record", "relocate", "ship", "take_back",
]  # fmt: skip

MOST_LOCATIONS: Final = 160
MOST_BYTES_OF_NAMES: Final = 6_000
"""Bounds of an item's row: with both reached it stays under 40 KB."""


class Locations(Protocol):
    """The rows of an item's locations; "" is the row of facts without a location."""

    def get(self, name: str) -> Location | None:
        """Return the row of a location; it may be changed in place, but counts as changed only once it is put."""

    def put(self, name: str, row: Location) -> None:
        """Set the row of a location."""


class Place(msgspec.Struct, array_like=True):
    """A location as its item sees it: how it stands, and the stamp of the newest absolute in its floor."""

    now: Standing = Standing()
    settled_at: int = NEVER


class Sums(msgspec.Struct, array_like=True, frozen=True):
    """Sums over the places that have a name; `absolutes` counts those that have an absolute."""

    value: int = 0
    gap: int = 0
    basis: int = 0
    absolutes: int = 0


class Stock(msgspec.Struct):
    """What is held of an item: a part of the item's row.

    `on_hand` may be negative; `gap` is the drift; `basis` is what a percentage of safety stock is taken of; `split`
    says that there are absolutes both with and without a location, so that all three are those of the smaller sum.
    """

    on_hand: int = 0
    gap: int = 0
    basis: int = 0
    split: bool = False
    named: Sums = Sums()
    places: dict[str, Place] = {}
    shipments: Shipments = {}


class Counted(NamedTuple):
    """What on hand is made of: the places that count, and the shipments that none of their absolutes includes yet."""

    places: list[tuple[str, int]]
    shipped: list[Shipment]

    @property
    def on_hand(self) -> int:
        """The sum of the places, less what was shipped."""
        return sum(value for _, value in self.places) - sum(one.quantity for one in self.shipped)


_NOWHERE: Final = Place()
_FOREVER: Final = 2**62


def record(stock: Stock, locations: Locations, fact: Fact, location: str, rules: StockRules) -> Outcome:
    """Take in a fact about a location ("" if it names none) and say what became of it.

    A duplicate or stale fact changes nothing. Raises Refused with reason too_many_locations; then nothing changed.
    """
    place = stock.places.get(location)
    if place is None:
        if not _has_room(stock, location):
            raise Refused("too_many_locations", f"{len(stock.places)} are known, {location!r} is not among them")
        place, row = _NOWHERE, Location()
    else:
        row = _row(locations, location)
    outcome = admits(row, fact, rules)
    if outcome is not Outcome.APPLIED:
        return outcome
    now = enter(row, fact, place.now, rules, _shipped_from(stock, location, rules))
    locations.put(location, row)
    _see(stock, location, Place(now, row.floor.absolute_at))
    if stock.shipments:
        if place.now.absolute_at == NEVER != now.absolute_at and location in stock.shipments:
            others = [name for name in _deciders(stock, "") if name not in {"", location}]
            _fold_again(stock, locations, others, rules)  # until now they shared what left here
        if place.settled_at != row.floor.absolute_at:
            left.forget(stock.shipments, _border(stock, rules, _settled_at))
    derive(stock, rules)
    return outcome


def ship(stock: Stock, locations: Locations, shipment: Shipment, rules: StockRules) -> None:
    """Take units (more than 0) that left out of the stock, until an absolute includes them.

    The caller knows shipments by their ids, and ships each once. Location rows are read only for a late shipment, and
    never written. Where an item has too many locations, an unknown one counts as none: it can have no absolute.
    """
    location = shipment.location if _has_room(stock, shipment.location) else ""
    if shipment.at <= _border(stock, rules, _settled_at)(location):
        return
    left.add(stock.shipments, location, shipment)
    left.merge(stock.shipments, _border(stock, rules, _included_at))
    _tell_absolutes(stock, locations, location, shipment.at, rules)


def take_back(stock: Stock, locations: Locations, shipment: Shipment, rules: StockRules) -> int:
    """Undo a shipment, or a part of it, whose units turn out to have left otherwise; return the units taken back.

    `shipment` has the stamp and location of the one that was shipped. What every floor includes already stays.
    """
    location = shipment.location if _has_room(stock, shipment.location) else ""
    if shipment.at <= _border(stock, rules, _settled_at)(location):
        return 0  # what is still kept around that moment is of others, merged
    taken = left.take(stock.shipments, location, shipment)
    _tell_absolutes(stock, locations, location, shipment.at, rules)
    return taken


def relocate(stock: Stock, locations: Locations, shipment: Shipment, location: str, rules: StockRules) -> None:
    """Let a shipment have left `location` instead: what every floor includes already stays so."""
    taken = take_back(stock, locations, shipment, rules)
    if taken:
        ship(stock, locations, Shipment(at=shipment.at, quantity=taken, location=location), rules)


def derive(stock: Stock, rules: StockRules) -> None:
    """Set on hand, gap and basis from places and shipments; to be called from outside only when the rules changed."""
    named, bare = stock.named, stock.places.get("", _NOWHERE).now
    stock.split = named.absolutes > 0 and bare.absolute_at != NEVER
    if not stock.split:
        missing = left.missing(stock.shipments, _border(stock, rules, _included_at)) if stock.shipments else 0
        stock.on_hand = named.value + bare.value - missing
        stock.gap, stock.basis = named.gap + bare.gap, named.basis + bare.basis
        return
    with_name = named.value - left.missing(stock.shipments, _border(stock, rules, _included_at, named=True))
    without = bare.value - left.missing(stock.shipments, lambda _: bare.absolute_at - rules.skew)
    if (with_name, -named.basis) <= (without, -bare.basis):  # of equal sums the one that withholds more
        stock.on_hand, stock.gap, stock.basis = with_name, named.gap, named.basis
    else:
        stock.on_hand, stock.gap, stock.basis = without, bare.gap, bare.basis


def counted(stock: Stock, rules: StockRules) -> Counted:
    """Return what on hand is the sum of."""
    bare = stock.places.get("", _NOWHERE).now
    places = [(name, place.now.value) for name, place in sorted(stock.places.items())]
    if not stock.split:
        return Counted(places, left.parts(stock.shipments, _border(stock, rules, _included_at)))
    named = Counted(
        [(name, value) for name, value in places if name],
        left.parts(stock.shipments, _border(stock, rules, _included_at, named=True)),
    )
    alone = Counted([("", bare.value)], left.parts(stock.shipments, lambda _: bare.absolute_at - rules.skew))
    sums = (named, stock.named.basis), (alone, bare.basis)
    return min(sums, key=lambda one: (one[0].on_hand, -one[1]))[0]


def live_by(stock: Stock, locations: Locations, rules: StockRules) -> None:
    """Fold the locations again whose absolutes may include other shipments by another skew; then derive."""
    if stock.shipments:
        _fold_again(stock, locations, [name for name, place in stock.places.items() if _has_absolute(place)], rules)
    derive(stock, rules)


def _tell_absolutes(stock: Stock, locations: Locations, location: str, at: int, rules: StockRules) -> None:
    """Let the absolutes that include what left `location` at `at` know of a change; then derive."""
    late = [name for name in _deciders(stock, location) if stock.places[name].now.absolute_at >= at + rules.skew]
    _fold_again(stock, locations, late, rules)
    derive(stock, rules)


def _fold_again(stock: Stock, locations: Locations, names: list[str], rules: StockRules) -> None:
    for name in names:
        now = fold(_row(locations, name), _shipped_from(stock, name, rules))
        _see(stock, name, Place(now, stock.places[name].settled_at))


def _see(stock: Stock, location: str, place: Place) -> None:
    """Put `place` where it belongs, and keep the sums right."""
    was, now = stock.places.get(location, _NOWHERE).now, place.now
    stock.places[location] = place
    if location:
        sums = stock.named
        stock.named = Sums(
            value=sums.value + now.value - was.value,
            gap=sums.gap + now.gap - was.gap,
            basis=sums.basis + now.basis - was.basis,
            absolutes=sums.absolutes + (was.absolute_at == NEVER != now.absolute_at),
        )


def _shipped_from(stock: Stock, location: str, rules: StockRules) -> Shipped:
    """Return what the absolutes of `location` may include: what left it, or left no location with an absolute."""
    if not stock.shipments:
        return _nothing
    groups = [
        group
        for name, group in stock.shipments.items()
        if not location or name == location or not _has_named_absolute(stock, name)
    ]
    return lambda after, until: left.between(groups, after - rules.skew, until - rules.skew)


def _nothing(_after: int, _until: int) -> int:
    return 0


def _deciders(stock: Stock, name: str) -> list[str]:
    """Return the locations whose absolutes must all include what left `name`, before nothing of it is missing."""
    if _has_named_absolute(stock, name):
        deciders = [name]
    else:
        deciders = [other for other in stock.places if _has_named_absolute(stock, other)]
    if _has_absolute(stock.places.get("", _NOWHERE)):
        deciders.append("")
    return deciders


def _border(stock: Stock, rules: StockRules, stamp: Callable[[Place], int], *, named: bool = False) -> IncludedUpTo:
    """Return, by name, the least stamp of the deciders (only of the `named` ones), less the skew."""
    bare = stock.places.get("", _NOWHERE)
    least = stamp(bare) if _has_absolute(bare) and not named else _FOREVER
    shared: list[int] = []  # of all that left no location with an absolute: looked for once, and only if asked

    def border(name: str) -> int:
        if _has_named_absolute(stock, name):
            own = stamp(stock.places[name])
        else:
            if not shared:
                all_ = (stamp(place) for other, place in stock.places.items() if other and _has_absolute(place))
                shared.append(min(all_, default=_FOREVER))
            own = shared[0]
        stamped = min(own, least)
        return NEVER if stamped == _FOREVER else stamped - rules.skew

    return border


def _has_absolute(place: Place) -> bool:
    return place.now.absolute_at != NEVER


def _has_named_absolute(stock: Stock, name: str) -> bool:
    return name != "" and _has_absolute(stock.places.get(name, _NOWHERE))


def _included_at(place: Place) -> int:
    return place.now.absolute_at


def _settled_at(place: Place) -> int:
    return place.settled_at


def _row(locations: Locations, name: str) -> Location:
    row = locations.get(name)
    if row is None:
        raise LookupError(f"the item knows a location {name!r} that has no row")
    return row


def _has_room(stock: Stock, location: str) -> bool:
    if not location or location in stock.places or location in stock.shipments:
        return True
    names = stock.places.keys() | stock.shipments.keys() | {location}
    return len(names) <= MOST_LOCATIONS and sum(len(msgspec.json.encode(n)) for n in names) <= MOST_BYTES_OF_NAMES
