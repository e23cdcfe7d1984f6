"""What the stock of one item is, by example: instants, gaps, the basis of a percentage."""

from itertools import permutations

import msgspec
import pytest

from atp_stream.domain.stock import results
from atp_stream.domain.stock.facts import MAX_SUM, Fact
from atp_stream.domain.stock.rows import Location, Stock
from tests.domain.support.folded_item import Item, adjustment, count, delta, item_with
from tests.domain.support.product import narrow_rows

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


def test_what_came_in_at_the_moment_of_a_count_is_taken_as_included() -> None:
    assert 20 == item_with(count(5, 20), delta(5, 3)).stock.on_hand


def test_sales_at_the_moment_of_a_count_still_count() -> None:
    facts = [count(5, 100), *(delta(5, -1, f"sale {number}") for number in range(5))]
    assert 95 == item_with(*facts).stock.on_hand
    assert 95 == item_with(*reversed(facts)).stock.on_hand


def test_a_sale_at_the_moment_of_an_adjustment_is_taken_as_included() -> None:
    assert 20 == item_with(adjustment(5, -2, 20), delta(5, -3)).stock.on_hand


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


@pytest.mark.parametrize("units", [MAX_SUM, -MAX_SUM])
def test_a_sum_stops_at_a_limit_that_every_row_can_hold(units: int) -> None:
    assert units == item_with(delta(1, units), delta(2, units)).location().value


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


def test_the_gap_is_measured_from_the_newest_count_however_much_was_stated_between() -> None:
    item = item_with(count(1, 100), adjustment(2, -1, 98), adjustment(3, -1, 97), adjustment(4, -1, 97))
    assert (97, 0) == (item.stock.on_hand, item.stock.gap)


def test_a_late_count_is_where_the_gap_is_measured_from() -> None:
    item = item_with(adjustment(1, 5, 50), adjustment(9, -1, 40), count(4, 44), delta(6, -2))
    assert (40, -1) == (item.stock.on_hand, item.stock.gap)


def test_an_earlier_first_absolute_is_where_the_gap_is_measured_from() -> None:
    item = item_with(adjustment(5, 5, 50), adjustment(9, -1, 40), adjustment(2, 1, 48))
    assert -12 == item.stock.gap


def test_a_sale_at_the_moment_of_the_base_leaves_no_gap() -> None:
    item = item_with(count(1, 100), adjustment(5, -1, 96), delta(1, -3))
    assert 0 == item.stock.gap


# What is in doubt asks what was before


@pytest.mark.parametrize("late", [count(1, 30), adjustment(1, 2, 30)], ids=str)
def test_what_was_before_may_come_after_what_is_in_doubt(late: Fact) -> None:
    item = item_with(adjustment(5, -10, 20), adjustment(5, 10, 30), adjustment(5, 0, 7))
    assert 7 == item.stock.on_hand
    item.takes(late)
    assert 30 == item.stock.on_hand


def test_a_delta_in_front_of_what_is_in_doubt_counts_in_what_is_expected() -> None:
    item = item_with(count(1, 25), adjustment(5, -10, 20), adjustment(5, 10, 30), adjustment(5, 0, 7))
    assert 7 == item.stock.on_hand
    item.takes(delta(3, 5))
    assert 30 == item.stock.on_hand


def test_moments_in_doubt_one_after_the_other_are_decided_by_the_last_one_that_is_sure() -> None:
    doubtful = [adjustment(5, -5, 15), adjustment(5, 5, 20), adjustment(7, -5, 15), adjustment(7, 5, 20)]
    for order in permutations([count(1, 20), *doubtful]):
        item = item_with(*order)
        assert (20, 0) == (item.stock.on_hand, item.stock.gap)


def test_deltas_between_moments_in_doubt_are_looked_back_over() -> None:
    first, second = [adjustment(5, -5, 15), adjustment(5, 5, 20)], [adjustment(9, -5, 18), adjustment(9, 5, 23)]
    for order in permutations([count(1, 20), *first, *second, delta(7, 3)]):
        assert 23 == item_with(*order).stock.on_hand


def test_a_row_of_moments_in_doubt_is_looked_back_over_to_the_last_one_that_is_sure() -> None:
    doubtful = [fact for at in (9, 7, 5) for fact in (adjustment(at, -5, 15), adjustment(at, 5, 20))]
    item = item_with(*doubtful, delta(2, 1), delta(3, 2))
    assert 15 == item.stock.on_hand
    item.takes(count(1, 17))
    assert (20, 0) == (item.stock.on_hand, item.stock.gap)


def test_without_anything_before_the_smallest_value_of_each_moment_in_doubt_holds() -> None:
    first, second = [adjustment(5, -5, 15), adjustment(5, 5, 20)], [adjustment(9, -5, 18), adjustment(9, 5, 23)]
    item = item_with(*second, delta(7, 3), *first)
    assert 18 == item.stock.on_hand


def test_a_delta_in_front_of_several_moments_in_doubt_counts_in_what_each_of_them_expects() -> None:
    first, second = [adjustment(2, -1, 4), adjustment(2, 1, 5)], [adjustment(3, -2, 3), adjustment(3, 2, 5)]
    item = item_with(*first, *second)
    assert (3, -1) == (item.stock.on_hand, item.stock.gap)
    item.takes(delta(1, 5))
    assert (5, 0) == (item.stock.on_hand, item.stock.gap)


def test_what_is_forgotten_cannot_show_what_was_before_a_moment_in_doubt() -> None:
    item = item_with(count(1, 30))
    item.generation = 2
    for fact in (
        adjustment(5, -5, 15),
        adjustment(5, 5, 20),
        adjustment(9, -5, 25),
        adjustment(9, -1, 17),
        delta(5, 3),
    ):
        item.takes(fact)
    assert 17 == item.stock.on_hand


def test_nor_what_was_before_the_moment_in_doubt_behind_it() -> None:
    item = item_with(count(1, 30))
    item.generation = 2
    for first, second in (((9, 18), (9, 23)), ((5, 15), (5, 20)), ((12, 17), (12, 18))):
        moved = second[1] - first[1]
        item.takes(adjustment(first[0], -moved, first[1]))
        item.takes(adjustment(second[0], moved, second[1]))
    assert 17 == item.stock.on_hand


def test_what_is_stamped_as_the_newest_that_is_forgotten_shows_nothing_though_it_is_kept() -> None:
    with narrow_rows(2):
        item = item_with(adjustment(50, 0, 30))
        for generation, facts in enumerate(
            (
                [delta(50, 1), delta(51, 1), delta(52, 1), delta(53, 1)],
                [adjustment(90, -3, 30), adjustment(90, 3, 33), adjustment(60, -5, 28), adjustment(60, 5, 33)],
            ),
            1,
        ):
            item.generation = generation
            for fact in facts:
                item.takes(fact)
    assert (50, None, 30) == (item.location().forgotten_at_us, item.location().p_end, item.stock.on_hand)


def test_the_gap_counts_from_the_smallest_value_where_what_was_before_a_base_in_doubt_is_forgotten() -> None:
    item = item_with(delta(1, 30))
    item.generation = 2
    for fact in (adjustment(5, -5, 15), adjustment(5, 5, 20), adjustment(9, 2, 18)):
        item.takes(fact)
    assert (18, 1) == (item.stock.on_hand, item.stock.gap)


def test_the_look_back_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "MAX_LOOK_BACK", 2)
    doubtful = [adjustment(9, -5, 15), adjustment(9, 5, 20), adjustment(8, 5, 20), adjustment(8, -5, 15)]
    near = item_with(count(1, 20), delta(2, -1), delta(3, 1), *doubtful)
    far = item_with(count(1, 20), *(delta(at, 0) for at in (2, 3, 4)), *doubtful)
    assert (20, 15) == (item_with(count(1, 20), delta(3, 0), *doubtful).stock.on_hand, far.stock.on_hand)
    assert near.stock.on_hand == 15


def test_an_end_whose_moment_is_forgotten_stays_as_it_was() -> None:
    item = item_with(adjustment(5, -10, 20), adjustment(5, 10, 30), adjustment(5, 0, 7))
    item.generation = 2
    item.takes(delta(6, 1))
    assert (8, 5) == (item.stock.on_hand, item.location().forgotten_at_us)


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
    row = msgspec.json.decode(msgspec.json.encode(item.location()), type=Location)
    assert (item.stock, item.location()) == (stock, row)
