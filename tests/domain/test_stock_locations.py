"""Shipments of an item that has several locations: which absolutes include them, and what is read for it."""

import pytest

from atp_stream.domain.shipments import Left, Shipment
from atp_stream.domain.stock import StockRules, counted
from tests.domain.stock_item import RULES, Item, count, delta, item_with


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
    assert ([("north", 10)], []) == counted(item.stock, RULES)


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
    assert [("north", 50)] == counted(item.stock, RULES).places
    other = item_with(count(1, 100), delta(2, -50))
    other.takes(count(1, 50), "north")
    assert [("", 50)] == counted(other.stock, RULES).places


def test_of_two_sums_that_are_equal_in_all_that_with_locations_is_counted() -> None:
    item = item_with(count(1, 50), location="north")
    item.takes(count(1, 50))
    assert [("north", 50)] == counted(item.stock, RULES).places
