"""What follows from a change of an item: promises taken back, limits run out, and those who wait are served.

Law: a slice is a function of the item alone; what one slice cannot finish is the item's work, and the next begins where
it ended. An item finishes its work before its next command. Source: docs/rules/identity.md#order.
"""

from atp_stream.domain.item.boundary import look_ahead
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.limits import DAYS_EACH, SliceBudget
from atp_stream.domain.promise.availability import short
from atp_stream.domain.reservations.backorder_allocation import serve_backorders
from atp_stream.domain.reservations.dated_service import serve
from atp_stream.domain.reservations.day_roll import roll
from atp_stream.domain.reservations.deallocation import deallocate, index_promises
from atp_stream.domain.reservations.expiry import fire_timers
from atp_stream.domain.reservations.lost_promises import promise_anew, take_off
from atp_stream.domain.reservations.promise_reports import report_promises
from atp_stream.domain.state.rows import Work


def start_follow_up(item: OpenItem) -> int:
    """Do what follows from the command, or the policy, that was just answered; return what `run_slice` does."""
    loses = item.rules.deallocates
    if item.unindexed or (loses and short(item.row.stock.on_hand, item.reserved)):
        index = "" if item.unindexed else None
        item.unindexed = False
        return run_slice(
            item, Work(offset=item.offset, log_time_ms=item.log_time_ms, ordinal=0, index=index, lose=loses)
        )
    if item.row.dated:
        return run_slice(item, Work(offset=item.offset, log_time_ms=item.log_time_ms, ordinal=item.ordinal))
    if item.waiting:
        closed: list[str] = []
        if serve_backorders(item, closed, SliceBudget(item.limits)):
            item.row.work = None
        else:
            item.row.work = Work(offset=item.offset, log_time_ms=item.log_time_ms, ordinal=item.ordinal, closed=closed)
    return 0


def run_slice(item: OpenItem, work: Work) -> int:
    """Do a slice of work; what is left of it is the item's work, or None.

    Returns what it takes of a step beside its events: of an item with dates, what it looked at without an event.
    """
    before = len(item.events)
    budget = SliceBudget(item.limits)
    over = (
        (work.index is None or index_promises(item, work, budget))
        and (work.until_us is None or fire_timers(item, work, budget))
        and (work.roll is None or roll(item, work, budget))
        and (not work.lose or deallocate(item, work, budget))
        and _serve(item, work, budget)
    )
    item.row.work = None if over else work
    if item.row.dated:
        report_promises(item)
        if over:
            look_ahead(item)
    used = item.limits.slice - budget.left + len(item.dates.row.days) // DAYS_EACH if item.row.dated else 0
    return max(0, used - (len(item.events) - before))


def _serve(item: OpenItem, work: Work, budget: SliceBudget) -> bool:
    """Serve those who wait; with dates, after what is promised by day and no longer covered was promised anew."""
    if not item.row.dated:
        return serve_backorders(item, work.closed, budget)
    return take_off(item, budget) and promise_anew(item, budget) and serve(item, work, budget)
