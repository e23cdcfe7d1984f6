"""What has expired and was confirmed in time, by example: it is reopened, by what was asked for last."""

from itertools import permutations

import pytest

from atp_stream.domain.commands import AnyCommand
from atp_stream.domain.events import AllocationCommitted
from atp_stream.domain.reservations.balances import Status, allocated
from tests.domain.support.limits import MINUTE, QUARTER, at, log_with, status_of, ticks
from tests.domain.support.log import NOON, confirm, count, fulfil, policy, release, reserve


def test_confirmed_in_time_but_read_after_the_expiry_it_is_reopened() -> None:
    log = log_with(100)
    log.say(reserve("r", 20, expires_at=at(MINUTE)))
    ticks(log, MINUTE)
    events = log.say(confirm("r", at(MINUTE - 1)), log_time=NOON + MINUTE)
    assert [20] == [event.quantity for event in events if isinstance(event, AllocationCommitted)]
    assert ((80, 20), Status.CONFIRMED) == (log.shows(), status_of(log))
    ticks(log, QUARTER)
    assert (80, 20) == log.shows()


@pytest.mark.parametrize("late", [0, 1])
def test_confirmed_at_the_limit_or_after_it_comes_too_late(late: int) -> None:
    log = log_with(100)
    log.say(reserve("r", 20, expires_at=at(MINUTE)))
    ticks(log, MINUTE)
    log.say(confirm("r", at(MINUTE) + late), log_time=NOON + MINUTE)
    assert ((100, 0), Status.EXPIRED) == (log.shows(), status_of(log))


def test_what_is_reopened_waits_behind_the_first_in_the_queue_but_before_lower_priorities() -> None:
    log = log_with(20)
    log.say(reserve("r", 20, expires_at=at(MINUTE)))
    log.say(reserve("high", 30, priority=5), reserve("low", 20, priority=1))
    ticks(log, MINUTE)
    log.say(confirm("r", at(0)), log_time=NOON + MINUTE)
    assert 5 == log.reservation("r").priority
    log.say(count(50, at(MINUTE)), log_time=NOON + MINUTE)
    assert [30, 20, 0] == [allocated(log.reservation(name)) for name in ("high", "r", "low")]


def test_what_is_reopened_claims_only_what_is_still_owed() -> None:
    log = log_with(100)
    log.say(reserve("r", 20, expires_at=at(MINUTE)), release("r", 5))
    ticks(log, MINUTE)
    log.say(fulfil("r", 4, at=at(MINUTE)), confirm("r", at(0)), log_time=NOON + MINUTE)
    assert (85, 11) == log.shows()


def test_what_is_reopened_with_nothing_owed_ends_at_once() -> None:
    log = log_with(100)
    log.say(reserve("r", 20, expires_at=at(MINUTE)))
    ticks(log, MINUTE)
    log.say(fulfil("r", at=at(MINUTE)), confirm("r", at(0)), log_time=NOON + MINUTE)
    assert ((80, 0), Status.FULFILLED) == (log.shows(), status_of(log))


def test_what_is_reopened_claims_nothing_of_what_was_dropped_before_it_expired() -> None:
    log = log_with(5)
    log.say(reserve("r", 7, expires_at=at(MINUTE), allow_partial=True, allow_backorder=False))
    ticks(log, MINUTE)
    log.say(count(100, at(MINUTE)), confirm("r", at(0)), log_time=NOON + MINUTE)
    assert ((95, 5), Status.CONFIRMED) == (log.shows(), status_of(log))


def test_what_is_reopened_claims_its_waiting_parts_too_but_not_what_was_dropped() -> None:
    log = log_with(5)
    log.say(reserve("r", 7, expires_at=at(MINUTE), allow_partial=True, allow_backorder=False))
    log.say(reserve("r", 10, at=at(1), expires_at=at(MINUTE)), fulfil("r", 1, at(1)))
    assert [4, 3] == [allocated(log.reservation("r")), log.reservation("r").waiting]
    ticks(log, MINUTE)
    log.say(count(100, at(MINUTE)), release("r", 1), confirm("r", at(0)), log_time=NOON + MINUTE)
    assert (94, 6) == log.shows()


@pytest.mark.parametrize("units", [5, 6])
def test_what_is_reopened_when_all_that_expiry_took_has_left_ends_at_once(units: int) -> None:
    log = log_with(9)
    log.say(reserve("other", 4, "STORE"))
    log.say(reserve("r", 7, expires_at=at(MINUTE), allow_partial=True, allow_backorder=False))
    ticks(log, MINUTE)
    log.say(fulfil("r", units, at=at(MINUTE)), confirm("r", at(0)), log_time=NOON + MINUTE)
    assert ((0, 0), Status.FULFILLED) == (log.shows(), status_of(log))


def test_what_is_reopened_in_a_channel_that_is_gone_brings_it_back_for_as_long_as_it_holds_units() -> None:
    log = log_with(100)
    log.say(reserve("r", 20, "STORE", expires_at=at(MINUTE)))
    ticks(log, MINUTE)
    log.say(policy({"tenants": {"*": {"channels": {"ECOM": {}}}}}), log_time=NOON + MINUTE)
    assert ["ECOM"] == [*log.item().channels]
    log.say(confirm("r", at(0)), log_time=NOON + MINUTE)
    assert (80, 20) == log.shows("STORE")
    log.say(release("r"), log_time=NOON + MINUTE)
    assert ["ECOM"] == [*log.item().channels]


def test_a_newer_create_changes_what_has_expired_and_the_same_again_changes_nothing() -> None:
    log = log_with(100)
    log.say(reserve("r", 20, expires_at=at(MINUTE)))
    ticks(log, MINUTE)
    newer = reserve("r", 30, at=at(2))
    for said in (newer, newer, confirm("r", at(1)), newer):
        log.say(said, log_time=NOON + MINUTE)
    assert ((70, 30), 2) == (log.shows(), log.item().duplicates)


@pytest.mark.parametrize("units", [8, 12])
def test_a_newer_create_and_a_confirm_after_the_limit_give_the_same_in_either_order(units: int) -> None:
    shown = set()
    late: list[AnyCommand] = [reserve("r", units, at=at(1)), confirm("r", at(2))]
    for order in permutations(late):
        log = log_with(100)
        log.say(reserve("r", 10, expires_at=at(MINUTE)))
        ticks(log, MINUTE)
        log.say(*order, log_time=NOON + MINUTE)
        shown.add((log.shows(), status_of(log)))
    assert {((100 - units, units), Status.CONFIRMED)} == shown


@pytest.mark.parametrize(("units", "held"), [(12, 10), (6, 5), (3, 3)])
def test_what_was_dropped_shrinks_first_where_less_is_asked_for_and_stays_where_more_is(units: int, held: int) -> None:
    shown = set()
    late: list[AnyCommand] = [reserve("r", units, at=at(1), allow_backorder=False), confirm("r", at(2))]
    for order in permutations(late):
        log = log_with(5)
        log.say(reserve("r", 7, expires_at=at(MINUTE), allow_partial=True, allow_backorder=False))
        ticks(log, MINUTE)
        log.say(count(100, at(MINUTE)), *order, log_time=NOON + MINUTE)
        shown.add(log.shows())
    assert {(100 - held, held)} == shown


def test_a_newer_create_for_what_has_expired_claims_nothing_and_leaves_the_limit_that_ended_it() -> None:
    log = log_with(100)
    log.say(reserve("r", 20, expires_at=at(MINUTE)))
    ticks(log, MINUTE)
    log.say(reserve("r", 30, at=at(1), expires_at=at(QUARTER)), confirm("r", at(MINUTE)), log_time=NOON + MINUTE)
    assert ((100, 0), Status.EXPIRED, at(MINUTE)) == (log.shows(), status_of(log), log.reservation("r").expires_at_us)


def test_what_is_reopened_lives_by_the_priority_and_the_flags_of_the_newer_create() -> None:
    log = log_with(10)
    log.say(reserve("r", 10, expires_at=at(MINUTE)))
    ticks(log, MINUTE)
    newer = reserve("r", 15, at=at(1), priority=3, allow_partial=True, allow_backorder=False)
    log.say(newer, confirm("r", at(2)), log_time=NOON + MINUTE)
    assert ((0, 10), 3, 0) == (log.shows(), log.reservation("r").priority, log.reservation("r").waiting)
