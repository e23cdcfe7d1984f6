"""The stock of one location, from the set of all facts of it: any number of them, in any order."""

from bisect import bisect_left, insort
from collections.abc import Hashable

from atp_stream.oracle.instants import Instant
from atp_stream.oracle.series import Series
from atp_stream.oracle.stock import Said


class Location:
    """All that was said of one location; `known` are the ids of that by the generation in which they came."""

    def __init__(self) -> None:
        self.known: dict[Hashable, int] = {}
        self._instants: dict[int, Instant] = {}
        self._stamps: list[int] = []  # of the instants, in order
        self._came: list[int] = []  # in which generation the first fact of each of them came
        self._deltas = Series()
        self._absolutes: list[int] = []  # stamps of the instants with an absolute; with a count; with one of its own
        self._counts: list[int] = []
        self._own: list[int] = []
        self.border: int | None = None
        """The stamp up to which it includes what left, None without an absolute: what is included stays included."""
        self._reaches: dict[int, int] = {}  # by the stamps of absolutes: up to where each instant includes what left
        self._skews: set[int] = set()

    @property
    def newest(self) -> int | None:
        """The stamp of the newest absolute."""
        return self._absolutes[-1] if self._absolutes else None

    def overtaken(self, at_us: int) -> int | None:
        """Return in which generation the first fact came that is stamped at or behind a moment, None if none did."""
        return min(self._came[bisect_left(self._stamps, at_us) :], default=None)

    def put(self, fact: Said, generation: int) -> None:
        """Add a fact that came in a generation."""
        self.known[fact.id] = generation
        if fact.at_us not in self._instants:
            place = bisect_left(self._stamps, fact.at_us)
            self._stamps.insert(place, fact.at_us)
            self._came.insert(place, generation)
        instant = self._instants[fact.at_us] = self._instants.get(fact.at_us, Instant()).add(fact)
        self._deltas.add(fact.at_us, fact.delta or 0)
        if fact.absolute is not None:
            reach = fact.at_us - fact.skew_us
            self._reaches[fact.at_us] = max(reach, self._reaches.get(fact.at_us, reach))
            self.border = reach if self.border is None else max(reach, self.border)
            self._skews.add(fact.skew_us)
        for stamps, belongs in (
            (self._absolutes, instant.stated),
            (self._counts, instant.counted),
            (self._own, instant.own),
        ):
            place = bisect_left(stamps, fact.at_us)
            if belongs and stamps[place : place + 1] != [fact.at_us]:
                insort(stamps, fact.at_us)

    def value(self) -> int:
        """Return the end of the newest instant with an absolute, and all deltas behind it."""
        if self.newest is None:
            return self._deltas.total()
        return self._end(self.newest) + self._deltas.total(after=self.newest)

    def basis(self) -> int:
        """Return what a percentage is taken of."""
        return self._instants[self._own[-1]].basis if self._own else 0

    def gap(self, left: Series) -> int:
        """Return what the facts between the base and the newest absolute do not explain, nor what left meanwhile."""
        if self.newest is None:
            return 0
        base, newest = (self._counts or self._absolutes[:1])[-1], self.newest
        gap = self._end(newest) - self._end(base) - self._deltas.total(after=base, upto=newest)
        if len(self._skews) == 1:  # nearly always: then the latest reaches furthest
            first = self._reaches[base]
        else:
            first = max(reach for at_us, reach in self._reaches.items() if at_us <= base)
        return min(gap, gap + left.total(after=first, upto=self.border), key=abs)

    def _end(self, at_us: int) -> int:
        """Return where an instant with an absolute ended; one in doubt asks the absolute before it, and so on."""
        last = first = bisect_left(self._absolutes, at_us)
        while first and self._instants[self._absolutes[first]].asks:
            first -= 1
        behind, value = None, 0
        for stamp in self._absolutes[first : last + 1]:
            value += self._deltas.total(after=behind, upto=stamp - 1)
            behind, value = stamp, self._instants[stamp].end(value)
        return value
