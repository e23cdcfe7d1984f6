"""The life of one reservation, from the create (or from what came before it) to its end.

    Reserve q --> COMMITTED     q <= claim
              |-> PARTIAL       0 < claim < q and it allows parts; the rest waits, or is dropped without backorder
              |-> BACKORDERED   not enough, and it allows backorder
              `-> REJECTED      not enough otherwise, or more would wait than policy allows
    Confirm --> CONFIRMED    Fulfil --> FULFILLED    Release --> RELEASED    its limit is over --> EXPIRED

Laws: ended is final, and a newer create of what has ended is told so; but a confirm that was made in time reopens what
has expired, and a newer create that comes before that confirm says what will be claimed, so that their order does not
matter. The same message again changes nothing: creates are known by their stamp, releases and fulfilments by their
event, each among its own kind. What came before the create is met by it with the net quantity.
Each function returns whether anything was applied (False: a duplicate) and raises Refused before it changes anything.
Source: docs/rules/reservations.md#request.
"""

from typing import Final

from atp_stream.domain.commands import Confirm, Fulfil, Release, Reserve
from atp_stream.domain.errors import Refused
from atp_stream.domain.events import DenialOutcome, ReleaseReason, ReservationDenied
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.names import join, short_id
from atp_stream.domain.policy.channel_names import normal
from atp_stream.domain.policy.rules import Policy
from atp_stream.domain.reasons import DenialReason, Reason
from atp_stream.domain.reservations import dated_requests, shipment_matching
from atp_stream.domain.reservations.backorder_queue import queue_again, stop_waiting, wait
from atp_stream.domain.reservations.balances import MAX_PIECES, allocated, is_empty, owed, pieces, promised
from atp_stream.domain.reservations.saving import keep, refer, revive
from atp_stream.domain.row_keys import queue_prefix
from atp_stream.domain.state.rows import End, Remainder, Reservation

MAX_MOVEMENTS: Final = 512
"""So many releases and fulfilments of a reservation are told apart; more are refused."""


def reserve(item: OpenItem, command: Reserve, policy: Policy) -> bool:
    """Claim units, or replace what an older create said.

    Raises Refused with reason too_old, too_far, reservation_conflict, unknown_channel, too_many_channels or
    too_many_parts.
    """
    row = item.reservation(command.reservation)
    asked = policy.default_channel if command.channel is None else command.channel
    channel = item.rules.resolve(asked, item.channels)
    if row is None or row.at is None:
        _require_unforgotten(item, command.reservation, command.at)
        dated_requests.require_in_reach(item, command)
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
    if command.at <= row.at:
        return False
    dated_requests.require_in_reach(item, command)
    if row.ended is None:
        _replace(item, row, command)
    else:
        _ask_anew(item, row, command)
    return True


def confirm(item: OpenItem, command: Confirm) -> bool:
    """Take the time limit away; what has expired is reopened if it was confirmed in time."""
    row = item.reservation(command.reservation) or Reservation()
    if row.ended is End.EXPIRED and row.expires_at is not None and command.at < row.expires_at:
        _reopen(item, command.reservation, row)
    elif row.confirmed or row.ended is not None:
        return False
    with dated_requests.listed_anew(item, command.reservation, row):
        row.confirmed, row.expires_at = True, None
    keep(item, command.reservation, row)
    return True


def release(item: OpenItem, command: Release) -> bool:
    """Give units back: what waits first, then the newest allocation; raises Refused too_many_movements."""
    row = item.reservation(command.reservation) or Reservation()
    if not _remember(row, row.released_by, command.event_id):
        return False
    if row.at is None:
        row.release_rest |= command.quantity is None and row.fulfil_rest is None  # else nothing is left to release
        row.released += command.quantity or 0
    else:
        left = owed(row)
        units = left if command.quantity is None else command.quantity
        taken = min(units, row.waiting + promised(row) + allocated(row))
        row.released += min(units, left)
        row.excess += max(0, units - left)
        _shrink(item, command.reservation, row, taken, ReleaseReason.CANCELLED)
        _end_if_empty(row, End.RELEASED)
    keep(item, command.reservation, row)
    return True


def fulfil(item: OpenItem, command: Fulfil) -> bool:
    """Ship units: the stock moves whatever the state; raises Refused with reason too_old or too_many_movements."""
    row = item.reservation(command.reservation)
    if row is None:
        _require_unforgotten(item, command.reservation, command.at)
        row = Reservation()
    if not _remember(row, row.fulfilled_by, command.event_id, command.location):
        return False
    if command.quantity is None and row.at is None:
        if row.fulfil_rest is None:
            row.fulfil_rest = Remainder(at=command.at, location=command.location)
    else:
        rest = command.quantity is None
        units = _unshipped(row) if command.quantity is None else command.quantity
        moved = shipment_matching.fulfilled(item, row, units, command.at, command.location, rest=rest)
        _hand_over(item, command.reservation, row, moved)
    keep(item, command.reservation, row)
    return True


def adjusted(item: OpenItem, reservation: str, units: int, location: str) -> None:
    """Take note that an adjustment has taken `units` of a reservation out of the stock of `location`."""
    row = item.reservation(reservation) or Reservation()
    _hand_over(item, reservation, row, shipment_matching.adjusted(item, row, units, location))
    keep(item, reservation, row)


def is_purged(item: OpenItem, reservation: str, at: int) -> bool:
    """Tell whether a reservation that is told of at that stamp may have been forgotten."""
    return item.row.purged_at is not None and at <= item.row.purged_at and item.reservation(reservation) is None


def _require_unforgotten(item: OpenItem, reservation: str, at: int) -> None:
    if item.row.purged_at is not None and at <= item.row.purged_at:
        raise Refused(Reason.TOO_OLD, f"{reservation} is no newer than a reservation that was purged after `retention`")


def _create(item: OpenItem, row: Reservation, command: Reserve, channel: str) -> None:
    """Meet what came before, and claim the rest."""
    row.channel, row.asked = channel, command.channel
    refer(item, command.reservation, row, command.reference)
    revive(item, command.reservation, row)
    _state(row, command)
    dated_requests.want(item, command.reservation, row, command.wanted)
    row.expires_at = None if row.confirmed else command.expires_at
    shipment_matching.relocate(item, row, command.location)
    rest = row.fulfil_rest
    if row.release_rest:
        row.released += owed(row)
    elif rest is not None:
        moved = shipment_matching.fulfilled(item, row, _unshipped(row), rest.at, rest.location, rest=True)
        _hand_over(item, command.reservation, row, moved)
    row.release_rest, row.fulfil_rest = False, None
    net = owed(row)
    if net:
        _claim(item, command.reservation, row, net)
    else:
        _end_if_empty(row, End.RELEASED if row.released else End.FULFILLED)
    keep(item, command.reservation, row)


def _reopen(item: OpenItem, reservation: str, row: Reservation) -> None:
    """Claim what expiry took, and nothing that was dropped before; as of now, but behind nobody who waits."""
    revive(item, reservation, row)
    row.ended, row.confirmed, row.expires_at = None, True, None
    item.restore(row.channel)
    first = item.state.first(queue_prefix(item.name, row.channel))
    if first is not None:
        row.priority = max(row.priority, first[1].priority)
    dated_requests.want(item, reservation, row, row.wanted)
    net = owed(row) - row.dropped
    if net > 0:
        _claim(item, reservation, row, net)
    else:
        _end_if_empty(row, End.RELEASED if row.released else End.FULFILLED)


def _state(row: Reservation, command: Reserve) -> None:
    row.at, row.requested, row.wanted = command.at, command.quantity, command.wanted
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
    row.at = command.at
    row.purge_at = None  # kept for the whole retention again: else its purge would refuse creates made just now
    keep(item, command.reservation, row)
    reason = DenialReason.EXPIRED if expired else DenialReason.ALREADY_ENDED
    _deny(item, command.reservation, row, command.quantity, DenialOutcome.REJECTED, reason)


def _replace(item: OpenItem, row: Reservation, command: Reserve) -> None:
    """Live by a newer create."""
    grown = command.quantity - row.requested
    if grown > 0 and pieces(row) >= MAX_PIECES:
        raise Refused(
            Reason.TOO_MANY_PARTS, f"{command.reservation} is in {MAX_PIECES} parts already, the most there may be"
        )
    with dated_requests.listed_anew(item, command.reservation, row):
        undue = dated_requests.is_undue(item, command.wanted)
        if (command.priority, command.allow_partial, undue) != (row.priority, row.allow_partial, row.undue):
            queue_again(item, row, command.priority, allow_partial=command.allow_partial, undue=undue)
        _state(row, command)
    dated_requests.move_to_wanted(item, command.reservation, row)
    _move_to(item, row, command)
    row.expires_at = None if row.confirmed else command.expires_at
    if grown > 0:
        _claim(item, command.reservation, row, grown)
    else:
        surplus = max(0, row.waiting + promised(row) + allocated(row) - owed(row))
        _shrink(item, command.reservation, row, surplus, ReleaseReason.REDUCED)
        _end_if_empty(row, End.RELEASED)
    if row.allocations or (row.promises and row.wanted is not None):
        item.begin_limit(row)
    keep(item, command.reservation, row)


def _claim(item: OpenItem, reservation: str, row: Reservation, units: int) -> None:
    """Answer a request for units: the diagram at the head of this module."""
    is_blocked = item.is_blocked(row.channel, row.priority)
    claim = 0 if is_blocked else dated_requests.claim(item, row)
    part = claim if row.allow_partial and pieces(row) < MAX_PIECES - 1 else 0
    taken = units if units <= claim else part
    if taken:
        dated_requests.take(item, reservation, row, taken)
    rest = units - taken
    if not rest:
        return
    if not row.allow_backorder:
        reason = DenialReason.REST_DROPPED
    elif not is_blocked and dated_requests.promise_rest(item, reservation, row, rest):
        reason = DenialReason.REST_PROMISED
    elif _may_wait(item, row, rest):
        reason = DenialReason.REST_WAITS
        wait(item, reservation, row, rest, item.offset)
    else:
        reason = DenialReason.TOO_MUCH_WAITS
    kept = reason in {DenialReason.REST_WAITS, DenialReason.REST_PROMISED}
    if not kept:
        _end_if_empty(row, End.REJECTED)
    alone = DenialOutcome.BACKORDERED if kept else DenialOutcome.REJECTED
    if reason is not DenialReason.REST_PROMISED or row.wanted is None:
        _deny(item, reservation, row, rest, DenialOutcome.PARTIAL if taken else alone, reason)


def _may_wait(item: OpenItem, row: Reservation, units: int) -> bool:
    """Tell whether policy lets so many more units of a reservation wait in its channel."""
    rules, waiting = item.rules, item.channels[row.channel].waiting
    each, all_ = rules.max_waiting_each, rules.rule(row.channel).max_waiting
    return (each is None or row.waiting + units <= each) and (all_ is None or waiting + units <= all_)


def _deny(
    item: OpenItem, reservation: str, row: Reservation, units: int, outcome: DenialOutcome, reason: DenialReason
) -> None:
    item.events.append(
        ReservationDenied(
            name=item.name, version=item.version, at=item.log_time, offset=item.offset, ordinal=item.ordinal,
            reservation=reservation, channel=row.channel, quantity=units, outcome=outcome, reason=reason,
        )
    )  # fmt: skip
    item.ordinal += 1


def _shrink(item: OpenItem, reservation: str, row: Reservation, units: int, reason: ReleaseReason) -> None:
    waiting = min(units, row.waiting)
    stop_waiting(item, row, waiting, newest=True)
    by_day = min(units - waiting, promised(row))
    if by_day:
        item.dates.give_up_latest(reservation, row, by_day)
    item.give_back(reservation, row, units - waiting - by_day, reason)


def _hand_over(item: OpenItem, reservation: str, row: Reservation, units: int) -> None:
    """Let units leave: reserved ones first, then such as were promised, then such as still waited.

    More than is held has left all the same.
    """
    reserved = min(units, allocated(row))
    item.hand_over(row, reserved)
    by_day = min(units - reserved, promised(row))
    if by_day:
        item.dates.hand_over(reservation, row, by_day)
    stop_waiting(item, row, min(units - reserved - by_day, row.waiting), newest=False)
    if row.at is not None and units:
        _end_if_empty(row, End.FULFILLED)


def _unshipped(row: Reservation) -> int:
    """Return what a fulfilment without a quantity means: all that events have neither released nor shipped."""
    return max(0, row.requested - row.released - row.fulfilled)


def _end_if_empty(row: Reservation, end: End) -> None:
    if row.ended is None and is_empty(row):
        row.ended = end


def _remember(row: Reservation, heard: list[str], event_id: str, location: str = "") -> bool:
    """Note an event among those of its kind and place; tell whether it was new."""
    known = short_id(join(location, event_id) if location else event_id)
    if known in heard or short_id(event_id) in row.known:
        return False
    if len(row.released_by) + len(row.fulfilled_by) + len(row.known) >= MAX_MOVEMENTS:
        raise Refused(
            Reason.TOO_MANY_MOVEMENTS, f"{MAX_MOVEMENTS} releases and fulfilments have come, the most there may be"
        )
    heard.append(known)
    return True
