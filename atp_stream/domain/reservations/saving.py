"""The row of a reservation, and what is kept in step with it: its timer, its reference, its place among promises.

Source: docs/rules/time.md#limit, docs/rules/time.md#retention, docs/rules/reservations.md#deallocate.
"""

from atp_stream.domain.item.open_item import MICROSECONDS, OpenItem
from atp_stream.domain.item.timers import start, stop
from atp_stream.domain.reservations.deallocation import note
from atp_stream.domain.row_keys import reference_key, reservation_key
from atp_stream.domain.state.rows import Due, Reservation


def keep(item: OpenItem, reservation: str, row: Reservation) -> None:
    """Set the row of a reservation: until its end its timer is that of its limit, from then on that of its purge."""
    if row.undue and row.ended is not None:
        item.dates.unlist_all(reservation, row)
        row.undue = False
    if row.at is not None and row.ended is None:
        row.purge_at = None
        moment = row.expires_at
    else:
        if row.purge_at is None:
            row.purge_at = item.log_time * MICROSECONDS + item.rules.retention
        moment = row.purge_at
    if moment is not None:
        moment = _behind_the_log(item, moment, row.timer)
    if moment != row.timer:
        if row.timer is not None:
            stop(item, row.timer, reservation)
        row.timer = None if moment is None else start(item, moment, reservation)
    if item.rules.deallocates or row.taken_back is not None:
        note(item, reservation, row)
    item.state.put(reservation_key(item.name, reservation), row)


def refer(item: OpenItem, reservation: str, row: Reservation, reference: str | None) -> None:
    """Let a reservation be found by a reference that it states; the caller keeps the row."""
    row.reference = reference
    if reference is not None:
        item.state.put(reference_key(item.name, reference, reservation), Due())


def forget(item: OpenItem, reservation: str, row: Reservation) -> None:
    """Remove a reservation, and what it was found by."""
    item.state.delete(reservation_key(item.name, reservation))
    if row.reference is not None:
        item.state.delete(reference_key(item.name, row.reference, reservation))


def revive(item: OpenItem, reservation: str, row: Reservation) -> None:
    """Let a reservation that was to be forgotten begin, or begin again; the caller keeps the row."""
    row.purge_at = None
    if row.timer is not None:
        stop(item, row.timer, reservation)
        row.timer = None


def _behind_the_log(item: OpenItem, moment: int, timer: int | None) -> int:
    """Return when a timer for `moment` runs out; one that is over already is not put off by what comes meanwhile."""
    soonest = item.log_time * MICROSECONDS + 1
    return timer if timer is not None and moment <= timer <= soonest else max(moment, soonest)
