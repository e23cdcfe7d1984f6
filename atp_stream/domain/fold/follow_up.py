"""What follows from a change of an item: promises taken back, limits run out, and those who wait are served.

Law: a slice is a function of the item alone; what one slice cannot finish is the item's work, and the next begins where
it ended. An item finishes its work before its next command. Source: docs/rules/identity.md#order.
"""

from atp_stream.domain.budget import SliceBudget
from atp_stream.domain.item.boundary import look_ahead
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.promise.availability import short
from atp_stream.domain.reservations.backorder_allocation import refill
from atp_stream.domain.reservations.dated_service import serve
from atp_stream.domain.reservations.day_roll import roll
from atp_stream.domain.reservations.deallocation import note_all, take_back
from atp_stream.domain.reservations.expiry import run_out
from atp_stream.domain.reservations.lost_promises import promise_anew, take_off
from atp_stream.domain.reservations.promises_told import tell
from atp_stream.domain.state.rows import Work


def settle(item: OpenItem) -> None:
    """Do what follows from the command, or the policy, that was just answered."""
    loses = item.rules.deallocates
    if item.unindexed or (loses and short(item.row.stock.on_hand, item.reserved)):
        index = "" if item.unindexed else None
        advance(item, Work(offset=item.offset, log_time=item.log_time, ordinal=0, index=index, lose=loses))
        item.unindexed = False
    elif item.row.dated:
        advance(item, Work(offset=item.offset, log_time=item.log_time, ordinal=item.ordinal))
    elif item.waiting:
        closed: list[str] = []
        if refill(item, closed, SliceBudget()):
            item.row.work = None
        else:
            item.row.work = Work(offset=item.offset, log_time=item.log_time, ordinal=item.ordinal, closed=closed)


def advance(item: OpenItem, work: Work) -> None:
    """Do a slice of work; what is left of it is the item's work, or None."""
    budget = SliceBudget()
    over = (
        (work.index is None or note_all(item, work, budget))
        and (work.until is None or run_out(item, work, budget))
        and (work.roll is None or roll(item, work, budget))
        and (not work.lose or take_back(item, work, budget))
        and _serve(item, work, budget)
    )
    item.row.work = None if over else work
    if item.row.dated:
        tell(item)
        look_ahead(item)


def _serve(item: OpenItem, work: Work, budget: SliceBudget) -> bool:
    if not item.row.dated:
        return refill(item, work.closed, budget)
    return take_off(item, budget) and promise_anew(item, budget) and serve(item, work, budget)
