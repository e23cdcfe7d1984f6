"""`GET /atp/{tenant}/{item}` and `…/{channel}`: what may be promised of an item, and what it is made of."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from aiohttp import web

from atp_stream.domain.item.policy_history import lived_by
from atp_stream.domain.names import join
from atp_stream.domain.policy.item_rules import ItemRules
from atp_stream.domain.promise.availability import short
from atp_stream.domain.reservations.backorder_queue import closing
from atp_stream.domain.row_keys import item_key
from atp_stream.domain.state.rows import Backorder, Channel, Item
from atp_stream.engine.app import EngineApp
from atp_stream.engine.routing import Elsewhere
from atp_stream.web.endpoint import Pages, json_response
from atp_stream.web.formatting import log_moment, units
from atp_stream.web.path_names import behind, from_path
from atp_stream.web.places import MAX_PLACES, Places, page_of
from atp_stream.web.problems import Problem
from atp_stream.web.routing import owner, pass_on, read_row, state_of

NOTHING_WAITS: Final[Mapping[str, Backorder]] = MappingProxyType({})
CLOSED: Final = "CLOSED"  # neither named by policy nor accepted without a name: it gets no new reservations


def mark(row: Item) -> dict[str, Any]:
    """Return which state of the item an answer shows; `as_of` is in log time."""
    known = {"version": row.version, "as_of": log_moment(row.log_time_ms)}
    return {**known, "quarantine": row.quarantine} if row.quarantine else known


def describe(
    tenant: str,
    item: str,
    row: Item,
    rules: ItemRules,
    places: Places,
    waiting: Mapping[str, Backorder] = NOTHING_WAITS,
) -> dict[str, Any]:
    """Return an item's row as the view shows it; quantities in units, kinds of channels by the newest policy.

    `waiting` are the parts that close channels.
    """
    return {
        "tenant": tenant,
        "item": item,
        **sums(row),
        "drift": _drift(row),
        "facts": {
            "late": row.late,
            "past": row.past,
            "stale": row.stale,
            "duplicates": row.duplicates,
            "unpaired": row.unpaired,
        },
        "negative": row.stock.on_hand < 0,
        "split": row.stock.split,
        "scaled": row.scaled,
        **mark(row),
        "channels": [_channel(name, row.channels[name], rules, waiting.get(name)) for name in sorted(row.channels)],
        "locations": [
            {"location": place.location or None, "on_hand": units(place.quantity), "gap": units(place.gap)}
            for place in places.places
        ],
        "locations_next": places.next,
    }


def _drift(row: Item) -> dict[str, Any] | None:
    """Return since when the stock has not fitted its history, and the gap that was reported; None if it does."""
    if row.drift is None:
        return None
    reported = units(row.drift.reported) if row.drift.reported else None
    return {"since": log_moment(row.drift.since_ms), "told": reported}


def closed_by(part: Backorder | None) -> dict[str, Any]:
    """Return what a view says of the reservation that closes a channel; nothing where none does."""
    if part is None:
        return {}
    said = {"reservation": part.reservation, "waiting": units(part.quantity), "priority": part.priority}
    return {"closed_by": said}


def _channel(name: str, row: Channel, rules: ItemRules, waits: Backorder | None) -> dict[str, Any]:
    return {
        "channel": name,
        "kind": CLOSED if rules.closed(name) else rules.rule(name).kind,
        "available": units(row.available),
        "reserved": units(row.reserved),
        "waiting": units(row.waiting),
        "granted": units(row.granted),
        "consumed": units(row.consumed),
        **closed_by(waits),
    }


def sums(row: Item) -> dict[str, Any]:
    """Return what an item comes to over all channels and locations."""
    reserved = sum(channel.reserved for channel in row.channels.values())
    return {
        "on_hand": units(row.stock.on_hand),
        "safety_stock": units(row.safety_stock),
        "reserved": units(reserved),
        "short": units(short(row.stock.on_hand, reserved)),
        "gap": units(row.stock.gap),
    }


def item_row(app: EngineApp, partition: int, tenant: str, item: str) -> Item:
    """Return the row of an item that is owned.

    Raises:
        Problem: 404, nothing has ever been said of it.
    """
    row: Item | None = read_row(app, partition, item_key(join(tenant, item)))
    if row is None:
        raise Problem.unknown("unknown-item", f"nothing is known of item {item!r} of {tenant!r}")
    return row


def show(
    app: EngineApp, partition: int, tenant: str, item: str, *, after: str = "", limit: int = MAX_PLACES
) -> dict[str, Any]:
    """Return the view of an item that is owned, with up to `limit` of its locations behind the location `after`.

    Raises:
        Problem: 404, nothing has ever been said of it.
    """
    row = item_row(app, partition, tenant, item)
    state, name = state_of(app, partition), join(tenant, item)
    rules = lived_by(state, name, row)[1]
    places = page_of(state, name, row.stock, after, limit)
    return describe(tenant, item, row, rules, places, closing(state, name, row))


def channel_of(row: Item, rules: ItemRules, asked: str) -> str:
    """Return the channel that `asked` is, or stands for by the newest policy.

    Raises:
        Problem: 404, the item has no such channel.
    """
    channel = asked if asked in row.channels else rules.resolve(asked, row.channels)
    if channel not in row.channels:
        raise Problem.unknown("unknown-channel", f"the item has no channel {asked!r}")
    return channel


def add_availability(app: EngineApp, pages: Pages) -> None:
    """Serve the views of items."""

    async def item_view(request: web.Request) -> web.Response:
        tenant, item = from_path(request, "tenant", "item")
        after = behind(request, "locations_after")
        place = owner(app, request, join(tenant, item))
        if isinstance(place, Elsewhere):
            return await pass_on(app, request, place)
        return json_response(show(app, place.partition, tenant, item, after=after))

    async def channel_view(request: web.Request) -> web.Response:
        tenant, item, asked = from_path(request, "tenant", "item", "channel")
        name = join(tenant, item)
        place = owner(app, request, name)
        if isinstance(place, Elsewhere):
            return await pass_on(app, request, place)
        row = item_row(app, place.partition, tenant, item)
        state = state_of(app, place.partition)
        _, rules = lived_by(state, name, row)
        channel = channel_of(row, rules, asked)
        shown = _channel(channel, row.channels[channel], rules, closing(state, name, row).get(channel))
        return json_response({"tenant": tenant, "item": item, **shown, **mark(row)})

    pages.add("GET", "/atp/{tenant}/{item}", item_view)
    pages.add("GET", "/atp/{tenant}/{item}/{channel}", channel_view)
