"""What will be there by day, and what of it may be promised, counted from the list of what comes and goes.

Between two days on which something comes or goes nothing changes, so only those are looked at.
"""

from collections.abc import Iterable, Iterator
from typing import Final

NOW: Final = -1
"""The day in front of all others: the shelf."""


class Curve:
    """What of `shelf` and of `changes` (day, units) is there by day; `safety` units of it are never promised."""

    def __init__(self, shelf: int, safety: int, step: int, today: int, changes: Iterable[tuple[int, int]]) -> None:
        self._shelf = shelf
        self._safety = safety
        self._step = step
        self._changes = sorted(changes)
        self.days = [NOW, *sorted({today, *(day for day, _ in self._changes)})]
        self._there = {day: self._count(day) for day in self.days}

    def there(self, day: int) -> int:
        """Return what will be there at the end of a day, or is there now."""
        known = self._there.get(day)
        return self._count(day) if known is None else known

    def free(self, day: int) -> int:
        """Return what may be promised for a day: whole steps that are there then and on every later day."""
        least = min(self.there(one) for one in [day, *self._behind(day)]) - self._safety
        return max(0, least) // self._step * self._step

    def least(self, first: int, behind: int) -> int:
        """Return the least of what is there, less safety stock, from a day on up to the one before `behind`."""
        return min(self.there(day) for day in [first, *self._behind(first)] if day < behind) - self._safety

    def movable(self, to: int, at: int, granted: int, *, eats: bool = False) -> int:
        """Return how much of what is promised for a day may be promised for an earlier one, or handed out now.

        What is `granted` to quotas and not consumed stays covered as far as it is. With `eats` safety stock that is
        eaten somewhere already may be stood on, as deep as it is.
        """
        lowest = min(self.there(day) - self._safety for day in self.days)
        kept = min(granted, lowest if eats else max(0, lowest))
        return max(0, self.least(to, at) - kept)

    def _behind(self, day: int) -> Iterator[int]:
        return (one for one in self.days if one > day)

    def _count(self, day: int) -> int:
        return self._shelf + sum(units for at, units in self._changes if at <= day)
