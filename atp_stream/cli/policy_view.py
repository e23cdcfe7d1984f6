"""The policy for people and programs: the document, a tenant's part of it, or what one item lives by."""

import asyncio
from typing import Any

import click
import msgspec

from atp_stream.cli.get import fetch, fetch_text, rules_url
from atp_stream.cli.group import Failure, print_json
from atp_stream.domain.policy.channel_names import as_spelled
from atp_stream.domain.policy.parsing import check_form, decode_own, edited_own
from atp_stream.domain.policy.schema import PolicyError

_SHOWN = ("safety_stock", "time_limit", "shortage", "own", "channels", "other_channels")


async def in_force(url: str) -> bytes:
    """Return the policy document in force, as it is written, as the worker at `url` knows it.

    Raises:
        Failure: nobody answers, or no worker of this version.
    """
    view = msgspec.json.decode(await fetch_text(f"{url}/policy", "document"), type=dict[str, msgspec.Raw])
    return bytes(view["document"])


def check_own(url: str, tenant: str, item: str, patch: msgspec.Raw) -> None:
    """Refuse a change for an item that would not be valid, as far as the worker at `url` tells what was set before.

    Raises:
        Failure: it would not be.
    """
    try:
        view = msgspec.json.decode(
            asyncio.run(fetch_text(rules_url(url, tenant, item), "own")), type=dict[str, msgspec.Raw]
        )
    except Failure:  # what it would join on to is not known: then only what it says itself can be wrong
        view = {}
    own = bytes(view.get("own", b""))
    try:
        if own:
            edited_own(None if own == b"null" else decode_own(own), bytes(patch))
        else:
            check_form(bytes(patch))
    except PolicyError as error:
        raise Failure(f"the policy is not valid: {error}") from error


def note_own_section(document: bytes, tenant: str) -> None:
    """Say on stderr if a change for a tenant gives it a section of its own."""
    if tenant not in _sections(document):
        note = f"{tenant} gets a section of its own, a copy of *: later changes of * no longer reach it"
        click.echo(f"note: {note}", err=True)


def note_frozen_for_all(url: str, tenant: str, item: str, channel: str) -> None:
    """Say on stderr if a channel that is thawed for one item is frozen for all items; nothing if no worker tells."""
    try:
        section = _section_of(asyncio.run(in_force(url)), tenant)
    except Failure:
        return
    said = msgspec.json.decode(section or b"{}", type=dict[str, msgspec.Raw])
    frozen = msgspec.json.decode(bytes(said.get("frozen", b"{}")), type=dict[str, bool])
    named = as_spelled(channel, frozen)
    if frozen.get(named):
        note = f"{named} is frozen for all items; to sell this one: atp policy set --item {item} frozen.{named}=false"
        click.echo(f"note: {note}", err=True)


def show_document(document: bytes, tenant: str | None) -> None:
    """Print the policy, or the section that holds for a tenant, as JSON.

    Raises:
        Failure: neither the tenant nor `*` has a section.
    """
    shown = document
    if tenant is not None:
        section = _section_of(document, tenant)
        if section is None:
            raise Failure(f"the policy says nothing of tenant {tenant!r}, and nothing of `*`")
        shown = section
    click.echo(msgspec.json.format(shown, indent=2).decode())


def _sections(document: bytes) -> dict[str, msgspec.Raw]:
    whole = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
    return msgspec.json.decode(bytes(whole.get("tenants", b"{}")), type=dict[str, msgspec.Raw])


def _section_of(document: bytes, tenant: str) -> bytes | None:
    """Return the section that holds for a tenant: its own, else that of `*`, else None."""
    sections = _sections(document)
    section = sections.get(tenant, sections.get("*"))
    return None if section is None else bytes(section)


def show_rules(url: str, tenant: str, item: str, *, as_json: bool) -> None:
    """Print the rules that an item lives by, as a worker has them.

    Raises:
        Failure: nobody answers, or no worker of this version.
    """
    view = asyncio.run(fetch(rules_url(url, tenant, item), *_SHOWN))
    if as_json:
        print_json(view)
        return
    safety, limit = view["safety_stock"], view["time_limit"]
    click.echo(f"{tenant} {item}  safety stock {safety['fixed']} or {safety['percent']} %", nl=False)
    click.echo(f", time limit {'none' if limit is None else f'{limit} s'}", nl=False)
    click.echo(f", shortage {view['shortage']}{', rules of its own' if view['own'] else ''}")
    rules = [*view["channels"], *([{"channel": "others", **view["other_channels"]}] if view["other_channels"] else [])]
    width = max(len("channel"), *(len(rule["channel"]) for rule in rules))
    click.echo(f"{'channel':<{width}} kind   {'buffer':>10} {'floor':>10}")
    for rule in rules:
        line = f"{rule['channel']:<{width}} {rule['kind']:<6} {rule['buffer']:>10} {rule['floor']:>10}  {_more(rule)}"
        click.echo(line.rstrip())


def _more(rule: dict[str, Any]) -> str:
    if rule["kind"] == "SHARE":
        return f"weight {rule['weight']}"
    if rule["kind"] == "QUOTA":
        return f"rank {rule['rank']}, min {rule['min']}{', overflow' if rule['overflow'] else ''}"
    return ""
