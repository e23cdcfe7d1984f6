"""A policy that changes while it runs reaches every item, in the order of the log, by example."""

from typing import Any

import pytest

from atp_stream.domain.commands import AnyCommand, Entry
from atp_stream.domain.events import OF_MANY, AllocationCommitted, AvailabilityCalculated, CommandRefused
from atp_stream.domain.item.policy_history import lived_by
from atp_stream.domain.limits import DEFAULT_LIMITS
from atp_stream.domain.row_keys import FOLD, POLICY, STOCK_TIME, SWEEP
from atp_stream.domain.state.overlay import State
from tests.domain.support.folding import tight_bounds
from tests.domain.support.log import LAMP, NOON, Log, count, edit_item, policy, release, reserve, resume

RUG = "umbra|rug"


def pooled(**rest: Any) -> dict[str, Any]:
    return {"tenants": {"*": {"channels": {"ECOM": {}, "STORE": {}}, **rest}}}


def test_every_item_meets_a_new_policy_without_a_command_of_its_own() -> None:
    log = Log()
    for name in (LAMP, RUG, "~x|lamp", "acme|lamp!", "acme|a b"):
        log.say(count(900), name=name)
    log.say(policy(pooled(safety_stock={"fixed": 2})))
    for name in (LAMP, RUG, "~x|lamp", "acme|lamp!", "acme|a b"):
        assert (700, 0) == log.shows("ECOM", name)
    assert SWEEP not in log.rows


def test_an_item_whose_rules_stay_as_they_were_is_left_alone() -> None:
    log = Log()
    log.say(count(900))
    log.say(count(900), name=RUG)
    before = log.rows[f"{LAMP}|i"]
    document = pooled()
    document["tenants"]["*"]["channels"] |= {"B2B": {}, "MARKETPLACE": {}}
    document["tenants"]["umbra"] = {"channels": {"ECOM": {"buffer": 1}}}
    log.say(policy(document))
    assert before == log.rows[f"{LAMP}|i"]
    assert (800, 0) == log.shows("ECOM", RUG)


def test_less_safety_stock_lets_those_in_who_wait() -> None:
    log = Log()
    log.say(policy(pooled(safety_stock={"fixed": 5})))
    log.say(count(900), reserve("a", 600))
    events = log.say(policy(pooled(safety_stock={"fixed": 3})))
    assert [("a", 3, OF_MANY)] == [
        (e.reservation, e.offset, e.ordinal) for e in events if isinstance(e, AllocationCommitted)
    ]


def test_a_percentage_of_safety_stock_melts_with_no_promise() -> None:
    log = Log()
    log.say(policy(pooled(safety_stock={"percent": 10, "fixed": 0.5})), count(905), reserve("a", 300))
    assert ((514, 300), 91) == (log.shows(), log.item().safety_stock)


def test_buffer_and_floor_hide_what_the_claim_may_still_take() -> None:
    log = Log()
    log.say(policy({"tenants": {"*": {"channels": {"ECOM": {"buffer": 2}, "STORE": {"floor": 6}}}}}), count(600))
    assert ((400, 0), (600, 0)) == (log.shows("ECOM"), log.shows("STORE"))
    log.say(reserve("a", 1, "STORE"))
    assert ((399, 0), (0, 1)) == (log.shows("ECOM"), log.shows("STORE"))
    log.say(reserve("b", 500, "ECOM"))
    assert (0, 500) == log.shows("ECOM")


def test_a_channel_that_policy_drops_goes_with_a_last_zero_when_nothing_is_open_in_it() -> None:
    log = Log()
    log.say(count(9))
    events = log.say(policy(pooled()))
    assert [("B2B", 0, 0), ("MARKETPLACE", 0, 0)] == [
        (e.channel, e.available, e.reserved) for e in events if isinstance(e, AvailabilityCalculated)
    ]
    assert ["ECOM", "STORE"] == list(log.item().channels)


def test_a_dropped_channel_stays_while_reservations_are_open_in_it() -> None:
    log = Log()
    log.say(count(9), reserve("a", 2, "B2B"))
    log.say(policy({"unknown_channels": "refuse", **pooled()}))
    assert (0, 2) == log.shows("B2B")
    assert ["unknown_channel"] == [e.reason for e in log.say(reserve("b", 1, "B2B")) if isinstance(e, CommandRefused)]
    events = log.say(release("a"))
    assert ("B2B", 0, 0) in [
        (e.channel, e.available, e.reserved) for e in events if isinstance(e, AvailabilityCalculated)
    ]
    assert ["ECOM", "STORE"] == list(log.item().channels)


def test_what_waits_in_a_closed_channel_is_not_served_until_policy_names_it_again() -> None:
    log = Log()
    log.say(reserve("a", 2, "B2B"), policy({"unknown_channels": "refuse", **pooled()}))
    assert [] == [e for e in log.say(count(9)) if isinstance(e, AllocationCommitted)]
    document = pooled()
    document["tenants"]["*"]["channels"]["B2B"] = {}
    assert ["a"] == [e.reservation for e in log.say(policy(document)) if isinstance(e, AllocationCommitted)]
    log.say(release("a"))
    assert (9, 0) == log.shows("B2B")


def test_growth_in_a_closed_channel_waits() -> None:
    log = Log()
    log.say(count(9), reserve("a", 2, "B2B"), policy({"unknown_channels": "refuse", **pooled()}))
    log.say(reserve("a", 3, "B2B", at=reserve("x", 1).at_us + 1))
    assert (2, 1) == (log.item().channels["B2B"].reserved, log.item().channels["B2B"].waiting)


def test_a_policy_that_contradicts_itself_is_refused() -> None:
    log = Log()
    events = log.say(policy({"retention": -1}))
    assert [("policy_invalid", "retention: must not be negative")] == [
        (e.reason, e.detail) for e in events if isinstance(e, CommandRefused)
    ]
    assert {} == log.rows


def many_items() -> Log:
    log = Log()
    entries = [Entry(0, place, NOON, f"acme|item {place:04d}", count(900)) for place in range(3 * DEFAULT_LIMITS.slice)]
    log.run(entries)
    return log


def test_a_sweep_goes_in_slices_and_lets_commands_pass() -> None:
    log = many_items()
    changed = policy(pooled(safety_stock={"fixed": 1}))
    assert log.step([Entry(0, 10**6, NOON, "|", changed)]).unfinished
    folded = log.step([Entry(0, 10**6 + 1, NOON, "acme|item 1499", reserve("a", 850))])
    assert (1, True) == (folded.consumed, folded.unfinished)
    assert (0, 0) == log.shows("ECOM", "acme|item 1499")
    assert (900, 0) == log.shows("ECOM", "acme|item 1498")
    log.run([])
    assert (800, 0) == log.shows("ECOM", "acme|item 1498")


def test_an_item_meets_every_policy_even_one_that_was_replaced_before_the_sweep_came_to_it() -> None:
    log = Log()
    log.say(policy(pooled(safety_stock={"fixed": 9})), count(900), reserve("a", 600))
    events = log.say(policy(pooled()), policy(pooled(safety_stock={"fixed": 9})))
    assert [("a", 3)] == [(e.reservation, e.offset) for e in events if isinstance(e, AllocationCommitted)]
    assert [FOLD, POLICY, STOCK_TIME] == sorted(key for key in log.rows if key.startswith("|"))


def test_the_sweep_begins_again_for_a_policy_that_came_meanwhile() -> None:
    log = many_items()
    log.step([Entry(0, 10**6, NOON, "|", policy(pooled(safety_stock={"fixed": 1})))])
    log.step([])
    log.run([Entry(0, 10**6 + 1, NOON, "|", policy(pooled(safety_stock={"fixed": 2})))])
    assert {(700, 0)} == {log.shows("ECOM", f"acme|item {place:04d}") for place in range(3 * DEFAULT_LIMITS.slice)}
    assert {3} == {log.item(f"acme|item {place:04d}").version for place in range(3 * DEFAULT_LIMITS.slice)}
    assert [FOLD, POLICY, STOCK_TIME] == sorted(key for key in log.rows if key.startswith("|"))


def test_one_policy_too_many_waits_for_the_sweep() -> None:
    log = Log()
    log.say(count(900))
    policies = [
        Entry(0, 9 + n, NOON, "|", policy(pooled(safety_stock={"fixed": n})))
        for n in range(DEFAULT_LIMITS.earlier_policies + 2)
    ]
    assert DEFAULT_LIMITS.earlier_policies == log.step(policies).consumed
    log.run(policies[DEFAULT_LIMITS.earlier_policies :])
    assert (0, 0) == log.shows()


def test_a_quarantined_item_meets_the_newest_policy_when_it_is_resumed() -> None:
    log = Log()
    log.say(count(900))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("atp_stream.domain.fold.dispatch.reserve", lambda *_: 1 / 0)
        log.say(reserve("a", 100))
    log.say(policy(pooled(safety_stock={"fixed": 1})))
    assert (0, 0) == log.shows()
    log.say(resume())
    assert (700, 100) == log.shows()


@pytest.mark.parametrize("run", [1, 3])
def test_channels_of_a_resumed_item_do_not_depend_on_how_the_log_is_cut(run: int) -> None:
    log = Log()
    log.say(count(900))
    commands: list[AnyCommand] = [reserve("a", 100), policy({"tenants": {"*": {"channels": {"ECOM": {}}}}}), resume()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("atp_stream.domain.fold.dispatch.reserve", lambda *_: 1 / 0)
        for start in range(0, 3, run):
            log.say(*commands[start : start + run])
    assert ["ECOM", "STORE", "B2B", "MARKETPLACE"] == list(log.item().channels)


def test_a_fault_while_an_item_meets_a_policy_stops_only_that_item() -> None:
    log = Log()
    log.say(count(900))
    log.say(count(900), name=RUG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("atp_stream.domain.item.open_item.OpenItem.meet", lambda *_: 1 / 0)
        log.say(policy({"tenants": {"umbra": {"channels": {"ECOM": {}}}, **pooled()["tenants"]}}), count(3), name=LAMP)
    assert ("fault -1", 1) == (log.item().quarantine, log.item().deferred)
    assert "fault -1" == log.item(RUG).quarantine


def test_work_of_an_item_is_finished_before_it_meets_a_policy() -> None:
    log = Log()
    log.say(*[reserve(f"r{place:04d}", 1) for place in range(5 * DEFAULT_LIMITS.slice)])
    offset = log.entries[-1].offset
    log.step([Entry(0, offset + 1, NOON, LAMP, count(5 * DEFAULT_LIMITS.slice))])
    log.run([Entry(0, offset + 2, NOON, "|", policy(pooled(safety_stock={"fixed": 99})))])
    assert (0, 5 * DEFAULT_LIMITS.slice) == log.shows()


def test_while_a_sweep_is_under_way_an_item_lives_by_what_it_has_met_and_a_new_one_by_the_newest() -> None:
    log = Log()
    log.say(count(900), edit_item({"channels": {"ECOM": {"buffer": 3}}}))
    log.say(count(900), name=RUG)
    with tight_bounds(served=1, enough=9):
        log.step([Entry(0, 9, NOON, "|", policy(pooled(safety_stock={"fixed": 1})))])
        log.step([])
    state = State(log.read, log.scan)
    assert SWEEP in log.rows
    assert [100, 0, 100] == [
        lived_by(state, name, item)[1].fixed for name, item in ((LAMP, log.item()), (RUG, log.item(RUG)), (RUG, None))
    ]


def test_an_item_with_a_policy_of_its_own_lives_by_that() -> None:
    log = Log()
    log.say(count(900), edit_item({"channels": {"ECOM": {"buffer": 3}}}))
    _, rules = lived_by(State(log.read, log.scan), LAMP, log.item())
    assert 300 == rules.channels["ECOM"].buffer
