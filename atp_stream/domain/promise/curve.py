"""The curve: what will be there by date, and what of it may be promised.

Points: now, then each day from today to the horizon. (The shelf and the end of today are two points.)

    Y(i) = on_hand - reserved + what is expected by i + what is arriving (from today on) - what is promised by i
    X(i) = Y(i) - safety_stock
    A(i) = max(0, the least X(j) with j >= i)     what may be promised at i: every later point stays covered

A request for a day lowers X from that day on, and is measured against every later point: it takes no unit of a later
promise, and of the earlier points only what no supply in between stands in for. Only the points at which anything
changes are held: between two of them the curve is level.

Laws: A never falls with the date. A promise of at most A(i) at i leaves no point from i on below 0.
All quantities are whole hundredths.
Source: docs/rules/dates.md#curve.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from atp_stream.domain.policy.item_rules import ItemRules
from atp_stream.domain.policy.schema import Kind
from atp_stream.domain.promise.claims import Claim, claims, open_rules, quotas
from atp_stream.domain.state.rows import Channel
from atp_stream.domain.supply.days import end_of, expected
from atp_stream.domain.supply.rows import CurveRow
from atp_stream.domain.supply.rules import SupplyRules

NOW: Final = -1
"""The day of the point in front of today: the shelf."""


class Curve(NamedTuple):
    """The curve of an item on one day.

    `days` are the points, `NOW` and today first; `there` is Y, `points` is X, `levels` is A, a multiple of the step.
    """

    days: list[int]
    there: list[int]
    points: list[int]
    levels: list[int]
    end: int

    def place(self, day: int) -> int:
        """Return the point that a day lies on."""
        return bisect_right(self.days, day) - 1

    def cap(self, to: int, at: int, entitled: int, *, eats: bool = False) -> int:
        """Return how much of what is promised for the day `at` may move to the earlier day `to`, or to `NOW`.

        What the quotas are `entitled` to stays covered, and so does the lowest point; with `eats` also one that lies
        below 0: safety stock that is eaten already may be stood on, as deep as it is.
        """
        return max(0, self._lowest(to, at) - self.kept(entitled, eats=eats))

    def lack(self, units: int, to: int, at: int, entitled: int) -> int:
        """Return how much higher `cap` would have to be for so many units to move."""
        return units - self._lowest(to, at) + self.kept(entitled)

    def may_hasten(self, days: Iterable[int], entitled: int) -> bool:
        """Return whether anything that is promised for one of these days may move to the day before it, at least."""
        kept = self.kept(entitled)
        return any(self.points[self.place(day - 1)] > kept for day in days)

    def earliest_move(self, units: int, at: int, first: int, entitled: int) -> int | None:
        """Return the earliest day, from `first` on, that units which are promised for the day `at` may move to."""
        if first >= at:
            return None
        needed, place, farthest = units + self.kept(entitled), self.place(at - 1), self.place(first)
        if self.points[place] < needed:
            return None
        while place > farthest and self.points[place - 1] >= needed:
            place -= 1
        return max(first, self.days[place])

    def _lowest(self, to: int, at: int) -> int:
        return min(self.points[self.place(to) : self.place(at - 1) + 1])

    def kept(self, entitled: int, *, eats: bool = False) -> int:
        """Return how much has to stay at each point that units move away from."""
        lowest = min(self.points)
        return min(entitled, lowest if eats else max(0, lowest))


def drawn(row: CurveRow, units: int, safety: int, today: int, rules: SupplyRules, step: int = 1) -> Curve:
    """Return the curve of an item of which `units` are on hand and not reserved."""
    arriving = sum(one.units for one in row.arriving)
    change: dict[int, int] = {today: arriving}
    end = end_of(row.days, today, rules)
    for one in row.days:
        day = expected(one.day, today, end, rules) if one.supply else None
        if day is not None:
            change[day] = change.get(day, 0) + one.supply
        if one.promised:
            day = max(one.day, today)
            change[day] = change.get(day, 0) - one.promised
    days, there = [NOW], [units]
    for day in sorted(change):
        units += change[day]
        days.append(day)
        there.append(units)
    points = [one - safety for one in there]
    return Curve(days, there, points, cumulative(points, step), today + rules.horizon_days)


def cumulative(points: Sequence[int], step: int = 1) -> list[int]:
    """Return what may be promised at each point: the least of it and of all behind it, never below 0."""
    low, found = points[-1], []
    for units in reversed(points):
        low = min(low, units)
        found.append(low - low % step if low > 0 else 0)
    return found[::-1]


def claim_at(curve: Curve, day: int, channel: str, rules: ItemRules, channels: Mapping[str, Channel]) -> Claim:
    """Return what a channel may claim on a day, or `NOW`."""
    return _claim(curve.levels[curve.place(day)], channel, rules, channels)


def earliest(
    curve: Curve,
    units: int,
    first: int,
    channel: str,
    rules: ItemRules,
    channels: Mapping[str, Channel],
    *,
    above: int = -1,
) -> int | None:
    """Return the earliest day, from `first` on, on which a channel may claim so many units.

    Only days count on which there are more units than `above`.
    """
    level = above
    for day in [first, *(day for day in curve.days if day > first)]:
        found = curve.levels[curve.place(day)]
        if found > level and day <= curve.end:
            level = found
            if level >= units and sum(_claim(level, channel, rules, channels)) >= units:
                return day
    return None


def entitled(rules: ItemRules, channels: Mapping[str, Channel]) -> int:
    """Return what is left of all grants of the quotas."""
    if rules.plain:
        return 0
    return sum(quota.left for quota in quotas(open_rules(rules, channels), channels))


def _claim(level: int, channel: str, rules: ItemRules, channels: Mapping[str, Channel]) -> Claim:
    if rules.plain:
        return Claim(0, 0 if rules.rule(channel).kind is Kind.FROZEN else level)
    return claims(level, rules, channels)[channel]
