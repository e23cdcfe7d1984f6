"""The stock of one item while a step folds it: any number of facts of any number of locations, in any order.

Law: the same facts and shipments, in any order of arrival in which none is overtaken by more than the window, and with
any duplicates, give the same on hand, gap and basis. A fact is refused only if one of its location, stamped at or after
it, came more than a window before it; numbers never matter.

on hand = the sum of the locations - what was shipped and is not included in an absolute yet. An absolute of its own
location includes a shipment; what left a location without one is included once every named location that has one
includes it. With absolutes both with and without a location there are two such sums: the smaller is on hand.
Source: docs/rules/stock.md#law, docs/rules/stock.md#on-hand.
"""

from typing import Final, TypeAlias

from atp_stream.domain.row_keys import location_key
from atp_stream.domain.stock import homeless, instants, results, spans
from atp_stream.domain.stock.facts import MAX_SHOWN, NEVER, Fact, Outcome, StockRules, saturated
from atp_stream.domain.stock.place import Place, mark_of
from atp_stream.domain.stock.rows import ADJUSTS, COUNTS, SHIPS, Link, Location, Stock
from atp_stream.domain.stock.series import Rows

Seen: TypeAlias = tuple[int, int, int, int, int]
"""What the item's sums hold of a location: its value, gap and basis, its newest absolute, and what left later."""

UNSEEN: Final[Seen] = (0, 0, 0, NEVER, 0)


class StockFold:
    """The stock of an item; `live_by` says which rules and which generation the next command meets."""

    __slots__ = ("_has_rows", "_places", "generation", "item", "rows", "rules", "stock")

    def __init__(self, rows: Rows, item: str, stock: Stock, *, has_rows: bool = True) -> None:
        """`item` is "tenant|item", as in keys; `stock` is a part of the item's row, which the caller puts.

        `has_rows` is False of an item that no location can have a row of: none is looked for.
        """
        self.rows = rows
        self.item = item
        self.stock = stock
        self.rules = StockRules()
        self.generation = 0
        self._has_rows = has_rows
        self._places: dict[str, Place] = {}

    def live_by(self, rules: StockRules, generation: int) -> None:
        """Take in what follows by these rules, in this generation of stock time."""
        if generation == self.generation and rules is self.rules:
            return
        self._has_rows |= bool(self._places)
        self._places = {}
        self.rules, self.generation = rules, generation

    def record(self, fact: Fact, location: str, sums: dict[int, int] | None = None) -> Outcome:
        """Take in a fact about a location ("" if it names none) and say what became of it.

        One that is not applied changes nothing. `sums` are sums of deltas behind a stamp that are known already.
        """
        place = self.place(location)
        row, at_us, mark = place.row, fact.at_us, mark_of(fact, location)
        if place.knows(mark):
            return Outcome.DUPLICATE
        if at_us <= place.forgotten_at_us:
            return Outcome.PAST if at_us < row.at_us and not fact.reservation else Outcome.STALE
        place.turn()
        place.remember(mark, at_us)
        place.sums = dict(sums) if sums else {}
        instant = place.touch(at_us)
        delta = fact.delta or 0
        instant.delta = saturated(instant.delta + delta)
        if fact.absolute is None and delta < 0:
            instant.bare_loss = saturated(instant.bare_loss + delta)
        if fact.absolute is None and at_us > row.at_us:  # the common case: nothing but the value changes
            row.after = saturated(row.after + delta)
            place.put()
            total = self.stock.named if location else self.stock.bare
            total.value = saturated(total.value + delta)
            self.derive()
            return Outcome.APPLIED
        was = _seen(row)
        if fact.absolute is None:
            results.move(place, instant, delta)
        else:
            kind = COUNTS if fact.delta is None else SHIPS if fact.reservation else ADJUSTS
            link = Link(fact.absolute, fact.absolute - delta, kind)
            instants.state(self.rows, place.name, instant, link, self.generation)
            results.state(place, instant, delta)
        self.see(place, was)
        self.derive()
        return Outcome.LATE if at_us < row.at_us else Outcome.APPLIED

    def forgotten_at_us(self, location: str) -> int:
        """Return the stamp up to which facts of a location can no longer be judged."""
        return self.place(location).forgotten_at_us

    def ship(self, at_us: int, units: int, location: str) -> None:
        """Take units out of the stock, or (below 0) back into it, until an absolute includes them.

        The caller ships each movement once, and takes back what it shipped at the same stamp and location.
        """
        adrift = units if not location or newest_at(self, location) == NEVER else 0
        for name in ("", location) if location else ("",):
            place = self.turned(name)
            row, was = place.row, _seen(place.row)
            self.add(place, at_us, units, 0 if name else adrift)
            row.out = saturated(row.out + units * (at_us > row.included_at_us))
            row.base_out = saturated(row.base_out + units * (at_us > row.base_included_at_us))
            self.see(place, was)
        stock = self.stock
        if adrift and (not stock.named.absolutes or at_us > stock.oldest_us):
            stock.homeless = saturated(stock.homeless + adrift)
        self.derive()

    def place(self, location: str) -> Place:
        """Return a location, to read."""
        place = self._places.get(location)
        if place is None:
            key = location_key(self.item, location)
            row = self.rows.get(key) if self._has_rows else None
            row = row or Location(generation=self.generation)
            place = Place(self.rows, self.item, location, key, row, self.rules, self.generation)
            self._places[location] = place
        return place

    def turned(self, location: str) -> Place:
        """Return a location whose row will be put, in the present generation."""
        place = self.place(location)
        place.turn()
        return place

    def add(self, place: Place, at_us: int, units: int, adrift: int) -> None:
        """Add to the shipments of a location."""
        place.departures.add(at_us, units, adrift)
        if len(place.row.shipments.spans) > spans.MAX_SPANS:
            if place.location:
                spans.shorten(place.row.shipments, place.row.included_at_us, spans.MAX_SPANS)
            else:
                spans.shorten(place.row.shipments, self.bare_border(place), spans.MAX_BARE_SPANS)

    def bare_border(self, place: Place) -> int:
        """Return the stamp up to which shipments of no location are included."""
        return self.stock.oldest_us if self.stock.named.absolutes else place.row.included_at_us

    def see(self, place: Place, was: Seen) -> None:
        """Put the row of a location, and let the sums of the item follow it."""
        place.put()
        row, stock = place.row, self.stock
        sums = stock.named if place.location else stock.bare
        value, gap, basis, at_us, out = was
        sums.value = saturated(sums.value + row.value - value)
        sums.gap = saturated(sums.gap + row.gap - gap)
        sums.basis = saturated(sums.basis + row.basis - basis)
        is_first = at_us == NEVER != row.at_us
        sums.absolutes += is_first
        if not place.location:
            sums.missing = row.out
        elif row.at_us != NEVER:
            sums.missing = saturated(sums.missing + row.out - (0 if is_first else out))
            if is_first:
                homeless.adopt(self, place)

    def derive(self) -> None:
        """Set on hand, gap and basis from the sums."""
        stock = self.stock
        named, bare = stock.named, stock.bare
        if stock.homeless and named.absolutes and self.place(stock.oldest_at).row.included_at_us != stock.oldest_us:
            homeless.refresh(self)
        stock.split = bool(named.absolutes and bare.absolutes)
        with_name, without = named.value - named.missing - stock.homeless, bare.value - bare.missing
        if stock.split:
            # Of equal sums the one that withholds more.
            is_named = (with_name, -named.basis) <= (without, -bare.basis)
            on_hand, counted = (with_name, named) if is_named else (without, bare)
            gap, basis = counted.gap, counted.basis
        else:
            on_hand = with_name + bare.value if named.absolutes else named.value + without
            gap, basis = named.gap + bare.gap, named.basis + bare.basis
        stock.on_hand, stock.gap, stock.basis = _shown(on_hand), _shown(gap), _shown(basis)


def _shown(total: int) -> int:
    return total if -MAX_SHOWN <= total <= MAX_SHOWN else max(-MAX_SHOWN, min(MAX_SHOWN, total))


def _seen(row: Location) -> Seen:
    return row.value, row.gap, row.basis, row.at_us, row.out


def newest_at(fold: StockFold, location: str) -> int:
    """Return the stamp of the newest absolute of a location, NEVER if it has none."""
    return fold.place(location).row.at_us
