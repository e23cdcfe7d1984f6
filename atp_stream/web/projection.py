"""`GET /atp/{tenant}/{item}/projection`: what a channel may promise now, and on each of the coming days."""

from collections import defaultdict
from typing import Any, Final

from aiohttp import web

from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.names import join
from atp_stream.domain.promise.curve import NOW
from atp_stream.engine.app import EngineApp
from atp_stream.engine.routing import Elsewhere
from atp_stream.web.availability import channel_of, item_row, mark
from atp_stream.web.dates import MOST_DAYS, counted_on, day_asked, opened
from atp_stream.web.endpoint import Pages, json_response
from atp_stream.web.formatting import date_of, units
from atp_stream.web.path_names import checked, from_path, known_parameters, whole_number
from atp_stream.web.routing import owner, pass_on, state_of

DAYS: Final = 7
"""So many days are shown, unless another number is asked for."""


def describe(item: OpenItem, channel: str, first: int | None, days: int) -> dict[str, Any]:
    """Return the curve of an item as the view shows it: up to so many days from the first on, none beyond its end."""
    dates = item.dates
    today, row = dates.today, dates.row
    curve = dates.curve()
    return {
        "today": date_of(today),
        "horizon": date_of(curve.end),
        "on_hand": units(item.row.stock.on_hand),
        "reserved": units(item.reserved),
        "promised": units(sum(one.promised for one in row.days)),
        "projected": units(curve.there[0]),
        "now": units(_shown(item, channel, NOW)),
        "arriving": units(sum(one.units for one in row.arriving)),
        "past_due": [
            {"date": date_of(one.day), "quantity": units(one.supply), "counts_on": _date(counted_on(item, one.day))}
            for one in row.days
            if one.supply and one.day < today
        ],
        "days": _days(item, channel, max(today, first or today), days),
        **mark(item.row),
    }


def _days(item: OpenItem, channel: str, first: int, days: int) -> list[dict[str, Any]]:
    dates, curve = item.dates, item.dates.curve()
    supply: dict[int, int] = defaultdict(int)
    promised: dict[int, int] = defaultdict(int)
    for one in dates.row.days:
        promised[max(one.day, dates.today)] += one.promised
        counts_on = counted_on(item, one.day)
        if counts_on is not None:
            supply[counts_on] += one.supply
    wanted = range(first, min(first + days, curve.end + 1))
    shown = {point: _shown(item, channel, curve.days[point]) for point in {curve.place(day) for day in wanted}}
    return [
        {
            "date": date_of(day),
            "supply": units(supply[day]),
            "promised": units(promised[day]),
            "projected": units(curve.there[curve.place(day)]),
            "available": units(shown[curve.place(day)]),
        }
        for day in wanted
    ]


def _shown(item: OpenItem, channel: str, day: int) -> int:
    return 0 if item.row.quarantine else item.dates.shown(channel, day)


def _date(day: int | None) -> str | None:
    return None if day is None else date_of(day)


def add_projection(app: EngineApp, pages: Pages) -> None:
    """Serve what may be promised by date."""

    async def projection_view(request: web.Request) -> web.Response:
        tenant, item = from_path(request, "tenant", "item")
        known_parameters(request, "channel", "days", "from")
        asked = request.query.get("channel")
        if asked is not None:
            checked(asked, "channel")
        first, days = day_asked(request, "from"), whole_number(request, "days", DAYS, MOST_DAYS)
        name = join(tenant, item)
        place = owner(app, request, name)
        if isinstance(place, Elsewhere):
            return await pass_on(app, request, place)
        row = item_row(app, place.partition, tenant, item)
        found, policy = opened(state_of(app, place.partition), name, row)
        channel = channel_of(found.row, found.rules, policy.default_channel if asked is None else asked)
        return json_response(
            {"tenant": tenant, "item": item, "channel": channel, **describe(found, channel, first, days)}
        )

    pages.add("GET", "/atp/{tenant}/{item}/projection", projection_view)
