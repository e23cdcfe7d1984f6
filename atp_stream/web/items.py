"""`GET /items/{tenant}` and `GET /totals/{tenant}`: which items there are, which are at risk, and sums over all."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from heapq import nsmallest
from typing import Any, Final, NamedTuple

import msgspec
from aiohttp import web

from atp_stream.domain import quantity
from atp_stream.domain.names import encode, split
from atp_stream.domain.row_keys import item_key
from atp_stream.domain.state.rows import Item
from atp_stream.engine.app import EngineApp
from atp_stream.web.endpoint import Pages, json_response
from atp_stream.web.formatting import units
from atp_stream.web.gathering import MOVING, Partitions, gather
from atp_stream.web.item_walk import walk
from atp_stream.web.later import waiting_later
from atp_stream.web.path_names import behind, checked, from_path, known_parameters, whole_number
from atp_stream.web.problems import Problem
from atp_stream.web.routing import read_row, state_of
from atp_stream.web.summaries import Found, Risk, describe, gravity
from atp_stream.web.survey import OF_PAGES, OfPartition, Surveys

PAGE: Final = 50
MAX_PAGE: Final = 200
ANY: Final = "any"
SLICE_S: Final = 0.003
"""So long a page is worked at before others get their turn."""

_encode = msgspec.json.Encoder().encode


class Page(msgspec.Struct, frozen=True):
    """Some items, as their owners have written them; `next` is None at the end.

    The other three are of a list by risk: what a survey has found, whether it has looked at all, and how old it is.
    """

    items: list[msgspec.Raw]
    next: str | None
    partitions: Partitions
    found: int | None = None
    complete: bool | None = None
    age_s: float | None = None


class Totals(msgspec.Struct, frozen=True):
    """Sums over the items of a tenant."""

    items: int
    on_hand: Decimal
    reserved: Decimal
    risks: dict[str, "Counted"]
    complete: bool
    age_s: float
    partitions: Partitions
    waiting_later: Decimal = Decimal(0)


class Counted(msgspec.Struct, frozen=True):
    """How many items have a risk, and how much it is of all of them together."""

    items: int
    quantity: Decimal


class _Named(msgspec.Struct, frozen=True):
    item: str


class _RiskShown(msgspec.Struct, frozen=True):
    risk: Risk
    quantity: Decimal


class _AtRisk(msgspec.Struct, frozen=True):
    item: str
    risks: list[_RiskShown]


class Wanted(NamedTuple):
    """Which items: with a name that begins with `prefix`, behind `after`, up to `limit`; or those with a risk."""

    prefix: str
    after: str
    limit: int
    risks: tuple[Risk, ...]


_read_page = msgspec.json.Decoder(Page).decode
_read_totals = msgspec.json.Decoder(Totals).decode
_read_named = msgspec.json.Decoder(_Named).decode
_read_at_risk = msgspec.json.Decoder(_AtRisk).decode


def wanted_by(request: web.Request) -> Wanted:
    """Return what a request asks for.

    Raises:
        Problem: 400, it is not as it must be.
    """
    query = request.query
    known_parameters(request, "prefix", "after", "limit", "risk")
    prefix = query.get("prefix", "")
    limit = whole_number(request, "limit", PAGE, MAX_PAGE)
    named = query.get("risk")
    if named is None:
        return Wanted(prefix and checked(prefix, "prefix"), behind(request, "after"), limit, ())
    if named not in {ANY, *Risk}:
        raise Problem.refused("bad-query", f"risk is {ANY}, {', '.join(Risk)}")
    if prefix or "after" in query:
        raise Problem.refused(
            "bad-query", "a list by risk has neither prefix nor after: it is sorted by what is at risk"
        )
    return Wanted("", "", limit, tuple(Risk) if named == ANY else (Risk(named),))


class _Reading:
    """Reads items of partitions that are owned, and lets others have their turn in between."""

    def __init__(self, app: EngineApp, partitions: Sequence[int]) -> None:
        self._app = app
        self._partitions = set(partitions)
        self._began = time.perf_counter()

    async def shown(self, partition: int, name: str) -> tuple[Item, bytes] | None:
        """Return the row of an item, and it as a list shows it; None if there is none."""
        row: Item | None = read_row(self._app, partition, item_key(name))
        found = None
        if row is not None:
            later = waiting_later(state_of(self._app, partition), name, row)
            found = row, _encode(describe(split(name)[1], row, later))
        if time.perf_counter() - self._began > SLICE_S:
            await asyncio.sleep(0)
            if not self._partitions <= self._app.steps.owned():
                raise Problem.unavailable("moving", MOVING)
            self._began = time.perf_counter()
        return found


async def by_name(app: EngineApp, partitions: Sequence[int], tenant: str, wanted: Wanted) -> Page:
    """Return a page of items in the order of their keys.

    Raises:
        Problem: 503, a partition has been given away meanwhile.
    """
    reading, last = _Reading(app, partitions), None
    shown: list[msgspec.Raw] = []
    for place in walk(app, partitions, tenant, wanted.prefix, wanted.after):
        if len(shown) == wanted.limit:
            return Page(shown, last, Partitions(list(partitions), []))
        found = await reading.shown(place.partition, place.name)
        if found is not None:
            shown.append(msgspec.Raw(found[1]))
            last = place.item
    return Page(shown, None, Partitions(list(partitions), []))


async def by_risk(app: EngineApp, surveys: Surveys, partitions: Sequence[int], tenant: str, wanted: Wanted) -> Page:
    """Return the items with the gravest risks, as they are now: a survey says where to look.

    Raises:
        Problem: 503, a partition has been given away meanwhile.
    """
    survey = await surveys.of(tenant)
    known = {number: survey.sums[number] for number in partitions if number in survey.sums}
    risk = wanted.risks[0] if len(wanted.risks) == 1 else None
    kept = [(one, number) for number, part in known.items() for one in part.sums.gravest[risk]]
    gravest = nsmallest(wanted.limit, kept)
    owned = [number for number in known if number in app.steps.owned()]
    reading = _Reading(app, owned)
    shown: list[msgspec.Raw] = []
    for one, number in gravest:
        found = await reading.shown(number, one.name) if number in owned else None
        if found is not None:
            shown.append(msgspec.Raw(found[1]))
    found_at_all = sum(part.sums.found(risk) for part in known.values())
    return Page(shown, None, Partitions(owned, []), found_at_all, *_completeness(known, partitions))


def _completeness(known: Mapping[int, OfPartition], partitions: Sequence[int]) -> tuple[bool, float]:
    """Return whether all items are in what is known of some partitions, and how old the oldest of it is."""
    complete = len(known) == len(partitions) and all(one.complete for one in known.values())
    now = time.time()
    return complete, round(max((now - one.since_s for one in known.values()), default=0.0), 1)


def joined(pages: Sequence[Page], wanted: Wanted, tenant: str, partitions: Partitions) -> dict[str, Any]:
    """Return the answer that the pages of some workers make together."""
    if wanted.risks:
        return {"tenant": tenant, **_joined_by_risk(pages, wanted), "partitions": partitions}
    by_item = {_read_named(one).item: one for page in pages for one in page.items}
    ordered = sorted(by_item, key=lambda item: f"{encode(item)}|")  # as their keys: "a b" comes before "a"
    shown = ordered[: wanted.limit]
    more = len(ordered) > wanted.limit or any(page.next is not None for page in pages)
    last = shown[-1] if shown and more else None
    return {"tenant": tenant, "items": [by_item[item] for item in shown], "next": last, "partitions": partitions}


def _joined_by_risk(pages: Sequence[Page], wanted: Wanted) -> dict[str, Any]:
    shown: dict[str, tuple[tuple[int, int], msgspec.Raw]] = {}
    for raw in (one for page in pages for one in page.items):
        one = _read_at_risk(raw)
        present = [Found(risk.risk, _hundredths(risk.quantity)) for risk in one.risks if risk.risk in wanted.risks]
        if present:  # else it is not at risk any more
            shown[one.item] = gravity(present[0]), raw
    ordered = sorted((place, item) for item, (place, _) in shown.items())
    return {
        "items": [shown[item][1] for _, item in ordered[: wanted.limit]],
        "next": None,
        "found": sum(page.found or 0 for page in pages),
        "complete": all(page.complete for page in pages),
        "age_s": max(page.age_s or 0.0 for page in pages),
    }


async def own_totals(surveys: Surveys, partitions: Sequence[int], tenant: str) -> Totals:
    """Return the sums over the partitions that are owned, as far as they are known."""
    survey = await surveys.of(tenant)
    known = {number: survey.sums[number] for number in partitions if number in survey.sums}
    every = [one.sums for one in known.values()]
    return Totals(
        sum(sums.items for sums in every),
        quantity.to_decimal(sum(sums.on_hand for sums in every)),
        quantity.to_decimal(sum(sums.reserved for sums in every)),
        {
            risk: Counted(
                sum(sums.counts[risk] for sums in every),
                quantity.to_decimal(sum(sums.quantities[risk] for sums in every)),
            )
            for risk in Risk
        },
        *_completeness(known, partitions),
        Partitions(list(partitions), []),
        quantity.to_decimal(sum(sums.later for sums in every)),
    )


def _sum(quantities: Sequence[Decimal]) -> msgspec.Raw:
    return units(sum(map(_hundredths, quantities)))


def _hundredths(amount: Decimal) -> int:
    """Return an amount that a worker has written: a sum may be larger than a message may state."""
    return int(amount.scaleb(quantity.SCALE))


def sum_of(parts: Sequence[Totals], tenant: str, partitions: Partitions) -> dict[str, Any]:
    """Return the answer that the sums of some workers make together."""
    return {
        "tenant": tenant,
        "items": sum(part.items for part in parts),
        "on_hand": _sum([part.on_hand for part in parts]),
        "reserved": _sum([part.reserved for part in parts]),
        "risks": {
            risk: {
                "items": sum(part.risks[risk].items for part in parts),
                "quantity": _sum([part.risks[risk].quantity for part in parts]),
            }
            for risk in Risk
        },
        "waiting_later": _sum([part.waiting_later for part in parts]),
        "complete": all(part.complete for part in parts),
        "age_s": max(part.age_s for part in parts),
        "partitions": partitions,
    }


def add_items(app: EngineApp, pages: Pages) -> None:
    """Serve the lists of items and the sums over them."""
    surveys = Surveys(app, OF_PAGES)

    async def items_view(request: web.Request) -> web.Response:
        tenant = from_path(request, "tenant")[0]
        wanted = wanted_by(request)

        async def own(partitions: list[int]) -> Page:
            if wanted.risks:
                return await by_risk(app, surveys, partitions, tenant, wanted)
            return await by_name(app, partitions, tenant, wanted)

        parts, partitions = await gather(app, request, own, _read_page)
        return json_response(joined(parts, wanted, tenant, partitions))

    async def totals_view(request: web.Request) -> web.Response:
        tenant = from_path(request, "tenant")[0]

        async def own(partitions: list[int]) -> Totals:
            return await own_totals(surveys, partitions, tenant)

        parts, partitions = await gather(app, request, own, _read_totals)
        return json_response(sum_of(parts, tenant, partitions))

    pages.add("GET", "/items/{tenant}", items_view)
    pages.add("GET", "/totals/{tenant}", totals_view)
