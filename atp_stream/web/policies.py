"""`GET /policy/{tenant}/{item}`: the rules that an item lives by, and what its owner has heard of them."""

from typing import Any, Final

import msgspec
from aiohttp import web

from atp_stream.domain.document import WHOLE, Kind
from atp_stream.domain.names import join
from atp_stream.domain.policy import ItemRules, Policy, Rule
from atp_stream.domain.rows import Item
from atp_stream.domain.standing import lived_by
from atp_stream.engine.app import EngineApp
from atp_stream.engine.routing import Elsewhere
from atp_stream.topics import Topics
from atp_stream.web.amounts import units
from atp_stream.web.names import from_path
from atp_stream.web.pages import Pages, json_response
from atp_stream.web.routing import owner, pass_on, read_row, state_of

_SECOND: Final = 1_000_000  # microseconds


def describe(policy: Policy, rules: ItemRules) -> dict[str, Any]:
    """Return an item's rules as the view shows them; quantities in units, times in seconds."""
    limit = rules.time_limit
    return {
        "default_channel": policy.default_channel,
        "safety_stock": {"fixed": units(rules.fixed), "percent": units(rules.percent)},
        "shortage": "deallocate" if rules.deallocates else "keep",
        "time_limit": None if limit is None else limit // _SECOND,
        "channels": [{"channel": name, **_rule(rule)} for name, rule in sorted(rules.channels.items())],
        "other_channels": _rule(rules.other) if rules.accepts_unknown else None,
        "aliases": rules.aliases,
    }


def _rule(rule: Rule) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": rule.kind, "buffer": units(rule.buffer), "floor": units(rule.floor)}
    if rule.kind is Kind.SHARE:
        shown["weight"] = rule.weight / WHOLE
    if rule.kind is Kind.QUOTA:
        shown |= {"rank": rule.rank, "min": units(rule.minimum), "overflow": rule.overflow}
    return shown


def add_policies(app: EngineApp, pages: Pages, topics: Topics) -> None:
    """Serve the view of an item's rules."""
    orders = f"{topics.policy.name}/0"

    async def policy_view(request: web.Request) -> web.Response:
        tenant, item = from_path(request, "tenant", "item")
        name = join(tenant, item)
        place = owner(app, request, name)
        if isinstance(place, Elsewhere):
            return await pass_on(app, request, place)
        row: Item | None = read_row(app, place.partition, f"{name}|i")
        position = app.steps.position(place.partition)
        heard = None if position is None else position.marks.get(orders)
        shown = describe(*lived_by(state_of(app, place.partition), name, row))
        own = None if row is None or row.own is None else msgspec.Raw(row.own.encode())
        about = {"tenant": tenant, "item": item, "heard": None if heard is None else heard.offset}
        return json_response({**about, **shown, "own": own})

    pages.add("GET", "/policy/{tenant}/{item}", policy_view)
