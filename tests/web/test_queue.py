"""The queue of an item: how much is missing for whoever waits, tried by letting exactly so much come."""

import copy
import datetime as dt
from typing import Any

import msgspec
import pytest

from atp_stream.domain.state.overlay import State
from atp_stream.web.queue import describe
from tests.domain.support.days import TODAY, schedule, wants
from tests.domain.support.log import AT, LAMP, Log, adjust, count, grant, policy, reserve

SAFE: dict[str, Any] = {"tenants": {"*": {"safety_stock": {"fixed": 5}}}}
WHOLE: dict[str, Any] = {"tenants": {"*": {"step": 1}}}
SHARES: dict[str, Any] = {
    "tenants": {"*": {"channels": {"ECOM": {"kind": "SHARE", "weight": 0.25}, "STORE": {}}}},
}
QUOTAS: dict[str, Any] = {
    "tenants": {"*": {"channels": {"ECOM": {}, "B2B": {"kind": "QUOTA", "rank": 1, "overflow": True}}}},
}


def queues(log: Log) -> dict[str, Any]:
    """Return what the view shows, by channel."""
    found = describe(State(log.read, log.scan), LAMP, log.item(), None, 50)
    return {one["channel"]: one for one in msgspec.json.decode(msgspec.json.encode(found))["channels"]}


def missing(log: Log, reservation: str) -> tuple[float, bool]:
    """Return what is missing for a reservation, and whether that is exact."""
    parts = {part["reservation"]: part for one in queues(log).values() for part in one["parts"]}
    return parts[reservation]["missing"], parts[reservation]["exact"]


def waits_after(log: Log, units: float, reservation: str) -> bool:
    """Return whether a reservation still waits when so many units have come at once."""
    later = copy.deepcopy(log)
    later.say(adjust(round(100 * units), at=AT + 60_000_000))
    return later.reservation(reservation).waiting > 0


SCENES: dict[str, tuple[Any, list[Any], dict[str, float]]] = {
    "plain": (None, [count(1_000), reserve("a", 1_400), reserve("b", 300)], {"a": 4, "b": 7}),
    "short": (
        None,
        [count(10_300), reserve("gone", 10_300), count(0, AT + 1), reserve("a", 400), reserve("b", 200)],
        {"a": 107, "b": 109},
    ),
    "safety stock": (SAFE, [count(300), reserve("a", 400)], {"a": 6}),
    "safety stock eaten": (SAFE, [count(900), reserve("gone", 400), count(200, AT + 1), reserve("a", 100)], {"a": 8}),
    "whole goods": (WHOLE, [count(1_250), reserve("a", 1_220), reserve("b", 1_000)], {"a": 0.5, "b": 9.7}),
    "a share": (SHARES, [count(1_000), reserve("a", 400), reserve("b", 100)], {"a": 6, "b": 6}),
    "a share of less than nothing": (
        SHARES,
        [count(1_000), reserve("gone", 1_000, "STORE"), count(800, AT + 1), reserve("a", 400)],
        {"a": 18},
    ),
    "beside a quota": (QUOTAS, [count(1_000), grant("B2B", 600), reserve("a", 700), reserve("b", 100)], {"a": 3}),
    "a quota that overflows": (QUOTAS, [count(1_000), grant("B2B", 600), reserve("a", 1_300, "B2B")], {"a": 3}),
    "a priority": (None, [count(0), reserve("a", 300), reserve("b", 200, priority=4)], {"a": 5, "b": 2}),
    "expected, but too little": (None, [count(100), schedule("po", 300, 2), wants("a", 1_000, None)], {"a": 6}),
}


@pytest.mark.parametrize("scene", SCENES)
def test_a_reservation_is_served_by_what_is_missing_and_by_no_less(scene: str) -> None:
    document, commands, expected = SCENES[scene]
    log = Log()
    if document:
        log.say(policy(document))
    log.say(*commands)
    for reservation, units in expected.items():
        assert (units, True) == missing(log, reservation)
        assert not waits_after(log, units, reservation)
        assert waits_after(log, units - 0.01, reservation)


def test_where_another_channel_is_served_before_it_may_take_more_and_is_not_called_exact() -> None:
    log = Log()
    log.say(count(0), reserve("b", 100, "B2B"), reserve("a", 300))
    assert ((1, True), (3, False)) == (missing(log, "b"), missing(log, "a"))
    assert waits_after(log, 3, "a")
    assert not waits_after(log, 4, "a")


def test_where_only_a_grant_would_help_what_is_missing_is_not_called_exact() -> None:
    log = Log()
    log.say(policy({"tenants": {"*": {"channels": {"B2B": {"kind": "QUOTA", "rank": 1}}}}}))
    log.say(count(1_000), reserve("a", 300, "B2B"))
    assert (3, False) == missing(log, "a")


def test_what_is_wanted_for_a_later_day_is_listed_apart_with_its_day() -> None:
    log = Log()
    log.say(count(100), schedule("po", 100, 20), wants("far", 900, 3, "B2B"), reserve("near", 700, "STORE"))
    shown = queues(log)
    assert ([], 9) == (shown["B2B"]["parts"], shown["B2B"]["waiting_later"])
    day = TODAY + 3
    assert [("far", 9, day)] == [
        (one["reservation"], one["waiting"], _number(one["wanted"])) for one in shown["B2B"]["later"]
    ]
    assert (["near"], [], 0) == (
        [one["reservation"] for one in shown["STORE"]["parts"]],
        shown["STORE"]["later"],
        shown["STORE"]["waiting_later"],
    )


def _number(date: str) -> int:
    return (dt.date.fromisoformat(date) - dt.date(1970, 1, 1)).days
