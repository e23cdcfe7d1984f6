"""`GET /find/{tenant}?reservation=…`: which items have a reservation of this id.

A reservation is kept with its item, and no index leads from its id to the item: this goes from item to item and looks
for it in each. It takes a bounded time, one search after the other, and says if it did not get through. Orders are
found by reference at any size.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
from aiohttp import web

from atp_stream.domain.row_keys import reservation_key
from atp_stream.engine.app import EngineApp
from atp_stream.web.bodies import TURNS, taken
from atp_stream.web.endpoint import Pages, json_response
from atp_stream.web.gathering import MOVING, Partitions, gather
from atp_stream.web.item_walk import walk
from atp_stream.web.path_names import checked, from_path, known_parameters
from atp_stream.web.problems import Problem
from atp_stream.web.routing import FORWARDED

SLICE_S: Final = 0.002
"""So long it works at a stretch."""
REST: Final = 4
"""So many times as long it rests then: searches, one at a time, take a fifth of a worker's time at most."""
MOST_S: Final = 0.25
"""So long it works at the most in all: enough for some ten thousand items."""
MAX_FOUND: Final = 50


class Named(msgspec.Struct, frozen=True):
    """A reservation and the item that has it."""

    item: str
    reservation: str


class Part(msgspec.Struct, frozen=True):
    """What was found, and whether all items were looked through."""

    reservations: list[Named]
    complete: bool
    partitions: Partitions


class Wanted(NamedTuple):
    """A reservation of a tenant, of whatever item."""

    tenant: str
    reservation: str


_read_part = msgspec.json.Decoder(Part).decode


async def own_part(app: EngineApp, partitions: Sequence[int], wanted: Wanted) -> Part:
    """Return what the partitions that this worker owns have, as far as it got in its time.

    Raises:
        Problem: 503, a partition has been given away meanwhile.
    """
    found: list[Named] = []
    of_these, spent_s, began = Partitions(list(partitions), []), 0.0, time.perf_counter()
    for place in walk(app, partitions, wanted.tenant):
        key = reservation_key(place.name, wanted.reservation).encode()
        if app.table.read(place.partition, key) is not None:
            found.append(Named(place.item, wanted.reservation))
        took = time.perf_counter() - began
        if len(found) == MAX_FOUND or spent_s + took > MOST_S:
            return Part(found, complete=False, partitions=of_these)
        if took > SLICE_S:
            spent_s += took
            await asyncio.sleep(REST * took)
            if not set(partitions) <= app.steps.owned():
                raise Problem.unavailable("moving", MOVING)
            began = time.perf_counter()
    return Part(found, complete=True, partitions=of_these)


def add_finding(app: EngineApp, pages: Pages) -> None:
    """Serve the search for a reservation by its id."""
    searching = asyncio.Semaphore(1)

    async def find_view(request: web.Request) -> web.Response:
        known_parameters(request, "reservation")
        if "reservation" not in request.query:
            raise Problem.refused("bad-query", "say which: ?reservation=...")
        wanted = Wanted(from_path(request, "tenant")[0], checked(request.query["reservation"], "reservation"))

        async def own(partitions: list[int]) -> Part:
            async with taken(searching, "another search is under way"):
                return await own_part(app, partitions, wanted)

        async with request.app[TURNS].turn(passed_on=FORWARDED in request.headers):
            parts, partitions = await gather(app, request, own, _read_part)
        found = [one for part in parts for one in part.reservations]
        found.sort(key=lambda one: one.item)
        return json_response(
            {
                "tenant": wanted.tenant,
                "reservations": found[:MAX_FOUND],
                "complete": all(part.complete for part in parts) and len(found) <= MAX_FOUND and not partitions.missing,
                "partitions": partitions,
            }
        )

    pages.add("GET", "/find/{tenant}", find_view)
