"""`GET /reservations/{tenant}/{item}` and what follows: what became of claims, now or as soon as they are decided."""

from itertools import islice, takewhile
from typing import Any, Final, NamedTuple

from aiohttp import web

from atp_stream.domain.item.dates import lines_of
from atp_stream.domain.names import join
from atp_stream.domain.reservations.balances import Status, allocated, promised, shipped, status
from atp_stream.domain.row_keys import reservation_key, reservation_of, reservation_prefix
from atp_stream.domain.state.rows import Item, Reservation
from atp_stream.engine.app import EngineApp
from atp_stream.engine.routing import Elsewhere
from atp_stream.messages.outbound import allocation_id
from atp_stream.web.availability import item_row, mark
from atp_stream.web.endpoint import Pages, json_response
from atp_stream.web.formatting import date_of, date_or_none, moment, units
from atp_stream.web.item_views import Owned, item_view
from atp_stream.web.path_names import behind, from_path, known_parameters, whole_number
from atp_stream.web.problems import Problem
from atp_stream.web.routing import owner, pass_on, read_row
from atp_stream.web.watches import Watches, wait_s

PAGE: Final = 50
MAX_PAGE: Final = 200
MAX_ROWS_READ: Final = 500
"""So many reservations are looked at for a page, so that nobody else waits long while few have the wanted state."""


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
        "created_at": _at(row.at_us),
        "expires_at": _at(row.expires_at_us),
        "priority": row.priority,
        "allow_partial": row.allow_partial,
        "allow_backorder": row.allow_backorder,
        "location": row.location or None,
        "reference": row.reference,
        "requested_date": date_or_none(row.wanted),
        "promised": units(promised(row)),
        "lines": [{"date": date_of(day), "quantity": units(quantity)} for day, quantity in lines_of(row)],
        "allocations": [
            {"allocation": name, "quantity": units(one.quantity)}
            for name, one in zip(ids, row.allocations, strict=True)
        ],
    }


def _at(microseconds: int | None) -> str | None:
    return None if microseconds is None else moment(microseconds)


def show(app: EngineApp, partition: int, tenant: str, item: str, reservation: str) -> dict[str, Any]:
    """Return the view of a reservation of an item that is owned.

    Raises:
        Problem: 404, nothing is known of it; 503, the item has just been given away.
    """
    found: Item = item_row(app, partition, tenant, item)
    row = read_row(app, partition, reservation_key(join(tenant, item), reservation))
    if row is None:
        raise Problem.unknown("unknown-reservation", f"the item has no reservation {reservation!r}")
    return _shown(app, partition, (tenant, item, reservation), row, found)


def _shown(
    app: EngineApp, partition: int, names: tuple[str, str, str], row: Reservation, item_of_it: Item
) -> dict[str, Any]:
    position = app.steps.position(partition)
    if position is None:
        raise Problem.unavailable("moving", "the item's partition has just moved to another worker")
    tenant, item, reservation = names
    name = join(tenant, item)
    ids = [allocation_id(position.genesis, name, partition, one.offset, one.ordinal) for one in row.allocations]
    about = {"tenant": tenant, "item": item, "reservation": reservation}
    return {**about, **describe(row, ids), **mark(item_of_it)}


class Wanted(NamedTuple):
    """Which reservations of an item: those with a status, or (None) all, behind `after`, up to `limit`."""

    status: Status | None
    after: str
    limit: int


def wanted_by(request: web.Request) -> Wanted:
    """Return what a request asks for.

    Raises:
        Problem: 400, it is not as it must be.
    """
    known_parameters(request, *Wanted._fields)
    named = request.query.get("status")
    if named is not None and named not in {*Status}:
        raise Problem.refused("bad-query", f"status is one of {', '.join(Status)}")
    state = None if named is None else Status(named)
    return Wanted(state, behind(request, "after"), whole_number(request, "limit", PAGE, MAX_PAGE))


def page_of(app: EngineApp, of: Owned, wanted: Wanted) -> dict[str, Any]:
    """Return a page of an item's reservations in the order of their keys; `next` is None at the end."""
    prefix = reservation_prefix(of.name)
    start = reservation_key(of.name, wanted.after) + "\0" if wanted.after else prefix
    rows = takewhile(lambda pair: pair[0].startswith(prefix), of.state.scan(start))
    found: list[dict[str, Any]] = []
    last = None
    for key, row in islice(rows, MAX_ROWS_READ):
        last = reservation_of(key)
        if wanted.status in {None, status(row)}:
            found.append(_shown(app, of.partition, (of.tenant, of.item, last), row, of.row))
            if len(found) == wanted.limit:
                break
    more = next(rows, None) is not None
    return {"reservations": found, "next": last if more else None, **mark(of.row)}


def is_decided(app: EngineApp, partition: int, name: str, reservation: str) -> bool:
    """Return whether the create of a reservation of the item `name` was answered."""
    row: Reservation | None = read_row(app, partition, reservation_key(name, reservation))
    return row is not None and row.at_us is not None


def add_reservations(app: EngineApp, pages: Pages, watches: Watches) -> None:
    """Serve the views of reservations."""

    async def reservation_view(request: web.Request) -> web.Response:
        tenant, item, reservation = from_path(request, "tenant", "item", "reservation")
        name, seconds = join(tenant, item), wait_s(request)
        place = owner(app, request, name)
        if isinstance(place, Elsewhere):
            return await pass_on(app, request, place, patience_s=seconds)
        number = place.partition
        if seconds:
            with watches.watch(number) as watch:
                await watches.until(number, watch, lambda: is_decided(app, number, name, reservation) or None, seconds)
        return json_response(show(app, number, tenant, item, reservation))

    pages.add(
        "GET", "/reservations/{tenant}/{item}", item_view(app, wanted_by, lambda of, wanted: page_of(app, of, wanted))
    )
    pages.add("GET", "/reservations/{tenant}/{item}/{reservation}", reservation_view)
