"""What time ends: reservations whose limit is over, rows whose retention is over, and the grace of a drift.

Law: what ends at the same tick ends in the order of the moments, then of the reservations; afterwards those who wait
are served once. An end is final, and its row is forgotten after the policy's retention.
Source: docs/rules/time.md#expiry, docs/rules/time.md#retention.
"""

from atp_stream.domain.budget import Room
from atp_stream.domain.events import ReleaseReason
from atp_stream.domain.item import drift
from atp_stream.domain.item.open_item import ItemFold
from atp_stream.domain.item.timers import watch
from atp_stream.domain.names import decode
from atp_stream.domain.reservations.backorder_queue import stop_waiting
from atp_stream.domain.reservations.balances import allocated, owed
from atp_stream.domain.reservations.saving import forget, keep
from atp_stream.domain.state.rows import End, Work

_MOMENT = 16  # hexadecimal digits


def run_out(x: ItemFold, work: Work, room: Room) -> bool:
    """Let the timers up to `work.until` run out, as far as there is room; tell whether all have."""
    assert work.until is not None  # noqa: S101  (only such work comes here)
    prefix = f"{x.name}|t|"
    while (found := x.state.first(prefix)) is not None and _moment(found[0], prefix) <= work.until:
        if not room.take():
            return False
        x.state.delete(found[0])
        reservation = decode(found[0][len(prefix) + _MOMENT :])
        if reservation:
            _end(x, reservation)
        else:
            drift.tell(x)
    watch(x, None if found is None else _moment(found[0], prefix))
    work.until = None
    return True


def _moment(key: str, prefix: str) -> int:
    return int(key[len(prefix) : len(prefix) + _MOMENT], 16)


def _end(x: ItemFold, reservation: str) -> None:
    row = x.reservation(reservation)
    assert row is not None  # noqa: S101  (a timer without its reservation is a fault of ours)
    row.timer = None
    if row.at is None or row.ended is not None:
        if row.at is not None:
            x.item.purged_at = row.at if x.item.purged_at is None else max(x.item.purged_at, row.at)
        forget(x, reservation, row)
        return
    row.dropped = owed(row) - row.waiting - allocated(row)
    stop_waiting(x, row, row.waiting, newest=True)
    x.give_back(reservation, row, allocated(row), ReleaseReason.EXPIRED)
    row.ended = End.EXPIRED
    keep(x, reservation, row)
