"""Shipments of an item that has several locations: which absolutes include them, and what is read for it."""

import msgspec
import pytest

from atp_stream.domain.shipments import Left, Shipment
from atp_stream.domain.stock.facts import StockRules, counted
from tests.domain.stock_item import RULES, Item, adjustment, count, delta, item_with


def two_locations(*, tail: int = 64) -> Item:
    """Return an item with absolutes in the north up to stamp 3, in the south up to 10."""
    item = item_with(count(1, 10), count(3, 10), location="north", rules=StockRules(tail=tail))
    for at in (1, 9, 10):
        item.takes(count(at, 20), "south")
    return item


def test_a_shipment_of_a_location_with_absolutes_is_forgotten_when_its_own_floor_includes_it() -> None:
    item = two_locations(tail=1)
    item.ships(10, 1, "south")
    item.takes(count(11, 19), "south")
    assert {} == item.stock.shipments


@pytest.mark.parametrize("at", [8, 9])
def test_what_its_own_floor_includes_is_not_taken_back_out_of_others_that_were_merged_around_it(at: int) -> None:
    item = two_locations(tail=1)
    item.stock.shipments = {"south": [Left(12, 5, 8)]}
    assert (0, 5) == (item.takes_back(at, 3, "south"), item.stock.shipments["south"][0].quantity)


def test_a_shipment_just_behind_its_floor_is_taken_back() -> None:
    item = two_locations(tail=1)
    item.ships(10, 5, "south")
    assert (3, 2) == (item.takes_back(10, 3, "south"), item.stock.shipments["south"][0].quantity)


def test_a_late_shipment_and_its_end_read_its_own_location_alone() -> None:
    item = two_locations()
    item.reads = 0
    item.ships(2, 4, "south")
    assert 1 == item.reads
    item.takes_back(2, 4, "south")
    assert 2 == item.reads


def test_what_the_absolute_of_its_own_location_includes_is_merged_first() -> None:
    item = item_with(count(1, 10), location="north")
    item.takes(count(100, 1_000), "south")
    for at in range(50, 115):
        item.ships(at, 9 if at <= 100 else 1, "south")
    assert list(range(101, 115)) == [one.at for one in item.stock.shipments["south"]][-14:]


def test_what_is_included_is_not_merged_with_what_is_not_however_little_it_costs() -> None:
    item = item_with(count(100, 1_000))
    item.ships(100, 1)
    item.ships(101, 1)
    for number in range(1, 64):
        item.ships(101 + 100 * number, 1)
    assert (936, [100, 1, 100]) == (item.stock.on_hand, msgspec.to_builtins(item.stock.shipments[""][0]))


def test_a_late_fact_that_raises_the_floor_lets_it_see_what_was_shipped() -> None:
    item = item_with(count(1, 10), rules=StockRules(tail=2))
    item.ships(2, 4)
    for fact in (adjustment(3, 5, 11), adjustment(6, 1, 12), delta(4, 0)):
        item.takes(fact)
    assert (0, 3) == (item.stock.gap, item.rows[""].floor_at)


@pytest.mark.parametrize("at", [8, 9])
def test_a_shipment_that_the_floor_of_its_own_location_includes_changes_nothing(at: int) -> None:
    item = two_locations(tail=1)
    item.ships(at, 3, "south")
    assert ({}, 30) == (item.stock.shipments, item.stock.on_hand)


def test_what_left_another_location_with_absolutes_explains_no_gap() -> None:
    item = two_locations()
    item.ships(11, 4, "south")
    item.takes(adjustment(12, 0, 6), "north")
    assert -4 == item.stock.gap


def test_what_left_a_location_explains_a_gap_there_and_where_no_location_is_named() -> None:
    item = two_locations()
    item.ships(11, 4, "south")
    item.takes(adjustment(12, 0, 16), "south")
    assert 0 == item.stock.gap
    other = item_with(count(1, 10), location="north")
    other.takes(count(1, 5))
    other.ships(2, 4, "north")
    other.takes(adjustment(3, 0, 1))
    assert (1, 0) == (other.stock.on_hand, other.stock.gap)


def test_what_explains_a_gap_left_before_the_skew() -> None:
    item = item_with(count(5, 10), rules=StockRules(skew=2))
    item.ships(4, 4)
    item.ships(7, 3)
    item.takes(adjustment(6, 0, 6))
    assert 0 == item.stock.gap


def test_what_left_no_known_location_is_missing_until_the_absolutes_with_a_location_include_it() -> None:
    item = item_with(count(1, 10), location="north")
    item.takes(count(9, 20))
    item.ships(5, 4)
    assert 6 == item.stock.on_hand


def test_a_late_shipment_leaves_what_every_floor_includes_as_it_is() -> None:
    item = item_with(*(count(at, 10) for at in (1, 3, 5)), rules=StockRules(tail=1))
    item.ships(4, 1)
    item.ships(2, 3)
    assert {"": [[4, 1, 4]]} == msgspec.to_builtins(item.stock.shipments)


def test_what_the_absolutes_with_a_location_do_not_include_is_missing_in_their_sum() -> None:
    item = item_with(count(1, 10), location="north")
    item.takes(count(1, 20))
    item.ships(2, 4, "north")
    assert 6 == item.stock.on_hand


# What on hand is made of


def test_a_shipment_that_counts_names_its_location() -> None:
    item = two_locations()
    item.ships(11, 4, "south")
    places, shipped = counted(item.stock, RULES)
    assert ([("north", 10), ("south", 20)], [Shipment(at=11, quantity=4, location="south")]) == (places, shipped)


def test_what_the_absolute_of_its_own_location_includes_does_not_count_whatever_the_others_include() -> None:
    item = two_locations()
    item.ships(5, 4, "south")
    assert [] == counted(item.stock, RULES).shipped


def test_what_the_absolutes_with_a_location_include_does_not_count_in_their_sum() -> None:
    item = item_with(count(5, 10), location="north")
    item.takes(count(1, 20))
    item.ships(3, 4, "north")
    assert (10, ([("north", 10)], [])) == (item.stock.on_hand, counted(item.stock, RULES))


def test_an_absolute_without_a_location_includes_what_left_before_its_skew() -> None:
    rules = StockRules(skew=2)
    item = item_with(count(5, 10), rules=rules)
    item.takes(count(1, 100), "north")
    item.ships(3, 1)
    item.ships(4, 4)
    assert ([("", 10)], [Shipment(at=4, quantity=4)]) == counted(item.stock, rules)


def test_of_two_equal_sums_the_one_that_withholds_more_is_counted() -> None:
    item = item_with(count(1, 100), delta(2, -50), location="north")
    item.takes(count(1, 50))
    assert (100, [("north", 50)]) == (item.stock.basis, counted(item.stock, RULES).places)
    other = item_with(count(1, 100), delta(2, -50))
    other.takes(count(1, 50), "north")
    assert (100, [("", 50)]) == (other.stock.basis, counted(other.stock, RULES).places)


def test_of_two_sums_that_are_equal_in_all_that_with_locations_is_counted() -> None:
    item = item_with(count(1, 45), adjustment(2, 2, 50), location="north")
    item.takes(count(1, 50))
    assert (3, [("north", 50)]) == (item.stock.gap, counted(item.stock, RULES).places)
