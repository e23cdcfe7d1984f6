"""What of an item has a date, naively: every number is counted from the lists of supplies and promises, when asked.

Today of an item follows log time, but waits in front of a `boundary`, the next day whose coming changes anything, for
the tick that carries it over.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from atp_stream.oracle.claim import Claim
from atp_stream.oracle.curve import NOW, Curve
from atp_stream.oracle.forgetting import Forgetting
from atp_stream.oracle.policy import Rules
from atp_stream.oracle.reported import Reported
from atp_stream.oracle.supply import Supply

DAY: Final = 86_400_000
"""Milliseconds."""

NEVER: Final = -1
"""Before every stamp."""


class Arriving(NamedTuple):
    """Units that were received, but that no stock message states yet; they count until `until_us` nevertheless."""

    supply: str
    units: int
    location: str
    at_us: int
    until_us: int


class Projection(NamedTuple):
    """What is shown by day of an item that has dates: of each channel what is available now, and at each change."""

    today: int
    last: int
    channels: dict[str, tuple[int, tuple[tuple[int, int], ...]]]


class Dates(Forgetting):
    """The supplies of one item, and what is promised of it by day."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.supplies: dict[str, Supply] = {}
        self.arriving: list[Arriving] = []
        self.absolute_at_us = NEVER  # the stamp of the newest absolute since anything has a date
        self.boundary: int | None = None
        self.roll_at_us: int | None = None  # the moment at which a tick carries the item over it
        self._by_day: dict[str, Claim] = {}  # claims that are promised something by day, or may have been
        self._undue: dict[str, Claim] = {}  # claims that are not due yet, or may have been
        self._reported_before: dict[str, tuple[tuple[tuple[int, int], ...], int]] = {}
        self._asked: str | None = None  # the claim that the present cause is about
        self._drawn: Curve | None = None
        self._changes = 0

    # Days

    @property
    def today(self) -> int:
        """The day of the item."""
        day = self._log_time_ms // DAY
        return day if self.boundary is None else min(day, self.boundary - 1)

    @property
    def last(self) -> int:
        """The last day for which promises are made."""
        return self.today + self.rules.horizon_days

    @property
    def dated(self) -> bool:
        """Whether anything has a date."""
        undue = any(claim.undue for claim in self._undue.values())
        return undue or bool(self.arriving) or any(self._promises()) or any(one.open for one in self.supplies.values())

    def is_undue(self, wanted: int | None) -> bool:
        """Return whether a day that is asked for is not near yet."""
        return wanted is not None and wanted > self.today + self.rules.ahead_days

    def first_day(self, claim: Claim) -> int:
        """Return the first day that answers a claim."""
        return self.today if claim.wanted is None else max(claim.wanted, self.today)

    def counted_on(self, day: int, end: int) -> int | None:
        """Return when a supply that is expected on a day is counted on, None if it is not; `end` is the curve's."""
        today = self.today
        day += self.rules.dock_days
        if day >= today:
            return day if day <= end else None
        return today + self.rules.past_due_offset if today - day <= self.rules.past_due_days else None

    def _end(self) -> int:
        """Return the last day of the curve: that of a promise may lie behind the horizon."""
        return max([self.last, *(day for _, (_, _, _, day) in self._promises())])

    def _promises(self) -> Iterator[tuple[Claim, list[int]]]:
        return ((claim, promise) for claim in self._by_day.values() for promise in claim.promises)

    def _next_boundary(self) -> int | None:
        today, reach, end = self.today, self.last, self._end()
        found = [today + 1] if self.arriving else []
        for supply in self.supplies.values():
            if supply.day is None:
                continue
            day = supply.day + self.rules.dock_days
            if day > reach:
                found.append(day - self.rules.horizon_days)
            elif self.counted_on(supply.day, end) is not None:
                found.append(max(day, today) + 1)
        found += [day if day > today else today + 1 for _, (_, _, _, day) in self._promises()]
        wanted = [claim.wanted for claim in self._undue.values() if claim.undue and claim.wanted is not None]
        far = max(self.rules.ahead_days, self.rules.horizon_days)  # that of what a smaller horizon has put out of reach
        found += [max(today + 1, day - (far if day > reach else self.rules.ahead_days)) for day in wanted]
        return min(found, default=None)

    # The curve

    def curve(self) -> Curve:
        """Return what is there by day."""
        if self._drawn is None:
            today, end = self.today, self._end()
            changes = [(today, sum(one.units for one in self.arriving))]
            for supply in self.supplies.values():
                day = None if supply.day is None else self.counted_on(supply.day, end)
                if day is not None:
                    changes.append((day, supply.open))
            changes += [(max(day, today), -units) for _, (_, units, _, day) in self._promises()]
            shelf = self.on_hand - self.reserved
            self._drawn = Curve(shelf, self.safety_stock, self.rules.step, today, changes)
        return self._drawn

    def changed(self) -> None:
        """Take note that something changes hands, or comes: what is there by day is counted anew."""
        self._drawn = None
        self._changes += 1

    def _free(self) -> int:
        return self.curve().free(NOW) if self.dated else super()._free()

    def _earliest(self, claim: Claim, units: int, first: int, *, more: bool) -> int | None:
        """Return the first day on which units may be promised; with `more` one with more than there is now."""
        if not self.rules.serves(claim.channel):
            return None
        curve, last, division = self.curve(), self.last, self._division()
        now = curve.free(NOW) if more else -1
        for day in [first, *(day for day in curve.days if day > first)]:
            free = curve.free(day)
            if day <= last and now < free >= units and division.claim(claim.channel, free) >= units:
                return day
        return None

    def projection(self) -> Projection | None:
        """Return what is shown by day; None if nothing has a date, or policy wants none shown."""
        if not self.rules.projects or not self.dated:
            return None
        curve, blocked, shown, division = self.curve(), self._blocked(), {}, self._division()
        for channel in self.channels:
            steps: list[tuple[int, int]] = []
            free = division.claim(channel, curve.free(NOW))
            level = now = 0 if channel in blocked else self.rules.shown(channel, free)
            for day in curve.days[1:]:
                free = division.claim(channel, curve.free(day))
                there = 0 if channel in blocked else self.rules.shown(channel, free)
                if there != level:
                    steps.append((day, there))
                level = there
            shown[channel] = now, tuple(steps)
        return Projection(self.today, self.last, shown)

    def days(self) -> list[list[int]]:
        """Return by day what is expected on it and promised for it."""
        found: dict[int, list[int]] = {}
        for supply in self.supplies.values():
            if supply.day is not None:
                found.setdefault(supply.day, [0, 0])[0] += supply.open
        for _, (_, units, _, day) in self._promises():
            found.setdefault(day, [0, 0])[1] += units
        return [[day, *sums] for day, sums in sorted(found.items())]

    # The cause of what follows

    def begin(self, place: int, log_time_ms: int, *, first: int = 0) -> None:
        """Say what causes the next changes."""
        super().begin(place, log_time_ms, first=first)
        self.changed()
        self._asked = None
        self._by_day = {name: claim for name, claim in self._by_day.items() if claim.promises}
        self._undue = {name: claim for name, claim in self._undue.items() if claim.undue}
        self._reported_before = {name: (claim.lines, claim.reserved) for name, claim in self._by_day.items()}

    def _used_by_day(self) -> set[str]:
        return {claim.channel for claim, _ in self._promises()}

    def _end_of_dates(self) -> None:
        """Tell what is promised otherwise, and see which day is the next that changes anything."""
        for name, claim in self._by_day.items():
            lines, reserved = self._reported_before.get(name, ((), 0))
            if claim.lines != lines:
                self.reported.append(self._reported_of(claim, lines, reserved))
        if not self.dated:
            self.absolute_at_us = NEVER
        boundary = self._next_boundary()
        if boundary != self.boundary or (self.roll_at_us is None) != (boundary is None):
            self.roll_at_us = None
            if boundary is not None:
                self.roll_at_us = max(boundary * DAY * 1000, self._log_time_ms * 1000 + 1)
                self.wake(self.roll_at_us)
        self.boundary = boundary
        self.changed()

    def _reported_of(self, claim: Claim, before: Any, reserved: int) -> Reported:
        lines = claim.lines
        more = sum(units for _, units in lines) > sum(units for _, units in before)
        if claim.ended:
            reason = "ENDED"
        elif claim.name == self._asked:
            reason = "ASKED"
        elif not lines:
            reason = "NO_DATE" if claim.waiting else "REDEEMED"
        elif not before or more:
            reason = "SUPPLY"
        elif lines[-1][0] != before[-1][0]:
            reason = "EARLIER" if lines[-1][0] < before[-1][0] else "LATER"
        else:
            reason = "REDEEMED" if claim.reserved > reserved else "NO_DATE"
        by_day = claim.wanted, lines, claim.waiting, claim.reserved
        return Reported("promised", claim.channel, claim.promised, reservation=claim.name, reason=reason, by_day=by_day)
