"""`atp send`: one event onto an input topic, as upstream would write it."""

import asyncio
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from atp_stream.access import KafkaAccess
from atp_stream.cli.group import as_json, pass_settings, print_json
from atp_stream.cli.message_draft import AMOUNT, draft, number
from atp_stream.cli.producing import produce
from atp_stream.messages.input_events import InputKind
from atp_stream.settings import Settings
from atp_stream.topics import Topic, Topics

_common: list[Callable[[Callable[..., Any]], Callable[..., Any]]] = [
    click.option("--tenant", help="Whose item it is.  [default: ATP_DEFAULT_TENANT]"),
    click.option("--event-id", help="Name of the event; the same name again is a duplicate.  [default: a new one]"),
    click.option("--timestamp", help="When it happened, ISO 8601.  [default: now]"),
    as_json,
    pass_settings,
]


def _common_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_common):
        command = option(command)
    return command


@click.group()
def send() -> None:
    """Send one event to an input topic, as flat JSON.

    It prints where the event went; what became of it, `atp watch` and `atp get` tell.

    Example: atp send adjustment prod987 --delta 10 --new-quantity 150
    """


@send.command(short_help="Report a movement of stock.")
@click.argument("item")
@click.option("--delta", type=AMOUNT, help="By how much the stock moved; negative: out.")
@click.option("--new-quantity", type=AMOUNT, help="The stock after it. Alone it is a count.")
@click.option("--reason", default="adjustment", show_default=True, help="Why, for people.")
@click.option("--by", default="atp", show_default=True, help="Who, for people.")
@click.option("--location", help="Where the stock lies.")
@click.option("--reservation", help="The reservation that a negative movement ships.")
@click.option("--supply", help="The supply that the movement receives.")
@_common_options
def adjustment(settings: Settings, *, delta: int | None, new_quantity: int | None, item: str, **said: Any) -> None:
    """Tell that the stock of ITEM was moved, or stated anew.

    With --supply the units are no longer expected: one event is the whole receipt.

    Example: atp send adjustment prod987 --delta 10 --new-quantity 150 --reason restock
    """
    if delta is None and new_quantity is None:
        raise click.UsageError("give --delta, --new-quantity, or both")
    body = {
        "event_id": _event_id(said),
        "timestamp": _timestamp(said),
        "product_id": item,
        "adjusted_quantity": number(delta),
        "new_quantity": number(new_quantity),
        "adjustment_reason": said["reason"],
        "adjusted_by": said["by"],
        "tenant_id": _tenant(settings, said),
        "location_id": said["location"],
        "reservation_id": said["reservation"],
        "supply_id": said["supply"],
    }
    _send(settings, InputKind.ADJUSTED, None, body, as_json=said["as_json"])  # upstream sends it keyless


@send.command(short_help="Report a stock count.")
@click.argument("item")
@click.argument("on_hand", type=AMOUNT)
@click.option("--location", help="Where it was counted.")
@_common_options
def count(settings: Settings, *, item: str, on_hand: int, **said: Any) -> None:
    """Tell that ON_HAND units of ITEM are physically there, reserved ones included.

    Example: atp send count prod987 148
    """
    body = {**_head(settings, said), "itemId": item, "onHand": number(on_hand), "locationId": said["location"]}
    _send(settings, InputKind.COUNTED, item, body, as_json=said["as_json"])


@send.command(short_help="Reserve units of an item.")
@click.argument("item")
@click.argument("reservation")
@click.argument("units", type=AMOUNT)
@click.option("--channel", help="The sales channel.  [default: that of the policy, ECOM]")
@click.option("--date", help="The day for which they are wanted, as 2026-12-10.  [default: as soon as can be]")
@click.option("--expires-at", help="When the claim ends unless it is confirmed, ISO 8601.")
@click.option("--priority", type=int, help="Higher is served first.  [default: 0]")
@click.option("--allow-partial", is_flag=True, help="Take a part if not all is there.")
@click.option("--no-backorder", is_flag=True, help="Do not wait for what is not there.")
@click.option("--location", help="Where it will ship from.")
@click.option("--reference", help="The order, for people.")
@_common_options
def reservation(settings: Settings, *, item: str, reservation: str, units: int, **said: Any) -> None:
    """Claim UNITS of ITEM for RESERVATION; a newer one with the same name replaces it.

    Example: atp send reservation prod987 order-1 5 --channel ECOM
    """
    body = {
        **_head(settings, said),
        "reservationId": reservation,
        "itemId": item,
        "channel": said["channel"],
        "quantity": number(units),
        "requestedDate": said["date"],
        "expiresAt": said["expires_at"],
        "priority": said["priority"],
        "allowPartial": said["allow_partial"] or None,
        "allowBackorder": False if said["no_backorder"] else None,
        "locationId": said["location"],
        "reference": said["reference"],
    }
    _send(settings, InputKind.CREATED, item, body, as_json=said["as_json"])


@send.command(short_help="Confirm a reservation: it no longer expires.")
@click.argument("item")
@click.argument("reservation")
@_common_options
def confirm(settings: Settings, *, item: str, reservation: str, **said: Any) -> None:
    """Take the time limit away from RESERVATION.

    Example: atp send confirm prod987 order-1
    """
    body = {**_head(settings, said), "reservationId": reservation, "itemId": item}
    _send(settings, InputKind.CONFIRMED, item, body, as_json=said["as_json"])


@send.command(short_help="Release units of a reservation.")
@click.argument("item")
@click.argument("reservation")
@click.argument("units", type=AMOUNT, required=False)
@click.option("--reason", default="cancelled", show_default=True, help="Why, for people.")
@_common_options
def release(settings: Settings, *, item: str, reservation: str, units: int | None, **said: Any) -> None:
    """Give UNITS of RESERVATION back, or all that is left of it.

    Example: atp send release prod987 order-1 2
    """
    body = {
        **_head(settings, said),
        "reservationId": reservation,
        "itemId": item,
        "quantity": number(units),
        "reason": said["reason"],
    }
    _send(settings, InputKind.RELEASED, item, body, as_json=said["as_json"])


@send.command(short_help="Report that units were shipped.")
@click.argument("item")
@click.argument("reservation")
@click.argument("units", type=AMOUNT, required=False)
@click.option("--location", help="Where it left from.")
@_common_options
def fulfilment(settings: Settings, *, item: str, reservation: str, units: int | None, **said: Any) -> None:
    """Tell that UNITS of RESERVATION, or all that is left of it, have been shipped.

    Example: atp send fulfilment prod987 order-1
    """
    body = {
        **_head(settings, said),
        "reservationId": reservation,
        "itemId": item,
        "quantity": number(units),
        "locationId": said["location"],
    }
    _send(settings, InputKind.FULFILLED, item, body, as_json=said["as_json"])


@send.command(short_help="Report what is expected on a day.")
@click.argument("item")
@click.argument("supply")
@click.argument("units", type=AMOUNT, required=False)
@click.option("--date", help="The day on which they are expected, as 2026-12-10.")
@click.option("--cancel", is_flag=True, help="They will not come.")
@click.option("--location", help="Where they will come.")
@click.option("--kind", type=click.Choice(["PURCHASE", "TRANSFER", "PRODUCTION", "OTHER"]), help="What it is.")
@click.option("--tentative", is_flag=True, help="Show it, and promise nothing of it.")
@click.option("--reference", help="The purchase order, for people.")
@_common_options
def supply(
    settings: Settings, *, item: str, supply: str, units: int | None, cancel: bool, tentative: bool, **said: Any
) -> None:
    """Tell that UNITS of ITEM are expected as SUPPLY: all that are ordered, whatever of them has come already.

    A newer one of the same name replaces it: another day, or another quantity.

    Example: atp send supply prod987 po-77-1 50 --date 2026-12-10
    """
    body: dict[str, Any] = {**_head(settings, said), "supplyId": supply, "itemId": item}
    if cancel:
        if units is not None or said["date"] is not None:
            raise click.UsageError("what is cancelled has neither UNITS nor --date")
        _send(settings, InputKind.SUPPLY_CANCELLED, item, body, as_json=said["as_json"])
        return
    if units is None or said["date"] is None:
        raise click.UsageError("give UNITS and --date, or --cancel")
    body |= {
        "quantity": number(units),
        "expectedDate": said["date"],
        "locationId": said["location"],
        "kind": said["kind"],
        "firm": False if tentative else None,
        "reference": said["reference"],
    }
    _send(settings, InputKind.SUPPLY_SCHEDULED, item, body, as_json=said["as_json"])


@send.command(short_help="Report that expected units have come.")
@click.argument("item")
@click.argument("supply")
@click.argument("units", type=AMOUNT, required=False)
@click.option("--final", is_flag=True, help="Nothing more of it will come.")
@click.option("--moves-stock", is_flag=True, help="No other event moves the stock by them.")
@click.option("--location", help="Where they came.")
@_common_options
def receipt(
    settings: Settings, *, item: str, supply: str, units: int | None, final: bool, moves_stock: bool, **said: Any
) -> None:
    """Tell that UNITS of SUPPLY, or all that were still to come, have come.

    Unless it moves the stock itself, an adjustment or a count has to tell of them, too. Better is one event for both:
    `atp send adjustment --supply`.

    Example: atp send receipt prod987 po-77-1 45 --final --moves-stock
    """
    body = {
        **_head(settings, said),
        "supplyId": supply,
        "itemId": item,
        "quantity": number(units),
        "locationId": said["location"],
        "final": final or None,
        "movesStock": moves_stock or None,
    }
    _send(settings, InputKind.SUPPLY_RECEIVED, item, body, as_json=said["as_json"])


def _head(settings: Settings, said: dict[str, Any]) -> dict[str, str]:
    return {"eventId": _event_id(said), "timestamp": _timestamp(said), "tenantId": _tenant(settings, said)}


def _event_id(said: dict[str, Any]) -> str:
    return said["event_id"] or uuid.uuid4().hex


def _timestamp(said: dict[str, Any]) -> str:
    return said["timestamp"] or datetime.now(UTC).isoformat().replace("+00:00", "Z")


def _tenant(settings: Settings, said: dict[str, Any]) -> str:
    tenant: str = said["tenant"] or settings.default_tenant
    if not tenant:
        raise click.UsageError("whose item is it? Give --tenant, or set ATP_DEFAULT_TENANT")
    return tenant


def _send(settings: Settings, kind: InputKind, item: str | None, body: dict[str, Any], *, as_json: bool) -> None:
    value = draft(kind, body)
    key = None if item is None else item.encode()
    topic: Topic = getattr(Topics.of(settings), kind)
    place = asyncio.run(produce(KafkaAccess.of(settings), topic.name, key, value))
    if as_json:
        print_json({**place._asdict(), "message": json.loads(value)})
    else:
        click.echo(f"{place.topic} partition {place.partition} offset {place.offset}")
