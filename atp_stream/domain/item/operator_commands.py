"""What operators do to one item: its own rules, and grants to its quotas.

Law: a command is refused as a whole or done as a whole; one that is known changes nothing. Granted units are never
taken back once they are consumed. Source: docs/rules/policy.md#grant-revoke-move.
"""

from typing import assert_never

from atp_stream.domain.commands import EditItem, Grant, Move, PolicyCommand, Revoke
from atp_stream.domain.errors import Refused
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.item.policy_history import MAX_KNOWN_CHANGES
from atp_stream.domain.names import short_id
from atp_stream.domain.policy.channel_names import normal
from atp_stream.domain.policy.parsing import edited_own, encode, recall_own
from atp_stream.domain.policy.rules import Policy
from atp_stream.domain.policy.schema import WHOLE, Kind, PolicyError
from atp_stream.domain.quantity import show
from atp_stream.domain.reasons import Reason
from atp_stream.domain.state.rows import Channel


def apply_operator_command(item: OpenItem, command: PolicyCommand, policy: Policy) -> bool:
    """Do what an operator asks, and return whether it was news.

    Raises Refused, and has changed nothing, with reason policy_invalid, unknown_channel, not_a_quota, bad_grant or
    not_enough_granted.
    """
    known = short_id(command.event_id)
    if known in item.row.known_changes:
        return False
    match command:
        case EditItem():
            _edit(item, command, policy)
        case Grant():
            row = _quota(item, command.channel)
            row.granted += _granted(item, command)
        case Revoke():
            row = _quota(item, command.channel)
            row.granted -= min(_unused(row), _unused(row) if command.quantity is None else command.quantity)
        case Move():
            source, target = _quota(item, command.channel), _quota(item, command.to)
            if command.quantity > _unused(source):
                raise Refused(Reason.NOT_ENOUGH_GRANTED, f"{command.channel} has {show(_unused(source))} to give")
            source.granted -= command.quantity
            target.granted += command.quantity
        case _:
            assert_never(command)
    item.row.known_changes = [*item.row.known_changes[1 - MAX_KNOWN_CHANGES :], known]
    return True


def _edit(item: OpenItem, command: EditItem, policy: Policy) -> None:
    try:
        before = policy.written_for(item.name) if item.row.own is None else recall_own(item.row.own.encode())
        own = edited_own(before, bytes(command.patch))
    except PolicyError as error:
        raise Refused(Reason.POLICY_INVALID, str(error)) from error
    names = () if own is None else (*own.channels, *own.frozen)
    other = next((name for name in names if normal(item.rules.resolve(name)) != normal(name)), None)
    if other is not None:
        named = item.rules.resolve(other)
        raise Refused(Reason.POLICY_INVALID, f"{other} is an alias of {named}: use {named}")
    item.row.own = None if own is None else encode(own).decode()
    item.meet(policy.rules(item.name, item.row.own))


def _quota(item: OpenItem, channel: str) -> Channel:
    channel = item.rules.resolve(channel, item.channels)
    row = item.channels.get(channel)
    if row is None:
        raise Refused(Reason.UNKNOWN_CHANNEL, channel)
    kind = item.rules.rule(channel).thawed
    if kind is not Kind.QUOTA:
        raise Refused(Reason.NOT_A_QUOTA, f"{channel} is {kind}")
    return row


def _granted(item: OpenItem, command: Grant) -> int:
    if command.quantity is not None and command.percent is None:
        return command.quantity
    if command.percent is not None and command.quantity is None:
        rule = item.rules.rule(item.rules.resolve(command.channel))
        units = max(item.free() * command.percent // WHOLE, rule.minimum)
        return units - units % item.rules.step
    raise Refused(Reason.BAD_GRANT, "it needs either a quantity or a percentage")


def _unused(row: Channel) -> int:
    return max(0, row.granted - row.consumed)
