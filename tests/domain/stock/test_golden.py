"""The golden numbers of stock, and cases in which more was promised than there was, by example."""

from random import Random

import pytest

from atp_stream.domain.events import AllocationCommitted, AllocationReleased, ReservationDenied, StockDrifted
from tests.domain.support.log import AT, LAMP, NOON, Log, adjust, count, fulfil, policy, reserve, tick
from tests.domain.support.product import numbers, refusals

SECOND = 1_000_000
ORDERS = Random(7)


def outcomes(log: Log) -> list[str]:
    return [event.outcome.value for event in log.events if isinstance(event, ReservationDenied)]


def committed(log: Log) -> list[str]:
    return [event.reservation for event in log.events if isinstance(event, AllocationCommitted)]


def on_hand(log: Log) -> int:
    return numbers(log).on_hand


# More facts than any row holds


@pytest.mark.parametrize("units", [65, 150])
def test_as_many_sales_of_one_second_as_there_are_units_leave_nothing_to_promise(units: int) -> None:
    log = Log()
    log.say(count(units, AT - 5 * SECOND))
    for sale in range(units):
        log.say(adjust(-1, units - 1 - sale, event_id=f"s{sale}"))
    log.say(reserve("r", 1, allow_backorder=False))
    assert (0, 0, ["REJECTED"], [], []) == (*numbers(log)[:2], outcomes(log), committed(log), refusals(log.events))


def test_ten_thousand_sales_of_one_second_in_any_order_lead_to_their_one_end() -> None:
    sales = [adjust(-1, 9_999 - sale) for sale in range(10_000)]
    ORDERS.shuffle(sales)
    log = Log()
    log.say(count(10_000, AT - SECOND), *sales)
    assert (0, 0, []) == (*numbers(log)[:2], refusals(log.events))


def test_sales_met_partition_by_partition_all_count() -> None:
    log = Log()
    log.say(count(100, AT - 5 * SECOND))
    sold = [place for first in range(6) for place in range(first, 100, 6)]
    for place in sold:
        log.say(adjust(-1, at=AT + place * 30_000), log_time=NOON + 4_000)
    log.say(reserve("r", 1, allow_backorder=False), log_time=NOON + 4_000)
    assert (0, ["REJECTED"], []) == (on_hand(log), outcomes(log), refusals(log.events))


def test_five_hundred_sales_without_a_key_in_any_order_leave_nothing() -> None:
    sales = [adjust(-1, at=AT + place * 1_000) for place in range(500)]
    ORDERS.shuffle(sales)
    log = Log()
    log.say(count(500, AT - SECOND), *sales, reserve("r", 1))
    assert (0, []) == (on_hand(log), committed(log))


def test_a_backlog_of_two_thousand_deltas_counts_to_the_last() -> None:
    deltas = [adjust(1, at=AT + place * 5_000) for place in range(2_000)]
    log = Log()
    log.say(*(delta for first in range(6) for delta in deltas[first::6]), log_time=NOON + 10_000)
    assert (2_000, []) == (on_hand(log), refusals(log.events))


def test_a_burst_of_adjustments_with_reservations_fulfils_each_of_them() -> None:
    log = Log()
    log.say(count(500, AT - SECOND), *(reserve(f"r{place}", 1) for place in range(300)))
    adjustments = [adjust(-1, at=AT + place, reservation=f"r{place}") for place in range(300)]
    ORDERS.shuffle(adjustments)
    log.say(*adjustments)
    assert (200, 0, []) == (on_hand(log), log.shows()[1], refusals(log.events))


def test_five_hundred_sales_in_the_seeds_form_over_six_partitions_leave_no_gap() -> None:
    sales = [adjust(-1, 499 - place, at=AT + place * 1_000) for place in range(500)]
    log = Log()
    log.say(count(500, AT - SECOND))
    for first in range(6):
        log.say(*sales[first::6], log_time=NOON + first * 10)
    log.say(tick(AT + 60 * SECOND), log_time=NOON + 60_000)
    drifted = [event for event in log.events if isinstance(event, StockDrifted)]
    assert (0, 0, [], []) == (*numbers(log)[:2], refusals(log.events), drifted)


# Re-sent after many others


def test_a_count_sent_again_after_66_sales_and_with_a_new_stamp_is_a_duplicate() -> None:
    log = Log()
    log.say(count(100, event_id="c1"), *(adjust(-1, at=AT + 1 + place) for place in range(66)))
    log.say(count(100, AT + SECOND, event_id="c1"), reserve("r", 80), log_time=NOON + 1_000)
    assert (34, 1, []) == (on_hand(log), log.item().duplicates, committed(log))


def test_a_delta_sent_again_nearly_a_day_and_70_others_later_is_a_duplicate() -> None:
    day = 24 * 60 * 60 * 1_000
    log = Log()
    log.say(adjust(100, event_id="d0"), *(adjust(1, at=AT + place) for place in range(70)))
    for eighth in range(1, 8):
        log.say(tick(AT + eighth * day * 125), log_time=NOON + eighth * day // 8)
    again = NOON + day - 1_000
    log.say(adjust(100, at=again * 1_000, event_id="d0"), log_time=again)
    assert (170, 1) == (on_hand(log), log.item().duplicates)


def test_an_id_is_known_per_kind() -> None:
    log = Log()
    log.say(count(10, event_id="x"), adjust(-2, at=AT + 1, event_id="x"))
    assert (8, 0) == (on_hand(log), log.item().duplicates)


def test_an_id_is_known_per_place_so_that_both_legs_of_a_transfer_count() -> None:
    log = Log()
    log.say(count(10, location="north"), count(5, location="south"))
    log.say(adjust(-3, at=AT + 1, event_id="t", location="north"), adjust(3, at=AT + 1, event_id="t", location="south"))
    assert (15, 0) == (on_hand(log), log.item().duplicates)


# Any number of places


def test_three_thousand_stores_all_count_and_a_new_one_is_never_refused() -> None:
    log = Log()
    stores = [f"store {number}" for number in range(3_000)]
    log.say(*(count(1, location=store) for store in stores))
    assert (3_000, []) == (on_hand(log), refusals(log.events))
    log.say(*(count(0, AT + 1, location=store) for store in stores[:160]), count(7, location="NEWSTORE"))
    assert (2_847, []) == (on_hand(log), refusals(log.events))


def test_a_new_store_beside_160_empty_ones_is_counted() -> None:
    log = Log()
    log.say(*(count(0, location=f"store {number}") for number in range(160)), count(7, location="NEWSTORE"))
    assert (7, []) == (on_hand(log), refusals(log.events))


def test_what_left_without_a_place_moves_with_its_reservation() -> None:
    log = Log()
    log.say(count(50, location="A"), count(50, location="B"), reserve("o", 3, location="A"))
    log.say(reserve("o", 3, at=AT + 1, location="B"), fulfil("o", at=AT + 2), count(47, AT + 3, location="B"))
    assert ("B", 97) == (log.reservation("o").location, on_hand(log))


def test_what_had_left_without_a_place_moves_when_its_reservation_does() -> None:
    log = Log()
    log.say(count(50, location="A"), count(50, location="B"), reserve("o", 5, location="A"))
    log.say(fulfil("o", 3, at=AT + 2), reserve("o", 5, at=AT + 1, location="B"), count(47, AT + 3, location="B"))
    assert 97 == on_hand(log)


def test_a_loss_takes_the_newest_request_first_whatever_its_name() -> None:
    log = Log()
    log.say(policy({"shortage": "deallocate", "tenants": {"*": {"channels": {"ECOM": {}}}}}))
    log.say(*(reserve(f"r{number}", 10) for number in range(1, 7)))
    log.say(count(60), count(30, AT + 1))
    lost = [event.reservation for event in log.events if isinstance(event, AllocationReleased)]
    assert ["r6", "r5", "r4"] == lost


# Tenants never touch


def test_an_item_of_another_name_has_stock_of_its_own() -> None:
    log = Log()
    log.say(count(5), count(7, location="A"), name="acme|rug")
    log.say(count(3))
    assert (5, 3) == (numbers(log, "acme|rug").on_hand, numbers(log, LAMP).on_hand)
