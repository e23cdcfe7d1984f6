"""What the stock of one item is, by example: instants, gaps, the basis of a percentage."""

from itertools import permutations

import pytest

from tests.domain.support.stock_item import Fact, Item, adjustment, count, delta, item_with

# Golden numbers


def test_counts_and_deltas_give_the_same_on_hand_in_every_order_of_arrival() -> None:
    facts = [count(10, 100), delta(20, -5), count(30, 80), delta(40, 7), delta(40, -2)]
    assert {85} == {item_with(*order).stock.on_hand for order in permutations(facts)}


@pytest.mark.parametrize("before", [[], [count(1, 9)], [count(1, 10)], [delta(1, 10)]])
def test_of_two_counts_of_one_instant_the_smaller_holds_whatever_was_before(before: list[Fact]) -> None:
    orders = permutations([*before, count(5, 10), count(5, 8)])
    assert {8} == {item_with(*order).stock.on_hand for order in orders}


@pytest.mark.parametrize("first", [count(1, 20), count(5, 20), delta(1, 20)])
def test_a_sale_and_a_restock_of_one_instant_never_promise_more_than_was_there(first: Fact) -> None:
    promised = set()
    for order in permutations([first, adjustment(5, -5, 15), adjustment(5, 5, 20)]):
        item = Item()
        for fact in order:
            item.takes(fact)
            promised.add(item.stock.on_hand)
    assert 20 == max(promised)


# Instants


def test_deltas_without_an_absolute_add_up_from_nothing() -> None:
    assert 7 == item_with(delta(1, 10), delta(2, -3)).stock.on_hand


def test_an_absolute_holds_whatever_the_deltas_say() -> None:
    assert 50 == item_with(delta(1, 10), adjustment(2, 5, 50)).stock.on_hand


def test_a_chain_of_adjustments_of_one_instant_ends_where_its_links_lead() -> None:
    item = item_with(count(1, 20), adjustment(5, -3, 12), adjustment(5, -5, 15), adjustment(5, 8, 20))
    assert 20 == item.stock.on_hand


def test_the_values_that_a_chain_passes_through_are_not_its_end() -> None:
    assert 10 == item_with(count(1, 99), adjustment(5, 3, 8), adjustment(5, 2, 10)).stock.on_hand


def test_the_values_that_a_chain_leaves_are_not_its_end() -> None:
    assert 10 == item_with(count(1, 99), adjustment(5, 2, 10), count(5, 10), adjustment(5, 3, 8)).stock.on_hand


def test_of_the_stamp_of_a_count_a_receipt_is_in_it_and_a_sale_without_an_absolute_is_not() -> None:
    assert (17, 20) == item_with(count(5, 20), delta(5, 3), delta(5, -3)).stock[::2]


def test_a_sale_of_the_stamp_of_a_count_that_states_its_own_absolute_is_a_link_as_any_other() -> None:
    assert 17 == item_with(count(5, 20), adjustment(5, -3, 17)).stock.on_hand


def test_a_delta_beside_an_adjustment_of_its_instant_is_taken_as_included() -> None:
    assert 20 == item_with(adjustment(5, 1, 20), delta(5, -3)).stock.on_hand


def test_sales_of_the_stamp_of_a_count_are_gone_from_what_is_expected_later() -> None:
    item = item_with(count(1, 20), delta(1, -5), adjustment(5, -5, 10), adjustment(5, -7, 3))
    assert (3, 0) == item.stock[:2]
    doubtful = item_with(count(1, 20), delta(1, -5), adjustment(5, -5, 10), adjustment(5, 5, 15))
    assert 15 == doubtful.stock.on_hand


def test_of_two_loose_ends_the_expected_one_holds() -> None:
    item = item_with(count(1, 30), adjustment(5, -10, 20), adjustment(5, 10, 30), adjustment(5, 0, 7))
    assert 30 == item.stock.on_hand


def test_of_two_loose_ends_without_the_expected_one_the_smaller_holds() -> None:
    assert 15 == item_with(count(1, 100), adjustment(5, -5, 15), adjustment(5, -1, 60)).stock.on_hand


def test_in_doubt_the_smallest_value_that_is_stated_holds_though_a_chain_passes_through_it() -> None:
    assert 5 == item_with(count(1, 99), adjustment(5, -5, 5), adjustment(5, 2, 7), adjustment(5, 0, 60)).stock.on_hand


def test_what_is_expected_is_an_end_only_if_a_chain_ends_there() -> None:
    item = item_with(count(1, 6), adjustment(5, -1, 5), adjustment(5, 1, 6), adjustment(5, 3, 9), adjustment(5, -3, 6))
    assert 6 == item.stock.on_hand


def test_what_was_held_before_an_instant_in_doubt_may_itself_have_been_in_doubt() -> None:
    to_and_fro = [adjustment(5, -1, 9), adjustment(5, 1, 10), adjustment(6, -1, 9), adjustment(6, 1, 10)]
    assert (10, 0) == item_with(count(1, 10), *to_and_fro).stock[:2]


def test_a_count_beside_a_chain_is_one_of_its_links() -> None:
    assert 20 == item_with(count(1, 99), count(5, 15), adjustment(5, 5, 20)).stock.on_hand


def test_a_count_links_no_other_value_to_its_own() -> None:
    assert 14 == item_with(count(1, 99), adjustment(5, -6, 14), count(5, 15)).stock.on_hand


def test_a_chain_may_pass_through_zero() -> None:
    assert 5 == item_with(count(1, 99), adjustment(5, -3, 0), adjustment(5, 5, 5)).stock.on_hand


def test_when_two_counts_disagree_the_expected_end_does_not_help() -> None:
    assert 8 == item_with(count(1, 10), count(5, 10), count(5, 8)).stock.on_hand


def test_a_negative_stock_is_kept() -> None:
    item = item_with(count(1, 5), delta(2, -8))
    assert (-3, -1) == (item.stock.on_hand, (item.takes(delta(3, 2)), item.stock.on_hand)[1])


def test_a_value_stops_at_a_limit_that_every_row_can_hold() -> None:
    item = item_with(*(delta(at, 99_999_999_999_999) for at in range(1, 13)))
    assert 10**15 == item.stock.on_hand


# Gap


def test_a_complete_history_has_no_gap() -> None:
    item = item_with(adjustment(1, 10, 10), delta(2, 4), adjustment(3, -3, 11), delta(4, -1))
    assert (10, 0) == (item.stock.on_hand, item.stock.gap)


def test_a_lost_event_shows_as_its_delta() -> None:
    item = item_with(adjustment(1, 10, 10), adjustment(3, 5, 12), adjustment(4, 1, 13))
    assert (13, -3) == (item.stock.on_hand, item.stock.gap)


def test_its_late_arrival_closes_the_gap() -> None:
    item = item_with(adjustment(1, 10, 10), adjustment(3, 5, 12), adjustment(4, 1, 13), adjustment(2, -3, 7))
    assert (13, 0) == (item.stock.on_hand, item.stock.gap)


def test_a_count_starts_without_a_gap() -> None:
    item = item_with(adjustment(1, 10, 10), adjustment(3, 5, 12), count(4, 99))
    assert 0 == item.stock.gap


def test_a_shipment_that_an_absolute_is_the_first_to_include_explains_it() -> None:
    item = item_with(count(1, 10))
    item.ships(2, 4)
    item.takes(adjustment(3, 5, 11))
    assert (11, 0) == (item.stock.on_hand, item.stock.gap)


def test_a_shipment_that_adjustments_report_too_makes_no_gap() -> None:
    item = item_with(count(1, 10), adjustment(2, -4, 6))
    item.ships(2, 4)
    item.takes(adjustment(3, 5, 11))
    assert (11, 0) == (item.stock.on_hand, item.stock.gap)


@pytest.mark.parametrize("at", [2, 3])
def test_a_shipment_that_arrives_after_the_absolute_explains_it_all_the_same(at: int) -> None:
    item = item_with(count(1, 10), adjustment(3, 5, 11))
    assert -4 == item.stock.gap
    item.ships(at, 4)
    assert (11, 0) == (item.stock.on_hand, item.stock.gap)


def test_where_a_shipment_explains_as_much_as_it_adds_the_plain_difference_is_the_gap() -> None:
    item = item_with(count(1, 10))
    item.ships(2, 4)
    item.takes(adjustment(3, 0, 8))
    assert -2 == item.stock.gap


def test_the_gap_stops_at_a_limit_that_every_row_can_hold() -> None:
    item = item_with(count(0, 0), *(adjustment(at, 99_999_999_999_999, 0) for at in range(1, 13)))
    assert -(10**15) == item.stock.gap


def test_what_lies_between_the_last_count_and_the_newest_absolute_makes_one_gap() -> None:
    item = item_with(count(1, 10), adjustment(2, -1, 8), adjustment(3, -1, 8), adjustment(4, 1, 9))
    assert 0 == item.stock.gap


def test_what_left_another_place_with_absolutes_explains_no_gap() -> None:
    item = item_with(count(1, 10, "north"), count(1, 20, "south"))
    item.ships(2, 4, "south")
    item.takes(adjustment(3, 0, 6, "north"))
    assert -4 == item.stock.gap


def test_what_left_no_known_place_explains_no_gap_of_one() -> None:
    item = item_with(count(1, 10, "north"))
    item.ships(2, 4)
    item.takes(adjustment(3, 0, 6, "north"))
    assert -4 == item.stock.gap


def test_what_left_anywhere_explains_a_gap_where_no_place_is_named() -> None:
    item = item_with(count(1, 10, "north"), count(1, 5))
    item.ships(2, 4, "north")
    item.takes(adjustment(3, 0, 1))
    assert (1, 0) == item.stock[:2]


def test_what_explains_a_gap_left_before_the_skew() -> None:
    item = item_with(count(5_000_000, 10), skew=2)
    item.ships(4_000_000, 4)
    item.ships(7_000_000, 3)
    item.takes(adjustment(6_000_000, 0, 6))
    assert 0 == item.stock.gap


# The basis of a percentage


def test_neither_a_shipment_nor_a_delta_moves_the_basis() -> None:
    item = item_with(count(1, 100))
    item.ships(2, 30)
    item.takes(delta(3, -10))
    assert (60, 100) == (item.stock.on_hand, item.stock.basis)


def test_an_adjustment_that_ships_a_reservation_does_not_move_the_basis() -> None:
    item = item_with(count(1, 100), adjustment(2, -30, 70, reservation="r"))
    assert (70, 100) == (item.stock.on_hand, item.stock.basis)


def test_of_an_instant_that_also_ships_a_reservation_the_basis_is_where_the_others_ended() -> None:
    item = item_with(count(1, 20), adjustment(5, -5, 15), adjustment(5, -2, 13, reservation="r"))
    assert (13, 15) == (item.stock.on_hand, item.stock.basis)


def test_a_basis_in_doubt_is_the_largest_for_that_withholds_most() -> None:
    item = item_with(count(5, 20), adjustment(5, -5, 40), adjustment(5, -2, 13, reservation="r"))
    assert (13, 40) == (item.stock.on_hand, item.stock.basis)


def test_the_basis_is_the_sum_of_the_locations() -> None:
    assert 111 == item_with(count(1, 100, "north"), count(1, 11, "south"), delta(2, 5)).stock.basis
