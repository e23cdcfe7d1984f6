"""What of an item has a date: the curve, point by point, counted anew from the lists."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.domain.model.document import Rules
from tests.domain.model.numbers import Numbers
from tests.domain.model.reservation import DatedUnits, Reservation
from tests.domain.model.supply import SupplyModel

NOW = -1
MILLISECONDS = 24 * 60 * 60 * 1_000
MICROSECONDS = 1_000 * MILLISECONDS
"""In a day."""


@dataclass
class Coming:
    """Units that were received and are in no absolute yet."""

    supply: str
    units: int
    location: str
    at: int
    until: int


class Dates(Numbers):
    """An item with supplies and promises; every question is answered from the lists."""

    now = 0

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.supplies: dict[str, SupplyModel] = {}
        self.purges: dict[str, int] = {}  # when a supply is forgotten
        self.supply_purged_at: int | None = None
        self.coming: list[Coming] = []
        self.absolute_at = -1
        self.boundary: int | None = None
        self.roll_at: int | None = None
        self.assumed: int | None = None
        self.lost: dict[tuple[int, int, str], int] = {}  # promises of the present command, by priority, place and name

    # Days

    def today(self) -> int:
        day = self.now // MILLISECONDS
        return day if self.boundary is None else min(day, self.boundary - 1)

    def horizon(self) -> int:
        return self.rules.supply("horizon", 180)

    def end(self) -> int:
        return max([self.today() + self.horizon(), *(one.day for _, one in self.all_dated())])

    def is_due(self, wanted: int | None) -> bool:
        return wanted is None or wanted <= self.today() + self.rules.supply("ahead", 0)

    def first_day(self, reservation: Reservation) -> int:
        """Return the first day that answers a request."""
        return self.today() if reservation.wanted is None else max(reservation.wanted, self.today())

    def is_dated(self) -> bool:
        open_ = any(supply.open() for supply in self.supplies.values())
        undue = any(reservation.is_open() and not reservation.due for reservation in self.reservations.values())
        return open_ or undue or bool(self.coming) or any(self.all_dated())

    def next_boundary(self) -> int | None:
        """Return the next day whose coming changes anything."""
        today = self.today()
        found = [today + 1] if self.coming else []
        for supply in self.supplies.values():
            day = supply.day()
            if day is None:
                continue
            counts = day + self.rules.supply("dock_days", 0)
            if counts > today + self.horizon():
                found.append(counts - self.horizon())
            elif self.counted_on(day) is not None:
                found.append(max(counts, today) + 1)
        for _, one in self.all_dated():
            found.append(one.day if one.day > today else today + 1)
        ahead = self.rules.supply("ahead", 0)
        undue = [
            reservation.wanted
            for reservation in self.reservations.values()
            if reservation.is_open() and not reservation.due
        ]
        for wanted in undue:
            if wanted is not None:
                found.append(max(today + 1, wanted - ahead))
                found += [wanted - self.horizon()] if wanted > today + self.horizon() else []
        return min(found, default=None)

    # The curve

    def all_dated(self) -> Iterator[tuple[str, DatedUnits]]:
        for name, reservation in self.reservations.items():
            for one in reservation.dated:
                yield name, one

    def counted_on(self, day: int) -> int | None:
        """Return when a supply that is expected on a day is counted on."""
        day += self.rules.supply("dock_days", 0)
        if day >= self.today():
            return day if day <= self.end() else None
        late = self.today() - day
        return (
            self.today() + self.rules.supply("past_due_offset", 1)
            if late <= self.rules.supply("past_due_days", 0)
            else None
        )

    def days(self) -> list[int]:
        return [NOW, *range(self.today(), max(self.end(), self.today() + self.rules.supply("past_due_offset", 1)) + 1)]

    def curve(self) -> dict[int, int]:
        """Return X by point, `NOW` first."""
        shelf = self.on_hand() - self.safety_stock() - self.all_reserved()
        found = {NOW: shelf}
        supplies = [(supply.day(), supply.open()) for supply in self.supplies.values()]
        expected = [(None if day is None else self.counted_on(day), units) for day, units in supplies]
        coming = sum(one.units for one in self.coming)
        changes = [(day, units) for day, units in expected if day is not None]
        changes += [(one.day, -one.units) for _, one in self.all_dated()]
        for point in self.days()[1:]:
            found[point] = shelf + coming + sum(units for day, units in changes if day <= point)
        return found

    def levels(self) -> dict[int, int]:
        """Return A by point: the least of what will be there then, or at any point behind it."""
        found, low = {}, None
        for point, units in reversed(self.curve().items()):
            low = units if low is None else min(low, units)
            found[point] = self.sold(max(0, low))
        return found

    def is_flat(self) -> bool:
        """Return whether every point is the same, which spares counting them."""
        return not self.coming and not self.supplies and not any(self.all_dated())

    def free(self) -> int:
        if self.assumed is not None:
            return self.assumed
        return super().free() if self.is_flat() else self.levels()[NOW]

    @contextmanager
    def at(self, point: int) -> Iterator[None]:
        """Let all claims be those at a point."""
        self.assumed = super().free() if self.is_flat() else self.levels()[point]
        yield
        self.assumed = None

    def claim_on(self, channel: str, point: int) -> int:
        with self.at(point):
            return self.claim(channel)

    def earliest(self, channel: str, units: int, first: int, *, more: bool = False) -> int | None:
        """Return the first day on which units may be claimed; with `more` one on which there is more than now."""
        last = self.today() + self.horizon()
        if self.is_flat():
            return first if not more and first <= last and self.claim_on(channel, NOW) >= units else None
        levels = self.levels()
        tried = {levels[NOW]: 0} if more else {}
        for day in range(first, last + 1):
            self.assumed = levels[day]
            if self.assumed not in tried:
                tried[self.assumed] = self.claim(channel)
            found, self.assumed = tried[self.assumed], None
            if found >= units:
                return day
        return None

    def cap(self, to: int, at: int, *, eats: bool = False) -> int:
        curve = self.curve()
        left = sum(self.quota(channel).left for channel in self.of_kind("QUOTA"))
        lowest = min(curve.values())
        kept = min(left, lowest if eats else max(0, lowest))
        return max(0, min(units for day, units in curve.items() if to <= day < at) - kept)

    # Promises

    def consumed(self, channel: str) -> int:
        return super().consumed(channel) + sum(
            one.earmarked for name, one in self.all_dated() if self.reservations[name].channel == channel
        )

    def queue(self, channel: str) -> list[tuple[int, int, str]]:
        return [one for one in super().queue(channel) if self.reservations[one[2]].due]

    def undue_queue(self, channel: str) -> list[tuple[int, int, str]]:
        return [one for one in super().queue(channel) if not self.reservations[one[2]].due]

    def promised_in(self, channel: str) -> int:
        return sum(one.units for name, one in self.all_dated() if self.reservations[name].channel == channel)
