"""Forgetting by example: what has ended, and what never had its create, is kept for the retention and no longer."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atp_stream.domain.commands import AnyCommand
from atp_stream.domain.events import CommandRefused
from tests.domain.support.log import AT, NOON, Log, adjust, confirm, count, fulfil, policy, release, reserve, tick

SECOND = 1_000
WEEK = 7 * 24 * 60 * 60 * SECOND
MINUTE = 60 * SECOND


def ticks(log: Log, passed: int) -> None:
    log.say(tick(AT + passed * 1_000), log_time=NOON + passed)


def known(log: Log) -> set[str]:
    return {key.split("|")[3] for key in log.rows if "|r|" in key}


def refusals(log: Log) -> list[str]:
    return [event.reason for event in log.events if isinstance(event, CommandRefused)]


def log_with_ended() -> Log:
    log = Log()
    log.say(count(100), reserve("r", 10), release("r"))
    return log


def test_what_ended_is_kept_for_the_retention() -> None:
    log = log_with_ended()
    ticks(log, WEEK - 1)
    assert {"r"} == known(log)
    ticks(log, WEEK)
    assert set() == known(log)


def test_the_policy_says_for_how_long() -> None:
    log = Log()
    log.say(policy({"retention": 600, "stock": {"window": 60}, "tenants": {"*": {"channels": {"ECOM": {}}}}}))
    log.say(count(100), reserve("r", 10), release("r"))
    ticks(log, 10 * MINUTE - 1)
    assert {"r"} == known(log)
    ticks(log, 10 * MINUTE)
    assert set() == known(log)


def test_it_is_no_shorter_than_two_windows_of_stock() -> None:
    log = Log()
    log.say(policy({"retention": 0, "stock": {"window": 60}, "tenants": {"*": {"channels": {"ECOM": {}}}}}))
    log.say(count(100), reserve("r", 10), release("r"))
    ticks(log, 2 * MINUTE - 1)
    assert {"r"} == known(log)
    ticks(log, 2 * MINUTE)
    assert set() == known(log)


def test_retention_counts_from_the_end() -> None:
    log = Log()
    log.say(count(100), reserve("r", 10))
    log.say(fulfil("r", at=AT + 1), log_time=NOON + MINUTE)
    ticks(log, WEEK)
    assert {"r"} == known(log)
    ticks(log, WEEK + MINUTE)
    assert set() == known(log)


def test_what_is_open_is_never_forgotten() -> None:
    log = Log()
    log.say(count(100), reserve("r", 10), reserve("waits", 1_000))
    ticks(log, 100 * WEEK)
    assert {"r", "waits"} == known(log)


def test_what_came_before_a_create_that_never_comes_is_forgotten_after_its_first_word() -> None:
    log = Log()
    log.say(count(100), release("r", 1))
    log.say(confirm("r"), log_time=NOON + WEEK - 1)
    ticks(log, WEEK)
    assert set() == known(log)


def test_a_create_that_meets_what_came_before_is_kept_from_its_own_end_on() -> None:
    log = Log()
    log.say(count(100), fulfil("r", 10, at=AT + 1))
    log.say(reserve("r", 10), log_time=NOON + WEEK - 1)
    ticks(log, WEEK)
    assert {"r"} == known(log)
    ticks(log, 2 * WEEK - 1)
    assert set() == known(log)


def test_what_was_shipped_stays_shipped_when_its_reservation_is_forgotten() -> None:
    log = Log()
    log.say(count(100), fulfil("r", 10, at=AT + 1))
    ticks(log, WEEK)
    assert ((90, 0), set()) == (log.shows(), known(log))


def test_a_create_no_newer_than_the_newest_that_was_forgotten_is_too_old() -> None:
    log = log_with_ended()
    ticks(log, WEEK)
    log.say(reserve("r", 10), reserve("another", 5, at=AT - 1))
    assert (["too_old", "too_old"], (100, 0)) == (refusals(log), log.shows())
    log.say(reserve("r", 10, at=AT + 1))
    assert (90, 10) == log.shows()


def test_a_fulfilment_no_newer_than_the_newest_create_that_was_forgotten_is_too_old_and_moves_nothing() -> None:
    log = log_with_ended()
    ticks(log, WEEK)
    log.say(fulfil("r", 10), fulfil("another", 5, at=AT - 1))
    assert (["too_old", "too_old"], (100, 0)) == (refusals(log), log.shows())
    log.say(fulfil("another", 5, at=AT + 1))
    assert (95, 0) == log.shows()


def test_an_adjustment_that_names_a_reservation_which_may_have_been_forgotten_moves_the_stock_alone() -> None:
    log = log_with_ended()
    ticks(log, WEEK)
    log.say(adjust(-5, location="north", reservation="r"), log_time=NOON + WEEK)
    assert ([], (95, 0), set()) == (refusals(log), log.shows(), known(log))


def test_the_newest_create_that_was_forgotten_counts() -> None:
    log = Log()
    log.say(count(100), reserve("new", 10, at=AT), reserve("old", 10, at=AT - 9), release("new"), release("old"))
    ticks(log, WEEK)
    assert log.item().purged_at_us == AT


def test_what_was_only_remembered_makes_no_create_too_old() -> None:
    log = Log()
    log.say(count(100), release("r", 1))
    ticks(log, WEEK)
    log.say(reserve("r", 10, at=AT - 1))
    assert ([], (90, 10)) == (refusals(log), log.shows())


def test_a_create_that_only_adjustments_came_before_may_be_too_old_too() -> None:
    log = log_with_ended()
    ticks(log, WEEK)
    log.say(adjust(-5, at=AT + 1, reservation="r"), reserve("r", 10))
    assert ["too_old"] == refusals(log)


def test_another_item_knows_nothing_of_it() -> None:
    log = log_with_ended()
    ticks(log, WEEK)
    log.say(count(100), reserve("r", 10), name="acme|rug")
    assert (90, 10) == log.shows(name="acme|rug")


def test_under_steady_traffic_the_number_of_rows_is_flat() -> None:
    log = Log()
    rules = {"retention": 60, "stock": {"window": 60}, "tenants": {"*": {"channels": {"ECOM": {}}}}}
    log.say(policy(rules), count(1_000))
    sizes = []
    for second in range(600):
        at, log_time = AT + second * 1_000_000, NOON + second * SECOND
        log.say(reserve(f"r{second}", 1, at=at, expires_at=at + 5_000_000), log_time=log_time)
        if second % 2:
            log.say(confirm(f"r{second}", at), fulfil(f"r{second}", at=at), log_time=log_time)
        log.say(tick(at), log_time=log_time)
        sizes.append(len(log.rows))
    assert max(sizes[200:400]) == max(sizes[400:])


def test_an_item_with_nothing_left_to_forget_has_no_timer() -> None:
    log = log_with_ended()
    ticks(log, WEEK)
    assert log.item().timer_us is None


@pytest.mark.parametrize("end", [release("r"), fulfil("r", at=AT + 1)])
def test_a_newer_create_for_what_has_ended_for_good_makes_nobody_too_old(end: AnyCommand) -> None:
    log = Log()
    log.say(count(100), reserve("r", 10), end)
    available = log.shows()[0]
    log.say(reserve("r", 10, at=AT + (WEEK - MINUTE) * 1_000), log_time=NOON + WEEK - MINUTE)
    ticks(log, WEEK)
    log.say(reserve("new", 1, at=AT + (WEEK - MINUTE - SECOND) * 1_000), log_time=NOON + WEEK)
    assert (set(), {"new", "r"}, available - 1) == (set(refusals(log)), known(log), log.shows()[0])


def test_a_newer_create_for_what_was_rejected_makes_nobody_too_old() -> None:
    log = Log()
    log.say(count(5), reserve("r", 10, allow_backorder=False))
    log.say(reserve("r", 10, at=AT + (WEEK - MINUTE) * 1_000), log_time=NOON + WEEK - MINUTE)
    ticks(log, WEEK)
    log.say(count(100, AT + 1), reserve("new", 1, at=AT + (WEEK - MINUTE - SECOND) * 1_000), log_time=NOON + WEEK)
    assert ([], (99, 1)) == (refusals(log), log.shows())


def test_what_has_expired_is_kept_for_the_retention_again_from_a_newer_create_on() -> None:
    log = Log()
    log.say(count(100), reserve("r", 10, expires_at=AT + 1_000))
    ticks(log, 1)
    log.say(reserve("r", 12, at=AT + (WEEK - MINUTE) * 1_000), log_time=NOON + WEEK - MINUTE)
    ticks(log, WEEK + 1)
    log.say(reserve("new", 1, at=AT + (WEEK - MINUTE - SECOND) * 1_000), log_time=NOON + WEEK + 1)
    assert ([], {"r", "new"}) == (refusals(log), known(log))
    ticks(log, 2 * WEEK - MINUTE)
    assert ({"new"}, AT + (WEEK - MINUTE) * 1_000) == (known(log), log.item().purged_at_us)


MINUTES_KEPT = 20
AHEAD = 5  # minutes that a stamp may be ahead of the log

SAID: dict[str, Callable[[int], AnyCommand]] = {
    "reserve": lambda at: reserve("r", 9, at=at, expires_at=at, allow_backorder=False),
    "more": lambda at: reserve("r", 200, at=at, expires_at=at, allow_backorder=False),
    "ahead": lambda at: reserve("r", 8, at=at + AHEAD * 60_000_000),
    "confirm": lambda at: confirm("r", at - 10 * 60_000_000),
    "release": lambda at: release("r", at=at),
    "fulfil": lambda at: fulfil("r", at=at),
    "tick": tick,
}


@given(st.lists(st.tuples(st.integers(0, MINUTES_KEPT), st.sampled_from(sorted(SAID))), min_size=5, max_size=30))
def test_what_is_too_old_is_as_old_as_the_retention_less_what_a_stamp_may_be_ahead(
    said: list[tuple[int, str]],
) -> None:
    log, now = Log(), 0
    log.say(
        policy({"retention": MINUTES_KEPT * 60, "stock": {"window": 60}, "tenants": {"*": {"channels": {"ECOM": {}}}}}),
        count(100),
    )
    border = None
    for passed, what in said:
        now += passed * MINUTE
        log.say(SAID[what](AT + now * 1_000), log_time=NOON + now)
        if log.item().purged_at_us != border:
            border = log.item().purged_at_us
            assert border is not None
            assert border <= AT + (now - (MINUTES_KEPT - AHEAD) * MINUTE) * 1_000
