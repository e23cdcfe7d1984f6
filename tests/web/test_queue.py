"""The queue of an item: how much is missing for whoever waits, tried by letting exactly so much come."""

import copy
import datetime as dt
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def missing(log: Log, reservation: str) -> tuple[float | None, bool]:
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


def test_beside_dates_what_is_missing_beyond_what_is_expected_is_not_called_exact() -> None:
    log = Log()
    log.say(count(100), schedule("po", 300, 2), wants("a", 1_000, None))
    assert (6, False) == missing(log, "a")
    assert waits_after(log, 5.99, "a")


def test_with_safety_stock_in_percent_it_is_not_called_exact_because_a_count_changes_that() -> None:
    log = Log()
    log.say(policy({"tenants": {"*": {"safety_stock": {"percent": 10}}}}), count(1_000), reserve("a", 2_000))
    assert (11, False) == missing(log, "a")


def test_where_shares_divide_whole_goods_nobody_knows_what_is_missing() -> None:
    log = Log()
    shares = {"step": 1, "channels": {"ECOM": {"kind": "SHARE", "weight": 0.25}, "STORE": {}}}
    log.say(policy({"tenants": {"*": shares}}), count(4_600), reserve("a", 1_200), reserve("b", 800))
    assert (None, False) == missing(log, "b")


def test_where_a_part_of_a_step_is_in_a_quota_nobody_knows_what_is_missing() -> None:
    log = Log()
    quotas = {"step": 2, "channels": {"ECOM": {"kind": "QUOTA"}, "B2B": {}}}
    log.say(policy({"tenants": {"*": quotas}}), grant("ECOM", 1_000))
    log.say(reserve("a", 100, "ECOM"), reserve("b", 200, "B2B"))
    assert (None, False) == missing(log, "b")


UNITS = st.sampled_from([50, 100, 200, 333, 500, 700, 1_200])
CHANNELS = st.sampled_from(["ECOM", "B2B", "STORE"])
DOCUMENTS = st.fixed_dictionaries(
    {"channels": st.sampled_from([{}, SHARES["tenants"]["*"]["channels"], QUOTAS["tenants"]["*"]["channels"]])},
    optional={
        "step": st.sampled_from([0.5, 1, 2]),
        "safety_stock": st.sampled_from([{"fixed": 2.5}, {"percent": 10}]),
        "shortage": st.just("deallocate"),
    },
)
ACTS = st.one_of(
    st.tuples(st.just("reserve"), UNITS, CHANNELS, st.sampled_from([-1, 0, 2])),
    st.tuples(st.just("adjust"), st.sampled_from([-700, -50, 100, 333, 1_000])),
    st.tuples(st.just("grant"), UNITS),
)


def command(name: str, act: tuple[Any, ...]) -> Any:
    match act:
        case "reserve", units, channel, priority:
            return reserve(name, units, channel, priority=priority)
        case "adjust", units:
            return adjust(units)
        case _, units:
            return grant("B2B", units)


@given(DOCUMENTS, st.lists(ACTS, min_size=2, max_size=9))
@settings(max_examples=60)
def test_no_reservation_is_served_by_less_than_is_missing_and_where_that_is_exact_by_so_much(
    document: Any, acts: list[Any]
) -> None:
    log = Log()
    log.say(
        policy({"tenants": {"*": document}}),
        count(500),
        *(command(f"r{number}", act) for number, act in enumerate(acts)),
    )
    for one in queues(log).values():
        for part in one["parts"]:
            units, reservation = part["missing"], part["reservation"]
            assert not units or waits_after(log, units - 0.01, reservation)
            assert not part["exact"] or not waits_after(log, units, reservation)


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
    assert (None, False) == missing(log, "a")


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
