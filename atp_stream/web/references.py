"""`GET /reservations/{tenant}?reference=…`: all reservations with one reference, gathered from all partitions.

A page has those of the first partitions first, in each in the order of their keys: item by item.
"""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from itertools import islice, takewhile
from typing import Final, NamedTuple
from urllib.parse import quote, urlencode

import msgspec
from aiohttp import web

from atp_stream.domain.names import join, split
from atp_stream.domain.row_keys import reference_key, reference_prefix, referring
from atp_stream.domain.state.overlay import State
from atp_stream.engine.app import EngineApp
from atp_stream.engine.partitioner import partition_of
from atp_stream.engine.routing import Here
from atp_stream.topics import LOG_PARTITIONS
from atp_stream.web.bodies import TURNS
from atp_stream.web.endpoint import Pages, json_response
from atp_stream.web.path_names import checked, from_path, known_parameters, page_size
from atp_stream.web.problems import Problem
from atp_stream.web.reservations import show
from atp_stream.web.routing import FORWARDED, ask, owner_of, state_of

PAGE: Final = 100
"""So many reservations are on one page, unless another limit is asked for."""

_PARAMETERS: Final = ("reference", "partition", "after", "limit")


class Named(msgspec.Struct, frozen=True):
    """A reservation by its name, which a page may begin behind."""

    item: str
    reservation: str

    @property
    def cursor(self) -> str:
        """Return it as it stands in a request."""
        return join(self.item, self.reservation)


class Wanted(NamedTuple):
    """Which reservations: up to `limit` of `tenant` with `reference`, behind `after` if that is not None."""

    tenant: str
    reference: str
    after: Named | None
    limit: int


class Part(msgspec.Struct, frozen=True):
    """What is shown; the reservations stay as their owner has written them. `next` is None at the end."""

    reservations: list[msgspec.Raw]
    next: str | None


_encode = msgspec.json.Encoder().encode
_read_part = msgspec.json.Decoder(Part).decode
_read_named = msgspec.json.Decoder(Named).decode


def page_of(state: State, wanted: Wanted) -> list[Named]:
    """Return the reservations of one partition that a page is made of, and one more if there is one."""
    prefix = reference_prefix(wanted.tenant, wanted.reference)
    start = prefix
    if wanted.after is not None:
        item = join(wanted.tenant, wanted.after.item)
        start = reference_key(item, wanted.reference, wanted.after.reservation) + "\0"
    keys = takewhile(lambda key: key.startswith(prefix), (key for key, _ in state.scan(start)))
    return [Named(*referring(key)) for key in islice(keys, wanted.limit + 1)]


def joined(parts: Sequence[Part], limit: int) -> Part:
    """Return the page that the parts of some partitions make together."""
    found = [one for part in parts for one in part.reservations]
    left = len(found) > limit or any(part.next is not None for part in parts)
    return Part(found[:limit], _read_named(found[limit - 1]).cursor if left else None)


async def _of_partition(app: EngineApp, request: web.Request, partition: int, wanted: Wanted) -> Part:
    """Return what a partition has for a page, from whoever owns it."""
    place = owner_of(app, request, partition)
    if isinstance(place, Here):
        found = page_of(state_of(app, partition), wanted)
        shown = [_encode(show(app, partition, wanted.tenant, one.item, one.reservation)) for one in found]
        return joined([Part([msgspec.Raw(one) for one in shown], None)], wanted.limit)
    query = {"reference": wanted.reference, "partition": str(partition), "limit": str(wanted.limit)}
    if wanted.after is not None:
        query["after"] = wanted.after.cursor
    path = f"/reservations/{quote(wanted.tenant, safe='')}?{urlencode(query, quote_via=quote, safe='')}"
    answer = await ask(app, request, place.url, "GET", path)
    try:
        if answer.status == HTTPStatus.OK:
            return _read_part(answer.body)
    except msgspec.DecodeError:
        pass  # what answers is no worker of this version
    raise Problem.unavailable("moving", f"the owner of partition {partition} does not answer for it now")


async def _of_partitions(app: EngineApp, request: web.Request, partitions: Sequence[int], wanted: Wanted) -> Part:
    """Return a page over these partitions.

    Raises:
        Problem: 503, the owner of one does not answer: a page that lacks what it has would be wrong.
    """
    after, rest = wanted.after, wanted._replace(after=None)
    first = -1 if after is None else partition_of(join(wanted.tenant, after.item).encode(), LOG_PARTITIONS)
    asked = [(number, wanted if number == first else rest) for number in partitions if number >= first]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_of_partition(app, request, number, part)) for number, part in asked]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return joined([task.result() for task in tasks], wanted.limit)


def _asked(request: web.Request, tenant: str) -> tuple[Wanted, Sequence[int]]:
    """Return what is asked for, and the partitions that it is about: all, or the one that is named."""
    known_parameters(request, *_PARAMETERS)
    if "reference" not in request.query:
        raise Problem.refused("bad-query", "say which: ?reference=...")
    reference = checked(request.query["reference"], "reference")
    wanted = Wanted(tenant, reference, _behind(request.query.get("after")), page_size(request, PAGE))
    named = request.query.get("partition")
    if named is None:
        return wanted, range(LOG_PARTITIONS)
    if named not in map(str, range(LOG_PARTITIONS)):
        raise Problem.refused("bad-query", f"partition is a number from 0 to {LOG_PARTITIONS - 1}")
    return wanted, [int(named)]


def _behind(cursor: str | None) -> Named | None:
    if cursor is None:
        return None
    names = split(cursor)
    if len(names) != len(Named.__struct_fields__) or join(*names) != cursor:
        raise Problem.refused("bad-query", "after is the `next` of the page before")
    return Named(*(checked(name, "after") for name in names))


def add_references(app: EngineApp, pages: Pages) -> None:
    """Serve the look-up by reference."""

    async def reference_view(request: web.Request) -> web.Response:
        tenant = from_path(request, "tenant")[0]
        wanted, partitions = _asked(request, tenant)
        async with request.app[TURNS].turn(passed_on=FORWARDED in request.headers):
            found = await _of_partitions(app, request, partitions, wanted)
        about = {"tenant": tenant, "reference": wanted.reference}
        return json_response({**about, "reservations": found.reservations, "next": found.next})

    pages.add("GET", "/reservations/{tenant}", reference_view)
