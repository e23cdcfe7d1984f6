"""What each command does to an item that is ready for it."""

from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias, assert_never

from atp_stream.domain.commands import (
    AdjustStock,
    CancelSupply,
    Confirm,
    CountStock,
    EditItem,
    Fulfil,
    Grant,
    Move,
    PolicyCommand,
    ReceiveSupply,
    Release,
    Reserve,
    Revoke,
    ScheduleSupply,
    SupplyCommand,
)
from atp_stream.domain.errors import Refused
from atp_stream.domain.fold.future import refuse_future
from atp_stream.domain.item import supplies
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.item.operator_commands import apply_operator_command
from atp_stream.domain.policy.rules import Policy
from atp_stream.domain.reasons import Reason
from atp_stream.domain.reservations.lifecycle import confirm, fulfil, record_adjustment, release, reserve
from atp_stream.domain.reservations.retention import is_purged
from atp_stream.domain.stock.facts import Fact, Outcome

ItemCommand: TypeAlias = AdjustStock | CountStock | Reserve | Confirm | Release | Fulfil | SupplyCommand | PolicyCommand
"""A command that changes the numbers of one item."""


_DUPLICATE: Final = Outcome.DUPLICATE
_LATE: Final = Outcome.LATE
_STALE: Final = Outcome.STALE
_APPLIED: Final = Outcome.APPLIED
_OUTCOMES: Final = (_DUPLICATE, _APPLIED)  # by whether a command was news
_RECEIPT: Final = "\x1freceipt "  # what the event of a receipt is known by among the facts of stock
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def apply_command(item: OpenItem, command: ItemCommand, policy: Policy) -> Outcome:
    """Apply a command to its item and return what became of it; a duplicate and a past fact change nothing.

    Raises Refused, and has changed nothing, with reason future, stale (nobody can know whether it was counted), or one
    of an operator's command or of a reservation.
    """
    refuse_future(command.at_us, item.log_time_ms, policy.future_tolerance_us)
    match command:
        case Reserve():
            return _OUTCOMES[reserve(item, command, policy)]
        case AdjustStock():
            return _move_stock(item, command) if command.supply is None else _receive(item, command, command.supply)
        case CountStock():
            return _record(item, Fact(command.at_us, command.event_id, None, command.on_hand), command.location)
        case Release() | Fulfil() | Confirm():
            return _OUTCOMES[_follow(item, command)]
        case ScheduleSupply() | CancelSupply() | ReceiveSupply():
            return _expect(item, command)
        case EditItem() | Grant() | Revoke() | Move():
            return _OUTCOMES[apply_operator_command(item, command, policy)]
        case _:
            assert_never(command)


def _follow(item: OpenItem, command: Release | Fulfil | Confirm) -> bool:
    match command:
        case Release():
            return release(item, command)
        case Fulfil():
            return fulfil(item, command)
        case Confirm():
            return confirm(item, command)
        case _:
            assert_never(command)


def _expect(item: OpenItem, command: SupplyCommand) -> Outcome:
    """Take in what is said of a supply; a receipt that says so moves the stock, as an adjustment does."""
    if not isinstance(command, ReceiveSupply):
        return _OUTCOMES[supplies.schedule(item, command)]
    if not supplies.receive(item, command):
        return _DUPLICATE
    if command.moves_stock and command.quantity is not None:
        _record(item, Fact(command.at_us, f"{_RECEIPT}{command.event_id}", command.quantity, None), command.location)
    return _APPLIED


def _receive(item: OpenItem, command: AdjustStock, supply: str) -> Outcome:
    """Take in an adjustment of the stock that names a supply.

    What it says of that counts whatever the stock says of it: also if it is refused as stale.
    """
    if command.reservation is not None:
        raise Refused(Reason.TWO_MOVEMENTS, f"{command.reservation} and {supply}")
    news = supplies.adjusted(item, command, supply)
    outcome = _move_stock(item, command)
    return _APPLIED if news else outcome


def _move_stock(item: OpenItem, command: AdjustStock) -> Outcome:
    ships = command.reservation is not None and command.delta < 0
    fact = Fact(command.at_us, command.event_id, command.delta, command.absolute, ships)
    outcome = _record(item, fact, command.location)
    if ships and (outcome is _APPLIED or outcome is _LATE):
        assert command.reservation is not None  # noqa: S101  (it ships one)
        if is_purged(item, command.reservation, command.at_us):
            item.row.unpaired += 1
            item.state.tally.unpaired += 1
        else:
            record_adjustment(item, command.reservation, -command.delta, command.location)
    return outcome


def _record(item: OpenItem, fact: Fact, location: str) -> Outcome:
    """Take in a fact of stock and return what became of it; raises Refused with reason stale."""
    outcome = item.stock.record(fact, location)
    if outcome is _STALE:
        at_us = _EPOCH + timedelta(microseconds=item.stock.forgotten_at_us(location))
        raise Refused(Reason.STALE, f"what {location or 'no location'} had up to {at_us.isoformat()} is forgotten")
    item.row.late += outcome is _LATE
    if item.row.dated and fact.absolute is not None and (outcome is _APPLIED or outcome is _LATE):
        supplies.hold(item, fact.at_us, location)
    return outcome
