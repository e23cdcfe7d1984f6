"""`GET /atp/{tenant}/{item}/promise`: for which days units could be promised; nothing is held.

The answer is the decision itself: a reservation is made on the committed rows as the ledger would make it, and
forgotten.
"""

from typing import Any, Final, NamedTuple

from aiohttp import web

from atp_stream.domain import quantity
from atp_stream.domain.commands import Reserve
from atp_stream.domain.errors import Refused
from atp_stream.domain.fold.follow_up import start_follow_up
from atp_stream.domain.item.dates import lines_of
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.policy.rules import Policy
from atp_stream.domain.promise.curve import NOW
from atp_stream.domain.reservations.balances import allocated
from atp_stream.domain.reservations.lifecycle import reserve
from atp_stream.domain.time_units import US_PER_MS
from atp_stream.engine.app import EngineApp
from atp_stream.web.availability import mark
from atp_stream.web.dates import day_asked, opened
from atp_stream.web.endpoint import Pages
from atp_stream.web.formatting import date_of, date_or_none, units
from atp_stream.web.item_views import Owned, item_view
from atp_stream.web.path_names import checked, known_parameters
from atp_stream.web.problems import Problem

_NOBODY: Final = "\0"
"""The reservation that is made: no message can name it."""

_BEYOND: Final = "beyond_horizon"
_MAX_PRIORITY: Final = 2**31 - 1
_DIGITS: Final = len(str(_MAX_PRIORITY))


class Asked(NamedTuple):
    """What could be promised, of a channel (None: that of the policy), for a day (None: as soon as can be)."""

    quantity: int
    channel: str | None = None
    day: int | None = None
    partial: bool = False
    priority: int = 0


def describe(item: OpenItem, policy: Policy, asked: Asked) -> dict[str, Any]:
    """Return what a reservation would be promised now; `item` is of no use afterwards.

    Raises:
        Problem: 404, the policy lets the item have no such channel.
    """
    channel = _channel(item, policy, asked)
    runs = item.row.quarantine is None
    now = item.dates.shown(channel, NOW) if runs else 0
    is_blocked = item.is_blocked(channel, asked.priority)
    on_shelf = 0 if is_blocked else sum(item.claim(channel))
    why_not = _why_not(item, channel, is_blocked=is_blocked)
    lines: list[tuple[int, int]] = []
    reserved = 0
    if runs:
        try:
            reserved, lines = _promised(item, policy, asked)
        except Refused as refused:
            why_not = str(refused.reason)
    found = sum(part for _, part in lines)
    waiting = asked.quantity - found
    basis = None if not lines else "ON_HAND" if found <= max(on_shelf, reserved) else "SUPPLY"
    day = None if waiting else lines[-1][0]
    if not lines and why_not == _BEYOND and item.rules.supply.lead_time_days is not None:
        basis, day = "LEAD_TIME", _estimate(item, asked.day, item.rules.supply.lead_time_days)
    return {
        "channel": channel,
        "quantity": units(asked.quantity),
        "requested_date": date_or_none(asked.day),
        "now": units(now),
        "date": date_or_none(day),
        "lines": [{"date": date_of(day), "quantity": units(part)} for day, part in lines],
        "waiting": units(waiting),
        "basis": basis,
        "why_not": why_not if waiting else None,
        **mark(item.row),
    }


def _channel(item: OpenItem, policy: Policy, asked: Asked) -> str:
    """Return the channel that is asked for, with a row."""
    channel = item.rules.resolve(policy.default_channel if asked.channel is None else asked.channel, item.channels)
    try:
        return item.channel_for(channel, policy.unknown_channel_limit)
    except Refused as refused:
        raise Problem.unknown("unknown-channel", f"the item can have no channel {channel!r}") from refused


def _promised(item: OpenItem, policy: Policy, asked: Asked) -> tuple[int, list[tuple[int, int]]]:
    """Return how many units could be reserved now, and the days of all, those that are there now first; raises Refused.

    As in the ledger, what follows from the request belongs to the answer: a promise may move to an earlier day at once.
    """
    at_us = item.log_time_ms * US_PER_MS
    if item.row.purged_at_us is not None:
        at_us = max(at_us, item.row.purged_at_us + 1)
    command = Reserve(
        event_id=_NOBODY, at_us=at_us, reservation=_NOBODY, quantity=asked.quantity, channel=asked.channel,
        priority=asked.priority, allow_partial=asked.partial, wanted=asked.day,
    )  # fmt: skip
    today = item.dates.today
    if reserve(item, command, policy):
        start_follow_up(item)
    row = item.reservation(_NOBODY)
    assert row is not None  # noqa: S101  (it was made, or refused)
    reserved = allocated(row)
    return reserved, [*([(today, reserved)] if reserved else []), *lines_of(row)]


def _estimate(item: OpenItem, wanted: int | None, lead_time_days: int) -> int:
    """Return the day on which units could be there that nobody has ordered; Source: docs/rules/dates.md#lead-time."""
    today = item.dates.today
    return max(today + lead_time_days, today if wanted is None else wanted)


def _why_not(item: OpenItem, channel: str, *, is_blocked: bool) -> str:
    """Return why units would have no day."""
    if item.row.quarantine:
        return "quarantine"
    if item.dates.is_frozen(channel):
        return "frozen"
    return "others_wait" if is_blocked else _BEYOND


def _asked(request: web.Request) -> Asked:
    known_parameters(request, "quantity", "channel", "date", "partial", "priority")
    query = request.query
    if "quantity" not in query:
        raise Problem.refused("bad-query", "say how many: ?quantity=...")
    try:
        wanted = quantity.parse(query["quantity"])
    except Refused:
        wanted = 0
    if wanted <= 0:
        raise Problem.refused("bad-query", "quantity is a number above 0, of at most 12 digits and 2 decimals")
    partial = query.get("partial", "false")
    if partial not in {"true", "false"}:
        raise Problem.refused("bad-query", "partial is true or false")
    channel = query.get("channel")
    if channel is not None:
        checked(channel, "channel")
    return Asked(wanted, channel, day_asked(request, "date"), partial == "true", _priority(query.get("priority", "0")))


def _priority(said: str) -> int:
    digits = said.removeprefix("-")
    if (
        digits.isascii()
        and digits.isdigit()
        and len(digits) <= _DIGITS
        and -_MAX_PRIORITY - 1 <= int(said) <= _MAX_PRIORITY
    ):
        return int(said)
    raise Problem.refused("bad-query", "priority is a whole number of 32 bits")


def add_promise(app: EngineApp, pages: Pages) -> None:
    """Serve for which days units could be promised."""

    def possible(of: Owned, asked: Asked) -> dict[str, Any]:
        found, policy = opened(of.state, of.name, of.row)
        return describe(found, policy, asked)

    pages.add("GET", "/atp/{tenant}/{item}/promise", item_view(app, _asked, possible))
