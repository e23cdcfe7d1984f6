"""What the views by date share: an item as a request of this moment would find it, and days as they are asked for."""

import time
from typing import Any, Final

from aiohttp import web

from atp_stream.domain.errors import Refused
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.item.policy_history import lived_by
from atp_stream.domain.limits import DEFAULT_LIMITS
from atp_stream.domain.policy.rules import Policy
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.rows import Item
from atp_stream.domain.supply import days
from atp_stream.messages.timestamps import day_of
from atp_stream.web.problems import Problem

MAX_DAYS: Final = 367
"""So many days has the longest curve: today, and a horizon of 366."""

_NS_PER_MS: Final = 1_000_000
_DATE_CHARS: Final = len("2024-05-01")


def opened(state: State, name: str, row: Item, now_ms: int | None = None) -> tuple[OpenItem, Policy]:
    """Return an item as a command that comes now would find it, and the policy that it lives by.

    It stands on the rows of `state`, of which nothing is written. Its day is that of the clock: an item of which
    nothing was said for days is shown as of today, but never beyond a boundary that no tick has carried it over.
    """
    policy, _ = lived_by(state, name, row)
    item = OpenItem(state, name, policy, [], DEFAULT_LIMITS)
    item.begin(row.offset + 1, max(row.log_time_ms, time.time_ns() // _NS_PER_MS if now_ms is None else now_ms))
    return item, policy


def counted_on(item: OpenItem, day: int) -> int | None:
    """Return the day on which a supply of a day counts, None if it does not (yet, or any more)."""
    dates, rules = item.dates, item.rules.supply
    return days.expected(day, dates.today, days.end_of(dates.row.days, dates.today, rules), rules)


def day_asked(request: web.Request, parameter: str) -> int | None:
    """Return the day that is asked for, None if none is.

    Raises:
        Problem: 400, it is no date.
    """
    asked: Any = request.query.get(parameter)
    if asked is None:
        return None
    try:
        day = day_of(asked) if len(asked) == _DATE_CHARS else None
    except Refused:
        day = None
    if day is None:
        raise Problem.refused("bad-query", f"{parameter} is a day, as 2026-12-10")
    return day
