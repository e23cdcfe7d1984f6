"""What an item has, from the sets of all facts and of all shipments; and which facts may be refused because of time.

Nothing is bounded, merged or forgotten here but by the rule of generations (`clock`): a fact is known if one of its id
came in the present generation or the one before, and comes too late if one of its location that is stamped at or behind
it came earlier than that. Then it is *past* if an absolute behind it holds it, and ships no reservation; else *stale*.
"""

from collections import defaultdict

from atp_stream.oracle.location import Location
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
        self._held: Held | None = Held(0, 0, split=False)
        self._gap: int | None = 0

    def held(self) -> Held:
        """Return what there is; where absolutes with and without a location disagree, less."""
        if self._held is None:
            self._held = min((held for held, _ in self._sums()), key=_by_size)
        return self._held

    def newest_at(self, location: str) -> int | None:
        """Return the stamp of the newest absolute of a location, None if it has none."""
        place = self._locations.get(location)
        return None if place is None else place.newest

    def gap(self) -> int:
        """Return what the facts of the sum that counts do not explain."""
        if self._gap is None:
            _, locations = min(self._sums(), key=lambda found: _by_size(found[0]))
            self._gap = sum(self._locations[name].gap(self._left_of(name)) for name in locations)
        return self._gap

    def _left_of(self, location: str) -> Series:
        return self._left[location] if location else self._left_at_all

    def take(self, fact: Said, generation: int) -> bool:
        """Put a fact that came in a generation in its place; False if it is known.

        Raises:
            Stale, Past: it comes too late.
        """
        place = self._locations.get(fact.location) or Location()
        known, overtaken = place.known.get(fact.id), place.overtaken(fact.at_us)
        if known is not None and known >= generation - 1:
            return False
        if overtaken is not None and overtaken < generation - 1:
            holds = place.newest is not None and fact.at_us < place.newest and not fact.reservation
            raise Past if holds else Stale
        self._locations[fact.location] = place
        place.put(fact, generation)
        self._values.pop(fact.location, None)
        self._held = self._gap = None
        return True

    def let_go(self, reservation: str, gone: list[Gone]) -> None:
        """State anew what has left for a reservation."""
        for sign, pieces in ((-1, self._gone.get(reservation, [])), (1, gone)):
            for one in pieces:
                self._left[one.location].add(one.at_us, sign * one.quantity)
                self._left_at_all.add(one.at_us, sign * one.quantity)
        self._gone[reservation] = gone
        self._held = self._gap = None

    def forget(self, reservation: str) -> None:
        """Take what has left for a reservation for good: whoever bears its name later is another one."""
        self._gone.pop(reservation, None)

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
        borders = {name: border for name in counted if (border := self._locations[name].border) is not None}
        least = min(borders.values(), default=None)
        return sum(left.total(after=borders.get(name, least)) for name, left in self._left.items())


def _by_size(held: Held) -> tuple[int, int]:
    return held.on_hand, -held.basis
