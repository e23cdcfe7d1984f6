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
    if row.at_us is not None and row.ended is None:
        row.purge_at_us = None
        moment_us = row.expires_at_us
    else:
        moment_us = begin_retention(item, row)
    if moment_us is not None:
        moment_us = _behind_the_log(item, moment_us, row.timer_us)
    if moment_us != row.timer_us:
        if row.timer_us is not None:
            stop(item, row.timer_us, reservation)
        row.timer_us = None if moment_us is None else start(item, moment_us, reservation)
    if item.rules.deallocates or row.taken_back is not None:
        index_promise(item, reservation, row)
    item.state.put(reservation_key(item.name, reservation), row)


def index_reference(item: OpenItem, reservation: str, row: Reservation, reference: str | None) -> None:
    """Let a reservation be found by a reference that it states; the caller keeps the row."""
    row.reference = reference
    if reference is not None:
        item.state.put(reference_key(item.name, reference, reservation), Due())


def _behind_the_log(item: OpenItem, moment_us: int, timer_us: int | None) -> int:
    """Return when a timer for `moment_us` runs out; one that is over already is not put off by what comes meanwhile."""
    soonest_us = item.log_time_ms * US_PER_MS + 1
    return timer_us if timer_us is not None and moment_us <= timer_us <= soonest_us else max(moment_us, soonest_us)
