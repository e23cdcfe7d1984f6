"""`atp explain`: why a number is what it is, asked of a worker."""

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import click

from atp_stream.cli.get import fetch, item_url, only
from atp_stream.cli.group import as_json, pass_settings, print_json
from atp_stream.settings import Settings

_WORDS = {
    "locations": "held at locations",
    "no_location": "held at no location",
    "shipped": "shipped, in no count yet",
    "shipped_from_no_location": "shipped from no known location, not in all counts yet",
    "before_the_upgrade": "as an earlier version left it; its next event brings the terms",
    "on_hand": "on hand",
    "safety_stock": "safety stock, never promised",
    "reserved": "reserved, in all channels",
    "never_below_zero": "nothing is below zero",
    "less_than_step": "less than the step in which it is sold",
    "kept_for_later": "kept for what is promised by day",
    "other_supplies": "other supplies, expected by then",
    "arriving": "received, and not in the stock yet",
    "promised": "promised by then, in all channels",
    "fenced_for_quotas": "earmarked for quotas",
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
@click.option("--places-after", default="", help="Show the locations behind this one.")
@click.option("--limit", type=click.IntRange(1, 500), default=10, show_default=True, help="Reservations to show.")
@click.option("--date", help="Explain what may be promised on this day, as 2026-12-10.  [default: now]")
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
    places_after: str,
    limit: int,
    date: str | None,
    as_json: bool,
) -> None:
    """Show why ITEM, in all channels or in CHANNEL, has the numbers it has, now or on a day: each is a sum of terms.

    Example: atp explain prod987 ECOM --date 2026-12-10
    """
    pages = {"after": after, "places_after": places_after, "date": date}
    wanted = urlencode({"limit": limit, **{name: value for name, value in pages.items() if value}})
    view = asyncio.run(fetch(f"{item_url(settings, item, tenant, url)}/explain?{wanted}", *(["date"] if date else [])))
    only(view, channel)
    if as_json:
        print_json(view)
    else:
        _print(view)


def _print(view: dict[str, Any]) -> None:
    cause, on_hand = view["cause"], view["on_hand"]
    day = view.get("date")
    click.echo(f"{view['tenant']} {view['item']}  (version {view['version']}, {view['as_of']})")
    by = cause["input"] or "time, or an operator"
    click.echo(f"last change: {by}, as {cause['log']} at {cause['at']}")
    _sum("on hand", on_hand["quantity"], _terms(on_hand["terms"]))
    if on_hand["gap"]:
        click.echo(f"gap {on_hand['gap']}: counts and movements disagree by so much; the counts are believed")
    for place in on_hand["places"]:
        _print_place(place)
    if on_hand["places_next"] is not None:
        click.echo(f"  more: --places-after {on_hand['places_next']}")
    for line in grant_lines(view):
        click.echo(line)
    for row in view["channels"]:
        when = f" on {day}:" if day else ""
        _sum(f"available in {row['channel']} ({row['kind']}){when}", row["available"], _terms(row["terms"]))
        if first := row.get("closed_by"):
            click.echo(f"  closed by {first['reservation']}, which waits for {first['waiting']}")
    click.echo("open and waiting reservations" + ("" if view["reservations"] else ": none"))
    for one in view["reservations"]:
        by_day = f", promised {one['promised']}" if one.get("promised") else ""
        click.echo(
            f"  {one['reservation']}  {one['channel']}  {one['status']}"
            f"  reserved {one['reserved']}{by_day}, waiting {one['waiting']}, priority {one['priority']}"
            + (f", until {one['expires_at']}" if one["expires_at"] else "")
        )
    if view["next"] is not None:
        click.echo(f"  more: --after {view['next']}")


def _terms(terms: list[dict[str, Any]]) -> list[tuple[Any, str]]:
    return [(term["quantity"], _in_words(term)) for term in terms]


def _in_words(term: dict[str, Any]) -> str:
    what, date = term["what"], term.get("date")
    if what == "supply":
        return f"supply {term['supply']}, expected on {date}"
    if what == "kept_for_later" and date is not None:
        return f"kept for what is promised by {date}"
    return str(_WORDS.get(what, what))


def _print_place(place: dict[str, Any]) -> None:
    """Show what a location holds and why, and which two statements about it disagree."""
    where, absolute = place["location"] or "no location", place["absolute"]
    click.echo(f"  at {where}: {place['quantity']}", nl=False)
    if absolute is not None:
        doubt = ", in doubt" if absolute["in_doubt"] else ""
        click.echo(f" = {absolute['quantity']} at {absolute['at']}{doubt}, and {place['since']:+} since", nl=False)
    if place["missing"]:
        click.echo(f"; {place['missing']} shipped, in no count yet", nl=False)
    click.echo()
    gap = place["gap"]
    if gap is not None:
        assert absolute is not None  # noqa: S101  (a gap lies between two absolutes)
        click.echo(f"    {_disagreement(gap, absolute['at'])}")


def _disagreement(gap: dict[str, Any], found_at: str) -> str:
    moved, shipped, unexplained = gap["moved"], gap["shipped"], gap["unexplained"]
    parts = [f"at {gap['base']['at']} there were {gap['base']['quantity']}"]
    if moved:
        parts.append(f"{abs(moved)} {'left' if moved < 0 else 'came'} since")
    if shipped:
        parts.append(f"{shipped} were shipped")
    parts.append(f"at {found_at} there were {gap['found']}")
    return f"{'; '.join(parts)}: {abs(unexplained)} {'missing' if unexplained < 0 else 'too many'} without a reason"


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
    for part, words in terms:
        click.echo(f"  {part:>+14}  {words}")
