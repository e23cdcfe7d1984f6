"""Views of one item: what is asked for is read by whichever worker was asked, and answered by the item's owner."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from aiohttp import web

from atp_stream.domain.names import join
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.rows import Item
from atp_stream.engine.app import EngineApp
from atp_stream.engine.routing import Elsewhere
from atp_stream.web.availability import item_row
from atp_stream.web.endpoint import Page, json_response
from atp_stream.web.path_names import from_path
from atp_stream.web.routing import owner, pass_on, state_of


class Owned(NamedTuple):
    """An item on the worker that owns it, and the committed rows it stands on; good until the next await."""

    tenant: str
    item: str
    name: str
    partition: int
    row: Item
    state: State


Asked = TypeVar("Asked")


def item_view(
    app: EngineApp, read: Callable[[web.Request], Asked], answer: Callable[[Owned, Asked], Mapping[str, Any]]
) -> Page:
    """Return a page about `{tenant}` and `{item}` of its path; `read` refuses what cannot be asked for."""

    async def view(request: web.Request) -> web.Response:
        tenant, item = from_path(request, "tenant", "item")
        asked = read(request)
        name = join(tenant, item)
        place = owner(app, request, name)
        if isinstance(place, Elsewhere):
            return await pass_on(app, request, place)
        row = item_row(app, place.partition, tenant, item)
        owned = Owned(tenant, item, name, place.partition, row, state_of(app, place.partition))
        return json_response({"tenant": tenant, "item": item, **answer(owned, asked)})

    return view
