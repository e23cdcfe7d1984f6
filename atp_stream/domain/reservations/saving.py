"""The row of a reservation, and what is kept in step with it: its timer, its reference, its place among promises.

Source: docs/rules/time.md#limit, docs/rules/time.md#retention, docs/rules/reservations.md#deallocate.
"""

from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.item.timers import start, stop
from atp_stream.domain.reservations.deallocation import index_promise
from atp_stream.domain.reservations.retention import begin_retention
from atp_stream.domain.row_keys import reference_key, reservation_key
from atp_stream.domain.state.rows import Due, Reservation
from atp_stream.domain.time_units import US_PER_MS


def save(item: OpenItem, reservation: str, row: Reservation) -> None:
    """Set the row of a reservation: until its end its timer is that of its limit, from then on that of its purge."""
    if row.undue and row.ended is not None:
        item.dates.unlist_all(reservation, row)
        row.undue = False
    if row.at is not None and row.ended is None:
        row.purge_at = None
        moment = row.expires_at
    else:
        moment = begin_retention(item, row)
    if moment is not None:
        moment = _behind_the_log(item, moment, row.timer)
    if moment != row.timer:
        if row.timer is not None:
            stop(item, row.timer, reservation)
        row.timer = None if moment is None else start(item, moment, reservation)
    if item.rules.deallocates or row.taken_back is not None:
        index_promise(item, reservation, row)
    item.state.put(reservation_key(item.name, reservation), row)


def index_reference(item: OpenItem, reservation: str, row: Reservation, reference: str | None) -> None:
    """Let a reservation be found by a reference that it states; the caller keeps the row."""
    row.reference = reference
    if reference is not None:
        item.state.put(reference_key(item.name, reference, reservation), Due())


def _behind_the_log(item: OpenItem, moment: int, timer: int | None) -> int:
    """Return when a timer for `moment` runs out; one that is over already is not put off by what comes meanwhile."""
    soonest = item.log_time * US_PER_MS + 1
    return timer if timer is not None and moment <= timer <= soonest else max(moment, soonest)
