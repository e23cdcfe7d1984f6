"""The stock of an item recomputed from the list of all that was said about it: slow, and obviously right.

It keeps no result, knows no window and no bounds, and shares no line with the product.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple


class Said(NamedTuple):
    at: int
    id: str
    delta: int | None
    absolute: int | None
    reservation: bool
    location: str


class Gone(NamedTuple):
    at: int
    quantity: int
    location: str


class Numbers(NamedTuple):
    on_hand: int
    gap: int
    basis: int
    split: bool


@dataclass
class StockModel:
    skew: int = 0
    said: list[Said] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)

    def numbers(self) -> Numbers:
        counted = {said.location for said in self.said if said.absolute is not None}
        with_name, without = counted - {""}, counted & {""}
        if not (with_name and without):
            return self._sum({said.location for said in self.said}, counted, split=False)
        sums = [
            self._sum({said.location for said in self.said} - {""}, with_name, split=True),
            self._sum({""}, without, split=True),
        ]
        return min(sums, key=lambda numbers: (numbers.on_hand, -numbers.basis))

    def _sum(self, locations: set[str], counted: set[str], *, split: bool) -> Numbers:
        missing = sum(gone.quantity for gone in self.gone if not self._is_included(gone, counted))
        return Numbers(
            sum(self.value(location) for location in locations) - missing,
            sum(self.gap(location) for location in locations),
            sum(self.basis(location) for location in locations),
            split,
        )

    def _is_included(self, gone: Gone, counted: set[str]) -> bool:
        """By an absolute of its location, if that has any; else by one of every location that has any."""
        deciding = {gone.location} if gone.location in counted else counted
        return bool(deciding) and all(
            any(at >= gone.at + self.skew for at in self._stamps_of_absolutes(location)) for location in deciding
        )

    def _stamps_of_absolutes(self, location: str) -> list[int]:
        return sorted({s.at for s in self.said if s.location == location and s.absolute is not None})

    def _instants(self, location: str) -> list[list[Said]]:
        known = {said.id: said for said in self.said if said.location == location}.values()
        return [[said for said in known if said.at == at] for at in sorted({said.at for said in known})]

    def value(self, location: str) -> int:
        value = 0
        for instant in self._instants(location):
            value = end_of(instant, value)
        return value

    def gap(self, location: str) -> int:
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

    def basis(self, location: str) -> int:
        """Of the newest absolute that ships no reservation: where its instant ended, or in doubt the largest."""
        value = basis = 0
        for instant in self._instants(location):
            value = end_of(instant, value)
            own = ends_of([said for said in instant if not said.reservation])
            if own:
                basis = value if value in own else max(own)
        return basis


def end_of(instant: list[Said], before: int) -> int:
    ends = ends_of(instant)
    expected = before + sum(said.delta or 0 for said in instant)
    counts = {said.absolute for said in instant if said.delta is None}
    if not ends:
        return expected
    if len(ends) > 1 and len(counts) < 2 and expected in ends:
        return expected
    return min(ends)


def ends_of(instant: list[Said]) -> set[int]:
    links = [(said.absolute - (said.delta or 0), said.absolute) for said in instant if said.absolute is not None]
    entered, left = Counter(to for _, to in links), Counter(start for start, _ in links)
    values = set(entered) | set(left)
    joined = {
        (one, other) for one in values for other in values if one == other or {(one, other), (other, one)} & {*links}
    }
    for via, one, other in product(values, repeat=3):
        if (one, via) in joined and (via, other) in joined:
            joined.add((one, other))
    ends = set()
    for value in values:
        chain = {other for other in values if (value, other) in joined}
        ends |= {other for other in chain if entered[other] > left[other]} or chain
    return ends
