"""What the stock of one item is, by example: instants, gaps, the basis of a percentage."""

from itertools import permutations

import msgspec
import pytest

from atp_stream.domain.stock import Fact, Location, Stock, StockRules
from tests.domain.stock_item import Item, adjustment, count, delta, item_with

# Golden numbers


def test_counts_and_deltas_give_the_same_on_hand_in_every_order_of_arrival() -> None:
    facts = [count(10, 100), delta(20, -5), count(30, 80), delta(40, 7), delta(40, -2)]
    assert {85} == {item_with(*order).stock.on_hand for order in permutations(facts)}


@pytest.mark.parametrize("before", [[], [count(1, 9)], [count(1, 10)], [delta(1, 10)]], ids=str)
def test_of_two_counts_of_one_instant_the_smaller_holds_whatever_was_before(before: list[Fact]) -> None:
    orders = permutations([*before, count(5, 10), count(5, 8)])
    assert {8} == {item_with(*order).stock.on_hand for order in orders}


@pytest.mark.parametrize("first", [count(1, 20), count(5, 20), delta(1, 20)], ids=lambda fact: fact.id)
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


def test_a_delta_beside_absolutes_of_its_instant_is_taken_as_included() -> None:
    assert 20 == item_with(count(5, 20), delta(5, 3)).stock.on_hand


def test_of_two_loose_ends_the_expected_one_holds() -> None:
    item = item_with(count(1, 30), adjustment(5, -10, 20), adjustment(5, 10, 30), adjustment(5, 0, 7))
    assert 30 == item.stock.on_hand


def test_of_two_loose_ends_without_the_expected_one_the_smaller_holds() -> None:
    assert 15 == item_with(count(1, 100), adjustment(5, -5, 15), adjustment(5, -1, 60)).stock.on_hand


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


# The basis of a percentage


def test_neither_a_shipment_nor_a_delta_moves_the_basis() -> None:
    item = item_with(count(1, 100))
    item.ships(2, 30)
    item.takes(delta(3, -10))
    assert (60, 100) == (item.stock.on_hand, item.stock.basis)


def test_an_adjustment_that_ships_a_reservation_does_not_move_the_basis() -> None:
    item = item_with(count(1, 100), adjustment(2, -30, 70, reservation=True))
    assert (70, 100) == (item.stock.on_hand, item.stock.basis)


def test_of_an_instant_that_also_ships_a_reservation_the_basis_is_where_the_others_ended() -> None:
    item = item_with(count(1, 20), adjustment(5, -5, 15), adjustment(5, -2, 13, reservation=True))
    assert (13, 15) == (item.stock.on_hand, item.stock.basis)


def test_where_one_of_the_others_is_the_end_of_the_instant_the_basis_is_that() -> None:
    item = item_with(count(5, 20), adjustment(5, -5, 40), adjustment(5, -2, 60, reservation=True))
    assert (20, 20) == (item.stock.on_hand, item.stock.basis)


def test_a_basis_in_doubt_is_the_largest_for_that_withholds_most() -> None:
    item = item_with(count(5, 20), adjustment(5, -5, 40), adjustment(5, -2, 13, reservation=True))
    assert (13, 40) == (item.stock.on_hand, item.stock.basis)


def test_the_basis_is_the_sum_of_the_locations() -> None:
    item = item_with(count(1, 100), location="north")
    item.takes(count(1, 11), "south")
    item.takes(delta(2, 5))
    assert 111 == item.stock.basis


def test_rows_are_the_same_after_a_journey_through_json() -> None:
    item = item_with(count(1, 10), adjustment(2, -4, 6, reservation=True), delta(3, 1))
    item.ships(4, 1)
    stock = msgspec.json.decode(msgspec.json.encode(item.stock), type=Stock)
    row = msgspec.json.decode(msgspec.json.encode(item.rows[""]), type=Location)
    assert (item.stock, item.rows[""]) == (stock, row)


@pytest.mark.parametrize("document", [b'{"tail":0}', b'{"tail":101}', b'{"window":-1}', b'{"skew":-1}'])
def test_rules_out_of_bounds_are_no_policy(document: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(document, type=StockRules)


def test_rules_may_be_as_strict_as_can_be() -> None:
    rules = msgspec.json.decode(b'{"tail":1,"window":0,"skew":0}', type=StockRules)
    assert StockRules(tail=1, window=0, skew=0) == rules


def test_rules_that_are_not_stated_are_a_day_64_facts_and_no_skew() -> None:
    rules = msgspec.json.decode(b"{}", type=StockRules)
    assert (86_400_000_000, 64, 0) == (rules.window, rules.tail, rules.skew)
