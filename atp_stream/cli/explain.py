"""`atp explain`: why a number is what it is, asked of a worker."""

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import click

from atp_stream.cli.frame import as_json, pass_settings, print_json
from atp_stream.cli.get import fetch, item_url, only
from atp_stream.settings import Settings

_WORDS = {
    "on_hand": "on hand",
    "safety_stock": "safety stock, never promised",
    "reserved": "reserved, in all channels",
    "never_below_zero": "nothing is below zero",
    "fenced_for_quotas": "fenced off for quotas",
    "own_fence": "the channel's own fence",
    "share_of_others": "not its share of the pool",
    "no_overflow": "a quota without overflow",
    "frozen": "the channel is frozen",
    "closed": "policy has no such channel",
    "buffer": "buffer, never shown",
    "below_floor": "less than the floor shows as 0",
    "others_wait": "earlier reservations wait",
    "quarantine": "the item is quarantined",
}


@click.command()
@click.argument("item")
@click.argument("channel", required=False)
@click.option("--tenant", help="Whose item it is.  [default: ATP_DEFAULT_TENANT]")
@click.option("--url", help="Any worker.  [default: ATP_WEB_URL, or ATP_WEB_HOST and ATP_WEB_PORT]")
@click.option("--after", default="", help="Go on behind this reservation.")
@click.option("--limit", type=click.IntRange(1, 500), default=10, show_default=True, help="Reservations to show.")
@as_json
@pass_settings
def explain(
    settings: Settings,
    *,
    item: str,
    channel: str | None,
    tenant: str | None,
    url: str | None,
    after: str,
    limit: int,
    as_json: bool,
) -> None:
    """Show why ITEM, in all channels or in CHANNEL, has the numbers it has: each is a sum of terms.

    Example: atp explain prod987 ECOM
    """
    wanted = urlencode({"limit": limit, **({"after": after} if after else {})})
    view = asyncio.run(fetch(f"{item_url(settings, item, tenant, url)}/explain?{wanted}"))
    only(view, channel)
    if as_json:
        print_json(view)
    else:
        _print(view)


def _print(view: dict[str, Any]) -> None:
    cause, on_hand = view["cause"], view["on_hand"]
    click.echo(f"{view['tenant']} {view['item']}  (version {view['version']}, {view['as_of']})")
    click.echo(f"last change: {cause['input'] or 'time, or an operator'}, as {cause['log']} at {cause['at']}")
    _sum(
        "on hand",
        on_hand["quantity"],
        [
            *((place["quantity"], f"at {place['location'] or 'no location'}") for place in on_hand["places"]),
            *((-one["quantity"], f"shipped at {one['at']}, in no count yet") for one in on_hand["shipped"]),
        ],
    )
    for line in [*gap_lines(on_hand), *grant_lines(view)]:
        click.echo(line)
    for row in view["channels"]:
        terms = [(term["quantity"], _WORDS.get(term["what"], term["what"])) for term in row["terms"]]
        _sum(f"available in {row['channel']} ({row['kind']})", row["available"], terms)
    click.echo("open and waiting reservations" + ("" if view["reservations"] else ": none"))
    for one in view["reservations"]:
        click.echo(
            f"  {one['reservation']}  {one['channel']}  {one['status']}"
            f"  reserved {one['reserved']}, waiting {one['waiting']}, priority {one['priority']}"
            + (f", until {one['expires_at']}" if one["expires_at"] else "")
        )
    if view["next"] is not None:
        click.echo(f"  more: --after {view['next']}")


def gap_lines(on_hand: dict[str, Any]) -> Iterator[str]:
    """Yield what is said of a gap: by how much counts and movements disagree, and which facts do at each location."""
    if on_hand["gap"]:
        yield f"gap {on_hand['gap']}: counts and movements disagree by so much; the counts are believed"
    for gap in on_hand.get("gaps", ()):
        yield f"  at {gap['location'] or 'no location'}:"
        yield from _terms(
            [
                (gap["base"]["quantity"], f"was there at {gap['base']['at']}"),
                (gap["moved"], "moved since"),
                (gap["unexplained"], "unexplained: a movement is missing or late, or the count is wrong"),
            ]
        )
        yield f"  {gap['stated']['quantity']:>14}  was counted at {gap['stated']['at']}"


def grant_lines(view: dict[str, Any]) -> Iterator[str]:
    """Yield what is said of grants that are more than what is there for them."""
    if view["shortage"]:
        yield "more is granted than is free; what is missing goes to the channel as stock comes in:"
        for row in view["channels"]:
            left = row["granted"] - row["consumed"]
            if row["kind"] == "QUOTA" and left > row["fence"]:
                yield f"  {row['channel']} has {row['fence']} of the {left} that it was granted and has not used"


def _sum(what: str, quantity: Any, terms: list[tuple[Any, str]]) -> None:
    click.echo(f"{what} {quantity}")
    for line in _terms(terms):
        click.echo(line)


def _terms(terms: list[tuple[Any, str]]) -> Iterator[str]:
    return (f"  {part:>+14}  {words}" for part, words in terms)
