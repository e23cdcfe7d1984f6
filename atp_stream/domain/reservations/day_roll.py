"""A day that comes: what falls due, and what is promised for days that are over.

What was promised for a day that is over is promised for the day that comes: if its units are there it is redeemed, and
if they are not, what is not covered is lost like any promise. An outage of several days is one roll, to the last.
Source: docs/rules/dates.md#roll.
"""

from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.limits import SliceBudget
from atp_stream.domain.reservations.backorder_queue import reprioritise
from atp_stream.domain.reservations.saving import save
from atp_stream.domain.row_keys import by_day_of, days_prefix, wanted_of, wanted_prefix
from atp_stream.domain.state.rows import Reservation, Work


def roll(item: OpenItem, work: Work, budget: SliceBudget) -> bool:
    """Let the day `work.roll` come, as far as there is room; return whether all of it has."""
    assert work.roll is not None  # noqa: S101  (only such work comes here)
    item.dates.row.boundary = work.roll + 1
    item.dates.changed()
    done = _fall_due(item, work.roll, budget) and _pass(item, work.roll, budget)
    if done:
        work.roll = None
    return done


def _fall_due(item: OpenItem, today: int, budget: SliceBudget) -> bool:
    prefix, near = wanted_prefix(item.name), today + item.rules.supply.ahead_days
    while (found := item.state.first(prefix)) is not None and wanted_of(found[0])[0] <= near:
        if not budget.take():
            return False
        reservation = wanted_of(found[0])[1]
        row = _row(item, reservation)
        item.dates.unlist_all(reservation, row)
        reprioritise(item, row, row.priority, allow_partial=row.allow_partial, undue=False)
        item.dates.list_all(reservation, row)
        save(item, reservation, row)
    return True


def _pass(item: OpenItem, today: int, budget: SliceBudget) -> bool:
    prefix = days_prefix(item.name)
    while (found := item.state.first(prefix)) is not None and by_day_of(found[0])[0] < today:
        if not budget.take():
            return False
        day, _, reservation = by_day_of(found[0])
        row = _row(item, reservation)
        for promise in [one for one in row.promises if one.day == day]:
            item.dates.move(reservation, row, promise, today)
        save(item, reservation, row)
    return True


def _row(item: OpenItem, reservation: str) -> Reservation:
    row = item.reservation(reservation)
    assert row is not None  # noqa: S101  (a promise without its reservation is a fault of ours)
    return row
