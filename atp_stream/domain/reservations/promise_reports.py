"""Publishes what reservations are promised by day: the state, once for each command or slice that changed it.

Law: the newest event of a reservation says what its row says; what was lost and is promised for the same day again is
not published.
Source: docs/rules/dates.md#promised-event.
"""

from atp_stream.domain.events import PromiseReason, ReservationPromised
from atp_stream.domain.item.dates import lines_of
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.reservations.balances import allocated
from atp_stream.domain.state.rows import Reservation


def report_promises(item: OpenItem) -> None:
    """Publish each reservation whose days or units by day are not what they were."""
    before, item.dates.before = item.dates.before, {}
    for reservation, (lines, held) in before.items():
        row = item.reservation(reservation)
        if row is None or lines_of(row) == lines:
            continue
        item.events.append(
            ReservationPromised(
                name=item.name, version=item.version, log_time_ms=item.log_time_ms, offset=item.offset,
                ordinal=item.ordinal, reservation=reservation, channel=row.channel, wanted=row.wanted,
                lines=tuple(lines_of(row)), waiting=row.waiting, allocated=allocated(row),
                reason=_reason(row, lines, held, asked=row.at_us is not None and reservation == item.dates.asked),
            )
        )  # fmt: skip
        item.ordinal += 1
    item.dates.asked = None


def _reason(row: Reservation, before: list[tuple[int, int]], held: int, *, asked: bool) -> PromiseReason:
    lines = lines_of(row)
    if row.ended is not None:
        return PromiseReason.ENDED
    if asked:
        return PromiseReason.ASKED
    if not lines:
        return PromiseReason.REDEEMED if not row.waiting else PromiseReason.NO_DATE
    if not before or sum(units for _, units in lines) > sum(units for _, units in before):
        return PromiseReason.SUPPLY
    if lines[-1][0] != before[-1][0]:
        return PromiseReason.EARLIER if lines[-1][0] < before[-1][0] else PromiseReason.LATER
    return PromiseReason.REDEEMED if allocated(row) > held else PromiseReason.NO_DATE
