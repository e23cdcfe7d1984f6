"""The next boundary of an item: the day whose coming changes anything, and the timer that brings it.

Law: while nothing of an item has a date, it has no row and no timer for one.
Source: docs/rules/dates.md#today.
"""

from collections.abc import Iterator

from atp_stream.domain.item import timers
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.row_keys import wanted_key, wanted_of, wanted_prefix
from atp_stream.domain.supply import days
from atp_stream.domain.supply.rows import CurveRow


def look_ahead(item: OpenItem) -> None:
    """See which day is the next that changes anything; forget all once nothing has a date."""
    dates = item.dates
    row = dates.row
    dates.is_touched = False
    item.row.dated = bool(row.days or row.arriving or row.open or row.undue)
    if not item.row.dated:
        dates.row = CurveRow(boundary=row.boundary, timer_us=row.timer_us, reported=row.reported)
        row = dates.row
    wanted = _wanted(item) if row.undue else ()
    boundary = days.boundary_of(row.days, wanted, dates.today, item.rules.supply, arrives=bool(row.arriving))
    if boundary != row.boundary or (row.timer_us is None) != (boundary is None):
        if row.timer_us is not None:
            timers.stop(item, row.timer_us, timers.OF_DAY)
        row.timer_us = None if boundary is None else timers.start(item, boundary * days.DAY_US, timers.OF_DAY)
    row.boundary = boundary


def _wanted(item: OpenItem) -> Iterator[int]:
    """Yield the first day that is wanted by what is not due yet, and the first beyond a horizon that was farther."""
    prefix = wanted_prefix(item.name)
    for day in (0, item.dates.today + item.rules.supply.horizon_days + 1):
        key = item.state.after(wanted_key(item.name, day, ""))
        if key is not None and key.startswith(prefix):
            yield wanted_of(key)[0]
