"""The supplies of one item: what is said of them changes their register, and with it what is expected by day.

A receipt that does not move the stock lets its units leave the supply before the stock contains them. Until it does
they are arriving: they count from today on, and never on the shelf, until an absolute of their location holds them, an
adjustment names the supply, or a grace is over.

Law: what is expected on a day is the sum of the open units of the supplies that are expected on it.
Source: docs/rules/dates.md#arriving, docs/rules/dates.md#receipt, docs/rules/dates.md#supply-purge.
"""

from typing import Final

from atp_stream.domain.commands import AdjustStock, CancelSupply, ReceiveSupply, ScheduleSupply
from atp_stream.domain.errors import Refused
from atp_stream.domain.item import timers
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.reasons import Reason
from atp_stream.domain.row_keys import supply_key
from atp_stream.domain.stock.fold import newest_at
from atp_stream.domain.supply import days, register
from atp_stream.domain.supply.rows import Arriving, Statement, Supply
from atp_stream.domain.time_units import US_PER_MS

MAX_OPEN: Final = 1_000
"""So many supplies of an item may be open."""

PAST_DUE_DAYS: Final = 90
"""So many days past its own an open supply is remembered, and then for the policy's retention."""


def schedule(item: OpenItem, command: ScheduleSupply | CancelSupply) -> bool:
    """Take in what is said of a supply; raises Refused with reason too_old or too_many_supplies."""
    known: Supply | None = item.state.get(supply_key(item.name, command.supply))
    if known is None and item.row.supply_purged_at_us is not None and command.at_us <= item.row.supply_purged_at_us:
        raise Refused(Reason.TOO_OLD, f"{command.supply} is no newer than a supply that was purged after `retention`")
    row = known or Supply()
    before, stated = _expected(row), row.stated
    if not register.state(row, _statement(command)):
        return False
    if before is None and _expected(row) is not None and item.dates.row.open >= MAX_OPEN:
        row.stated = stated  # the row may be the state's own, and what is refused changes nothing
        raise Refused(Reason.TOO_MANY_SUPPLIES, f"the item has {MAX_OPEN} open supplies already")
    _keep(item, command.supply, row, before)
    return True


def receive(item: OpenItem, command: ReceiveSupply) -> bool:
    """Take in a receipt; raises Refused with reason too_many_movements."""
    row: Supply = item.state.get(supply_key(item.name, command.supply)) or Supply()
    before, was_open = _expected(row), register.open_units(row)
    if not register.receive(
        row, command.event_id, command.at_us, command.quantity, location=command.location, final=command.final,
        moves=command.moves_stock,
    ):  # fmt: skip
        return False
    units = was_open - register.open_units(row)
    if units > 0 and not command.moves_stock and _is_held(item, command):
        item.state.tally.counted_twice += 1
    elif units > 0 and not command.moves_stock:
        until_us = item.log_time_ms * US_PER_MS + item.rules.supply.receipt_grace_us
        until_us = timers.start(item, until_us, timers.OF_RECEIPTS)
        arriving = Arriving(command.supply, units, command.location, command.at_us, until_us)
        item.dates.row.arriving = [*item.dates.row.arriving, arriving]
    _keep(item, command.supply, row, before)
    return True


def adjusted(item: OpenItem, command: AdjustStock, supply: str) -> bool:
    """Take an adjustment that names a supply; raises Refused with reason too_many_movements.

    What a receipt reported before is on the shelf now, and arrives no more.
    """
    row: Supply = item.state.get(supply_key(item.name, supply)) or Supply()
    before = _expected(row)
    if not register.adjust(row, command.event_id, command.delta, command.location):
        return False
    left = max(0, register.come(row) - row.stocked - row.adjusted)
    for one in item.dates.row.arriving if item.row.dated else []:
        if one.supply == supply:
            one.units = min(one.units, left)
            left -= one.units
    _keep(item, supply, row, before)
    _arrive(item)
    return True


def hold(item: OpenItem, at_us: int, location: str) -> None:
    """Let an absolute of a location hold what has come there up to its stamp, or has come to no location that is known.

    To be called for an item with dates.
    """
    row = item.dates.row
    row.absolute_at_us = max(row.absolute_at_us, at_us)
    for one in row.arriving:
        if one.location in {"", location} and one.at_us <= at_us:
            one.units = 0
    _arrive(item)


def wait_no_longer(item: OpenItem, moment_us: int) -> None:
    """Let what was to be held by the stock up to a moment arrive no more."""
    for one in item.dates.row.arriving:
        if one.until_us <= moment_us:
            one.units = 0
    _arrive(item)


def forget(item: OpenItem, supply: str) -> None:
    """Remove a supply whose time is over."""
    row: Supply | None = item.state.get(supply_key(item.name, supply))
    assert row is not None  # noqa: S101  (a timer without its supply is a fault of ours)
    before, holds = _expected(row), register.holds(row)
    if holds is not None:
        purged_at = item.row.supply_purged_at_us
        item.row.supply_purged_at_us = holds.at_us if purged_at is None else max(purged_at, holds.at_us)
    item.state.delete(supply_key(item.name, supply))
    _count(item, before, -1)


def _keep(item: OpenItem, supply: str, row: Supply, before: tuple[int | None, int] | None) -> None:
    """Put the row of a supply, and let the sums by day follow it."""
    _count(item, before, -1)
    after = _expected(row)
    _count(item, after, 1)
    since_us, holds = item.log_time_ms * US_PER_MS, register.holds(row)
    if after is not None and holds is not None:
        since_us = max(since_us, (holds.day + PAST_DUE_DAYS + 1) * days.DAY_US)
    if row.timer_us is not None:
        timers.stop(item, row.timer_us, timers.OF_SUPPLY + supply)
    row.timer_us = timers.start(item, since_us + item.rules.retention_us, timers.OF_SUPPLY + supply)
    item.state.put(supply_key(item.name, supply), row)


def _expected(row: Supply) -> tuple[int | None, int] | None:
    """Return the day on which what is open counts (None if it does not), and what is open; None if nothing is."""
    units, holds = register.open_units(row), register.holds(row)
    if not units or holds is None:
        return None
    return (holds.day if register.counts(row) else None), units


def _count(item: OpenItem, expected: tuple[int | None, int] | None, sign: int) -> None:
    item.dates.changed()
    if expected is not None:
        item.dates.row.open += sign
        day, units = expected
        if day is not None:
            days.add(item.dates.row, day, supply=sign * units)


def _arrive(item: OpenItem) -> None:
    """Forget what arrives no more."""
    if not item.row.dated:
        return
    row = item.dates.row
    gone = {one.until_us for one in row.arriving if not one.units}
    row.arriving = [one for one in row.arriving if one.units]
    for moment_us in gone - {one.until_us for one in row.arriving}:
        timers.stop(item, moment_us, timers.OF_RECEIPTS)
    if gone:
        item.dates.changed()


def _is_held(item: OpenItem, command: ReceiveSupply) -> bool:
    """Return whether an absolute of the stock holds already what has come."""
    if command.location:
        return newest_at(item.stock, command.location) >= command.at_us
    return item.row.dated and item.dates.row.absolute_at_us >= command.at_us


def _statement(command: ScheduleSupply | CancelSupply) -> Statement:
    if isinstance(command, CancelSupply):
        return Statement(command.at_us, True, False, 0, 0, command.event_id)
    return Statement(
        command.at_us, False, not command.firm, command.quantity, command.day, command.event_id, command.location,
        command.kind, command.reference,
    )  # fmt: skip
