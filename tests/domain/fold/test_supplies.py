"""Supplies of an item by example: how many there may be, how long they are kept, and what is promised on them."""

from collections.abc import Iterator
from typing import Any

import pytest

from atp_stream.domain.events import AvailabilityProjected, CommandRefused, ReservationPromised
from atp_stream.domain.limits import Limits
from tests.domain.support.days import DAY, PLAIN, cancel, comes, day, held, lines, receive, schedule, wants
from tests.domain.support.log import AT, LAMP, Log, adjust, confirm, count, edit_item, fulfil, policy, release

RETENTION_DAYS = 7
PAST_DUE_DAYS = 90


def log_with(on_hand: int, **section: Any) -> Log:
    log = Log()
    log.say(policy({"tenants": {"*": {**PLAIN["tenants"]["*"], **section}}}), count(on_hand, AT - 1))
    return log


def refusals(log: Log) -> list[str]:
    return [event.reason for event in log.events if isinstance(event, CommandRefused)]


def promised(log: Log, reservation: str) -> list[tuple[str, list[tuple[int, int]]]]:
    """Return the reason and the lines (days from today on) of each event about a reservation."""
    events = [event for event in log.events if isinstance(event, ReservationPromised)]
    return [
        (event.reason.value, [(one - day(0), units) for one, units in event.lines])
        for event in events
        if event.reservation == reservation
    ]


# How many, and how long


def test_one_open_supply_too_many_is_refused_until_another_is_closed() -> None:
    log = log_with(0)
    log.say(*(schedule(f"po {number}", 1, 3) for number in range(1_000)))
    log.say(schedule("one more", 1, 3))
    assert (["too_many_supplies"], 1_000) == (refusals(log), log.read(f"{LAMP}|c").open)
    log.say(schedule("po 7", 2, 4, AT + 1), cancel("po 8", AT + 1), schedule("one more", 1, 3))
    assert (["too_many_supplies"], 1_000) == (refusals(log), log.read(f"{LAMP}|c").open)


def full_log() -> Log:
    """Return a log of an item with as many open supplies as there may be, of which "closed" has come."""
    log = log_with(0)
    log.say(schedule("closed", 5, 3), adjust(5, supply="closed"))
    log.say(*(schedule(f"po {number}", 1, 3) for number in range(1_000)))
    return log


def test_a_statement_of_a_closed_supply_is_a_duplicate_when_it_is_repeated_however_many_are_open() -> None:
    log = full_log()
    log.say(log.entries[2].command)
    assert ([], 1, 1_000) == (refusals(log), log.item().duplicates, log.read(f"{LAMP}|c").open)


@pytest.mark.parametrize(("quantity", "at"), [(5, AT + 1), (4, AT + 1), (9, AT - 1)])
def test_a_statement_that_leaves_a_supply_closed_is_taken_in_however_many_are_open(quantity: int, at: int) -> None:
    log = full_log()
    log.say(schedule("closed", quantity, 4, at))
    assert ([], 1_000) == (refusals(log), log.read(f"{LAMP}|c").open)
    assert 2 == len(log.read(f"{LAMP}|s|closed").stated)


def test_a_statement_that_would_open_a_closed_supply_beyond_the_bound_is_refused_and_not_remembered() -> None:
    log = full_log()
    log.say(schedule("closed", 6, 3, AT + 1))
    assert (["too_many_supplies"], 1_000) == (refusals(log), log.read(f"{LAMP}|c").open)
    assert 1 == len(log.read(f"{LAMP}|s|closed").stated)
    log.say(cancel("po 1", AT + 2), schedule("closed", 6, 3, AT + 1))
    assert (["too_many_supplies"], 1_000) == (refusals(log), log.read(f"{LAMP}|c").open)


def test_a_closed_supply_is_forgotten_after_retention_and_what_was_said_before_that_is_too_old() -> None:
    log = log_with(0)
    log.say(schedule("x", 5, 3), adjust(5, supply="x"))
    comes(log, RETENTION_DAYS - 1)
    assert log.read(f"{LAMP}|s|x") is not None
    comes(log, RETENTION_DAYS + 1)
    assert (None, False) == (log.read(f"{LAMP}|s|x"), log.item().dated)
    log.say(schedule("x", 5, 3, AT), schedule("x", 5, 12, AT + 1), log_time=day(RETENTION_DAYS + 1) * DAY)
    assert (["too_old"], 1) == (refusals(log), log.read(f"{LAMP}|c").open)


def test_an_open_supply_is_kept_until_retention_after_its_ninetieth_day_past_due() -> None:
    log = log_with(0)
    log.say(schedule("x", 5, 3))
    last = 3 + PAST_DUE_DAYS + 1 + RETENTION_DAYS
    comes(log, last - 1)
    assert (1, None) == (log.read(f"{LAMP}|c").open, log.read(f"{LAMP}|c").boundary)
    comes(log, last)
    assert (None, None, False) == (log.read(f"{LAMP}|s|x"), log.read(f"{LAMP}|c"), log.item().dated)


# What is promised on them


def test_the_day_of_units_that_wait_is_published_once_a_supply_is_stated_and_again_once_it_comes_earlier() -> None:
    log = log_with(0)
    log.say(wants("a", 5, None), schedule("x", 5, 6))
    log.say(schedule("x", 5, 4, AT + 1))
    assert [("SUPPLY", [(6, 5)]), ("EARLIER", [(4, 5)])] == promised(log, "a")


def test_a_confirmed_promise_is_lost_last_however_urgent_others_are() -> None:
    log = log_with(0)
    log.say(schedule("x", 9, 3), wants("urgent", 5, 3, priority=9), wants("sure", 4, 3), confirm("sure"))
    log.say(schedule("x", 5, 3, AT + 1))
    assert ([], (0, 5), [(3, 4)]) == (lines(log, "urgent"), held(log, "urgent"), lines(log, "sure"))


def test_what_leaves_before_its_day_takes_the_earliest_promise_and_may_cost_another_his() -> None:
    log = log_with(5)
    log.say(schedule("x", 3, 2), wants("a", 4, 3, allow_partial=True), wants("b", 4, 1))
    log.say(fulfil("a", 3))
    assert ([(3, 1)], 2) == (lines(log, "a"), log.item().stock.on_hand)
    assert ([(2, 4)], [("ASKED", [(1, 4)]), ("LATER", [(2, 4)])]) == (lines(log, "b"), promised(log, "b"))


def test_a_frozen_channel_promises_nothing_new_and_redeems_what_it_has_promised() -> None:
    log = log_with(0)
    log.say(schedule("x", 9, 2), wants("before", 5, 2), edit_item({"frozen": {"ECOM": True}}))
    log.say(wants("behind", 4, 2), adjust(9, supply="x"))
    assert ([(2, 5)], []) == (lines(log, "before"), lines(log, "behind"))
    comes(log, 2)
    assert ((5, 0), (0, 4)) == (held(log, "before"), held(log, "behind"))


def test_the_tenants_time_limit_begins_with_a_promise_for_a_wanted_day_and_not_with_that_of_a_backorder() -> None:
    log = log_with(0, time_limit=86_400)
    log.say(schedule("x", 9, 4), wants("dated", 5, 4), wants("waits", 4, None))
    limits = [log.reservation(one).expires_at_us for one in ("dated", "waits")]
    assert [True, False] == [limit is not None for limit in limits]
    comes(log, 2)
    assert ([], [(4, 4)]) == (lines(log, "dated"), lines(log, "waits"))


def test_a_limit_that_ends_promises_gives_their_days_to_who_waits() -> None:
    log = log_with(0)
    log.say(schedule("x", 5, 4), wants("a", 5, 4, expires_at=day(1) * DAY * 1_000), wants("b", 5, 4))
    assert ([(4, 5)], []) == (lines(log, "a"), lines(log, "b"))
    comes(log, 1)
    assert ([], [("ASKED", [(4, 5)]), ("ENDED", [])]) == (lines(log, "a"), promised(log, "a"))
    assert ([(4, 5)], [("SUPPLY", [(4, 5)])]) == (lines(log, "b"), promised(log, "b"))


def test_a_release_gives_the_day_to_who_waits_for_it() -> None:
    log = log_with(0)
    log.say(schedule("x", 5, 4), wants("a", 5, 4), wants("b", 5, 4), release("a"))
    assert [(4, 5)] == lines(log, "b")


@pytest.fixture
def few_parts() -> Iterator[None]:
    """Let a reservation have two parts at most."""
    before, Log.limits = Log.limits, Limits(parts=2)
    yield
    Log.limits = before


@pytest.mark.usefixtures("few_parts")
def test_a_promise_of_a_reservation_in_too_many_parts_is_redeemed_as_a_whole_or_not_at_all() -> None:
    log = log_with(0)
    log.say(schedule("x", 3, 1), schedule("y", 6, 2), wants("a", 9, 1, allow_partial=True))
    assert [(1, 3), (2, 6)] == lines(log, "a")
    log.say(adjust(2, supply="x"), adjust(0, 2))
    comes(log, 1)
    assert 2 >= len(log.reservation("a").promises) + len(log.reservation("a").allocations)


# What is published


def test_policy_may_let_availability_by_day_go_untold() -> None:
    log = log_with(0, supply={"project": False})
    log.say(schedule("x", 5, 3), wants("a", 5, 3))
    assert ([(3, 5)], []) == (lines(log, "a"), [one for one in log.events if isinstance(one, AvailabilityProjected)])


def test_a_day_that_changes_nothing_publishes_nothing() -> None:
    log = log_with(0)
    log.say(schedule("x", 5, 9), wants("a", 5, 9))
    before = log.all_rows()
    assert [] == [*comes(log, 1), *comes(log, 7)]
    assert {key: row for key, row in before.items() if "|" in key[1:]} == {
        key: row for key, row in log.all_rows().items() if "|" in key[1:]
    }


def test_a_receipt_of_a_supply_that_nobody_stated_moves_nothing_and_is_kept_for_the_statement() -> None:
    log = log_with(0)
    log.say(receive("x", 3), schedule("x", 5, 3))
    assert ((0, 0), 200) == (log.shows(), 100 * sum(one.supply for one in log.read(f"{LAMP}|c").days))
