"""`GET /atp/{tenant}/{item}`: what may be promised of an item, in every channel, and what it is made of."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from atp_stream.domain import quantity
from atp_stream.domain.availability import short
from atp_stream.domain.names import join
from atp_stream.domain.rows import Item
from atp_stream.engine.app import EngineApp
from atp_stream.messages.rows import decode_row
from atp_stream.web.problems import Problem
from atp_stream.web.routing import here_or_there

_encode = msgspec.json.Encoder().encode


def _units(hundredths: int) -> msgspec.Raw:
    """Return an amount as an exact JSON number."""
    return msgspec.Raw(quantity.show(hundredths).encode())


def describe(tenant: str, item: str, row: Item) -> dict[str, Any]:
    """Return an item's row as the view shows it; quantities in units, `as_of` in log time."""
    reserved = sum(channel.reserved for channel in row.channels.values())
    return {
        "tenant": tenant,
        "item": item,
        "on_hand": _units(row.stock.on_hand),
        "safety_stock": _units(row.safety_stock),
        "reserved": _units(reserved),
        "short": _units(short(row.stock.on_hand, reserved)),
        "gap": _units(row.stock.gap),
        "version": row.version,
        "as_of": datetime.fromtimestamp(row.log_time / 1000, UTC).isoformat(timespec="milliseconds"),
        "channels": [
            {
                "channel": name,
                "available": _units(channel.available),
                "reserved": _units(channel.reserved),
                "waiting": _units(channel.waiting),
            }
            for name, channel in sorted(row.channels.items())
        ],
        "locations": [
            {"location": name or None, "on_hand": _units(place.now.value), "gap": _units(place.now.gap)}
            for name, place in sorted(row.stock.places.items())
        ],
        **({"quarantine": row.quarantine} if row.quarantine else {}),
    }


def add_views(app: EngineApp) -> None:
    """Serve the view on the app's web server."""
    page: Any = app.page  # Faust's own types know no aiohttp

    @page("/atp/{tenant}/{item}")
    async def item_view(self: Any, request: web.Request, tenant: str, item: str) -> web.Response:
        name = join(tenant, item)
        place = await here_or_there(app, request, name.encode())
        if isinstance(place, web.Response):
            return place
        key = f"{name}|i"
        value = app.table.read(place.partition, key.encode())
        if value is None:
            raise Problem(HTTPStatus.NOT_FOUND, "unknown-item", f"nothing is known of item {item!r} of {tenant!r}")
        body = _encode(describe(tenant, item, decode_row(key, value)))
        return web.Response(body=body, content_type="application/json")
