"""Which facts still count, and what the stock of several locations is."""

import msgspec
import pytest

from atp_stream.domain.errors import Refused
from atp_stream.domain.stock import Outcome, StockRules
from tests.domain.stock_item import HOUR, Item, count, delta, item_with

# Duplicates and the window


def test_a_known_event_changes_nothing() -> None:
    item = item_with(count(1, 10), delta(2, 5, "x"))
    assert (Outcome.DUPLICATE, 15) == (item.takes(delta(3, 5, "x")), item.stock.on_hand)


def test_a_fact_older_than_the_newest_by_more_than_the_window_is_stale_and_moves_nothing() -> None:
    item = item_with(count(30 * HOUR, 10))
    assert (Outcome.STALE, 10) == (item.takes(delta(6 * HOUR - 1, 5)), item.stock.on_hand)


def test_a_fact_just_within_the_window_is_applied() -> None:
    item = item_with(delta(30 * HOUR, 10))
    assert (Outcome.APPLIED, 15) == (item.takes(delta(6 * HOUR, 5)), item.stock.on_hand)


def test_facts_that_the_window_leaves_behind_become_the_floor() -> None:
    item = item_with(count(HOUR, 10), delta(2 * HOUR, 1), delta(26 * HOUR - 1, 1), delta(26 * HOUR, 1))
    assert (HOUR, 10, 13) == (item.rows[""].floor_at, item.rows[""].floor.value, item.stock.on_hand)


def test_facts_beyond_the_longest_tail_become_the_floor_and_what_is_older_is_stale() -> None:
    item = item_with(*(delta(at, 1) for at in (1, 2, 3, 4)), rules=StockRules(tail=2))
    assert (2, 2) == (item.rows[""].floor_at, len(item.rows[""].tail))
    assert (Outcome.STALE, 4) == (item.takes(delta(2, 7)), item.stock.on_hand)


def test_a_late_fact_that_only_just_fits_goes_into_the_floor() -> None:
    item = item_with(delta(2, 1), delta(3, 1), rules=StockRules(tail=2))
    assert (Outcome.APPLIED, 6, 1) == (item.takes(delta(1, 4)), item.stock.on_hand, item.rows[""].floor_at)


def test_an_instant_is_never_divided_between_floor_and_tail() -> None:
    item = item_with(delta(1, 1, "a"), delta(1, 1, "b"), delta(2, 1), rules=StockRules(tail=2))
    assert (1, 1) == (item.rows[""].floor_at, len(item.rows[""].tail))


def test_a_fact_of_a_newest_instant_that_is_full_is_stale() -> None:
    item = item_with(delta(1, 1, "a"), delta(1, 1, "b"), rules=StockRules(tail=2))
    assert (Outcome.STALE, 2) == (item.takes(delta(1, 1, "c")), item.stock.on_hand)


def test_a_known_event_of_a_full_instant_is_still_known() -> None:
    item = item_with(delta(1, 1, "a"), delta(1, 1, "b"), rules=StockRules(tail=2))
    assert Outcome.DUPLICATE == item.takes(delta(1, 1, "a"))


def test_a_shorter_tail_in_the_policy_keeps_the_newest_instant_whole() -> None:
    item = item_with(delta(1, 1), delta(2, 1, "a"), delta(2, 1, "b"), delta(2, 1, "c"))
    item.rules = StockRules(tail=2)
    item.takes(delta(1, 1, "late"))
    assert (1, 3, 5) == (item.rows[""].floor_at, len(item.rows[""].tail), item.stock.on_hand)


def test_the_first_fact_of_a_location_may_be_old() -> None:
    item = item_with(count(100 * HOUR, 10), location="north")
    assert (Outcome.APPLIED, 13) == (item.takes(count(HOUR, 3), "south"), item.stock.on_hand)


# Locations


def test_on_hand_is_the_sum_of_the_locations() -> None:
    item = item_with(count(1, 10), location="north")
    item.takes(count(2, 5), "south")
    item.takes(delta(3, 1))
    assert (16, False) == (item.stock.on_hand, item.stock.split)


def test_of_absolutes_with_and_without_a_location_the_smaller_sum_holds_and_is_flagged() -> None:
    item = item_with(count(1, 10), location="north")
    item.takes(count(2, 5), "south")
    item.takes(count(3, 12))
    assert (12, True) == (item.stock.on_hand, item.stock.split)
    item.takes(delta(4, -6), "south")
    assert (9, True) == (item.stock.on_hand, item.stock.split)


def test_each_of_the_two_sums_subtracts_what_it_does_not_include_yet() -> None:
    item = item_with(count(1, 10), location="north")
    item.takes(count(5, 6))
    item.ships(3, 4, "north")
    assert 6 == item.stock.on_hand
    item.takes(count(6, 9), "north")
    assert 6 == item.stock.on_hand
    item.takes(count(7, 20))
    assert 9 == item.stock.on_hand


def test_of_two_equal_sums_the_one_with_the_greater_basis_is_used() -> None:
    item = item_with(count(1, 10), location="north")
    item.takes(count(1, 12))
    item.takes(delta(2, -2))
    assert (10, 12) == (item.stock.on_hand, item.stock.basis)


def test_one_location_too_many_is_refused_and_changes_nothing() -> None:
    item = Item()
    for number in range(160):
        item.takes(count(1, 1), f"store {number}")
    item.takes(count(1, 1))
    before = msgspec.json.encode(item.stock)
    with pytest.raises(Refused) as refusal:
        item.takes(count(2, 1), "one more")
    assert "too_many_locations: 161 are known, 'one more' is not among them" == str(refusal.value)
    assert before == msgspec.json.encode(item.stock)


def test_names_of_locations_take_6000_bytes_in_all_and_no_more() -> None:
    item = Item()
    for number in range(60):
        item.takes(count(1, 1), f"{number:098d}")
    with pytest.raises(Refused):
        item.takes(count(1, 1), "x")


def test_long_names_of_locations_are_refused_before_they_fill_the_row() -> None:
    item = Item()
    for number in range(23):
        item.takes(count(1, 1), f"{number:0255d}")
    with pytest.raises(Refused):
        item.takes(count(1, 1), "9" * 255)


def test_an_item_that_lost_the_row_of_a_location_is_a_fault_of_ours() -> None:
    item = item_with(count(1, 10))
    item.rows.clear()
    with pytest.raises(LookupError):
        item.takes(delta(2, 1))
