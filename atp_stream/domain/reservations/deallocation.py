"""Promises taken back when the stock no longer covers them, for those who chose so.

Law: only what is short is taken back: unconfirmed promises first, then those of the lowest priority, then those of the
newest request by its place in the log, whatever commit served it; what was taken back waits at that place. The order
is kept as rows (of such items alone), so that the work does not grow with the number of promises.

Rows of an earlier version are in the order of the commits. They are found as well, and `index_promises` with
`work.index` "" gives all of them their new place, in slices.
Source: docs/rules/reservations.md#deallocate.
"""

from atp_stream.domain.events import ReleaseReason
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.limits import SliceBudget
from atp_stream.domain.promise.availability import short
from atp_stream.domain.reservations.backorder_queue import enqueue
from atp_stream.domain.row_keys import (
    promise_key,
    promise_place,
    promise_prefix,
    promised_to,
    reservation_key,
    reservation_of,
    reservation_prefix,
)
from atp_stream.domain.state.rows import Due, Reservation, Work


def index_promise(item: OpenItem, reservation: str, row: Reservation) -> None:
    """Index a reservation by its place among the promises that a loss may take back; the caller puts the row."""
    place = _place(row) if item.rules.deallocates and row.allocations else None
    if place != row.taken_back:
        if row.taken_back is not None:
            item.state.delete(promise_key(item.name, row.taken_back, reservation))
        if place is not None:
            item.state.put(promise_key(item.name, place, reservation), Due())
        row.taken_back = place


def index_promises(item: OpenItem, work: Work, budget: SliceBudget) -> bool:
    """Index the promises from `work.index` on, as far as the budget reaches; return whether all are indexed."""
    assert work.index is not None  # noqa: S101  (only such work comes here)
    prefix = reservation_prefix(item.name)
    while (key := item.state.after(max(work.index, prefix))) is not None and key.startswith(prefix):
        if not budget.take():
            return False
        row: Reservation | None = item.state.get(key)
        assert row is not None  # noqa: S101  (`after` finds only keys that have a row)
        index_promise(item, reservation_of(key), row)
        item.state.put(key, row)
        work.index = key + "\0"
    work.index = None
    return True


def deallocate(item: OpenItem, work: Work, budget: SliceBudget) -> bool:
    """Take promises back until nothing is short, as far as the budget reaches; return whether nothing is."""
    prefix = promise_prefix(item.name)
    while missing := short(item.row.stock.on_hand, item.reserved):
        if not budget.take():
            return False
        found = item.state.first(prefix)
        assert found is not None  # noqa: S101  (what is reserved is noted)
        reservation = promised_to(found[0])
        row = item.reservation(reservation)
        assert row is not None  # noqa: S101  (a promise without its reservation is a fault of ours)
        place = _newest_request(row)
        while missing and row.allocations and _newest_request(row) == place:
            part = item.give_back_newest(reservation, row, missing, ReleaseReason.SUPPLY_LOST)
            enqueue(item, reservation, row, part, place)
            missing -= part
        index_promise(item, reservation, row)
        item.state.put(reservation_key(item.name, reservation), row)
    work.lose = False
    return True


def _place(row: Reservation) -> str:
    """Return what sorts reservations in the order in which their promises are taken back."""
    return promise_place(row.priority, _newest_request(row), confirmed=row.confirmed)


def _newest_request(row: Reservation) -> int:
    """Return the place in the log of the newest request that promises answer; allocations stand in that order."""
    newest = row.allocations[-1]
    return newest.offset if newest.asked_at < 0 else newest.asked_at
