"""`atp promise`: for which days units could be promised, asked of a worker."""

import asyncio
from typing import Any
from urllib.parse import urlencode

import click

from atp_stream.cli.get import fetch, item_url
from atp_stream.cli.group import as_json, pass_settings, print_json
from atp_stream.cli.message_draft import AMOUNT
from atp_stream.domain import quantity
from atp_stream.settings import Settings

_WHY_NOT = {
    "others_wait": "others wait in front of it",
    "frozen": "the channel is frozen",
    "beyond_horizon": "there is not enough up to the horizon",
    "too_far": "the day lies beyond the horizon",
    "quarantine": "the item is quarantined",
}


@click.command()
@click.argument("item")
@click.argument("units", type=AMOUNT)
@click.option("--channel", help="The sales channel.  [default: that of the policy, ECOM]")
@click.option("--date", help="The day for which they are wanted, as 2026-12-10.  [default: as soon as can be]")
@click.option("--allow-partial", is_flag=True, help="Take a part if not all is there, and the rest later.")
@click.option("--priority", type=int, help="As of the reservation that would ask.  [default: 0]")
@click.option("--tenant", help="Whose item it is.  [default: ATP_DEFAULT_TENANT]")
@click.option("--url", help="Any worker.  [default: ATP_WEB_URL, or ATP_WEB_HOST and ATP_WEB_PORT]")
@as_json
@pass_settings
def promise(
    settings: Settings,
    *,
    item: str,
    units: int,
    channel: str | None,
    date: str | None,
    allow_partial: bool,
    priority: int | None,
    tenant: str | None,
    url: str | None,
    as_json: bool,
) -> None:
    """Show for which day UNITS of ITEM could be promised at this moment. Nothing is held: a reservation decides.

    Example: atp promise prod987 14 --channel ECOM --date 2026-12-10
    """
    asked = {
        "quantity": quantity.show(units),
        "channel": channel,
        "date": date,
        "partial": "true" if allow_partial else None,
        "priority": priority,
    }
    query = urlencode({name: said for name, said in asked.items() if said is not None})
    view = asyncio.run(fetch(f"{item_url(settings, item, tenant, url)}/promise?{query}", "lines"))
    if as_json:
        print_json(view)
    else:
        click.echo(in_words(view))


def in_words(view: dict[str, Any]) -> str:
    """Return the answer of a worker in a sentence."""
    units = f"{view['quantity']} of {view['item']} in {view['channel']}"
    days = [f"{line['quantity']} for {line['date']}" for line in view["lines"]]
    why = _WHY_NOT.get(view["why_not"], view["why_not"])
    if view["basis"] == "LEAD_TIME":
        return (
            f"{units} cannot be promised: {why}; by the lead time they could be there on {view['date']}, an estimate."
        )
    if not days:
        return f"{units} cannot be promised: {why}; now {view['now']}."
    if view["waiting"]:
        return (
            f"{units} can be promised in part: {', '.join(days)}; {view['waiting']} would wait, for {why}. Nothing is"
            " held."
        )
    if len(days) > 1:
        return f"{units} can be promised: {', '.join(days)}. Nothing is held."
    return f"{units} can be promised for {view['date']}; now {view['now']}. Nothing is held."
