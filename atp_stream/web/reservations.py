"""`GET /reservations/{tenant}/{item}/{reservation}`: what became of a claim; and all claims with one reference."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from itertools import islice, takewhile
from typing import Any, Final
from urllib.parse import quote

import msgspec
from aiohttp import web

from atp_stream.domain.holdings import allocated, shipped, status
from atp_stream.domain.keys import reference_prefix, referring
from atp_stream.domain.names import encode, join
from atp_stream.domain.rows import Item, Reservation
from atp_stream.engine.app import EngineApp
from atp_stream.engine.routing import Elsewhere, Here
from atp_stream.messages.outbound import allocation_id
from atp_stream.topics import LOG_PARTITIONS
from atp_stream.web.amounts import moment, units
from atp_stream.web.availability import item_row, mark
from atp_stream.web.names import checked, from_path
from atp_stream.web.pages import Pages, json_response
from atp_stream.web.problems import Problem
from atp_stream.web.routing import ask, owner, owner_of, pass_on, read_row, state_of

MOST_OF_PARTITION: Final = 100
"""So many reservations with one reference are shown of each partition of the log."""


class _Part(msgspec.Struct, frozen=True):
    """What one partition has of a reference; the reservations stay as their owner has written them."""

    reservations: list[msgspec.Raw]
    more: bool


_encode = msgspec.json.Encoder().encode
_read_part = msgspec.json.Decoder(_Part).decode


def describe(row: Reservation, ids: list[str]) -> dict[str, Any]:
    """Return a reservation's row as the view shows it; quantities in units, `ids` name its allocations in order.

    While `status` is PENDING only what came before the create is known: `channel`, `created_at` and `reference` are
    null and `requested` is 0.
    """
    return {
        "status": status(row),
        "channel": row.channel or None,
        "requested": units(row.requested),
        "reserved": units(allocated(row)),
        "waiting": units(row.waiting),
        "fulfilled": units(shipped(row)),
        "released": units(row.released),
        "excess": units(row.excess),
        "confirmed": row.confirmed,
        "created_at": _at(row.at),
        "expires_at": _at(row.expires_at),
        "priority": row.priority,
        "allow_partial": row.allow_partial,
        "allow_backorder": row.allow_backorder,
        "location": row.location or None,
        "reference": row.reference,
        "allocations": [
            {"allocation": name, "quantity": units(one.quantity)}
            for name, one in zip(ids, row.allocations, strict=True)
        ],
    }


def _at(microseconds: int | None) -> str | None:
    return None if microseconds is None else moment(microseconds)


def _show(app: EngineApp, partition: int, tenant: str, item: str, reservation: str) -> dict[str, Any]:
    found: Item = item_row(app, partition, tenant, item)
    name = join(tenant, item)
    row = read_row(app, partition, f"{name}|r|{encode(reservation)}")
    if row is None:
        raise Problem.unknown("unknown-reservation", f"the item has no reservation {reservation!r}")
    position = app.steps.position(partition)
    if position is None:
        raise Problem.unavailable("moving", "this worker has just given the item away")
    ids = [allocation_id(position.genesis, name, partition, one.offset, one.ordinal) for one in row.allocations]
    about = {"tenant": tenant, "item": item, "reservation": reservation}
    return {**about, **describe(row, ids), **mark(found)}


def _with_reference(app: EngineApp, partition: int, tenant: str, reference: str) -> _Part:
    """Return the reservations of an owned partition that have a reference, in the order of their items."""
    prefix = reference_prefix(tenant, reference)
    keys = takewhile(lambda key: key.startswith(prefix), (key for key, _ in state_of(app, partition).scan(prefix)))
    found = list(islice(map(referring, keys), MOST_OF_PARTITION + 1))
    shown = [msgspec.Raw(_encode(_show(app, partition, tenant, *one))) for one in found[:MOST_OF_PARTITION]]
    return _Part(shown, len(found) > MOST_OF_PARTITION)


async def _of_partition(app: EngineApp, request: web.Request, partition: int, reference: str) -> _Part:
    """Return what a partition has of a reference, from whoever owns it."""
    tenant = from_path(request, "tenant")[0]
    place = owner_of(app, request, partition)
    if isinstance(place, Here):
        return _with_reference(app, partition, tenant, reference)
    query = f"reference={quote(reference, safe='')}&partition={partition}"
    answer = await ask(app, place.url, "GET", f"/reservations/{quote(tenant, safe='')}?{query}")
    if answer.status != HTTPStatus.OK:
        raise Problem.unavailable("moving", f"the owner of partition {partition} does not answer for it now")
    return _read_part(answer.body)


def _wanted(request: web.Request) -> tuple[str, Sequence[int]]:
    """Return the reference of a request, and the partitions that it is about: all, or the one that it names."""
    unknown = set(request.query) - {"reference", "partition"}
    if unknown:
        raise Problem.refused("bad-query", f"no such parameter: {min(unknown)[:100]!r}")
    if "reference" not in request.query:
        raise Problem.refused("bad-query", "say which: ?reference=...")
    reference = checked(request.query["reference"], "reference")
    named = request.query.get("partition")
    if named is None:
        return reference, range(LOG_PARTITIONS)
    if named not in map(str, range(LOG_PARTITIONS)):
        raise Problem.refused("bad-query", f"partition is a number from 0 to {LOG_PARTITIONS - 1}")
    return reference, [int(named)]


def add_reservations(app: EngineApp, pages: Pages) -> None:
    """Serve the view of reservations."""

    async def reservation_view(request: web.Request) -> web.Response:
        tenant, item, reservation = from_path(request, "tenant", "item", "reservation")
        place = owner(app, request, join(tenant, item))
        if isinstance(place, Elsewhere):
            return await pass_on(app, request, place)
        return json_response(_show(app, place.partition, tenant, item, reservation))

    async def reference_view(request: web.Request) -> web.Response:
        tenant = from_path(request, "tenant")[0]
        reference, partitions = _wanted(request)
        parts = await asyncio.gather(*(_of_partition(app, request, number, reference) for number in partitions))
        return json_response(
            {
                "tenant": tenant,
                "reference": reference,
                "reservations": [one for part in parts for one in part.reservations],
                "more": any(part.more for part in parts),
            }
        )

    pages.add("GET", "/reservations/{tenant}", reference_view)
    pages.add("GET", "/reservations/{tenant}/{item}/{reservation}", reservation_view)
