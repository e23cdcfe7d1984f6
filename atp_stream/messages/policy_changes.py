"""Policy changes: from a form to a command, and to the tenant or item that it applies to.

Law: a policy change applies to what it names. A SET that names neither tenant, item nor channel replaces
the whole document, whatever the default tenant is; every other change belongs to a tenant, the default one if it
names none. SET is then a merge patch (RFC 7396) on the section of the tenant, of its item, or of the channel in it.

A whole document is checked here; whether a patch fits what it is applied to can only be decided where the log says what
that is. `"policy": null` is a field that is absent, as everywhere; the *text* `null` removes a section.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec

from atp_stream.domain.commands import AnyCommand, EditItem, EditPolicy, Grant, Move, Revoke, SetPolicy
from atp_stream.domain.errors import Refused
from atp_stream.domain.policy.parsing import decode
from atp_stream.domain.policy.schema import WHOLE, PolicyError
from atp_stream.domain.reasons import Reason
from atp_stream.messages.amounts import amount
from atp_stream.messages.input_events import InputKind, PolicyForm
from atp_stream.messages.limits import MAX_POLICY_DEPTH
from atp_stream.messages.timestamps import micros
from atp_stream.messages.validation import content_name, kafka_instant, needed_id, optional_id, units


class Action(StrEnum):
    """What a policy change may ask for."""

    SET = "SET"
    GRANT = "GRANT"
    REVOKE = "REVOKE"
    MOVE = "MOVE"
    FREEZE = "FREEZE"
    UNFREEZE = "UNFREEZE"


class PolicyChange(NamedTuple):
    """Whom a command speaks to; tenant and item are empty where it speaks to whole partitions of the log."""

    tenant: str
    item: str
    command: AnyCommand


class _Said(NamedTuple):
    """A policy change before it is known what it asks for; its names are not checked yet."""

    action: Action
    tenant: str
    item: str
    channel: str
    at_us: int
    event_id: str
    body: PolicyForm

    def channel_needed(self) -> str:
        return needed_id(self.channel, "channel", Reason.MISSING_CHANNEL)

    def to_item(self, command: AnyCommand) -> PolicyChange:
        return PolicyChange(self.tenant, needed_id(self.item, "item", Reason.MISSING_ITEM), command)


def policy_change(form: PolicyForm, kafka_timestamp_ms: int, default_tenant: str | None) -> PolicyChange:
    """Return the change that a form asks for.

    Raises:
        Refused: it breaks the contract.
    """
    said = _said(form, kafka_timestamp_ms)
    if said.action is Action.SET and not (said.tenant or said.item or said.channel):
        document = _whole(said.body)
        return PolicyChange("", "", SetPolicy(event_id=said.event_id, at_us=said.at_us, document=document))
    tenant = needed_id(said.tenant or default_tenant, "tenant", Reason.MISSING_TENANT)
    return _CHANGES[said.action](said._replace(tenant=tenant))


def _said(form: PolicyForm, kafka_timestamp_ms: int) -> _Said:
    body = form if form.payload is None else form.payload
    tenant = form.tenantId or form.tenant_id or body.tenantId or body.tenant_id
    event_id = form.eventId or form.event_id or body.eventId or body.event_id
    stamp = form.timestamp or body.timestamp
    try:
        action = Action((body.action or "").upper())
    except ValueError:
        raise Refused(Reason.UNKNOWN_ACTION, f"{body.action!r:.100} is none of {', '.join(Action)}") from None
    at_us = micros(stamp) if stamp or stamp == 0 else kafka_instant(kafka_timestamp_ms)
    item, channel = body.itemId or body.item_id or "", body.channel or ""
    contents = (body.toChannel or body.to_channel, amount(body.quantity), amount(body.percent))
    named = content_name(
        InputKind.POLICY.value, tenant, item, at_us, action.value, channel, *contents, repr(_text(body))
    )
    return _Said(action, tenant or "", item, channel, at_us, optional_id(event_id, "event id") or named, body)


def _set(said: _Said) -> PolicyChange:
    patch = _patch(said.body)
    if said.channel:
        patch = _nested("channels", said.channel_needed(), patch)
    return _edited(said, patch)


def _freeze(said: _Said) -> PolicyChange:
    return _edited(said, _nested("frozen", said.channel_needed(), msgspec.Raw(b"true")))


def _unfreeze(said: _Said) -> PolicyChange:
    return _edited(said, _nested("frozen", said.channel_needed(), msgspec.Raw(b"null")))


def _edited(said: _Said, patch: msgspec.Raw) -> PolicyChange:
    if said.item:
        return said.to_item(EditItem(event_id=said.event_id, at_us=said.at_us, patch=patch))
    return PolicyChange("", "", EditPolicy(event_id=said.event_id, at_us=said.at_us, tenant=said.tenant, patch=patch))


def _grant(said: _Said) -> PolicyChange:
    quantity, percent = units(said.body.quantity), amount(said.body.percent)
    if percent is not None and (quantity is not None or not 0 < percent <= WHOLE):
        raise Refused(Reason.BAD_PERCENT, f"{percent / 100:.2f}: above 0, at most 100, and in the place of a quantity")
    if quantity is None and percent is None:
        raise Refused(Reason.MISSING_QUANTITY, "neither quantity nor percent")
    channel = said.channel_needed()
    return said.to_item(
        Grant(event_id=said.event_id, at_us=said.at_us, channel=channel, quantity=quantity, percent=percent)
    )


def _revoke(said: _Said) -> PolicyChange:
    channel, quantity = said.channel_needed(), units(said.body.quantity)
    return said.to_item(Revoke(event_id=said.event_id, at_us=said.at_us, channel=channel, quantity=quantity))


def _move(said: _Said) -> PolicyChange:
    quantity = units(said.body.quantity)
    if quantity is None:
        raise Refused(Reason.MISSING_QUANTITY, "no quantity")
    to = needed_id(said.body.toChannel or said.body.to_channel, "other channel", Reason.MISSING_CHANNEL)
    channel = said.channel_needed()
    return said.to_item(Move(event_id=said.event_id, at_us=said.at_us, channel=channel, to=to, quantity=quantity))


_CHANGES: Final[dict[Action, Callable[[_Said], PolicyChange]]] = {
    Action.SET: _set,
    Action.GRANT: _grant,
    Action.REVOKE: _revoke,
    Action.MOVE: _move,
    Action.FREEZE: _freeze,
    Action.UNFREEZE: _unfreeze,
}


def _whole(body: PolicyForm) -> msgspec.Raw:
    text = _text(body)
    if not text:
        raise Refused(Reason.MISSING_POLICY, "a SET of nothing")
    try:
        decode(text)
    except (PolicyError, RecursionError) as error:
        raise Refused(Reason.POLICY_INVALID, str(error)) from error
    return msgspec.Raw(text)


def _patch(body: PolicyForm) -> msgspec.Raw:
    text = _text(body)
    if not text:
        raise Refused(Reason.MISSING_POLICY, "a SET of nothing")
    try:
        plain = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(Reason.POLICY_INVALID, f"no JSON: {error}") from error
    if not (plain is None or isinstance(plain, dict)) or _deeper(plain, MAX_POLICY_DEPTH):
        raise Refused(Reason.POLICY_INVALID, f"neither null nor an object of at most {MAX_POLICY_DEPTH} levels")
    return msgspec.Raw(text)


def _text(body: PolicyForm) -> bytes:
    """Return the policy's JSON; empty where there is none."""
    found: Any = body.policy
    if isinstance(found, str):  # Avro has no JSON but as text
        return found.encode()
    raw = bytes(found)
    if raw[:1] != b'"':
        return b"" if raw == b"null" else raw
    try:
        return msgspec.json.decode(raw, type=str).encode()
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Refused(Reason.POLICY_INVALID, f"no text: {error}") from error


def _deeper(plain: Any, levels: int) -> bool:
    if not isinstance(plain, dict | list):
        return False
    parts = plain.values() if isinstance(plain, dict) else plain
    return levels == 0 or any(_deeper(part, levels - 1) for part in parts)


def _nested(section: str, name: str, patch: msgspec.Raw) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode({section: {name: patch}}))
