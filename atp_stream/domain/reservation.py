"""The life of one reservation, from the create (or from what came before it) to its end.

    Reserve q --> COMMITTED     q <= claim
              |-> PARTIAL       0 < claim < q and it allows parts; the rest waits, or is dropped without backorder
              |-> BACKORDERED   not enough, and it allows backorder
              `-> REJECTED      not enough otherwise
    Confirm --> CONFIRMED    Fulfil --> FULFILLED    Release --> RELEASED

Laws: ended is final. The same message again changes nothing: creates are known by their stamp, releases and
fulfilments by their event. What came before the create is met by it with the net quantity.
Each function returns whether anything was applied (False: a duplicate) and raises Refused before it changes anything.
Source: domain.md, Reservation, rules 1 to 3; Stock, fulfilment.
"""

from enum import StrEnum
from hashlib import blake2b
from typing import Final

from atp_stream.domain.commands import Confirm, Fulfil, Release, Reserve
from atp_stream.domain.errors import Refused
from atp_stream.domain.events import DenialOutcome, ReleaseReason, ReservationDenied
from atp_stream.domain.item import ItemFold
from atp_stream.domain.policy import Policy
from atp_stream.domain.rows import End, Moved, Remainder, Reservation
from atp_stream.domain.stock import Shipment, relocate, ship, take_back

MOST_PIECES: Final = 256
"""So many allocations and waiting parts has a reservation at most; then it grows no more and takes no more parts."""

MOST_MOVEMENTS: Final = 512
"""So many releases and fulfilments of a reservation are told apart; more are refused."""

_MOST_SHIPMENTS = 32  # kept to be taken back when an adjustment repeats them; an older one waits for the next absolute
_SHORT_ID = 20


class Status(StrEnum):
    """Where a reservation stands, as users see it."""

    PENDING = "PENDING"
    COMMITTED = "COMMITTED"
    PARTIAL = "PARTIAL"
    BACKORDERED = "BACKORDERED"
    CONFIRMED = "CONFIRMED"
    FULFILLED = "FULFILLED"
    RELEASED = "RELEASED"
    REJECTED = "REJECTED"


def allocated(row: Reservation) -> int:
    """Return the units that are promised and have not left."""
    return sum(allocation.quantity for allocation in row.allocations)


def pieces(row: Reservation) -> int:
    """Return the number of allocations and waiting parts."""
    return len(row.allocations) + len(row.queued)


def owed(row: Reservation) -> int:
    """Return what was requested and neither released nor shipped; more than is held where a part was dropped."""
    return max(0, row.requested - row.released - _shipped(row))


def status(row: Reservation) -> Status:
    """Return where the reservation stands."""
    if row.at is None:
        return Status.PENDING
    if row.ended is not None:
        return Status(row.ended.value)
    if row.confirmed:
        return Status.CONFIRMED
    held = allocated(row)
    if not held:
        return Status.BACKORDERED
    return Status.COMMITTED if held >= owed(row) else Status.PARTIAL


def reserve(x: ItemFold, command: Reserve, policy: Policy) -> bool:
    """Claim units, or replace what an older create said.

    Raises Refused with reason reservation_conflict, unknown_channel, too_many_channels or too_many_parts.
    """
    row = x.reservation(command.reservation)
    asked = policy.default_channel if command.channel is None else command.channel
    channel = x.rules.resolve(asked)
    if row is None or row.at is None:
        channel = x.channel_for(channel, policy.unknown_channel_limit)
        _create(x, Reservation() if row is None else row, command, channel)
        return True
    if command.channel != row.asked and channel != x.rules.resolve(row.channel):
        raise Refused("reservation_conflict", f"{command.reservation} is in channel {row.channel}, not in {channel}")
    if command.at <= row.at or row.ended is not None:
        return False
    _replace(x, row, command)
    return True


def confirm(x: ItemFold, command: Confirm) -> bool:
    """Take the time limit away."""
    row = x.reservation(command.reservation) or Reservation()
    if row.confirmed or row.ended is not None:
        return False
    row.confirmed, row.expires_at = True, None
    x.keep(command.reservation, row)
    return True


def release(x: ItemFold, command: Release) -> bool:
    """Give units back: what waits first, then the newest allocation; raises Refused too_many_movements."""
    row = x.reservation(command.reservation) or Reservation()
    if not _remember(row, command.event_id):
        return False
    if row.at is None:
        row.release_rest |= command.quantity is None and row.fulfil_rest is None  # else nothing is left to release
        row.released += command.quantity or 0
    else:
        left = owed(row)
        units = left if command.quantity is None else command.quantity
        taken = min(units, row.waiting + allocated(row))
        row.released += min(units, left)
        row.excess += max(0, units - left)
        _shrink(x, command.reservation, row, taken, ReleaseReason.CANCELLED)
        _end_if_empty(row, End.RELEASED)
    x.keep(command.reservation, row)
    return True


def fulfil(x: ItemFold, command: Fulfil) -> bool:
    """Ship units: the stock moves whatever the state; raises Refused too_many_movements."""
    row = x.reservation(command.reservation) or Reservation()
    if not _remember(row, command.event_id):
        return False
    if command.quantity is None and row.at is None:
        if row.fulfil_rest is None:
            row.fulfil_rest = Remainder(at=command.at, location=command.location)
    else:
        units = _unshipped(row) if command.quantity is None else command.quantity
        _ship(x, row, units, command.at, command.location)
    x.keep(command.reservation, row)
    return True


def adjusted(x: ItemFold, reservation: str, units: int) -> None:
    """Take note that an adjustment has taken `units` of a reservation out of the stock.

    Moved is the greater of what events and what adjustments say: what an event has shipped already is taken back.
    """
    row = x.reservation(reservation) or Reservation()
    before = _shipped(row)
    row.adjusted += units
    left = _shipped(row) - before
    repeated = units - left
    while repeated and row.moved:
        first = row.moved[0]
        part = min(repeated, first.quantity)
        take_back(x.item.stock, x, Shipment(at=first.at, quantity=part, location=first.location), x.rules.stock)
        first.quantity -= part
        repeated -= part
        if not first.quantity:
            del row.moved[0]
    _hand_over(x, row, left)
    x.keep(reservation, row)


def _create(x: ItemFold, row: Reservation, command: Reserve, channel: str) -> None:
    """Meet what came before, and claim the rest."""
    row.channel, row.asked = channel, command.channel
    row.location, row.reference = command.location, command.reference
    row.at, row.requested = command.at, command.quantity
    _take_flags(row, command)
    for moved in row.moved:
        if not moved.location and row.location:
            gone = Shipment(at=moved.at, quantity=moved.quantity)
            relocate(x.item.stock, x, gone, row.location, x.rules.stock)
            moved.location = row.location
    rest = row.fulfil_rest
    if row.release_rest:
        row.released += owed(row)
    elif rest is not None:
        _ship(x, row, _unshipped(row), rest.at, rest.location)
    row.release_rest, row.fulfil_rest = False, None
    net = owed(row)
    if net:
        _claim(x, command.reservation, row, net)
    else:
        _end_if_empty(row, End.RELEASED if row.released else End.FULFILLED)
    x.keep(command.reservation, row)


def _take_flags(row: Reservation, command: Reserve) -> None:
    row.priority, row.allow_partial, row.allow_backorder = (
        command.priority,
        command.allow_partial,
        command.allow_backorder,
    )
    row.expires_at = None if row.confirmed else command.expires_at


def _replace(x: ItemFold, row: Reservation, command: Reserve) -> None:
    """Live by a newer create."""
    grown = command.quantity - row.requested
    if grown > 0 and pieces(row) >= MOST_PIECES:
        raise Refused("too_many_parts", f"{command.reservation} is in {MOST_PIECES} parts already")
    if (command.priority, command.allow_partial) != (row.priority, row.allow_partial):
        x.queue_again(row, command.priority, allow_partial=command.allow_partial)
    row.at, row.requested = command.at, command.quantity
    _take_flags(row, command)
    if grown > 0:
        _claim(x, command.reservation, row, grown)
    else:
        surplus = max(0, row.waiting + allocated(row) - owed(row))
        _shrink(x, command.reservation, row, surplus, ReleaseReason.REDUCED)
        _end_if_empty(row, End.RELEASED)
    x.keep(command.reservation, row)


def _claim(x: ItemFold, reservation: str, row: Reservation, units: int) -> None:
    """Answer a request for units: the diagram at the head of this module."""
    claim = x.claim(row.channel, row.priority)
    if units <= claim:
        x.commit(reservation, row, units)
        return
    part = claim if row.allow_partial and pieces(row) < MOST_PIECES - 1 else 0
    if part:
        x.commit(reservation, row, part)
    rest = units - part
    if row.allow_backorder:
        outcome = DenialOutcome.PARTIAL if part else DenialOutcome.BACKORDERED
        x.wait(reservation, row, rest)
    else:
        outcome = DenialOutcome.PARTIAL if part else DenialOutcome.REJECTED
        _end_if_empty(row, End.REJECTED)
    x.events.append(
        ReservationDenied(
            name=x.name, version=x.version, at=x.log_time, offset=x.offset, ordinal=x.ordinal,
            reservation=reservation, channel=row.channel, quantity=rest, outcome=outcome,
            reason="rest_waits" if row.allow_backorder else "rest_dropped",
        )
    )  # fmt: skip
    x.ordinal += 1


def _shrink(x: ItemFold, reservation: str, row: Reservation, units: int, reason: ReleaseReason) -> None:
    waiting = min(units, row.waiting)
    x.stop_waiting(row, waiting, newest=True)
    x.give_back(reservation, row, units - waiting, reason)


def _hand_over(x: ItemFold, row: Reservation, units: int) -> None:
    """Let units leave: promised ones first, then such as still waited; more than is held has left all the same."""
    promised = min(units, allocated(row))
    x.hand_over(row, promised)
    x.stop_waiting(row, min(units - promised, row.waiting), newest=False)
    if row.at is not None and units:
        _end_if_empty(row, End.FULFILLED)


def _ship(x: ItemFold, row: Reservation, units: int, at: int, location: str) -> None:
    """Take units out of the stock and the reservation, as far as no adjustment has done so already."""
    before = _shipped(row)
    row.fulfilled += units
    left = _shipped(row) - before
    if left:
        where = location or row.location
        ship(x.item.stock, x, Shipment(at=at, quantity=left, location=where), x.rules.stock)
        row.moved.append(Moved(at, left, where))
        del row.moved[:-_MOST_SHIPMENTS]
        _hand_over(x, row, left)


def _unshipped(row: Reservation) -> int:
    """Return what a fulfilment without a quantity means: all that events have neither released nor shipped."""
    return max(0, row.requested - row.released - row.fulfilled)


def _shipped(row: Reservation) -> int:
    return max(row.fulfilled, row.adjusted)


def _end_if_empty(row: Reservation, end: End) -> None:
    if row.ended is None and not row.allocations and not row.queued:
        row.ended = end


def _remember(row: Reservation, event_id: str) -> bool:
    """Note an event; tell whether it was new."""
    known = event_id
    if len(event_id) > _SHORT_ID or not event_id.isascii():  # the row must stay small whatever ids look like
        known = blake2b(event_id.encode(), digest_size=_SHORT_ID // 2).hexdigest()
    if known in row.known:
        return False
    if len(row.known) >= MOST_MOVEMENTS:
        raise Refused("too_many_movements", f"{MOST_MOVEMENTS} releases and fulfilments have come already")
    row.known.append(known)
    return True
