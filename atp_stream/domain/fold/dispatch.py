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
from atp_stream.domain.item import supplies
from atp_stream.domain.item.open_item import MICROSECONDS, OpenItem
from atp_stream.domain.item.operator_commands import steer
from atp_stream.domain.policy.rules import Policy
from atp_stream.domain.reasons import Reason
from atp_stream.domain.reservations.lifecycle import adjusted, confirm, fulfil, is_purged, release, reserve
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


def answer(item: OpenItem, command: ItemCommand, policy: Policy) -> Outcome:
    """Apply a command to its item, and tell what became of it; a duplicate and a past fact change nothing.

    Raises Refused, and has changed nothing, with reason future (stamped further ahead of log time than policy allows),
    stale (nobody can know whether it was counted), or one that `steer` or the functions of a reservation give.
    """
    if command.at > item.log_time * MICROSECONDS + policy.future_tolerance:
        ahead, most = command.at // MICROSECONDS - item.log_time, policy.future_tolerance // 1_000_000
        raise Refused(Reason.FUTURE, f"stamped {ahead} ms ahead of log time; `future_tolerance` is {most} s")
    match command:
        case Reserve():
            return _OUTCOMES[reserve(item, command, policy)]
        case AdjustStock():
            return _adjust(item, command)
        case CountStock():
            return _record(item, Fact(command.at, command.event_id, None, command.on_hand), command.location)
        case ScheduleSupply() | CancelSupply():
            return _OUTCOMES[supplies.schedule(item, command)]
        case ReceiveSupply():
            return _receive(item, command)
        case Release() | Fulfil() | Confirm():
            return _OUTCOMES[_follow(item, command)]
        case EditItem() | Grant() | Revoke() | Move():
            return _OUTCOMES[steer(item, command, policy)]
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


def _receive(item: OpenItem, command: ReceiveSupply) -> Outcome:
    """Take in a receipt, and where it says so, let it move the stock; raises Refused as `_adjust` does."""
    if not supplies.receive(item, command):
        return _DUPLICATE
    if command.moves_stock and command.quantity is not None:
        _record(item, Fact(command.at, f"{_RECEIPT}{command.event_id}", command.quantity, None), command.location)
    return _APPLIED


def _adjust(item: OpenItem, command: AdjustStock) -> Outcome:
    """Take in an adjustment of the stock.

    What it says of a supply counts whatever the stock says of it: also if it is refused as stale.
    """
    if command.supply is None:
        return _move_stock(item, command)
    if command.reservation is not None:
        raise Refused(Reason.TWO_MOVEMENTS, f"{command.reservation} and {command.supply}")
    news = supplies.adjusted(item, command, command.supply)
    outcome = _move_stock(item, command)
    return _APPLIED if news else outcome


def _move_stock(item: OpenItem, command: AdjustStock) -> Outcome:
    ships = command.reservation is not None and command.delta < 0
    fact = Fact(command.at, command.event_id, command.delta, command.absolute, ships)
    outcome = _record(item, fact, command.location)
    if ships and (outcome is _APPLIED or outcome is _LATE):
        assert command.reservation is not None  # noqa: S101  (it ships one)
        if is_purged(item, command.reservation, command.at):
            item.row.unpaired += 1
            item.state.tally.unpaired += 1
        else:
            adjusted(item, command.reservation, -command.delta, command.location)
    return outcome


def _record(item: OpenItem, fact: Fact, location: str) -> Outcome:
    """Take in a fact of stock and tell what became of it; raises Refused with reason stale."""
    outcome = item.stock.record(fact, location)
    if outcome is _STALE:
        at = _EPOCH + timedelta(microseconds=item.stock.forgotten_at(location))
        raise Refused(Reason.STALE, f"what {location or 'no location'} had up to {at.isoformat()} is forgotten")
    item.row.late += outcome is _LATE
    if item.row.dated and fact.absolute is not None and (outcome is _APPLIED or outcome is _LATE):
        supplies.hold(item, fact.at, location)
    return outcome
