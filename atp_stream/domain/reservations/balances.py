"""What a reservation holds: numbers that follow from its row, and where it stands.

Source: docs/rules/reservations.md#states.
"""

from enum import StrEnum

from atp_stream.domain.state.rows import Reservation


class Status(StrEnum):
    """Where a reservation stands, as users see it."""

    PENDING = "PENDING"
    COMMITTED = "COMMITTED"
    PARTIAL = "PARTIAL"
    PROMISED = "PROMISED"
    BACKORDERED = "BACKORDERED"
    CONFIRMED = "CONFIRMED"
    FULFILLED = "FULFILLED"
    RELEASED = "RELEASED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


def allocated(row: Reservation) -> int:
    """Return the units that are promised and have not left."""
    return sum(allocation.quantity for allocation in row.allocations)


def pieces(row: Reservation) -> int:
    """Return the number of allocations, promises and waiting parts."""
    return len(row.allocations) + len(row.queued) + len(row.promises)


def promised(row: Reservation) -> int:
    """Return the units that are promised for a day."""
    return sum(promise.quantity for promise in row.promises) if row.promises else 0


def is_empty(row: Reservation) -> bool:
    """Return whether a reservation holds nothing: no units that are reserved, promised or waiting."""
    return not row.allocations and not row.queued and not row.promises


def owed(row: Reservation) -> int:
    """Return what was requested and neither released nor shipped; more than is held where a part was dropped."""
    return max(0, row.requested - row.released - shipped(row))


def shipped(row: Reservation) -> int:
    """Return the units that have left: what events and what adjustments say, less what both do."""
    return max(row.fulfilled, row.adjusted) + row.apart


def status(row: Reservation) -> Status:
    """Return where the reservation stands."""
    if row.at_us is None:
        return Status.PENDING
    if row.ended is not None:
        return Status(row.ended.value)
    if row.confirmed:
        return Status.CONFIRMED
    held = allocated(row)
    if not held:
        return Status.PROMISED if row.promises and not row.queued else Status.BACKORDERED
    return Status.COMMITTED if held >= owed(row) else Status.PARTIAL
