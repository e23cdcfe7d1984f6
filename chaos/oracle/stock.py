"""The stock of an item recomputed from the list of all that was said about it: slow, and obviously right.

It keeps no result, knows no window and no bounds, and shares no line with the product. Quantities are whole hundredths,
stamps are microseconds.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, product
from operator import attrgetter
from typing import Any, NamedTuple

_stamp = attrgetter("at")


class Said(NamedTuple):
    """A fact: an adjustment, a count (no delta) or a delta (no absolute); `reservation` if it ships one."""

    at: int
    id: Any
    delta: int | None
    absolute: int | None
    reservation: bool
    location: str


class Gone(NamedTuple):
    """Units that left a location; `rest` are those of a fulfilment of all that was left, which states no number."""

    at: int
    quantity: int
    location: str
    rest: bool = False


class Numbers(NamedTuple):
    """What all of it comes to."""

    on_hand: int
    gap: int
    basis: int
    split: bool


class Held(NamedTuple):
    """What there is, what a percentage of it is taken of, and how many shipments are not in it yet."""

    on_hand: int
    basis: int
    split: bool
    open: int = 0


@dataclass
class StockModel:
    """All that was said, and all that is gone."""

    skew: int = 0
    said: list[Said] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)

    def numbers(self) -> Numbers:
        """Return all numbers, the gap of the sum that counts among them."""
        held, locations, _ = min(self._sums(), key=_by_size)
        return Numbers(held.on_hand, sum(self.gap(location) for location in locations), held.basis, held.split)

    def held(self) -> Held:
        """Return what there is; in doubt, less."""
        return min(self._sums(), key=_by_size)[0]

    def _sums(self) -> list[tuple[Held, set[str], set[str]]]:
        counted = {said.location for said in self.said if said.absolute is not None}
        named = {said.location for said in self.said}
        with_name, without = counted - {""}, counted & {""}
        if not (with_name and without):
            return [self._sum(named, counted, split=False)]
        return [self._sum(named - {""}, with_name, split=True), self._sum({""}, without, split=True)]

    def _sum(self, locations: set[str], counted: set[str], *, split: bool) -> tuple[Held, set[str], set[str]]:
        newest = {location: self._newest_absolute(location) for location in counted}
        missing = [gone.quantity for gone in self.gone if not self._is_included(gone, newest)]
        ends = [self._end_and_basis(location) for location in locations]
        on_hand = sum(end for end, _ in ends) - sum(missing)
        held = Held(on_hand, sum(basis for _, basis in ends), split, len(missing))
        return held, locations, counted

    def _is_included(self, gone: Gone, newest: dict[str, int]) -> bool:
        """By an absolute of its location, if that has any; else by one of every location that has any."""
        deciding = [newest[gone.location]] if gone.location in newest else list(newest.values())
        return bool(deciding) and min(deciding) >= gone.at + self.skew

    def _newest_absolute(self, location: str) -> int:
        return max(said.at for said in self.said if said.location == location and said.absolute is not None)

    def _instants(self, location: str) -> Iterator[list[Said]]:
        known = {said.id: said for said in self.said if said.location == location}.values()
        for _, instant in groupby(sorted(known, key=_stamp), key=_stamp):
            yield list(instant)

    def _end_and_basis(self, location: str) -> tuple[int, int]:
        """Return where the last instant ended, and the newest absolute that ships no reservation.

        Of that one: where its instant ended, or in doubt the largest.
        """
        value = basis = 0
        for instant in self._instants(location):
            value = end_of(instant, value)
            own = ends_of([said for said in instant if not said.reservation])
            if own:
                basis = value if value in own else max(own)
        return value, basis

    def gap(self, location: str) -> int:
        """Return what the facts of a location do not explain."""
        value = gap = 0
        absolute_before = None
        for instant in self._instants(location):
            end, expected = end_of(instant, value), value + sum(said.delta or 0 for said in instant)
            if any(said.absolute is not None for said in instant):
                if absolute_before is None or any(said.delta is None for said in instant):
                    gap = 0
                else:
                    units = self._first_included(location, absolute_before, instant[0].at)
                    gap += min(end - expected, end - (expected - units), key=abs)
                absolute_before = instant[0].at
            value = end
        return gap

    def _first_included(self, location: str, absolute_before: int, absolute: int) -> int:
        named = {said.location for said in self.said if said.absolute is not None} - {""}
        return sum(
            gone.quantity
            for gone in self.gone
            if absolute_before < gone.at + self.skew <= absolute
            and (not location or gone.location == location or gone.location not in named)
        )


def _by_size(found: tuple[Held, set[str], set[str]]) -> tuple[int, int]:
    return found[0].on_hand, -found[0].basis


def end_of(instant: Sequence[Said], before: int) -> int:
    """Return the stock after an instant; `before` is the stock before it."""
    if len(instant) == 1 and instant[0].absolute is not None:
        return instant[0].absolute
    ends = ends_of(instant)
    expected = before + sum(said.delta or 0 for said in instant)
    counts = {said.absolute for said in instant if said.delta is None}
    if not ends:
        return expected
    if len(ends) > 1 and len(counts) < 2 and expected in ends:
        return expected
    return min(ends)


def ends_of(instant: Sequence[Said]) -> set[int]:
    """Return where an instant may have ended: at a value entered more often than left, of each chain of them."""
    if len(instant) == 1:
        return set() if instant[0].absolute is None else {instant[0].absolute}
    links = [(said.absolute - (said.delta or 0), said.absolute) for said in instant if said.absolute is not None]
    entered, left = Counter(to for _, to in links), Counter(start for start, _ in links)
    values = set(entered) | set(left)
    joined = {
        (one, other) for one in values for other in values if one == other or {(one, other), (other, one)} & {*links}
    }
    for via, one, other in product(values, repeat=3):
        if (one, via) in joined and (via, other) in joined:
            joined.add((one, other))
    ends: set[int] = set()
    for value in values:
        chain = {other for other in values if (value, other) in joined}
        ends |= {other for other in chain if entered[other] > left[other]} or chain
    return ends
