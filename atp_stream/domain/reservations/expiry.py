"""What time ends: reservations whose limit is over, rows whose retention is over, and the grace of a drift.

Law: what ends at the same tick ends in the order of the moments, then of the reservations; afterwards those who wait
are served once. An end is final, and its row is forgotten after the policy's retention.
Source: docs/rules/time.md#expiry, docs/rules/time.md#retention.
"""

from atp_stream.domain.events import ReleaseReason
from atp_stream.domain.item import drift
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.item.timers import watch
from atp_stream.domain.limits import SliceBudget
from atp_stream.domain.reservations.backorder_queue import dequeue
from atp_stream.domain.reservations.balances import allocated, owed
from atp_stream.domain.reservations.retention import purge
from atp_stream.domain.reservations.saving import save
from atp_stream.domain.row_keys import timer_of, timer_prefix
from atp_stream.domain.state.rows import End, Work


def fire_timers(item: OpenItem, work: Work, budget: SliceBudget) -> bool:
    """Let the timers up to `work.until` run out, as far as there is room; tell whether all have."""
    assert work.until is not None  # noqa: S101  (only such work comes here)
    prefix = timer_prefix(item.name)
    while (found := item.state.first(prefix)) is not None and timer_of(found[0])[0] <= work.until:
        if not budget.take():
            return False
        item.state.delete(found[0])
        reservation = timer_of(found[0])[1]
        if reservation:
            _end(item, reservation)
        else:
            drift.report(item)
    watch(item, None if found is None else timer_of(found[0])[0])
    work.until = None
    return True


def _end(item: OpenItem, reservation: str) -> None:
    row = item.reservation(reservation)
    assert row is not None  # noqa: S101  (a timer without its reservation is a fault of ours)
    row.timer = None
    if row.at is None or row.ended is not None:
        purge(item, reservation, row)
        return
    row.dropped = owed(row) - row.waiting - allocated(row)
    dequeue(item, row, row.waiting, newest=True)
    item.give_back(reservation, row, allocated(row), ReleaseReason.EXPIRED)
    row.ended = End.EXPIRED
    save(item, reservation, row)
