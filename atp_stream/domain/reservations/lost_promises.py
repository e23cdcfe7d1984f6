"""Promises by day that are not covered any more: they are taken off, and made anew before anybody else is served.

Law: while a point of the curve is below 0, no promise stands at it or before it. Of those that do, unconfirmed ones are
lost first, then those of the lowest priority, the newest request and the latest day: of one that allows parts what is
missing, of any other all. What was lost is promised for the earliest day that takes it whole, in the order of service;
where there is none, it waits.
Source: docs/rules/dates.md#loss.
"""

from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.limits import SliceBudget
from atp_stream.domain.reservations.backorder_queue import enqueue, reduce, waiting_prefix
from atp_stream.domain.reservations.saving import save
from atp_stream.domain.row_keys import by_day_of, day_prefix, lost_prefix, rank, rank_offset
from atp_stream.domain.state.rows import Backorder, Ranked


def take_off(item: OpenItem, budget: SliceBudget) -> bool:
    """Take promises off until every one is covered, as far as there is room; return whether every one is."""
    dates = item.dates
    while (hole := dates.hole()) is not None:
        if not budget.take_days(len(dates.row.days)):
            return False
        last, missing = hole
        days = [one.day for one in dates.row.days if one.promised and one.day <= last]
        heads = [head for day in days if (head := item.state.first(day_prefix(item.name, day))) is not None]
        day, _, reservation = min((by_day_of(key) for key, _ in heads), key=lambda one: (one[1], -one[0]))
        row = item.reservation(reservation)
        assert row is not None  # noqa: S101  (a promise without its reservation is a fault of ours)
        promise = max((one for one in row.promises if one.day == day), key=lambda one: one.place)
        units = min(promise.quantity, missing) if row.allow_partial else promise.quantity
        dates.give_up(reservation, row, promise, units)
        enqueue(item, reservation, row, units, promise.place)
        key = lost_prefix(item.name) + rank(row.priority, promise.place)
        lost: Ranked = item.state.get(key) or Ranked(reservation=reservation)
        lost.quantity += units
        item.state.put(key, lost)
        save(item, reservation, row)
    return True


def promise_anew(item: OpenItem, budget: SliceBudget) -> bool:
    """Promise anew what was lost, as far as there is room; return whether all of it was looked at."""
    while (found := item.state.first(lost_prefix(item.name))) is not None:
        if not budget.take_days(len(item.dates.row.days)):
            return False
        key, lost = found
        item.state.delete(key)
        row = item.reservation(lost.reservation)
        assert row is not None  # noqa: S101  (as above)
        day = None if item.dates.is_frozen(row.channel) else item.dates.earliest(row, lost.quantity)
        if day is not None:
            place = rank_offset(key)
            of_part = waiting_prefix(item, row) + rank(row.priority, place)
            part: Backorder | None = item.state.get(of_part)
            assert part is not None  # noqa: S101  (what was lost waits)
            reduce(item, of_part, part, row, lost.quantity)
            item.dates.promise(lost.reservation, row, lost.quantity, day, place)
            save(item, lost.reservation, row)
    return True
