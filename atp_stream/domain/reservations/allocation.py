"""What a request for units gets.

    q units --> COMMITTED     q <= claim
            |-> PARTIAL       0 < claim < q and it allows parts; the rest waits, or is dropped without backorder
            |-> BACKORDERED   not enough, and it allows backorder
            `-> REJECTED      not enough otherwise, or more would wait than policy allows

Source: docs/rules/reservations.md#request.
"""

from atp_stream.domain.events import DenialOutcome, ReservationDenied
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.reasons import DenialReason
from atp_stream.domain.reservations import dated_requests
from atp_stream.domain.reservations.backorder_queue import enqueue
from atp_stream.domain.reservations.balances import is_empty, pieces
from atp_stream.domain.state.rows import End, Reservation


def allocate(item: OpenItem, reservation: str, row: Reservation, units: int) -> None:
    """Allocate what the claim of the channel covers of `units`; the rest waits, is dropped, or is rejected."""
    is_blocked = item.is_blocked(row.channel, row.priority)
    claim = 0
    if not is_blocked:
        claim = dated_requests.claim(item, row) if row.undue else sum(item.claim(row.channel))
    part = claim if row.allow_partial and pieces(row) < item.limits.parts - 1 else 0
    taken = units if units <= claim else part
    if taken and row.undue:
        dated_requests.take(item, reservation, row, taken)
    elif taken:
        item.commit(reservation, row, taken)
    rest = units - taken
    if not rest:
        return
    if not row.allow_backorder:
        reason = DenialReason.REST_DROPPED
    elif not is_blocked and dated_requests.promise_rest(item, reservation, row, rest):
        reason = DenialReason.REST_PROMISED
    elif _may_wait(item, row, rest):
        reason = DenialReason.REST_WAITS
        enqueue(item, reservation, row, rest, item.offset)
    else:
        reason = DenialReason.TOO_MUCH_WAITS
    is_kept = reason in {DenialReason.REST_WAITS, DenialReason.REST_PROMISED}
    if not is_kept:
        end_if_empty(row, End.REJECTED)
    alone = DenialOutcome.BACKORDERED if is_kept else DenialOutcome.REJECTED
    if reason is not DenialReason.REST_PROMISED or row.wanted is None:
        deny(item, reservation, row, rest, DenialOutcome.PARTIAL if taken else alone, reason)


def _may_wait(item: OpenItem, row: Reservation, units: int) -> bool:
    """Return whether policy lets so many more units of a reservation wait in its channel."""
    rules, waiting = item.rules, item.channels[row.channel].waiting
    each, all_ = rules.max_waiting_each, rules.rule(row.channel).max_waiting
    return (each is None or row.waiting + units <= each) and (all_ is None or waiting + units <= all_)


def deny(
    item: OpenItem, reservation: str, row: Reservation, units: int, outcome: DenialOutcome, reason: DenialReason
) -> None:
    """Report units that were not committed."""
    item.events.append(
        ReservationDenied(
            name=item.name, version=item.version, log_time_ms=item.log_time_ms, offset=item.offset,
            ordinal=item.ordinal, reservation=reservation, channel=row.channel, quantity=units, outcome=outcome,
            reason=reason,
        )
    )  # fmt: skip
    item.ordinal += 1


def end_if_empty(row: Reservation, end: End) -> None:
    """End a reservation that holds nothing and waits for nothing, unless it has ended already."""
    if row.ended is None and is_empty(row):
        row.ended = end
