"""`GET /atp/{tenant}/{item}/queue`: who waits for an item, in which order, and how much is missing for each."""

from collections.abc import Mapping
from itertools import islice, takewhile
from typing import Any, Final, NamedTuple

from aiohttp import web

from atp_stream.domain.item.policy_history import lived_by
from atp_stream.domain.policy.item_rules import ItemRules
from atp_stream.domain.policy.schema import Kind
from atp_stream.domain.promise import availability
from atp_stream.domain.promise.curve import drawn
from atp_stream.domain.promise.explanation import explain
from atp_stream.domain.promise.lack import lacks
from atp_stream.domain.row_keys import curve_key, queue_prefix, reservation_key, undue_prefix
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.rows import Backorder, Item, Reservation
from atp_stream.domain.supply.days import today_of
from atp_stream.domain.supply.rows import CurveRow
from atp_stream.engine.app import EngineApp
from atp_stream.web.availability import channel_of, mark
from atp_stream.web.endpoint import Pages
from atp_stream.web.formatting import date_or_none, units
from atp_stream.web.item_views import Owned, item_view
from atp_stream.web.later import parts_later, waiting_later
from atp_stream.web.path_names import behind, known_parameters, page_size

PAGE: Final = 50
MAX_PARTS: Final = 1_000
"""So many parts are shown in all, each channel having an equal share: an answer is made at one stretch."""
MAX_LATER: Final = 100
"""So many of those that wait for a later day are shown of a channel: for each its reservation is read, too."""


class _Waiting(NamedTuple):
    """An item for which somebody waits; `level` is what is left of its stock and of what is expected, below 0 if short.

    `firsts` are the ranks of the first parts of all queues that stock is given to, by the beginnings of their keys.
    """

    state: State
    name: str
    row: Item
    rules: ItemRules
    level: int
    firsts: dict[str, str]


def describe(state: State, name: str, row: Item, channel: str | None, limit: int) -> dict[str, Any]:
    """Return what waits for the item `name`: of each channel, or of one, up to `limit` parts as they are served."""
    _, rules = lived_by(state, name, row)
    curve = state.get(curve_key(name)) if row.dated else None
    claims = {terms.channel: sum(terms.claim) for terms in explain(row, rules, curve).channels}
    chosen = [one for one in sorted(row.channels) if row.channels[one].waiting and channel in {None, one}]
    waiting = _Waiting(state, name, row, rules, _level(row, rules, curve), _firsts(state, name, row, rules))
    later = waiting_later(state, name, row)
    limit = min(limit, MAX_PARTS // max(1, len(chosen)))
    return {"channels": [_channel(waiting, one, claims.get(one, 0), later, limit) for one in chosen]}


def _level(row: Item, rules: ItemRules, curve: CurveRow | None) -> int:
    """Return what nobody was promised, below 0 if more was: with dates when all that is expected has come."""
    left = row.stock.on_hand - sum(channel.reserved for channel in row.channels.values())
    safety = row.safety_stock if row.quarantine else availability.safety_stock(rules, row.stock.basis)
    if curve is None:
        return left - safety
    today = today_of(curve.boundary, row.log_time_ms)
    found = drawn(curve, left, safety, today, rules.supply, rules.step)
    return min(found.points[found.place(found.end) :])


def _firsts(state: State, name: str, row: Item, rules: ItemRules) -> dict[str, str]:
    living = [one for one, of in row.channels.items() if of.waiting and rules.rule(one).kind is not Kind.FROZEN]
    prefixes = [key(name, one) for one in living for key in (queue_prefix, undue_prefix)]
    found = {prefix: state.first(prefix) for prefix in prefixes}
    return {prefix: first[0].removeprefix(prefix) for prefix, first in found.items() if first is not None}


def _channel(
    waiting: _Waiting, channel: str, claim: int, later: Mapping[str, int], limit: int
) -> dict[str, Any]:  # fmt: skip
    state, name, row, rules = waiting.state, waiting.name, waiting.row, waiting.rules
    prefix = queue_prefix(name, channel)
    found = list(islice(takewhile(lambda pair: pair[0].startswith(prefix), state.scan(prefix)), limit + 1))
    shown, ahead = found[:limit], 0
    missing = lacks(waiting.level, [part.quantity for _, part in shown], channel, rules, row.channels)
    others = min((rank for key, rank in waiting.firsts.items() if key != prefix), default="~")  # behind all ranks
    parts = []
    for place, ((key, part), lack) in enumerate(zip(shown, missing, strict=True), 1):
        exact = lack.exact and not row.dated and key.removeprefix(prefix) < others and row.quarantine is None
        asked = {
            "place": place,
            "ahead": units(ahead),
            "missing": None if lack.units is None else units(lack.units),
            "exact": exact,
        }
        parts.append(_part(part) | asked)
        ahead += part.quantity
    most = min(limit, MAX_LATER)
    behind_them = list(islice(parts_later(state, name, channel), most + 1))
    return {
        "channel": channel,
        "claim": units(claim),
        "parts": parts,
        "more": len(found) > limit,
        "waiting_later": units(later.get(channel, 0)),
        "later": [{**_part(part), "wanted": _wanted(state, name, part)} for part in behind_them[:most]],
        "later_more": len(behind_them) > most,
    }


def _part(part: Backorder) -> dict[str, Any]:
    return {
        "reservation": part.reservation,
        "waiting": units(part.quantity),
        "priority": part.priority,
        "allow_partial": part.allow_partial,
    }


def _wanted(state: State, name: str, part: Backorder) -> str | None:
    row: Reservation | None = state.get(reservation_key(name, part.reservation))
    return None if row is None else date_or_none(row.wanted)


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
