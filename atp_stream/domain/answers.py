"""What each command does to an item that is ready for it."""

from typing import TypeAlias, assert_never

from atp_stream.domain.commands import (
    AdjustStock,
    Confirm,
    CountStock,
    EditItem,
    Fulfil,
    Grant,
    Move,
    PolicyCommand,
    Release,
    Reserve,
    Revoke,
)
from atp_stream.domain.errors import Refused
from atp_stream.domain.item import MICROSECONDS, ItemFold
from atp_stream.domain.policy import Policy
from atp_stream.domain.reservation import adjusted, confirm, fulfil, release, reserve
from atp_stream.domain.stock import Fact, Outcome, record
from atp_stream.domain.verbs import steer

ItemCommand: TypeAlias = AdjustStock | CountStock | Reserve | Confirm | Release | Fulfil | PolicyCommand
"""A command that changes the numbers of one item."""


def answer(x: ItemFold, command: ItemCommand, policy: Policy) -> bool:
    """Apply a command to its item, and tell whether it was news; a duplicate changes nothing.

    Raises Refused, and has changed nothing, with reason future (stamped further ahead of log time than policy allows),
    stale (older than the window of its location), or one that `record`, `steer` or the functions of a reservation give.
    """
    if command.at > x.log_time * MICROSECONDS + policy.future_tolerance:
        ahead, most = command.at // MICROSECONDS - x.log_time, policy.future_tolerance // 1_000_000
        raise Refused("future", f"stamped {ahead} ms ahead of log time; `future_tolerance` is {most} s")
    match command:
        case Reserve():
            return reserve(x, command, policy)
        case AdjustStock():
            return _adjust(x, command)
        case CountStock():
            return _record(x, Fact(command.at, command.event_id, None, command.on_hand), command.location)
        case Release() | Fulfil() | Confirm():
            return _follow(x, command)
        case EditItem() | Grant() | Revoke() | Move():
            return steer(x, command, policy)
        case _:
            assert_never(command)


def _follow(x: ItemFold, command: Release | Fulfil | Confirm) -> bool:
    match command:
        case Release():
            return release(x, command)
        case Fulfil():
            return fulfil(x, command)
        case Confirm():
            return confirm(x, command)
        case _:
            assert_never(command)


def _adjust(x: ItemFold, command: AdjustStock) -> bool:
    ships = command.reservation is not None and command.delta < 0
    fact = Fact(command.at, command.event_id, command.delta, command.absolute, ships)
    applied = _record(x, fact, command.location)
    if applied and command.reservation is not None and command.delta < 0:
        adjusted(x, command.reservation, -command.delta, command.location)
    return applied


def _record(x: ItemFold, fact: Fact, location: str) -> bool:
    """Take in a fact of stock; raises Refused with reason stale or too_many_locations."""
    item = x.item
    place = item.stock.places.get(location)
    outcome = record(item.stock, x, fact, location, x.rules.stock)
    if outcome is Outcome.STALE:
        raise Refused("stale", f"{fact.id} is older than the window of its location")
    if outcome is Outcome.DUPLICATE:
        return False
    if place is not None and fact.at < place.now.absolute_at:
        item.late += 1
    return True
