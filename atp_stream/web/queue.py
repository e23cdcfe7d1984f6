"""`GET /atp/{tenant}/{item}/queue`: who waits for an item, in which order, and how much is missing for each."""

from itertools import islice, takewhile
from typing import Any, Final

from aiohttp import web

from atp_stream.domain.item.policy_history import lived_by
from atp_stream.domain.promise.explanation import explain
from atp_stream.domain.row_keys import curve_key, queue_prefix
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.rows import Item
from atp_stream.engine.app import EngineApp
from atp_stream.web.availability import channel_of, mark
from atp_stream.web.endpoint import Pages
from atp_stream.web.formatting import units
from atp_stream.web.item_views import Owned, item_view
from atp_stream.web.path_names import behind, known_parameters, page_size

PAGE: Final = 50


def describe(state: State, name: str, row: Item, channel: str | None, limit: int) -> dict[str, Any]:
    """Return what waits for the item `name`: of each channel, or of one, up to `limit` parts as they are served."""
    _, rules = lived_by(state, name, row)
    curve = state.get(curve_key(name)) if row.dated else None
    claims = {terms.channel: sum(terms.claim) for terms in explain(row, rules, curve).channels}
    chosen = [one for one in sorted(row.channels) if row.channels[one].waiting and channel in {None, one}]
    return {"channels": [_channel(state, name, one, claims.get(one, 0), limit) for one in chosen]}


def _channel(state: State, name: str, channel: str, claim: int, limit: int) -> dict[str, Any]:
    prefix = queue_prefix(name, channel)
    rows = takewhile(lambda pair: pair[0].startswith(prefix), state.scan(prefix))
    ahead, shown = 0, []
    found = list(islice(rows, limit + 1))
    for place, (_, part) in enumerate(found[:limit], 1):
        missing = max(0, ahead + part.quantity - claim)
        shown.append(
            {
                "place": place,
                "reservation": part.reservation,
                "waiting": units(part.quantity),
                "ahead": units(ahead),
                "missing": units(missing),
                "priority": part.priority,
                "allow_partial": part.allow_partial,
            }
        )
        ahead += part.quantity
    return {"channel": channel, "claim": units(claim), "parts": shown, "more": len(found) > limit}


def add_queue(app: EngineApp, pages: Pages) -> None:
    """Serve the queues of items."""

    def asked(request: web.Request) -> tuple[str, int]:
        known_parameters(request, "channel", "limit")
        return behind(request, "channel"), page_size(request, PAGE)

    def queue(of: Owned, wanted: tuple[str, int]) -> dict[str, Any]:
        channel, limit = wanted
        chosen = channel_of(of.row, lived_by(of.state, of.name, of.row)[1], channel) if channel else None
        return {**mark(of.row), **describe(of.state, of.name, of.row, chosen, limit)}

    pages.add("GET", "/atp/{tenant}/{item}/queue", item_view(app, asked, queue))
