"""What follows from a change of an item: promises taken back, limits run out, and those who wait are served.

Law: a slice is a function of the item alone; what one slice cannot finish is the item's work, and the next begins where
it ended. An item finishes its work before its next command. Source: docs/rules/identity.md#order.
"""

from atp_stream.domain.budget import Room
from atp_stream.domain.item.open_item import ItemFold
from atp_stream.domain.promise.availability import short
from atp_stream.domain.reservations.backorder_allocation import refill
from atp_stream.domain.reservations.deallocation import note_all, take_back
from atp_stream.domain.reservations.expiry import run_out
from atp_stream.domain.state.rows import Work


def settle(x: ItemFold) -> None:
    """Do what follows from the command, or the policy, that was just answered."""
    loses = x.rules.deallocates
    if x.unindexed or (loses and short(x.item.stock.on_hand, x.reserved)):
        advance(x, Work(offset=x.offset, log_time=x.log_time, ordinal=0, index="" if x.unindexed else None, lose=loses))
        x.unindexed = False
    elif x.waiting:
        closed: list[str] = []
        if refill(x, closed, Room()):
            x.item.work = None
        else:
            x.item.work = Work(offset=x.offset, log_time=x.log_time, ordinal=x.ordinal, closed=closed)


def advance(x: ItemFold, work: Work) -> None:
    """Do a slice of work; what is left of it is the item's work, or None."""
    room = Room()
    over = (
        (work.index is None or note_all(x, work, room))
        and (work.until is None or run_out(x, work, room))
        and (not work.lose or take_back(x, work, room))
        and refill(x, work.closed, room)
    )
    x.item.work = None if over else work
