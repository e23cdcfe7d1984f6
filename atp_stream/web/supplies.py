"""`GET /atp/{tenant}/{item}/supplies`: what is expected of an item, supply by supply, and what has come of it."""

from collections.abc import Iterator
from typing import Any, Final

from aiohttp import web

from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.names import decode
from atp_stream.domain.row_keys import supply_key, supply_prefix
from atp_stream.domain.supply import register
from atp_stream.domain.supply.rows import Supply
from atp_stream.engine.app import EngineApp
from atp_stream.web.availability import mark
from atp_stream.web.dates import counted_on, opened
from atp_stream.web.endpoint import Pages
from atp_stream.web.formatting import date_of, date_or_none, units
from atp_stream.web.item_views import Owned, item_view
from atp_stream.web.path_names import behind, known_parameters, page_size

PAGE: Final = 100
"""So many supplies are on one page, unless another limit is asked for."""


def page(item: OpenItem, rows: Iterator[tuple[str, Any]], limit: int) -> dict[str, Any]:
    """Return up to `limit` supplies of an item, and behind which one to go on: None at the end.

    `rows` are those of the partition from where the page begins.
    """
    prefix = supply_prefix(item.name)
    found: list[dict[str, Any]] = []
    for key, row in rows:
        if not key.startswith(prefix):
            break
        if len(found) == limit:
            return {"supplies": found, "next": found[-1]["supply"]}
        found.append({"supply": decode(key.removeprefix(prefix)), **describe(item, row)})
    return {"supplies": found, "next": None}


def describe(item: OpenItem, row: Supply) -> dict[str, Any]:
    """Return a supply's row as the view shows it; quantities in units.

    `counts_on` is the day on which what is open counts, None if it does not. While `status` is PENDING only receipts
    have come.
    """
    holds, left = register.holds(row), register.open_units(row)
    stated = None if holds is None or holds.cancelled else holds
    counts = stated is not None and left and register.counts(row)
    counts_on = counted_on(item, stated.day) if stated is not None and counts else None
    return {
        "status": _status(item, row),
        "expected_date": None if stated is None else date_of(stated.day),
        "counts_on": date_or_none(counts_on),
        "quantity": units(register.ordered(row)),
        "received": units(register.come(row)),
        "open": units(left),
        "over": units(register.over(row)),
        "firm": stated is not None and not stated.unsure,
        "location": (stated.location or None) if stated is not None else None,
        "kind": (stated.kind or None) if stated is not None else None,
        "reference": stated.reference if stated is not None else None,
    }


def _status(item: OpenItem, row: Supply) -> str:
    holds = register.holds(row)
    if holds is None:
        return "PENDING"
    if holds.cancelled:
        return "CANCELLED"
    if not register.open_units(row):
        return "CLOSED"
    return "PAST_DUE" if holds.day < item.dates.today else "OPEN"


def add_supplies(app: EngineApp, pages: Pages) -> None:
    """Serve the supplies of items."""

    def asked(request: web.Request) -> tuple[str, int]:
        known_parameters(request, "after", "limit")
        return behind(request, "after"), page_size(request, PAGE)

    def supplies(of: Owned, wanted: tuple[str, int]) -> dict[str, Any]:
        after, limit = wanted
        found, _ = opened(of.state, of.name, of.row)
        start = supply_key(of.name, after) + ("\0" if after else "")
        return {"today": date_of(found.dates.today), **page(found, of.state.scan(start), limit), **mark(of.row)}

    pages.add("GET", "/atp/{tenant}/{item}/supplies", item_view(app, asked, supplies))
