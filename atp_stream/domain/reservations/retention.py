"""Retention: how long a reservation is remembered after its end, or before its create, and what its purge removes.

Source: docs/rules/time.md#retention, docs/rules/reservations.md#purged.
"""

from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.item.timers import stop
from atp_stream.domain.row_keys import reference_key, reservation_key
from atp_stream.domain.state.rows import Reservation
from atp_stream.domain.time_units import US_PER_MS


def begin_retention(item: OpenItem, row: Reservation) -> int:
    """Return when a reservation is purged: the policy's retention after now, unless that has begun already."""
    if row.purge_at_us is None:
        row.purge_at_us = item.log_time_ms * US_PER_MS + item.rules.retention_us
    return row.purge_at_us


def cancel_purge(item: OpenItem, reservation: str, row: Reservation) -> None:
    """Let a reservation that was to be forgotten begin, or begin again; the caller saves the row."""
    row.purge_at_us = None
    if row.timer_us is not None:
        stop(item, row.timer_us, reservation)
        row.timer_us = None


def purge(item: OpenItem, reservation: str, row: Reservation) -> None:
    """Remove a reservation, and what it was found by; the item keeps the stamp of the newest create that has gone."""
    if row.at_us is not None:
        item.row.purged_at_us = row.at_us if item.row.purged_at_us is None else max(item.row.purged_at_us, row.at_us)
    item.state.delete(reservation_key(item.name, reservation))
    if row.reference is not None:
        item.state.delete(reference_key(item.name, row.reference, reservation))


def is_purged(item: OpenItem, reservation: str, at_us: int) -> bool:
    """Return whether a reservation that a message stamped `at_us` names may have been purged."""
    return (
        item.row.purged_at_us is not None and at_us <= item.row.purged_at_us and item.reservation(reservation) is None
    )
