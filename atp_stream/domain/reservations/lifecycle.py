"""The life of one reservation, from the create (or from what came before it) to its end.

    Reserve --> COMMITTED, PARTIAL, BACKORDERED or REJECTED (`allocation` says which)
    Confirm --> CONFIRMED    Fulfil --> FULFILLED    Release --> RELEASED    its limit is over --> EXPIRED

Laws: ended is final, and a newer create of what has ended is answered so; but a confirm that was made in time reopens
what has expired, and a newer create that comes before that confirm says what will be claimed, so that their order does
not matter. The same message again changes nothing: creates are known by their stamp, releases and fulfilments by their
event, each among its own kind. What came before the create is met by it with the net quantity.
Each function returns whether anything was applied (False: a duplicate) and raises Refused before it changes anything.
Source: docs/rules/reservations.md#request.
"""

from atp_stream.domain.commands import Confirm, Fulfil, Release, Reserve
from atp_stream.domain.errors import Refused
from atp_stream.domain.events import DenialOutcome, ReleaseReason
from atp_stream.domain.item import time_limit
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.names import join, short_id
from atp_stream.domain.policy.channel_names import normal
from atp_stream.domain.policy.rules import Policy
from atp_stream.domain.reasons import DenialReason, Reason
from atp_stream.domain.reservations import dated_requests, shipment_matching
from atp_stream.domain.reservations.allocation import allocate, deny, end_if_empty
from atp_stream.domain.reservations.backorder_queue import dequeue, reprioritise
from atp_stream.domain.reservations.balances import allocated, is_empty, owed, pieces, promised
from atp_stream.domain.reservations.retention import cancel_purge
from atp_stream.domain.reservations.saving import index_reference, save
from atp_stream.domain.row_keys import queue_prefix
from atp_stream.domain.state.rows import End, Remainder, Reservation


def reserve(item: OpenItem, command: Reserve, policy: Policy) -> bool:
    """Claim units, or replace what an older create said.

    Raises Refused with reason too_old, too_far, reservation_conflict, unknown_channel, too_many_channels or
    too_many_parts.
    """
    row = item.reservation(command.reservation)
    asked = policy.default_channel if command.channel is None else command.channel
    channel = item.rules.resolve(asked, item.channels)
    if row is None or row.at_us is None:
        _require_unforgotten(item, command.reservation, command.at_us)
        if command.wanted is not None:
            dated_requests.require_in_reach(item, command.wanted)
        is_new = channel not in item.channels
        channel = item.channel_for(channel, policy.unknown_channel_limit)
        row = row or Reservation()
        _create(item, row, command, channel)
        if is_new and is_empty(row):
            item.forget(channel)
        return True
    if command.channel != row.asked and normal(channel) != normal(item.rules.resolve(row.channel)):
        where = f"{command.reservation} is in channel {row.channel}, not in {channel}"
        raise Refused(Reason.RESERVATION_CONFLICT, where)
    if command.at_us <= row.at_us:
        return False
    if command.wanted is not None:
        dated_requests.require_in_reach(item, command.wanted)
    if row.ended is None:
        _replace(item, row, command)
    else:
        _ask_anew(item, row, command)
    return True


def confirm(item: OpenItem, command: Confirm) -> bool:
    """Take the time limit away; what has expired is reopened if it was confirmed in time."""
    row = item.reservation(command.reservation) or Reservation()
    if row.ended is End.EXPIRED and row.expires_at_us is not None and command.at_us < row.expires_at_us:
        _reopen(item, command.reservation, row)
    elif row.confirmed or row.ended is not None:
        return False
    with dated_requests.listed_anew(item, command.reservation, row):
        row.confirmed, row.expires_at_us = True, None
    save(item, command.reservation, row)
    return True


def release(item: OpenItem, command: Release) -> bool:
    """Give units back: what waits first, then the newest allocation; raises Refused too_many_movements."""
    row = item.reservation(command.reservation) or Reservation()
    if not _remember(item, row, row.released_by, command.event_id):
        return False
    if row.at_us is None:
        row.release_rest |= command.quantity is None and row.fulfil_rest is None  # else nothing is left to release
        row.released += command.quantity or 0
    else:
        left = owed(row)
        units = left if command.quantity is None else command.quantity
        taken = min(units, row.waiting + promised(row) + allocated(row))
        row.released += min(units, left)
        row.excess += max(0, units - left)
        _shrink(item, command.reservation, row, taken, ReleaseReason.CANCELLED)
        end_if_empty(row, End.RELEASED)
    save(item, command.reservation, row)
    return True


def fulfil(item: OpenItem, command: Fulfil) -> bool:
    """Ship units: the stock moves whatever the state; raises Refused with reason too_old or too_many_movements."""
    row = item.reservation(command.reservation)
    if row is None:
        _require_unforgotten(item, command.reservation, command.at_us)
        row = Reservation()
    if not _remember(item, row, row.fulfilled_by, command.event_id, command.location):
        return False
    if command.quantity is None and row.at_us is None:
        if row.fulfil_rest is None:
            row.fulfil_rest = Remainder(at_us=command.at_us, location=command.location)
    else:
        rest = command.quantity is None
        units = _unshipped(row) if command.quantity is None else command.quantity
        left = shipment_matching.record_fulfilment(item, row, units, command.at_us, command.location, rest=rest)
        _hand_over(item, command.reservation, row, left)
    save(item, command.reservation, row)
    return True


def record_adjustment(item: OpenItem, reservation: str, units: int, location: str) -> None:
    """Take note that an adjustment has taken `units` of a reservation out of the stock of `location`."""
    row = item.reservation(reservation) or Reservation()
    _hand_over(item, reservation, row, shipment_matching.record_adjustment(item, row, units, location))
    save(item, reservation, row)


def _require_unforgotten(item: OpenItem, reservation: str, at_us: int) -> None:
    if item.row.purged_at_us is not None and at_us <= item.row.purged_at_us:
        raise Refused(Reason.TOO_OLD, f"{reservation} is no newer than a reservation that was purged after `retention`")


def _create(item: OpenItem, row: Reservation, command: Reserve, channel: str) -> None:
    """Meet what came before, and claim the rest."""
    row.channel, row.asked = channel, command.channel
    index_reference(item, command.reservation, row, command.reference)
    cancel_purge(item, command.reservation, row)
    _state(row, command)
    if row.wanted is not None:
        dated_requests.want(item, command.reservation, row)
    row.expires_at_us = None if row.confirmed else command.expires_at_us
    shipment_matching.relocate(item, row, command.location)
    rest = row.fulfil_rest
    if row.release_rest:
        row.released += owed(row)
    elif rest is not None:
        units = _unshipped(row)
        left = shipment_matching.record_fulfilment(item, row, units, rest.at_us, rest.location, rest=True)
        _hand_over(item, command.reservation, row, left)
    row.release_rest, row.fulfil_rest = False, None
    net = owed(row)
    if net:
        allocate(item, command.reservation, row, net)
    else:
        end_if_empty(row, End.RELEASED if row.released else End.FULFILLED)
    save(item, command.reservation, row)


def _reopen(item: OpenItem, reservation: str, row: Reservation) -> None:
    """Claim what expiry took, and nothing that was dropped before; as of now, but behind nobody who waits."""
    cancel_purge(item, reservation, row)
    row.ended, row.confirmed, row.expires_at_us = None, True, None
    item.restore(row.channel)
    first = item.state.first(queue_prefix(item.name, row.channel))
    if first is not None:
        row.priority = max(row.priority, first[1].priority)
    dated_requests.want(item, reservation, row)
    net = owed(row) - row.dropped
    if net > 0:
        allocate(item, reservation, row, net)
    else:
        end_if_empty(row, End.RELEASED if row.released else End.FULFILLED)


def _state(row: Reservation, command: Reserve) -> None:
    row.at_us, row.requested, row.wanted = command.at_us, command.quantity, command.wanted
    row.priority, row.allow_partial, row.allow_backorder = (
        command.priority,
        command.allow_partial,
        command.allow_backorder,
    )


def _move_to(item: OpenItem, row: Reservation, command: Reserve) -> None:
    """Let a newer create that names another location count; one that names none leaves it as it was."""
    if command.location and command.location != row.location:
        shipment_matching.relocate(item, row, command.location)


def _ask_anew(item: OpenItem, row: Reservation, command: Reserve) -> None:
    """Answer a newer create of what has ended: it claims nothing.

    It changes what a confirm in time will claim of what has expired; the limit that ended that stands.
    """
    expired = row.ended is End.EXPIRED
    if expired:
        row.dropped = max(0, row.dropped - max(0, row.requested - command.quantity))
        _state(row, command)
        _move_to(item, row, command)
    row.at_us = command.at_us
    row.purge_at_us = None  # kept for the whole retention again: else its purge would refuse creates made just now
    save(item, command.reservation, row)
    reason = DenialReason.EXPIRED if expired else DenialReason.ALREADY_ENDED
    deny(item, command.reservation, row, command.quantity, DenialOutcome.REJECTED, reason)


def _replace(item: OpenItem, row: Reservation, command: Reserve) -> None:
    """Live by a newer create."""
    grown = command.quantity - row.requested
    if grown > 0 and pieces(row) >= item.limits.parts:
        parts = f"{command.reservation} is in {item.limits.parts} parts already, the most there may be"
        raise Refused(Reason.TOO_MANY_PARTS, parts)
    with dated_requests.listed_anew(item, command.reservation, row):
        undue = dated_requests.is_undue(item, command.wanted)
        if (command.priority, command.allow_partial, undue) != (row.priority, row.allow_partial, row.undue):
            reprioritise(item, row, command.priority, allow_partial=command.allow_partial, undue=undue)
        _state(row, command)
    dated_requests.move_to_wanted(item, command.reservation, row)
    _move_to(item, row, command)
    row.expires_at_us = None if row.confirmed else command.expires_at_us
    if grown > 0:
        allocate(item, command.reservation, row, grown)
    else:
        surplus = max(0, row.waiting + promised(row) + allocated(row) - owed(row))
        _shrink(item, command.reservation, row, surplus, ReleaseReason.REDUCED)
        end_if_empty(row, End.RELEASED)
    if row.allocations or (row.promises and row.wanted is not None):
        time_limit.begin_default(row, item.rules, item.log_time_ms)
    save(item, command.reservation, row)


def _shrink(item: OpenItem, reservation: str, row: Reservation, units: int, reason: ReleaseReason) -> None:
    waiting = min(units, row.waiting)
    dequeue(item, row, waiting, newest=True)
    by_day = min(units - waiting, promised(row))
    if by_day:
        item.dates.give_up_latest(reservation, row, by_day)
    item.give_back(reservation, row, units - waiting - by_day, reason)


def _hand_over(item: OpenItem, reservation: str, row: Reservation, units: int) -> None:
    """Let units leave: reserved ones first, then such as are promised by day, then such as still waited.

    More than is held has left all the same.
    """
    reserved = min(units, allocated(row))
    item.hand_over(row, reserved)
    by_day = min(units - reserved, promised(row))
    if by_day:
        item.dates.hand_over(reservation, row, by_day)
    dequeue(item, row, min(units - reserved - by_day, row.waiting), newest=False)
    if row.at_us is not None and units:
        end_if_empty(row, End.FULFILLED)


def _unshipped(row: Reservation) -> int:
    """Return what a fulfilment without a quantity means: all that events have neither released nor shipped."""
    return max(0, row.requested - row.released - row.fulfilled)


def _remember(item: OpenItem, row: Reservation, seen: list[str], event_id: str, location: str = "") -> bool:
    """Note an event among those of its kind and place; return whether it was new."""
    known = short_id(join(location, event_id) if location else event_id)
    if known in seen or short_id(event_id) in row.known:
        return False
    most = item.limits.movements
    if len(row.released_by) + len(row.fulfilled_by) + len(row.known) >= most:
        raise Refused(Reason.TOO_MANY_MOVEMENTS, f"{most} releases and fulfilments have come, the most there may be")
    seen.append(known)
    return True
