"""`GET /atp/{tenant}/{item}` and `…/{channel}`: what may be promised of an item, and what it is made of."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from aiohttp import web

from atp_stream.domain import quantity
from atp_stream.domain.availability import short
from atp_stream.domain.names import join
from atp_stream.domain.policy import DEFAULT, read
from atp_stream.domain.rows import POLICY, Channel, Item
from atp_stream.engine.app import EngineApp
from atp_stream.engine.routing import Elsewhere
from atp_stream.web.names import from_path
from atp_stream.web.pages import Pages, json_response
from atp_stream.web.problems import Problem
from atp_stream.web.routing import owner, pass_on, read_row

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS: Final = 1000  # in a millisecond


def units(hundredths: int) -> msgspec.Raw:
    """Return an amount as an exact JSON number."""
    return msgspec.Raw(quantity.show(hundredths).encode())


def moment(microseconds: int) -> str:
    """Return a time as the views write it, cut to milliseconds."""
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat(timespec="milliseconds")


def mark(row: Item) -> dict[str, Any]:
    """Return which state of the item an answer shows; `as_of` is in log time."""
    known = {"version": row.version, "as_of": moment(row.log_time * _MICROSECONDS)}
    return {**known, "quarantine": row.quarantine} if row.quarantine else known


def describe(tenant: str, item: str, row: Item) -> dict[str, Any]:
    """Return an item's row as the view shows it; quantities in units."""
    reserved = sum(channel.reserved for channel in row.channels.values())
    return {
        "tenant": tenant,
        "item": item,
        "on_hand": units(row.stock.on_hand),
        "safety_stock": units(row.safety_stock),
        "reserved": units(reserved),
        "short": units(short(row.stock.on_hand, reserved)),
        "gap": units(row.stock.gap),
        "split": row.stock.split,
        **mark(row),
        "channels": [_channel(name, channel) for name, channel in sorted(row.channels.items())],
        "locations": [
            {"location": name or None, "on_hand": units(place.now.value), "gap": units(place.now.gap)}
            for name, place in sorted(row.stock.places.items())
        ],
    }


def _channel(name: str, row: Channel) -> dict[str, Any]:
    return {
        "channel": name,
        "available": units(row.available),
        "reserved": units(row.reserved),
        "waiting": units(row.waiting),
    }


def item_row(app: EngineApp, partition: int, tenant: str, item: str) -> Item:
    """Return the row of an item that is owned.

    Raises:
        Problem: 404, nothing has ever been said of it.
    """
    row: Item | None = read_row(app, partition, f"{join(tenant, item)}|i")
    if row is None:
        raise Problem.unknown("unknown-item", f"nothing is known of item {item!r} of {tenant!r}")
    return row


def channel_of(app: EngineApp, partition: int, name: str, row: Item, asked: str) -> str:
    """Return the channel that `asked` is, or stands for by the newest policy.

    Raises:
        Problem: 404, the item has no such channel.
    """
    if asked in row.channels:
        return asked
    policy = read_row(app, partition, POLICY)
    rules = (DEFAULT if policy is None else read(bytes(policy.document))).rules(name)
    channel = rules.resolve(asked)
    if channel not in row.channels:
        raise Problem.unknown("unknown-channel", f"the item has no channel {asked!r}")
    return channel


def add_availability(app: EngineApp, pages: Pages) -> None:
    """Serve the views of items."""

    async def item_view(request: web.Request) -> web.Response:
        tenant, item = from_path(request, "tenant", "item")
        place = owner(app, request, join(tenant, item))
        if isinstance(place, Elsewhere):
            return await pass_on(app, request, place)
        return json_response(describe(tenant, item, item_row(app, place.partition, tenant, item)))

    async def channel_view(request: web.Request) -> web.Response:
        tenant, item, asked = from_path(request, "tenant", "item", "channel")
        name = join(tenant, item)
        place = owner(app, request, name)
        if isinstance(place, Elsewhere):
            return await pass_on(app, request, place)
        row = item_row(app, place.partition, tenant, item)
        channel = channel_of(app, place.partition, name, row, asked)
        shown = _channel(channel, row.channels[channel])
        return json_response({"tenant": tenant, "item": item, **shown, **mark(row)})

    pages.add("GET", "/atp/{tenant}/{item}", item_view)
    pages.add("GET", "/atp/{tenant}/{item}/{channel}", channel_view)
