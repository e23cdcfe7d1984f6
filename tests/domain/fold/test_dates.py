"""Supplies and promises by day, by example: the golden numbers, what was corrected, and what users complain of."""

from typing import Any
from unittest.mock import patch

import pytest

from atp_stream.domain.events import (
    AllocationCommitted,
    AvailabilityProjected,
    CommandRefused,
    ReservationDenied,
    ReservationPromised,
)
from atp_stream.domain.promise.explanation import explain
from atp_stream.domain.reservations import dated_service
from atp_stream.domain.reservations.balances import status
from atp_stream.domain.supply import register
from tests.domain.support.days import DAY, PLAIN, cancel, comes, day, held, lines, receive, schedule, wants
from tests.domain.support.folding import policy_of
from tests.domain.support.log import AT, LAMP, NOON, Log, adjust, count, edit_item, fulfil, grant, policy, release, tick


def log_with(on_hand: int, **supply: Any) -> Log:
    log = Log()
    section = {**PLAIN["tenants"]["*"], "supply": supply} if supply else PLAIN["tenants"]["*"]
    log.say(policy({"tenants": {"*": section}}), count(on_hand, AT - 1))
    return log


def projection(log: Log, channel: str = "ECOM") -> tuple[int, dict[int, int]]:
    """Return what was published last: now, and the days (from today on) with what is available from then on."""
    reasons = [event for event in log.events if isinstance(event, AvailabilityProjected) and event.channel == channel]
    if not reasons:
        return log.shows(channel)[0], {}
    return reasons[-1].now, {one - day(0): units for one, units in reasons[-1].steps}


def reasons(log: Log, reservation: str) -> list[str]:
    events = [event for event in log.events if isinstance(event, ReservationPromised)]
    return [event.reason.value for event in events if event.reservation == reservation]


def refusals(log: Log) -> list[str]:
    return [event.reason for event in log.events if isinstance(event, CommandRefused)]


def test_t1_the_example_of_d365() -> None:
    log = log_with(20)
    log.say(wants("a", 3, 0))
    assert (17, 3) == log.shows()
    log.say(schedule("s3", 10, 2))
    assert (17, {2: 27}) == projection(log)
    log.say(wants("b", 15, 3), schedule("s5", 1, 4), schedule("s6", 3, 5))
    assert (12, {4: 13, 5: 16}) == projection(log)
    log.say(fulfil("a"))
    assert (12, {4: 13, 5: 16}) == projection(log)
    assert (17, (0, 0), [(3, 15)]) == (log.item().stock.on_hand, held(log, "b"), lines(log, "b"))
    comes(log, 1)
    assert (12, {4: 13, 5: 16}) == projection(log)
    comes(log, 3)  # the 10 have not come
    assert (2, {4: 3, 5: 6}) == projection(log)
    assert (15, 0) == held(log, "b")


def test_t2_what_is_late_counts_again_tomorrow() -> None:
    log = log_with(0, past_due_days=7)
    log.say(schedule("late", 200, -3), schedule("later", 100, 10), wants("a", 75, 0))
    assert [(1, 75)] == lines(log, "a")
    assert (0, {1: 125, 10: 225}) == projection(log)
    log.say(wants("b", 150, None))
    assert [(10, 150)] == lines(log, "b")


def test_t4_the_earliest_day_that_covers_a_request_is_promised() -> None:
    log = log_with(10)
    log.say(schedule("a", 10, 10), schedule("b", 10, 20), wants("r", 20, 1))
    assert [(10, 20)] == lines(log, "r")


@pytest.mark.parametrize(("ahead", "now"), [(0, 5), (365, 0)])
def test_t5_a_request_for_later_takes_the_shelf_only_if_it_is_due(ahead: int, now: int) -> None:
    log = log_with(5, ahead=ahead)
    log.say(schedule("a", 5, 2), wants("r", 5, 4))
    assert now == log.shows()[0]


def test_t7_a_slip_and_a_loss_take_the_newest_promises_first() -> None:
    log = log_with(0)
    log.say(schedule("x", 50, 10), schedule("y", 50, 20), wants("a", 30, None), wants("b", 20, None))
    log.say(wants("c", 40, None))
    assert [[(10, 30)], [(10, 20)], [(20, 40)]] == [lines(log, one) for one in "abc"]
    log.say(schedule("x", 50, 15, AT + 1))
    assert [[(15, 30)], [(15, 20)], [(20, 40)]] == [lines(log, one) for one in "abc"]
    log.say(schedule("x", 35, 15, AT + 2))
    assert [[(15, 30)], [], [(20, 40)]] == [lines(log, one) for one in "abc"]
    assert (["ASKED", "LATER", "NO_DATE"], (0, 20)) == (reasons(log, "b"), held(log, "b"))


def test_t8_an_over_receipt_is_stock_and_the_promise_stands() -> None:
    log = log_with(0)
    log.say(schedule("x", 50, 12), wants("a", 30, 12), adjust(52, supply="x"))
    row = log.read(f"{LAMP}|s|x")
    assert (22, [(12, 30)], 0, 2) == (log.shows()[0], lines(log, "a"), register.open_units(row), register.over(row))


def test_t9_a_short_and_final_receipt_costs_the_promise_its_day() -> None:
    log = log_with(0)
    log.say(schedule("x", 50, 0), wants("a", 50, None))
    assert [(0, 50)] == lines(log, "a")
    log.say(receive("x", 45, final=True, moves_stock=True, location="DC"))
    assert ([], (0, 50), 0) == (lines(log, "a"), held(log, "a"), log.shows()[0])


def test_t10_a_promise_is_redeemed_from_the_shelf_when_its_day_has_come() -> None:
    log = log_with(100)
    log.say(schedule("x", 50, 10), wants("a", 80, 15))
    assert ((70, 0), "PROMISED") == (log.shows(), status(log.reservation("a")))
    comes(log, 15)
    assert ((20, 80), (80, 0), []) == (log.shows(), held(log, "a"), lines(log, "a"))
    assert ["ASKED", "REDEEMED"] == reasons(log, "a")


def test_t11_a_grant_is_kept_at_every_point() -> None:
    log = Log()
    log.say(policy({"tenants": {"*": {"channels": {"B2B": {"kind": "QUOTA"}, "ECOM": {}}}}}), count(40))
    log.say(grant("B2B", 40), schedule("x", 60, 5))
    assert ((0, {5: 60}), (40, {})) == (projection(log), projection(log, "B2B"))
    log.say(wants("a", 60, None))
    assert ([(5, 60)], (40, {})) == (lines(log, "a"), projection(log, "B2B"))


def test_t12_an_over_receipt_that_is_taken_back_restores_what_was_ordered() -> None:
    log = log_with(0)
    log.say(schedule("x", 300, 5), adjust(303, supply="x"))
    assert (303, {}) == projection(log)
    log.say(adjust(-303, supply="x"))
    assert (0, {5: 300}) == projection(log)


# What users complain of


def test_the_forecast_follows_when_the_day_of_a_supply_moves() -> None:
    log = log_with(0)
    log.say(schedule("x", 5, 3))
    assert (0, {3: 5}) == projection(log)
    log.say(schedule("x", 5, 9, AT + 1))
    assert (0, {9: 5}) == projection(log)
    log.say(cancel("x", AT + 2))
    assert (0, {}) == projection(log)


def test_a_later_order_with_an_earlier_day_takes_nobodys_promise() -> None:
    log = log_with(0)
    log.say(schedule("x", 5, 3), wants("a", 5, 8), wants("b", 5, 3))
    assert ([(8, 5)], [], (0, 5)) == (lines(log, "a"), lines(log, "b"), held(log, "b"))


def test_twice_as_much_as_was_ordered_is_stock_and_nothing_goes_below_0() -> None:
    log = log_with(0)
    log.say(schedule("x", 50, 3), adjust(100, supply="x"))
    assert (100, {}) == projection(log)


def test_an_over_receipt_leaves_nothing_expected_and_nothing_below_0() -> None:
    log = log_with(0)
    log.say(schedule("x", 50, 3), schedule("y", 10, 5), adjust(52, supply="x"))
    assert (52, {5: 62}) == projection(log)


def test_supply_that_is_all_promised_is_shown_on_no_day() -> None:
    log = log_with(0)
    log.say(schedule("x", 50, 3), wants("a", 50, None))
    assert (0, {}) == projection(log)


def test_a_backorder_with_a_day_closes_its_channel_to_nobody() -> None:
    log = log_with(3)
    log.say(schedule("x", 50, 3), wants("a", 20, None))
    assert (3, {3: 33}) == projection(log)


def test_a_shortage_is_published_with_the_day() -> None:
    log = log_with(0)
    log.say(schedule("x", 5, 7))
    log.say(wants("a", 5, None))
    denied = [event for event in log.events if isinstance(event, ReservationDenied)]
    promised = [event for event in log.events if isinstance(event, ReservationPromised)]
    assert [("rest_promised", 5)] == [(event.reason, event.quantity) for event in denied]
    assert [(None, ((day(7), 5),), "ASKED")] == [(one.wanted, one.lines, one.reason.value) for one in promised]


def test_days_from_the_dock_to_the_shelf_delay_what_is_expected_and_what_is_promised_of_it() -> None:
    log = log_with(0, dock_days=2)
    log.say(schedule("x", 5, 3), wants("a", 5, None))
    assert [(5, 5)] == lines(log, "a")
    log.say(edit_item({"supply": {"dock_days": 4}}))
    assert ([(7, 5)], ["ASKED", "LATER"]) == (lines(log, "a"), reasons(log, "a"))


# What was corrected on the way


def test_a_promise_does_not_move_forward_on_a_shelf_that_is_short() -> None:
    log = log_with(10)
    log.say(wants("now", 10, 0), schedule("x", 6, 4), wants("a", 4, 0), count(7, AT + 1))
    log.say(schedule("y", 1, 2))
    assert ([(4, 4)], 10) == (lines(log, "a"), held(log, "now")[0])


def test_a_part_that_came_earlier_is_promised_although_a_due_part_behind_it_waits() -> None:
    log = log_with(0)
    log.say(wants("early", 2, 5), wants("due", 9, None), schedule("x", 3, 4))
    assert ([(5, 2)], (0, 9)) == (lines(log, "early"), held(log, "due"))


def test_two_promises_of_one_request_for_one_day_are_one() -> None:
    log = log_with(0)
    log.say(schedule("x", 2, 3), schedule("y", 4, 6), wants("a", 6, 3, allow_partial=True))
    assert [(3, 2), (6, 4)] == lines(log, "a")
    log.say(schedule("y", 4, 3, AT + 1))
    assert [(3, 6)] == lines(log, "a")


def test_receipt_then_stock_breaks_no_promise() -> None:
    log = log_with(0)
    log.say(schedule("x", 5, 0), wants("a", 5, None))
    log.say(receive("x", 5))
    assert ([(0, 5)], (0, 0)) == (lines(log, "a"), held(log, "a"))
    log.say(count(5, AT + 1))
    assert ([], (5, 0)) == (lines(log, "a"), held(log, "a"))


def test_an_adjustment_that_names_the_supply_holds_what_was_arriving() -> None:
    log = log_with(0)
    log.say(schedule("x", 5, 3), receive("x", 5))
    assert (0, {0: 5}) == projection(log)
    log.say(adjust(5, supply="x"))
    assert (5, {}) == projection(log)


def test_a_count_that_is_repeated_holds_nothing_of_a_receipt() -> None:
    log = log_with(0)
    counted = count(4, AT)
    log.say(counted, counted, schedule("x", 13, 3), counted, receive("x", 5, AT - 1))
    assert (4, {0: 9, 3: 17}) == projection(log)


def test_what_was_received_counts_until_its_grace_is_over() -> None:
    log = log_with(0, receipt_grace=3600)
    log.say(schedule("x", 5, 3), receive("x", 5))
    log.say(tick((NOON + 3_600_000) * 1_000), log_time=NOON + 3_600_000)
    assert (0, {}) == projection(log)


def test_a_day_that_passes_without_a_tick_does_not_publish_again_what_is_arriving() -> None:
    log = log_with(0, receipt_grace=2 * 86_400)
    log.say(schedule("x", 5, 3), receive("x", 5))
    again = log.say(count(0, AT - 1), log_time=day(1) * DAY + 60_000)  # a duplicate
    assert [] == [event for event in again if isinstance(event, AvailabilityProjected)]
    comes(log, 1)
    assert (0, {1: 5}) == projection(log)


def test_a_large_promise_that_cannot_be_redeemed_keeps_no_smaller_one_from_its_day() -> None:
    log = log_with(3)
    log.say(schedule("x", 20, 6), wants("late", 20, 1), wants("small", 3, 1))
    assert ([(6, 20)], [(1, 3)]) == (lines(log, "late"), lines(log, "small"))
    comes(log, 1)
    assert (3, 0) == held(log, "small")


def test_a_late_promise_gets_what_the_shelf_kept_for_an_earmark_that_is_used_for_a_later_day() -> None:
    log = Log()
    log.say(policy({"tenants": {"*": {"channels": {"B2B": {"kind": "QUOTA", "overflow": True}, "ECOM": {}}}}}))
    log.say(count(4), grant("B2B", 3), wants("a", 4, None), wants("b", 5, 2, "B2B"), schedule("x", 8, 4))
    assert ([(4, 5)], (0, 0)) == (lines(log, "b"), held(log, "b"))
    assert ([], (4, 0)) == (lines(log, "a"), held(log, "a"))
    assert (0, {4: 3}) == projection(log)


def test_late_promises_that_nothing_can_help_are_not_looked_at_for_each_earmark_that_is_used() -> None:
    log, each = Log(), 40
    log.say(policy({"tenants": {"*": {"channels": {"ECOM": {}, "QUOTA": {"kind": "QUOTA"}}}}}), count(each + 5, AT - 1))
    log.say(schedule("s", 10**6, 9))
    log.say(*(wants(f"late {number}", each + 600, 0) for number in range(each)))
    log.say(*(wants(f"preorder {number}", 1, 3, "QUOTA") for number in range(each)))
    with patch.object(dated_service, "_help", wraps=dated_service._help) as help_one:
        log.say(grant("QUOTA", each))

    assert [(3, 1)] * each == [line for number in range(each) for line in lines(log, f"preorder {number}")]
    assert [(9, each + 600)] * each == [line for number in range(each) for line in lines(log, f"late {number}")]
    assert help_one.call_count <= 3 * (each + each)


def test_an_outage_over_a_promised_day_still_redeems_it_from_safety_stock_that_is_eaten() -> None:
    log = log_with(5)
    log.say(wants("a", 5, 2), edit_item({"safety_stock": {"fixed": 0.04}}))
    assert [(2, 5)] == lines(log, "a")
    comes(log, 7)
    assert ((5, 0), []) == (held(log, "a"), lines(log, "a"))


def test_a_receipt_without_stock_on_its_day_that_is_read_late_is_in_time() -> None:
    log = log_with(0)
    log.say(schedule("x", 5, 0), wants("a", 5, None))
    log.say(adjust(5, supply="x"), log_time=day(1) * DAY + 5)  # the tick of the next day has not come
    assert (5, 0) == held(log, "a")


def test_what_is_available_now_is_explained_with_what_is_kept_for_later() -> None:
    log = log_with(17)
    log.say(schedule("x", 10, 3), wants("a", 15, 5))
    rules, row = policy_of(log).rules(LAMP), log.item()
    found = explain(row, rules, log.read(f"{LAMP}|c"))
    free = [("on_hand", 17), ("safety_stock", 0), ("reserved", 0), ("kept_for_later", -5)]
    assert free == [(term.what, term.quantity) for term in found.free]
    assert 12 == sum(term.quantity for term in found.channels[0].terms) == log.shows()[0]


def test_promises_end_with_their_limit() -> None:
    log = log_with(5)
    log.say(wants("a", 5, 3, expires_at=(day(1) * DAY) * 1_000))
    assert 0 == log.shows()[0]
    comes(log, 1)
    assert (5, [], ["ASKED", "ENDED"]) == (log.shows()[0], lines(log, "a"), reasons(log, "a"))


def test_another_day_costs_no_promise() -> None:
    log = log_with(0)
    log.say(schedule("x", 5, 3), wants("a", 5, 3), wants("a", 5, 8, at=AT + 1), wants("b", 5, 3))
    assert ([(8, 5)], []) == (lines(log, "a"), lines(log, "b"))
    log.say(wants("a", 5, 3, at=AT + 2))
    assert [(3, 5)] == lines(log, "a")


def test_a_release_takes_what_waits_then_the_latest_day_then_the_shelf() -> None:
    log = log_with(2)
    log.say(schedule("x", 3, 4), wants("a", 5, None, allow_partial=True))
    assert ((2, 0), [(4, 3)]) == (held(log, "a"), lines(log, "a"))
    log.say(release("a", 4))
    assert ((1, 0), []) == (held(log, "a"), lines(log, "a"))


def test_a_day_beyond_the_horizon_is_refused_and_a_supply_beyond_it_is_kept() -> None:
    log = log_with(0, horizon=10)
    log.say(wants("a", 1, 11), schedule("far", 7, 12))
    assert (["too_far"], (0, {})) == (refusals(log), projection(log))
    comes(log, 2)
    assert (0, {12: 7}) == projection(log)


def test_a_day_that_is_wanted_beyond_a_smaller_horizon_is_promised_once_that_reaches_it() -> None:
    log = log_with(9, horizon=9)
    log.say(wants("a", 13, 5, allow_partial=True), edit_item({"supply": {"horizon": 4}}))
    log.say(schedule("x", 8, 2))
    assert ([(5, 9)], (0, 4)) == (lines(log, "a"), held(log, "a"))
    comes(log, 1)
    assert ([(5, 13)], (0, 0)) == (lines(log, "a"), held(log, "a"))


def test_what_a_frozen_channel_let_wait_is_promised_within_a_smaller_horizon_only() -> None:
    log = log_with(8, horizon=9)
    log.say(edit_item({"frozen": {"ECOM": True}}), wants("a", 5, 5))
    log.say(edit_item({"frozen": {"ECOM": False}, "supply": {"horizon": 4}}))
    assert ([], (0, 5)) == (lines(log, "a"), held(log, "a"))
    comes(log, 1)
    assert ([(5, 5)], (0, 0)) == (lines(log, "a"), held(log, "a"))


def test_a_supply_that_an_older_promise_lets_count_is_promised_once_a_smaller_horizon_reaches_it() -> None:
    log = log_with(0, horizon=9)
    log.say(schedule("x", 5, 8), wants("a", 5, 8), edit_item({"supply": {"horizon": 4}}))
    log.say(schedule("y", 3, 7), wants("b", 3, 4))
    assert ([], (0, 3)) == (lines(log, "b"), held(log, "b"))
    comes(log, 3)
    assert [(7, 3)] == lines(log, "b")


def test_an_item_without_any_date_left_has_no_row_for_it() -> None:
    log = log_with(5)
    log.say(schedule("x", 5, 3), wants("a", 2, 4))
    assert log.item().dated
    log.say(cancel("x", AT + 1), release("a"))
    assert (False, None) == (log.item().dated, log.read(f"{LAMP}|c"))
    assert (5, {}) == projection(log)


def test_a_movement_that_the_stock_refuses_still_counts_for_the_supply() -> None:
    log = Log()
    log.say(policy({"stock": {"window": 60}, **PLAIN}), count(5), schedule("x", 5, 400))
    later = NOON + 50 * DAY
    for minutes in range(8):
        log.say(adjust(1, at=(later + minutes * 60_000) * 1_000), log_time=later + minutes * 60_000)
    log.say(adjust(5, supply="x", at=AT + 1), log_time=later + 9 * 60_000)
    assert ["stale"] == refusals(log)
    assert 0 == register.open_units(log.read(f"{LAMP}|s|x"))


def test_a_commit_names_the_request_that_a_redeemed_promise_answers() -> None:
    log = log_with(0)
    log.say(schedule("x", 5, 3), wants("a", 5, 3), adjust(5, supply="x"))
    comes(log, 3)
    committed = [event for event in log.events if isinstance(event, AllocationCommitted)]
    assert [("a", 5)] == [(event.reservation, event.quantity) for event in committed]
