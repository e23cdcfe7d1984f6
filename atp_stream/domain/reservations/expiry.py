"""What time ends: reservations whose limit is over, rows whose retention is over, and the grace of a drift.

Law: what ends at the same tick ends in the order of the moments, then of the reservations; afterwards those who wait
are served once. An end is final, and its row is forgotten after the policy's retention.
Source: docs/rules/time.md#expiry, docs/rules/time.md#retention.
"""

from atp_stream.domain.events import ReleaseReason
from atp_stream.domain.item import drift, supplies, timers
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.limits import SliceBudget
from atp_stream.domain.reservations.backorder_queue import dequeue
from atp_stream.domain.reservations.balances import allocated, owed, promised
from atp_stream.domain.reservations.retention import purge
from atp_stream.domain.reservations.saving import save
from atp_stream.domain.row_keys import timer_of, timer_prefix
from atp_stream.domain.state.rows import End, Work
from atp_stream.domain.supply.days import DAY_US


def fire_timers(item: OpenItem, work: Work, budget: SliceBudget) -> bool:
    """Let the timers up to `work.until_us` run out, as far as there is room; return whether all have."""
    assert work.until_us is not None  # noqa: S101  (only such work comes here)
    prefix = timer_prefix(item.name)
    while (found := item.state.first(prefix)) is not None and timer_of(found[0])[0] <= work.until_us:
        if not budget.take():
            return False
        item.state.delete(found[0])
        _fire(item, *timer_of(found[0]), work)
    timers.watch(item, None if found is None else timer_of(found[0])[0])
    work.until_us = None
    return True


def _fire(item: OpenItem, moment_us: int, owner: str, work: Work) -> None:
    """Do what the timer of an owner is for; a day that comes does so after all else that the tick ends."""
    if owner == timers.OF_DAY:
        assert work.until_us is not None  # noqa: S101  (only such work comes here)
        item.dates.row.timer_us, work.roll = None, work.until_us // DAY_US
    elif owner == timers.OF_RECEIPTS:
        supplies.wait_no_longer(item, moment_us)
    elif owner.startswith(timers.OF_SUPPLY):
        supplies.forget(item, owner.removeprefix(timers.OF_SUPPLY))
    elif owner:
        _end(item, owner)
    else:
        drift.report(item)


def _end(item: OpenItem, reservation: str) -> None:
    row = item.reservation(reservation)
    assert row is not None  # noqa: S101  (a timer without its reservation is a fault of ours)
    row.timer_us = None
    if row.at_us is None or row.ended is not None:
        purge(item, reservation, row)
        return
    by_day = promised(row)
    row.dropped = owed(row) - row.waiting - by_day - allocated(row)
    dequeue(item, row, row.waiting, newest=True)
    if by_day:
        item.dates.give_up_latest(reservation, row, by_day)
    item.give_back(reservation, row, allocated(row), ReleaseReason.EXPIRED)
    row.ended = End.EXPIRED
    save(item, reservation, row)
