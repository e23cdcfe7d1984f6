"""The stock of one item by definition: every number is worked out anew from the set of all that was said.

It keeps no result, knows no window, no bound and no order of arrival, and shares no line with the product.
Quantities are whole hundredths, stamps are microseconds. Source: docs/rules/stock.md#value.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple


class Fact(NamedTuple):
    """A count (no delta), an adjustment, or a delta (no absolute); `ships` says that it moves a reservation's units.

    `skew` is that of the policy when it came: an absolute includes what left up to `skew` before its stamp.
    """

    at: int
    id: str
    delta: int | None = None
    absolute: int | None = None
    ships: bool = False
    location: str = ""
    skew: int = 0

    @property
    def known_by(self) -> tuple[str, str, str]:
        """What tells it from others: kind, place and id."""
        return ("count" if self.delta is None else "adjustment"), self.location, self.id

    @property
    def includes(self) -> int:
        """The stamp up to which this absolute includes what left."""
        return self.at - self.skew


class Shipment(NamedTuple):
    """Units that left a location by a fulfilment."""

    at: int
    quantity: int
    location: str = ""


class StockNumbers(NamedTuple):
    """What all of it comes to."""

    on_hand: int
    gap: int
    basis: int
    split: bool


class Instant:
    """The facts of one location and one stamp."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self.at = facts[0].at
        self.facts = facts
        self.absolutes = [fact for fact in facts if fact.absolute is not None]
        self.deltas = sum(fact.delta or 0 for fact in facts)
        self.counted = any(fact.delta is None for fact in facts)

    @cached_property
    def chains(self) -> list[set[int]]:
        """The values of the absolutes, those that links join in one set."""
        beside: defaultdict[int, set[int]] = defaultdict(set)
        for start, to in self._links():
            beside[start].add(to)
            beside[to].add(start)
        chains, unseen = [], set(beside)
        while unseen:
            chain, edge = set(), {unseen.pop()}
            while edge:
                chain |= edge
                edge = set().union(*(beside[value] for value in edge)) - chain
            chains.append(chain)
            unseen -= chain
        return chains

    @cached_property
    def entered_more_often(self) -> set[int]:
        """The values at which more links end than begin."""
        balance: Counter[int] = Counter()
        for start, to in self._links():
            balance[to] += 1
            balance[start] -= 1
        return {value for value, more in balance.items() if more > 0}

    def _links(self) -> list[tuple[int, int]]:
        return [
            (fact.absolute - (fact.delta or 0), fact.absolute) for fact in self.absolutes if fact.absolute is not None
        ]

    @property
    def sure_end(self) -> int | None:
        """Where the absolutes surely end: one chain with one end; None if the instant is in doubt."""
        if len(self.chains) == 1:
            for ends in (self.entered_more_often, self.chains[0]):
                if len(ends) == 1:
                    return next(iter(ends))
        return None

    @property
    def possible_ends(self) -> set[int]:
        """The ends of every chain; of a chain without one any of its values."""
        return set().union(*((chain & self.entered_more_often) or chain for chain in self.chains))

    def end_by_absolutes(self, before: int) -> int:
        """Return where the absolutes end if `before` was held before; in doubt, less."""
        if self.sure_end is not None:
            return self.sure_end
        expected = before + self.deltas
        if not self.counted and expected in self.possible_ends:
            return expected
        return self.smallest

    def end(self, before: int) -> int:
        """Return the value after it; what was sold at the stamp of a count, and by no absolute, is not in the count."""
        if not self.absolutes:
            return before + self.deltas
        sold = sum(min(0, fact.delta or 0) for fact in self.facts if fact.absolute is None) if self.counted else 0
        return self.end_by_absolutes(before) + sold

    @property
    def smallest(self) -> int:
        """The smallest value that it states."""
        return min(fact.absolute for fact in self.absolutes if fact.absolute is not None)

    @property
    def own(self) -> list[Fact]:
        """The absolutes that ship no reservation."""
        return [fact for fact in self.absolutes if not fact.ships]

    @property
    def basis(self) -> int:
        """What a percentage is taken of: the sure end, unless something ships; else what withholds most."""
        if self.sure_end is not None and len(self.own) == len(self.absolutes):
            return self.sure_end
        return max(fact.absolute for fact in self.own if fact.absolute is not None)


class Place:
    """One location of the item: its instants in the order of their stamps, and the value after each."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        by_stamp: defaultdict[int, list[Fact]] = defaultdict(list)
        for fact in {fact.known_by: fact for fact in facts}.values():
            by_stamp[fact.at].append(fact)
        self.instants = [Instant(by_stamp[at]) for at in sorted(by_stamp)]
        self.ends: list[int] = []
        for instant in self.instants:
            self.ends.append(instant.end(self.ends[-1] if self.ends else 0))
        self.with_absolute = [place for place, instant in enumerate(self.instants) if instant.absolutes]

    @property
    def value(self) -> int:
        return self.ends[-1] if self.ends else 0

    @property
    def basis(self) -> int:
        own = [instant.basis for instant in self.instants if instant.own]
        return own[-1] if own else 0

    @property
    def newest_at(self) -> int | None:
        """The stamp of the newest instant with an absolute."""
        return self.instants[self.with_absolute[-1]].at if self.with_absolute else None

    @property
    def border(self) -> int:
        """The stamp up to which the absolutes include what left; to be asked only if there is one."""
        return self._includes(self.instants)

    @staticmethod
    def _includes(instants: Iterable[Instant]) -> int:
        return max(fact.includes for instant in instants for fact in instant.absolutes)

    def in_doubt(self) -> list[int]:
        """Return the stamps of the instants in doubt."""
        return [instant.at for instant in self.instants if instant.absolutes and instant.sure_end is None]

    def gap(self, shipped: Iterable[Shipment]) -> int:
        """Return what the facts between the base and the newest absolute do not explain; `shipped` may."""
        if not self.with_absolute:
            return 0
        newest = self.with_absolute[-1]
        counts = [place for place in self.with_absolute if self.instants[place].counted]
        base = counts[-1] if counts else self.with_absolute[0]
        moved = sum(instant.deltas for instant in self.instants[base + 1 : newest + 1])
        gap = self.ends[newest] - self.ends[base] - moved
        after, until = self._includes(self.instants[: base + 1]), self._includes(self.instants[: newest + 1])
        left = sum(one.quantity for one in shipped if after < one.at <= until)
        return min(gap, gap + left, key=abs)


class StockModel:
    """All facts that were ever taken in, and all units that left."""

    def __init__(self, facts: Iterable[Fact] = (), shipments: Iterable[Shipment] = ()) -> None:
        self.facts = list(facts)
        self.shipments = list(shipments)

    def places(self) -> dict[str, Place]:
        by_location: defaultdict[str, list[Fact]] = defaultdict(list)
        for fact in self.facts:
            by_location[fact.location].append(fact)
        return {location: Place(facts) for location, facts in by_location.items()}

    def numbers(self) -> StockNumbers:
        """Return all numbers; where sums with and without a location exist, those of the smaller."""
        places = self.places()
        named, bare = apart(places)
        if not (_with_absolute(bare) and _with_absolute(named)):
            return self._sum(places, split=False)
        sums = [self._sum(named, split=True), self._sum(bare, split=True)]
        return min(sums, key=lambda one: (one.on_hand, -one.basis))  # of equal sums the one that withholds more

    def _sum(self, places: dict[str, Place], *, split: bool) -> StockNumbers:
        return StockNumbers(
            on_hand=sum(place.value for place in places.values()) - self.missing(places),
            gap=sum(place.gap(self._of(location)) for location, place in places.items()),
            basis=sum(place.basis for place in places.values()),
            split=split,
        )

    def _of(self, location: str) -> list[Shipment]:
        return [one for one in self.shipments if not location or one.location == location]

    def missing(self, places: dict[str, Place]) -> int:
        """Return the units that left and that the absolutes of these places do not include."""
        borders = {location: place.border for location, place in _with_absolute(places).items()}
        homeless = min(borders.values(), default=None)
        missing = 0
        for one in self.shipments:
            border = borders.get(one.location, homeless)
            if border is None or border < one.at:
                missing += one.quantity
        return missing


def apart(places: dict[str, Place]) -> tuple[dict[str, Place], dict[str, Place]]:
    """Return the places that have a name, and the one that has none."""
    named = {location: place for location, place in places.items() if location}
    return named, {location: place for location, place in places.items() if location not in named}


def _with_absolute(places: dict[str, Place]) -> dict[str, Place]:
    return {location: place for location, place in places.items() if place.with_absolute}
