"""The register of a supply: what was ordered, what has come of it, and what is open.

    open = 0 if it was cancelled, or if a final receipt is stamped at or behind the statement that holds;
           else what was ordered less what has come, never below 0
    come = what receipts moved into the stock + the greater of what other receipts and what adjustments say,
           but no less than what was ordered when all that was open came

The newest statement holds. Of two of one stamp the one that promises less does: a cancellation, one that is not firm,
the smaller quantity, the later day.

Law: the same statements and receipts, in any order of arrival and with any duplicates, give the same row.
Each function returns whether anything was news.
Source: docs/rules/dates.md#register, docs/rules/dates.md#come, docs/rules/dates.md#supply-bounds.
"""

from bisect import insort
from typing import Final

from atp_stream.domain.errors import Refused
from atp_stream.domain.names import join, short_id
from atp_stream.domain.reasons import Reason
from atp_stream.domain.supply.rows import Statement, Supply

MAX_RECEIPTS: Final = 256
"""How many receipts of a supply, and adjustments that name it, are kept apart; more are refused."""

MAX_STATEMENTS: Final = 16
"""So many statements are kept, for a receipt of all that was open: it means what was ordered when it was stamped."""


def state(row: Supply, statement: Statement) -> bool:
    """Take in what is said of a supply."""
    if statement in row.stated:
        return False
    stated = list(row.stated)
    insort(stated, statement, key=_weight)
    if len(stated) > MAX_STATEMENTS:
        del stated[0]
    if stated == row.stated:
        return False
    row.stated = stated
    return True


def receive(
    row: Supply, event_id: str, at_us: int, units: int | None, *, location: str, final: bool, moves: bool
) -> bool:
    """Take in a receipt, of all that is open if `units` is None; raises Refused with reason too_many_movements."""
    known = row.stocked_by if moves else row.received_by
    if not _remember(row, known, event_id, location):
        return False
    if units is None:
        insort(row.wholes, at_us)
    elif moves:
        row.stocked += units
    else:
        row.received += units
    if final or units is None:
        row.final_at_us = max(row.final_at_us, at_us)
    return True


def adjust(row: Supply, event_id: str, units: int, location: str) -> bool:
    """Take in an adjustment of the stock that names the supply; raises Refused with reason too_many_movements."""
    if not _remember(row, row.adjusted_by, event_id, location):
        return False
    row.adjusted += units
    return True


def holds(row: Supply) -> Statement | None:
    """Return the statement that holds; None while only receipts have come."""
    return row.stated[-1] if row.stated else None


def come(row: Supply) -> int:
    """Return what has come of a supply."""
    return max(row.stocked + max(row.received, row.adjusted), *(_ordered_at(row, at_us) for at_us in row.wholes), 0)


def ordered(row: Supply) -> int:
    """Return the whole quantity that is ordered now."""
    return 0 if not row.stated or row.stated[-1].cancelled else row.stated[-1].quantity


def open_units(row: Supply) -> int:
    """Return what has still to come."""
    if not row.stated or row.final_at_us >= row.stated[-1].at_us:
        return 0
    return max(0, ordered(row) - come(row))


def over(row: Supply) -> int:
    """Return what has come beyond what was ordered."""
    return max(0, come(row) - ordered(row)) if row.stated else 0


def counts(row: Supply) -> bool:
    """Return whether what is open may be promised: one that is not firm only shows."""
    return bool(row.stated) and not row.stated[-1].unsure


def _weight(one: Statement) -> tuple[int, bool, bool, int, int, str, str, str, str]:
    return (
        one.at_us, one.cancelled, one.unsure, -one.quantity, one.day, one.event, one.location, one.kind,
        one.reference or "",
    )  # fmt: skip


def _ordered_at(row: Supply, at_us: int) -> int:
    """Return what was ordered at a stamp; of statements that are forgotten, the oldest that is known stands for all."""
    last = None
    for one in row.stated:
        if one.at_us <= at_us:
            last = one
    if last is None and len(row.stated) == MAX_STATEMENTS:
        last = row.stated[0]
    return 0 if last is None or last.cancelled else last.quantity


def _remember(row: Supply, known: list[str], event_id: str, location: str) -> bool:
    event = short_id(join(location, event_id) if location else event_id)
    if event in known:
        return False
    if len(row.stocked_by) + len(row.received_by) + len(row.adjusted_by) >= MAX_RECEIPTS:
        raise Refused(
            Reason.TOO_MANY_MOVEMENTS, f"{MAX_RECEIPTS} receipts of the supply have come, the most there may be"
        )
    insort(known, event)
    return True
