"""`atp policy`: the rules of the channels, and the units that are earmarked for them."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from atp_stream.access import KafkaAccess
from atp_stream.cli.channel_hint import note_overgranted, note_unnamed
from atp_stream.cli.get import worker_url
from atp_stream.cli.group import Failure, as_json, pass_settings
from atp_stream.cli.merge_patch import patch_of, within
from atp_stream.cli.message_draft import AMOUNT, draft, number
from atp_stream.cli.policy_view import (
    check_own,
    in_force,
    note_frozen_for_all,
    note_own_section,
    show_document,
    show_rules,
)
from atp_stream.cli.producing import produce
from atp_stream.cli.wait import send_and_wait
from atp_stream.domain.policy.parsing import decode, edited
from atp_stream.domain.policy.rules import parse
from atp_stream.domain.policy.schema import PolicyError
from atp_stream.messages.input_events import InputKind
from atp_stream.settings import Settings
from atp_stream.topics import Topics

tenant_option = click.option("--tenant", help="Whose policy.  [default: ATP_DEFAULT_TENANT]")
url_option = click.option("--url", help="Any worker.  [default: ATP_WEB_URL, or ATP_WEB_HOST and ATP_WEB_PORT]")
item_option = click.option("--item", help="For this item alone.")
_THEN = {
    "FREEZE": "it is frozen as a new one",
    "UNFREEZE": "nothing is frozen under this name",
    "GRANT": "it names {known}",
    "REVOKE": "it names {known}",
    "MOVE": "it names {known}",
}
_common: list[Callable[[Callable[..., Any]], Callable[..., Any]]] = [
    click.option("--event-id", help="Name of the change; the same name again is a duplicate.  [default: a new one]"),
    click.option("--wait", is_flag=True, help="Return when the change is in force, or refused."),
    url_option,
    as_json,
    pass_settings,
]


def _change_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_common):
        command = option(command)
    return command


@click.group()
def policy() -> None:
    """Change who may promise how much.

    Changes go to one topic, so every item meets them in the same order, each at a known place between two messages.
    A change is checked here as far as possible, and finally by the fold: what it refuses is a dead letter, which
    --wait reports. A change for all items is in force once every partition of the log has it: from then on each item
    meets it before its next message. A change for one item is in force once it has been folded.

    Example: atp policy set --channel B2B kind=QUOTA rank=1 && atp policy grant prod987 B2B 100
    """


@policy.command(short_help="Print the policy, or the rules of an item.")
@click.option("--tenant", help="Only the section of this tenant; with --item: whose item.")
@item_option
@url_option
@as_json
@pass_settings
def show(settings: Settings, *, tenant: str | None, item: str | None, url: str | None, as_json: bool) -> None:
    """Print the policy in force as JSON, as a worker has it; with --item the rules that this item lives by.

    Example: atp policy show > policy.json
    """
    if item is not None:
        show_rules(worker_url(settings, url), _tenant(settings, tenant), item, as_json=as_json)
    else:
        show_document(asyncio.run(in_force(worker_url(settings, url))), tenant)


@policy.command(short_help="Replace the whole policy.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_change_options
def apply(settings: Settings, *, file: Path, **said: Any) -> None:
    """Put FILE, a whole policy document, in force, in the place of what there was.

    What single items were told by `set`, `freeze` and `grant` stays.

    Example: atp policy apply policy.json
    """
    document = file.read_bytes()
    try:
        parse(document)
    except PolicyError as error:
        raise Failure(f"{file} is not a policy: {error}") from error
    _send(settings, {"action": "SET", "policy": msgspec.Raw(document.strip())}, said)


@policy.command(name="set", short_help="Change the rules of a tenant, item or channel.")
@click.argument("changes", nargs=-1, required=True, metavar="KEY=VALUE...|FILE|null")
@tenant_option
@item_option
@click.option("--channel", help="In this channel alone.")
@_change_options
def set_(
    settings: Settings,
    *,
    changes: Sequence[str],
    tenant: str | None,
    item: str | None,
    channel: str | None,
    **said: Any,
) -> None:
    """Change what the policy says of a tenant, an item, or a channel of it; the rest stays.

    A change for a tenant is checked against the policy in force, which a worker tells: without one nothing is sent.
    One for an item is checked against what was set for the item before; without a worker, in itself.

    KEY is a path in that section, its parts joined by dots; VALUE is JSON, or text; null takes away what is there.
    FILE holds the same as JSON (a merge patch); null alone removes the whole section.

    Example: atp policy set --item prod987 --channel MARKETPLACE kind=SHARE weight=0.25 buffer=5
    """
    patch = patch_of(changes)
    whose = _tenant(settings, tenant)
    body = {"action": "SET", "tenantId": whose, "itemId": item, "channel": channel, "policy": patch}
    if bytes(patch) == b"null":
        body["policy"] = "null"  # JSON's null is what is not said; the text is what is taken away
    changed = patch if channel is None else within("channels", channel, patch)
    if item is None:
        _check(worker_url(settings, said["url"]), whose, changed)
    else:
        check_own(worker_url(settings, said["url"]), whose, item, changed)
    if channel is not None and bytes(patch) != b"null":
        note_unnamed(worker_url(settings, said["url"]), whose, item, [channel], "it is new with this change")
    _send(settings, body, said)


@policy.command(short_help="Earmark units of an item for a channel.")
@click.argument("item")
@click.argument("channel")
@click.argument("units", type=AMOUNT, required=False)
@click.option("--percent", type=AMOUNT, help="So much of what is free now, instead of UNITS.")
@tenant_option
@_change_options
def grant(
    settings: Settings,
    *,
    item: str,
    channel: str,
    units: int | None,
    percent: int | None,
    tenant: str | None,
    **said: Any,
) -> None:
    """Earmark UNITS of ITEM for CHANNEL, on top of what it has; its rule must be QUOTA.

    Example: atp policy grant prod987 B2B --percent 40
    """
    _to_item(settings, "GRANT", tenant, item, channel, said, quantity=number(units), percent=number(percent))


@policy.command(short_help="Take granted units back.")
@click.argument("item")
@click.argument("channel")
@click.argument("units", type=AMOUNT, required=False)
@tenant_option
@_change_options
def revoke(settings: Settings, *, item: str, channel: str, units: int | None, tenant: str | None, **said: Any) -> None:
    """Take UNITS of ITEM that CHANNEL was granted and has not consumed back, or all of them.

    Example: atp policy revoke prod987 B2B 20
    """
    _to_item(settings, "REVOKE", tenant, item, channel, said, quantity=number(units))


@policy.command(short_help="Move granted units to another channel.")
@click.argument("item")
@click.argument("channel")
@click.argument("to")
@click.argument("units", type=AMOUNT)
@tenant_option
@_change_options
def move(settings: Settings, *, item: str, channel: str, to: str, units: int, tenant: str | None, **said: Any) -> None:
    """Take UNITS of ITEM that CHANNEL was granted and has not consumed, and grant them TO another: all or none.

    Example: atp policy move prod987 B2B ECOM 20
    """
    _to_item(settings, "MOVE", tenant, item, channel, said, toChannel=to, quantity=number(units))


@policy.command(short_help="Stop promising in a channel.")
@click.argument("channel")
@tenant_option
@item_option
@_change_options
def freeze(settings: Settings, *, channel: str, tenant: str | None, item: str | None, **said: Any) -> None:
    """Promise nothing more in CHANNEL, of a tenant's items or of one: whatever its rule, which stays.

    Example: atp policy freeze MARKETPLACE --item prod987
    """
    _to_item(settings, "FREEZE", tenant, item, channel, said)


@policy.command(short_help="Promise in a channel again.")
@click.argument("channel")
@tenant_option
@item_option
@_change_options
def unfreeze(settings: Settings, *, channel: str, tenant: str | None, item: str | None, **said: Any) -> None:
    """Take a freeze back: of the tenant, or of one item (not what the tenant froze: `set frozen.CHANNEL=false` does).

    Example: atp policy unfreeze MARKETPLACE --item prod987
    """
    if item is not None:
        note_frozen_for_all(worker_url(settings, said["url"]), _tenant(settings, tenant), item, channel)
    _to_item(settings, "UNFREEZE", tenant, item, channel, said)


def _to_item(
    settings: Settings,
    action: str,
    tenant: str | None,
    item: str | None,
    channel: str,
    said: dict[str, Any],
    **more: Any,
) -> None:
    whose = _tenant(settings, tenant)
    body = {"action": action, "tenantId": whose, "itemId": item, "channel": channel, **more}
    named = [channel, more["toChannel"]] if "toChannel" in more else [channel]
    _send(settings, body, said, lambda url: note_unnamed(url, whose, item, named, _THEN[action]))


def _tenant(settings: Settings, said: str | None) -> str:
    tenant = said or settings.default_tenant
    if not tenant:
        raise click.UsageError("no tenant given: pass --tenant, or set ATP_DEFAULT_TENANT")
    return tenant


def _check(url: str, tenant: str, patch: msgspec.Raw) -> None:
    """Refuse what would make the policy in force one that is not valid, as far as the worker at `url` knows it."""
    try:
        now = asyncio.run(in_force(url))
    except Failure as error:
        raise Failure(f"not sent, for it cannot be checked: {error.message}") from error
    try:
        edited(decode(now), tenant, bytes(patch))
    except PolicyError as error:
        raise Failure(f"the policy is not valid: {error}") from error
    note_own_section(now, tenant)


def _send(
    settings: Settings, body: dict[str, Any], said: dict[str, Any], note: Callable[[str], None] | None = None
) -> None:
    topic = Topics.of(settings).policy
    named = said["event_id"] or uuid.uuid4().hex
    at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    value = draft(InputKind.POLICY, {"eventId": named, "timestamp": at, **body})
    became, url = None, worker_url(settings, said["url"])
    if note is not None:
        note(url)
    if said["wait"]:
        whom = body.get("tenantId"), body.get("itemId")
        place, became = asyncio.run(send_and_wait(settings, url, value, *whom))
    else:
        place = asyncio.run(produce(KafkaAccess.of(settings), topic.name, None, value))
    if said["as_json"]:
        shown = {**place._asdict(), "message": msgspec.Raw(value), **({} if became is None else became._asdict())}
        click.echo(msgspec.json.encode(shown).decode())
    elif became is None:
        click.echo(f"{place.topic} partition {place.partition} offset {place.offset}")
    elif became.in_force:
        click.echo("in force")
        if body["action"] in {"GRANT", "MOVE"}:
            note_overgranted(url, body["tenantId"], body["itemId"])
    if became is not None and not became.in_force:
        raise Failure(f"refused: {became.detail} ({became.reason})")
