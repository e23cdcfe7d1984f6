"""Notes on channels: those that the policy does not name may be misspelt, and grants may be more than there is."""

import asyncio

import click

from atp_stream.cli.explain import grant_lines
from atp_stream.cli.get import fetch, path_part, rules_url
from atp_stream.cli.group import Failure
from atp_stream.cli.text import did_you_mean
from atp_stream.domain.policy.channel_names import as_spelled

_NO_ITEM = "-"  # the rules of an item that nobody knows are those of its tenant


def note_unnamed(url: str, tenant: str, item: str | None, channels: list[str], then: str) -> None:
    """Say on stderr which of the channels the policy does not name, and what follows; `{known}` is what it names.

    Nothing is said if no worker at `url` tells what is in force, or if the policy names no channel at all.
    """
    try:
        rules = asyncio.run(fetch(rules_url(url, tenant, item or _NO_ITEM), "channels", "aliases"))
    except Failure:
        return
    named = sorted(row["channel"] for row in rules["channels"])
    if not named:
        return
    known = dict.fromkeys([*named, *rules["aliases"], rules.get("default_channel", "")])
    for channel in channels:
        if as_spelled(channel, known) not in known:
            near = did_you_mean(channel, named)
            hint = then.format(known=", ".join(named))
            click.echo(f"note: the policy names no channel {channel}{near}; {hint}", err=True)


def note_overgranted(url: str, tenant: str, item: str) -> None:
    """Say on stderr if the grants of an item are more than what is free; nothing if no worker tells."""
    try:
        view = asyncio.run(fetch(f"{url}/atp/{path_part(tenant)}/{path_part(item)}/explain", "shortage", "channels"))
    except Failure:
        return
    for number, line in enumerate(grant_lines(view)):
        click.echo(f"note: {line}" if number == 0 else line, err=True)
