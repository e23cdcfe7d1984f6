"""Amounts by stamp, and what they sum to between two stamps."""

from bisect import bisect_left, bisect_right


class Series:
    """Units at moments; all that is asked for is a sum."""

    def __init__(self) -> None:
        self._stamps: list[int] = []
        self._units: list[int] = []

    def add(self, at_us: int, units: int) -> None:
        """Add units (fewer than 0: take them back) at a moment."""
        place = bisect_left(self._stamps, at_us)
        if place < len(self._stamps) and self._stamps[place] == at_us:
            self._units[place] += units
        else:
            self._stamps.insert(place, at_us)
            self._units.insert(place, units)

    def total(self, *, after: int | None = None, upto: int | None = None) -> int:
        """Return the sum of what is stamped behind `after` and not behind `upto`; without them, of all."""
        first = 0 if after is None else bisect_right(self._stamps, after)
        last = len(self._stamps) if upto is None else bisect_right(self._stamps, upto)
        return sum(self._units[first:last])
