"""`GET /atp/{tenant}/{item}/explain`: why the numbers are what they are, now or on a day, as sums that add up."""

from collections.abc import Iterator, Mapping
from itertools import islice, takewhile
from typing import Any, Final, NamedTuple

from aiohttp import web

from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.item.policy_history import lived_by
from atp_stream.domain.names import decode
from atp_stream.domain.policy.item_rules import ItemRules
from atp_stream.domain.promise.dated_explanation import explain_day
from atp_stream.domain.promise.explanation import (
    ChannelTerms,
    Drifted,
    Explanation,
    PlaceTerms,
    Term,
    explain,
    explain_place,
)
from atp_stream.domain.reservations.backorder_queue import closing
from atp_stream.domain.reservations.balances import allocated, is_empty, promised, status
from atp_stream.domain.row_keys import (
    curve_key,
    reservation_key,
    reservation_of,
    reservation_prefix,
    supply_prefix,
)
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.rows import Backorder, Item, Reservation
from atp_stream.domain.stock import instants
from atp_stream.domain.stock.rows import Location
from atp_stream.domain.supply.rows import CurveRow
from atp_stream.engine.app import EngineApp
from atp_stream.web.availability import closed_by, mark
from atp_stream.web.dates import day_asked, opened
from atp_stream.web.endpoint import Pages
from atp_stream.web.formatting import date_of, log_moment, moment, units
from atp_stream.web.item_views import Owned, item_view
from atp_stream.web.later import NOTHING_LATER, waiting_later
from atp_stream.web.path_names import behind, known_parameters, page_size
from atp_stream.web.places import MAX_PLACES, Place, Places, page_of
from atp_stream.web.problems import Problem

MAX_INSTANTS: Final = 10
"""So many instants of each location are shown, the newest."""

PAGE: Final = 50
_MAX_ROWS_READ: Final = 2_000  # of reservations or supplies in one request: ended ones lie between the open ones

_WHOLE: Final = 10_000


class OnDay(NamedTuple):
    """The terms of a day, and what each channel may promise on it."""

    day: int
    today: int
    explanation: Explanation
    available: dict[str, int]


def on_day(item: OpenItem, state: State, day: int) -> OnDay:
    """Return the terms of a day of the item's curve.

    Raises:
        Problem: 404, it is over already, or lies beyond the horizon.
    """
    today, end = item.dates.today, item.dates.curve().end
    if not today <= day <= end:
        raise Problem.unknown(
            "no-such-day", f"the days of the item are {date_of(today)} to {date_of(end)}, the horizon"
        )
    prefix = supply_prefix(item.name)
    rows = takewhile(lambda pair: pair[0].startswith(prefix), state.scan(prefix))
    supplies = {decode(key.removeprefix(prefix)): row for key, row in islice(rows, _MAX_ROWS_READ)}
    runs = item.row.quarantine is None
    return OnDay(
        day,
        today,
        explain_day(item.row, item.rules, item.dates.row, supplies, day, today),
        {channel: item.dates.shown(channel, day) if runs else 0 for channel in item.channels},
    )


def describe(
    tenant: str, item: str, row: Item, rules: ItemRules, log: str, places: Places, waiting: Mapping[str, Backorder],
    curve: CurveRow | None = None, *, by_date: OnDay | None = None, later: Mapping[str, int] = NOTHING_LATER,
) -> dict[str, Any]:  # fmt: skip
    """Return the explanation of an item as the view shows it, of now or of a day.

    `log` is the partition of the item log, `waiting` are the parts that close channels, `curve` is what has a date,
    `later` the units that wait for a later day.
    """
    found = explain(row, rules, curve) if by_date is None else by_date.explanation
    now = {one: channel.available for one, channel in row.channels.items()}
    available = now if by_date is None else by_date.available
    return {
        "tenant": tenant,
        "item": item,
        **mark(row),
        **({} if by_date is None else {"today": date_of(by_date.today), "date": date_of(by_date.day)}),
        "cause": {"log": f"{log}/{row.offset}", "input": row.source or None, "at": log_moment(row.log_time_ms)},
        "on_hand": _on_hand(row, found, places),
        "safety_stock": {
            "quantity": units(row.safety_stock),
            "fixed": units(rules.fixed),
            "percent": units(rules.percent),
            "basis": units(row.stock.basis),
        },
        "free": {"quantity": units(sum(term.quantity for term in found.free)), "terms": _terms(found.free)},
        "pool": units(found.pool),
        "shortage": found.shortage,
        "scaled": row.scaled,
        "channels": [
            {
                **_channel(terms, available[terms.channel]),
                "waiting_later": units(later.get(terms.channel, 0)),
                **closed_by(waiting.get(terms.channel)),
            }
            for terms in found.channels
        ],
    }


def _on_hand(row: Item, found: Explanation, places: Places) -> dict[str, Any]:
    return {
        "quantity": units(row.stock.on_hand),
        "terms": _terms(found.held),
        "places": [_place(one) for one in places.places],
        "places_next": places.next,
        "gap": units(row.stock.gap),
        "split": row.stock.split,
    }


def _place(one: Place) -> dict[str, Any]:
    found = explain_place(one.row or Location(after=one.quantity), MAX_INSTANTS)
    absolute = found.absolute
    return {
        "location": one.location or None,
        "quantity": units(found.quantity),
        "absolute": None
        if absolute is None
        else {"at": moment(absolute.at_us), "quantity": units(absolute.end), "in_doubt": absolute.in_doubt},
        "since": units(found.since),
        "gap": None if found.gap is None else _gap(found.gap, one.gap),
        "missing": units(found.missing),
        "instants": _instants(found),
        "forgotten": None if found.forgotten_at_us is None else moment(found.forgotten_at_us),
    }


def _gap(found: Drifted, unexplained: int) -> dict[str, Any]:
    return {
        "base": {"at": moment(found.base_at_us), "quantity": units(found.base)},
        "moved": units(found.moved),
        "shipped": units(found.shipped),
        "found": units(found.found),
        "unexplained": units(unexplained),
    }


def _instants(found: PlaceTerms) -> list[dict[str, Any]]:
    """Return the newest instants with the ends that they state; that of the newest absolute may ask what was before."""
    newest = found.absolute
    return [
        {
            "at": moment(one.at_us),
            "delta": units(one.delta),
            "end": None
            if not one.is_absolute
            else units(newest.end if newest is not None and one.at_us == newest.at_us else instants.plain_end(one)),
        }
        for one in found.recent
    ]


def _channel(found: ChannelTerms, available: int) -> dict[str, Any]:
    rule, row = found.rule, found.row
    return {
        "channel": found.channel,
        "available": units(available),
        "terms": _terms(found.terms),
        "kind": rule.kind,
        "claim": units(sum(found.claim)),
        "fence": units(found.claim.earmark),
        "granted": units(row.granted),
        "consumed": units(row.consumed),
        "weight": rule.weight / _WHOLE,
        "reserved": units(row.reserved),
        "waiting": units(row.waiting),
    }


def _terms(terms: list[Term]) -> list[dict[str, Any]]:
    return [
        {
            "what": term.what,
            "quantity": units(term.quantity),
            **({} if term.supply is None else {"supply": term.supply}),
            **({} if term.day is None else {"date": date_of(term.day)}),
        }
        for term in terms
    ]


def page(name: str, rows: Iterator[tuple[str, Any]], limit: int) -> dict[str, Any]:
    """Return the open and waiting reservations of an item, up to `limit`, and behind which one to go on.

    `rows` are those of the partition from where the page begins; `next` is None at the end.
    """
    prefix = reservation_prefix(name)
    found: list[dict[str, Any]] = []
    for looked, (key, row) in enumerate(rows):
        if not key.startswith(prefix):
            break
        reservation = reservation_of(key)
        if not is_empty(row):
            found.append(_reservation(reservation, row))
        if len(found) == limit or looked == _MAX_ROWS_READ:
            return {"reservations": found, "next": reservation}
    return {"reservations": found, "next": None}


def _reservation(reservation: str, row: Reservation) -> dict[str, Any]:
    return {
        "reservation": reservation,
        "channel": row.channel,
        "status": status(row),
        "reserved": units(allocated(row)),
        "promised": units(promised(row)),
        "fenced": units(sum(one.earmarked for one in row.allocations)),
        "waiting": units(row.waiting),
        "priority": row.priority,
        "expires_at": None if row.expires_at_us is None else moment(row.expires_at_us),
    }


class _Wanted(NamedTuple):
    """Which reservations, and which locations: behind the one of this name, from the first if it is "".

    `date` is the day that is explained, None for now.
    """

    after: str
    limit: int
    places_after: str
    date: int | None


def _wanted(request: web.Request) -> _Wanted:
    known_parameters(request, *_Wanted._fields)
    return _Wanted(
        behind(request, "after"), page_size(request, PAGE), behind(request, "places_after"), day_asked(request, "date")
    )


def add_explain(app: EngineApp, pages: Pages) -> None:
    """Serve the explanation of items."""

    def explanation(of: Owned, asked: _Wanted) -> dict[str, Any]:
        name, row, state = of.name, of.row, of.state
        (_, rules), log = lived_by(state, name, row), f"{app.log_topic}/{of.partition}"
        places = page_of(state, name, row.stock, asked.places_after, MAX_PLACES)
        curve = state.get(curve_key(name)) if row.dated else None
        by_date = None if asked.date is None else on_day(opened(state, name, row)[0], state, asked.date)
        waiting, later = closing(state, name, row), waiting_later(state, name, row)
        described = describe(of.tenant, of.item, row, rules, log, places, waiting, curve, by_date=by_date, later=later)
        start = reservation_key(name, asked.after) + ("\0" if asked.after else "")
        return {**described, **page(name, state.scan(start), asked.limit)}

    pages.add("GET", "/atp/{tenant}/{item}/explain", item_view(app, _wanted, explanation))
