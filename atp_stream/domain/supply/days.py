"""What is expected and promised by day, and the next day whose coming changes anything.

A supply counts `dock_days` after the day that is stated of it. Once that is over it counts no more, or, for
`past_due_days`, as if it came `past_due_offset` days behind today.
`today` of an item follows log time, but waits in front of a boundary for the tick that carries it over: what is stamped
on its day and read late still counts as in time.

Law: a day that is no boundary changes no row, and no value of the curve by date.
Source: docs/rules/dates.md#today, docs/rules/dates.md#past-due.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Final

from atp_stream.domain.supply.rows import CurveRow, Day
from atp_stream.domain.supply.rules import SupplyRules

DAY_MS: Final = 24 * 60 * 60 * 1_000
DAY_US: Final = DAY_MS * 1_000


def today_of(boundary: int | None, log_time_ms: int) -> int:
    """Return the day of an item at a log time (milliseconds)."""
    day = log_time_ms // DAY_MS
    return day if boundary is None else min(day, boundary - 1)


def add(row: CurveRow, day: int, *, supply: int = 0, promised: int = 0) -> None:
    """Add to what is expected on a day and promised for it; a day on which nothing is has no entry."""
    place = bisect_left(row.days, day, key=_day_of)
    if place == len(row.days) or row.days[place].day != day:
        row.days = [*row.days[:place], Day(day), *row.days[place:]]
    found = row.days[place]
    found.supply += supply
    found.promised += promised
    if not found.supply and not found.promised:
        row.days = [*row.days[:place], *row.days[place + 1 :]]


def end_of(days: Sequence[Day], today: int, rules: SupplyRules) -> int:
    """Return the last day of the curve: the horizon, or the last promise made under a farther one, which stands."""
    last = next((one.day for one in reversed(days) if one.promised), today)
    return max(today + rules.horizon_days, last)


def expected(day: int, today: int, end: int, rules: SupplyRules) -> int | None:
    """Return when a supply of a stated day is counted on, None if it is not (yet, or any more)."""
    day += rules.dock_days
    if day >= today:
        return day if day <= end else None
    return today + rules.past_due_offset_days if today - day <= rules.past_due_days else None


def boundary_of(
    days: Sequence[Day], wanted: Iterable[int], today: int, rules: SupplyRules, *, arrives: bool = False
) -> int | None:
    """Return the next day whose coming changes anything.

    `wanted` are the first day that is wanted by what is not due yet, and the first of them beyond the horizon. While
    anything `arrives` it is tomorrow: that counts from today on, whichever day it is.
    """
    reach, end = today + rules.horizon_days, end_of(days, today, rules)
    far = max(rules.ahead_days, rules.horizon_days)
    found = [max(today + 1, day - (far if day > reach else rules.ahead_days)) for day in wanted]
    if arrives:
        found.append(today + 1)
    for one in days:
        if one.supply:
            counts = one.day + rules.dock_days
            if counts > reach:  # nothing is promised for it yet, though an older promise may let it count
                found.append(counts - rules.horizon_days)
            elif expected(one.day, today, end, rules) is not None:
                found.append(max(counts, today) + 1)
        if one.promised:
            found.append(one.day if one.day > today else today + 1)
    return min(found, default=None)


def _day_of(one: Day) -> int:
    return one.day
