"""`GET /policy` and `GET /policy/{tenant}/{item}`: what is in force, and the rules that one item lives by."""

from typing import Any, Final

import msgspec
from aiohttp import web

from atp_stream.domain.item.policy_history import lived_by
from atp_stream.domain.names import join
from atp_stream.domain.policy.item_rules import ItemRules, Rule
from atp_stream.domain.policy.rules import DEFAULT, Policy, text
from atp_stream.domain.policy.schema import WHOLE, Kind
from atp_stream.domain.row_keys import POLICY, SWEEP, item_key
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.partition_rows import PolicyRow
from atp_stream.domain.state.rows import Item
from atp_stream.engine.app import EngineApp
from atp_stream.engine.routing import Elsewhere
from atp_stream.topics import Topics
from atp_stream.web.access import Access
from atp_stream.web.callers import Role
from atp_stream.web.endpoint import Pages, json_response
from atp_stream.web.formatting import log_moment, units
from atp_stream.web.path_names import from_path
from atp_stream.web.routing import owner, owner_of, pass_on, read_row, state_of

_SECOND_US: Final = 1_000_000  # microseconds
_SPEAKING_PARTITION: Final = 0
"""The partition of the log that answers for the policy as a whole: all get the same changes, in the same order."""


def in_force(state: State, log: str) -> dict[str, Any]:
    """Return the policy of a partition as the view shows it: the document, as it is written, and what made it so.

    `log` names the partition of the log.
    """
    row: PolicyRow | None = state.get(POLICY)
    since = None if row is None else {"log": f"{log}/{row.offset}", "at": log_moment(row.log_time_ms)}
    document = msgspec.Raw(text(DEFAULT).encode()) if row is None else row.document
    return {"since": since, "met_by_all": state.get(SWEEP) is None, "document": document}


def describe(policy: Policy, rules: ItemRules) -> dict[str, Any]:
    """Return an item's rules as the view shows them; quantities in units, times in seconds."""
    limit = rules.time_limit_us
    return {
        "default_channel": policy.default_channel,
        "safety_stock": {"fixed": units(rules.fixed), "percent": units(rules.percent)},
        "step": units(rules.step),
        "max_waiting_each": None if rules.max_waiting_each is None else units(rules.max_waiting_each),
        "shortage": "deallocate" if rules.deallocates else "keep",
        "time_limit": None if limit is None else limit // _SECOND_US,
        "channels": [{"channel": name, **_rule(rule)} for name, rule in sorted(rules.channels.items())],
        "other_channels": _rule(rules.other) if rules.accepts_unknown else None,
        "aliases": rules.aliases,
    }


def _rule(rule: Rule) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": rule.kind, "buffer": units(rule.buffer), "floor": units(rule.floor)}
    if rule.max_waiting is not None:
        shown["max_waiting"] = units(rule.max_waiting)
    if rule.kind is Kind.SHARE:
        shown["weight"] = rule.weight / WHOLE
    if rule.kind is Kind.QUOTA:
        shown |= {"rank": rule.rank, "min": units(rule.minimum), "overflow": rule.overflow}
    return shown


def of_item(state: State, name: str, row: Item | None) -> dict[str, Any]:
    """Return what an item (named as in keys, None: nothing is known of it) lives by, and what it has still to meet."""
    policy, rules = lived_by(state, name, row)
    text_of_own = None if row is None else row.own
    levels, other = policy.levels(name, text_of_own)
    own = None if text_of_own is None else msgspec.Raw(text_of_own.encode())
    shown = describe(policy, rules)
    for one in shown["channels"]:
        one["written"] = levels[one["channel"]]
    if shown["other_channels"] is not None:
        shown["other_channels"]["written"] = other
    return {"kept": 0 if row is None else row.deferred, **shown, "own": own}


def add_policies(app: EngineApp, pages: Pages, topics: Topics) -> None:
    """Serve the views of the policy, and of an item's rules."""
    source = f"{topics.policy.name}/0"

    def newest_change(partition: int) -> int | None:
        position = app.steps.position(partition)
        mark = None if position is None else position.marks.get(source)
        return None if mark is None else mark.offset

    async def policy_view(request: web.Request) -> web.Response:
        place = owner_of(app, request, _SPEAKING_PARTITION)
        if isinstance(place, Elsewhere):
            return await pass_on(app, request, place)
        shown = in_force(state_of(app, _SPEAKING_PARTITION), f"{topics.item_log.name}/{_SPEAKING_PARTITION}")
        return json_response({"heard": newest_change(_SPEAKING_PARTITION), **shown})

    async def rules_view(request: web.Request) -> web.Response:
        tenant, item = from_path(request, "tenant", "item")
        name = join(tenant, item)
        place = owner(app, request, name)
        if isinstance(place, Elsewhere):
            return await pass_on(app, request, place)
        row: Item | None = read_row(app, place.partition, item_key(name))
        shown = of_item(state_of(app, place.partition), name, row)
        return json_response({"tenant": tenant, "item": item, "heard": newest_change(place.partition), **shown})

    pages.add("GET", "/policy", policy_view, Access(Role.READ, every_tenant=True))
    pages.add("GET", "/policy/{tenant}/{item}", rules_view)
