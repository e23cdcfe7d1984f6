"""`GET /atp/{tenant}/{item}/projection`: what a channel may promise now, and on each of the coming days."""

from collections import defaultdict
from typing import Any, Final, NamedTuple

from aiohttp import web

from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.promise.curve import NOW
from atp_stream.engine.app import EngineApp
from atp_stream.web.availability import channel_of, mark
from atp_stream.web.dates import MAX_DAYS, counted_on, day_asked, opened
from atp_stream.web.endpoint import Pages
from atp_stream.web.formatting import date_of, date_or_none, units
from atp_stream.web.item_views import Owned, item_view
from atp_stream.web.path_names import checked, known_parameters, whole_number

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
            {
                "date": date_of(one.day),
                "quantity": units(one.supply),
                "counts_on": date_or_none(counted_on(item, one.day)),
            }
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


class _Asked(NamedTuple):
    channel: str | None
    first: int | None
    days: int


def _asked(request: web.Request) -> _Asked:
    known_parameters(request, "channel", "days", "from")
    channel = request.query.get("channel")
    if channel is not None:
        checked(channel, "channel")
    return _Asked(channel, day_asked(request, "from"), whole_number(request, "days", DAYS, MAX_DAYS))


def add_projection(app: EngineApp, pages: Pages) -> None:
    """Serve what may be promised by date."""

    def projection(of: Owned, wanted: _Asked) -> dict[str, Any]:
        found, policy = opened(of.state, of.name, of.row)
        asked = policy.default_channel if wanted.channel is None else wanted.channel
        channel = channel_of(found.row, found.rules, asked)
        return {"channel": channel, **describe(found, channel, wanted.first, wanted.days)}

    pages.add("GET", "/atp/{tenant}/{item}/projection", item_view(app, _asked, projection))
