"""`POST /atp/{tenant}/query`: many items in one call, gathered from their owners with one hop to each."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import msgspec
from aiohttp import web
from yarl import URL

from atp_stream.domain.names import join
from atp_stream.engine.app import EngineApp
from atp_stream.engine.routing import Elsewhere
from atp_stream.web.availability import show
from atp_stream.web.bodies import TURNS, read_body
from atp_stream.web.endpoint import Pages, json_response
from atp_stream.web.path_names import checked, from_path
from atp_stream.web.problems import Problem
from atp_stream.web.routing import FORWARDED, ask, owner

MAX_ITEMS: Final = 500
FEW_LOCATIONS: Final = 10
"""So many locations of each item are shown; the item's own view has them all."""

_SLICE: Final = 50  # items answered before others get their turn


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request."""

    items: list[str]


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one item's own view would say: `status`, and the answer or the problem."""

    item: str
    status: int
    answer: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    problem: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Results(msgspec.Struct, frozen=True):
    """The body of an answer: a result for each item of the request, in its order."""

    results: list[Result]


_encode = msgspec.json.Encoder().encode
_read_query = msgspec.json.Decoder(Query).decode
_read_results = msgspec.json.Decoder(Results).decode


def parse(body: bytes) -> list[str]:
    """Return the items of a request.

    Raises:
        Problem: 400, the body is not of the form `{"items": [...]}`, names too many or what is no name.
    """
    try:
        items = _read_query(body).items
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem.refused("bad-body", f'the body must be {{"items": [...]}}: {error}') from error
    if len(items) > MAX_ITEMS:
        raise Problem.refused("too-many-items", f"{len(items)} items; {MAX_ITEMS} are allowed")
    for index, item in enumerate(items):
        checked(item, f"item {index}")
    return items


def found_nothing(item: str, problem: Problem) -> Result:
    """Return the result of an item that nothing can be said of."""
    return Result(item=item, status=int(problem.status), problem=msgspec.Raw(_encode(problem.document())))


class _Gathering:
    """The results of one request, as they come in."""

    def __init__(self, app: EngineApp, request: web.Request, tenant: str, items: Sequence[str]) -> None:
        self._app = app
        self._request = request
        self._tenant = tenant
        self._items = items
        self._results: dict[int, Result] = {}

    async def results(self) -> list[Result]:
        away: dict[URL, list[int]] = defaultdict(list)
        for index, item in enumerate(self._items):
            if index % _SLICE == _SLICE - 1:
                await asyncio.sleep(0)
            try:
                place = owner(self._app, self._request, join(self._tenant, item))
                if isinstance(place, Elsewhere):
                    away[place.url].append(index)
                else:
                    self._results[index] = self._here(place.partition, item)
            except Problem as problem:
                self._results[index] = found_nothing(item, problem)
        await asyncio.gather(*(self._there(url, indexes) for url, indexes in away.items()))
        return [self._results[index] for index in range(len(self._items))]

    def _here(self, partition: int, item: str) -> Result:
        shown = show(self._app, partition, self._tenant, item, limit=FEW_LOCATIONS)
        return Result(item=item, status=HTTPStatus.OK, answer=msgspec.Raw(_encode(shown)))

    async def _there(self, url: URL, indexes: list[int]) -> None:
        wanted = [self._items[index] for index in indexes]
        try:
            found = await self._ask(url, wanted)
        except Problem as problem:
            found = [found_nothing(item, problem) for item in wanted]
        self._results |= zip(indexes, found, strict=True)

    async def _ask(self, url: URL, wanted: list[str]) -> list[Result]:
        path = f"/atp/{quote(self._tenant, safe='')}/query"
        answer = await ask(self._app, self._request, url, "POST", path, _encode(Query(wanted)))
        try:
            found = _read_results(answer.body).results if answer.status == HTTPStatus.OK else []
        except msgspec.DecodeError:
            found = []
        if [result.item for result in found] != wanted:
            raise Problem.unavailable("owner-unreachable", "the owner of the item does not understand the question")
        return found


def add_query(app: EngineApp, pages: Pages) -> None:
    """Serve the query; to be added behind the view of items, which answers HEAD for an item of this name."""

    async def query(request: web.Request) -> web.Response:
        tenant = from_path(request, "tenant")[0]
        items = parse(await read_body(request))
        async with request.app[TURNS].turn(passed_on=FORWARDED in request.headers):
            return json_response(Results(await _Gathering(app, request, tenant, items).results()))

    pages.add("POST", "/atp/{tenant}/query", query)
