"""What an item has, from the sets of all facts and of all shipments; and which facts may be refused because of time.

Nothing is bounded, merged or forgotten here. A fact may be refused only if one of its location that is stamped at or
behind it came more than a window before it, and must be if that was more than two windows before; in between a product
may remember or not. It was *past* if an absolute behind it holds it, and ships no reservation; else *stale*.
"""

from collections import defaultdict

from atp_stream.oracle.location import Location
from atp_stream.oracle.policy import Rules
from atp_stream.oracle.series import Series
from atp_stream.oracle.stock import Gone, Held, Said


class Stale(Exception):
    """Nobody can know whether the fact was counted before."""


class Past(Exception):
    """Neither can that be known of this fact, but it makes no difference: an absolute behind it holds it."""


class Shelf:
    """The stock of one item; what was not touched since it was counted last is not counted again."""

    def __init__(self) -> None:
        self._locations: dict[str, Location] = {}
        self._values: dict[str, tuple[int, int]] = {}  # of locations: value and basis
        self._left: defaultdict[str, Series] = defaultdict(Series)  # by location, "" if none is known
        self._left_at_all = Series()
        self._gone: dict[str, list[Gone]] = {}  # by reservation
        self._skew = 0
        self.unsure = 0
        """Facts without effect of which nobody can say whether they are past or known: what came one to two windows ago
        may be remembered or not."""
        self._held: Held | None = Held(0, 0, split=False)
        self._gap: int | None = 0

    def held(self, rules: Rules) -> Held:
        """Return what there is; where absolutes with and without a location disagree, less."""
        self._live_by(rules)
        if self._held is None:
            self._held = min((held for held, _ in self._sums()), key=_by_size)
        return self._held

    def gap(self, rules: Rules) -> int:
        """Return what the facts of the sum that counts do not explain."""
        self._live_by(rules)
        if self._gap is None:
            _, locations = min(self._sums(), key=lambda found: _by_size(found[0]))
            self._gap = sum(self._locations[name].gap(self._left_of(name), self._skew) for name in locations)
        return self._gap

    def _left_of(self, location: str) -> Series:
        return self._left[location] if location else self._left_at_all

    def take(self, fact: Said, rules: Rules, now: int, letter: str | None) -> bool:
        """Put a fact in its place; False if it is known.

        `now` is when it came, in stock time; `letter` is the reason for which it was refused, if it was.

        Raises:
            Stale, Past: it comes too late. Past also if it may come too late and an absolute behind it holds it.
        """
        place = self._locations.get(fact.location) or Location()
        known, overtaken = place.known.get(fact.id), place.overtaken(fact.at)
        if known is not None and now - known <= rules.window:
            return False
        age = 0 if overtaken is None else now - overtaken
        if age > rules.window:
            self._refuse_if_late(fact, place, letter, certain=age >= 2 * rules.window, known=known is not None)
        if known is not None and now - known < 2 * rules.window:
            self.unsure += 1
            return False
        self._locations[fact.location] = place
        place.put(fact, now)
        self._values.pop(fact.location, None)
        self._held = self._gap = None
        return True

    def _refuse_if_late(self, fact: Said, place: Location, letter: str | None, *, certain: bool, known: bool) -> None:
        holds = place.newest is not None and fact.at < place.newest and not fact.reservation
        if certain:
            raise Past if holds else Stale
        if letter == "stale" and not holds:
            raise Stale
        if holds and not known:
            self.unsure += 1
            raise Past

    def let_go(self, reservation: str, gone: list[Gone]) -> None:
        """State anew what has left for a reservation."""
        for sign, pieces in ((-1, self._gone.get(reservation, [])), (1, gone)):
            for one in pieces:
                self._left[one.location].add(one.at, sign * one.quantity)
                self._left_at_all.add(one.at, sign * one.quantity)
        self._gone[reservation] = gone
        self._held = self._gap = None

    def _live_by(self, rules: Rules) -> None:
        if self._skew != rules.skew:
            self._skew = rules.skew
            self._held = self._gap = None

    def _sums(self) -> list[tuple[Held, list[str]]]:
        counted = {name for name, place in self._locations.items() if place.newest is not None}
        named, bare = counted - {""}, counted & {""}
        if not (named and bare):
            return [self._sum([*self._locations], counted, split=False)]
        places = [name for name in self._locations if name]
        return [self._sum(places, named, split=True), self._sum([""], bare, split=True)]

    def _sum(self, locations: list[str], counted: set[str], *, split: bool) -> tuple[Held, list[str]]:
        for name in locations:
            if name not in self._values:
                place = self._locations[name]
                self._values[name] = place.value(), place.basis()
        values = [self._values[name] for name in locations]
        on_hand = sum(value for value, _ in values) - self._missing(counted)
        return Held(on_hand, sum(basis for _, basis in values), split), locations

    def _missing(self, counted: set[str]) -> int:
        """Return what has left and is not included yet: by its own location, or else by every one that was counted."""
        newest = {name: place.newest for name in counted if (place := self._locations[name]).newest is not None}
        oldest = min(newest.values(), default=None)
        missing = 0
        for name, left in self._left.items():
            included = newest.get(name, oldest)
            missing += left.total(after=None if included is None else included - self._skew)
        return missing


def _by_size(held: Held) -> tuple[int, int]:
    return held.on_hand, -held.basis
