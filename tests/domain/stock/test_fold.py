"""On hand of an item: the sums over its locations, and until when a shipment is missing from them."""

import msgspec
import pytest

from atp_stream.domain.stock.facts import MAX_SHOWN, MAX_SUM, Fact, StockRules
from atp_stream.domain.stock.rows import Shipped
from tests.domain.support.folded_item import Item, adjustment, count, delta, item_with

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


# Shipments


def test_a_shipment_is_missing_until_an_absolute_of_its_stamp_or_later_includes_it() -> None:
    item = item_with(count(1, 10))
    item.ships(5, 3)
    assert 7 == item.stock.on_hand
    item.takes(count(4, 10))
    assert 7 == item.stock.on_hand
    item.takes(count(5, 8))
    assert 8 == item.stock.on_hand


def test_an_absolute_within_the_skew_does_not_include_a_shipment_yet() -> None:
    item = item_with(count(1, 10), rules=StockRules(skew_us=10))
    item.ships(5, 3)
    item.takes(count(14, 8))
    assert 5 == item.stock.on_hand
    item.takes(count(15, 8))
    assert 8 == item.stock.on_hand


def test_deltas_alone_never_include_a_shipment() -> None:
    item = item_with(delta(1, 10))
    item.ships(2, 3)
    item.takes(delta(3, 1))
    assert 8 == item.stock.on_hand


def test_a_shipment_of_a_location_with_absolutes_waits_for_that_one_alone() -> None:
    item = item_with(count(1, 10), location="north")
    item.takes(count(1, 20), "south")
    item.ships(2, 3, "north")
    item.takes(count(3, 20), "south")
    assert 27 == item.stock.on_hand
    item.takes(count(3, 8), "north")
    assert 28 == item.stock.on_hand


def test_a_shipment_of_no_known_location_waits_for_every_location_that_has_an_absolute() -> None:
    item = item_with(count(1, 10), location="north")
    item.takes(count(1, 20), "south")
    item.takes(delta(1, 5), "west")
    item.ships(2, 3, "west")
    item.takes(count(3, 20), "south")
    assert 32 == item.stock.on_hand
    item.takes(count(3, 8), "north")
    assert 33 == item.stock.on_hand


def test_the_first_absolute_of_its_location_takes_a_shipment_over_from_the_others() -> None:
    item = item_with(count(1, 10), location="north")
    item.ships(5, 3, "south")
    item.takes(adjustment(6, 0, 7), "north")
    assert (7, -3) == (item.stock.on_hand, item.stock.gap)  # what left elsewhere explains nothing of it
    item.takes(count(2, 20), "south")
    assert (24, -3) == (item.stock.on_hand, item.stock.gap)


def test_units_that_also_left_by_an_adjustment_are_taken_back() -> None:
    item = item_with(count(1, 10))
    item.ships(5, 3)
    item.takes(adjustment(4, -3, 7, reservation=True))
    assert 4 == item.stock.on_hand
    item.takes_back(5, 3)
    assert 7 == item.stock.on_hand


def test_a_part_of_a_shipment_is_taken_back() -> None:
    item = item_with(count(1, 10), location="north")
    item.ships(5, 3, "north")
    item.ships(6, 1, "north")
    item.takes_back(5, 2, "north")
    assert 8 == item.stock.on_hand


def test_taking_back_a_shipment_that_an_absolute_includes_moves_its_gap_only() -> None:
    item = item_with(count(1, 10))
    item.ships(2, 4)
    item.takes(adjustment(3, 5, 11))
    item.takes_back(2, 4)
    assert (11, -4) == (item.stock.on_hand, item.stock.gap)


@pytest.mark.parametrize(("skew", "kept"), [(0, 7), (-2, 10), (2, 7)])
def test_a_negative_skew_lets_an_absolute_include_what_left_just_after_it(skew: int, kept: int) -> None:
    item = item_with(count(10, 10), rules=StockRules(skew_us=skew))
    item.ships(12, 3)
    assert kept == item.stock.on_hand


def test_any_number_of_shipments_is_kept_apart() -> None:
    item = item_with(count(0, 10_000))
    for at in range(1, 1001):
        item.ships(at, 1)
    assert 9_000 == item.stock.on_hand
    item.takes(count(500, 9_500))
    assert 9_000 == item.stock.on_hand
    item.takes_back(700, 1)
    assert 9_001 == item.stock.on_hand


def test_any_number_of_locations_is_kept_apart() -> None:
    item = Item()
    for number in range(500):
        item.takes(count(1, 1), f"store {number}")
    for number in range(160):
        item.takes(count(2, 0), f"store {number}")
    item.takes(count(2, 7), "new store")
    assert 347 == item.stock.on_hand


@pytest.mark.parametrize("units", [MAX_SUM, -MAX_SUM])
def test_on_hand_stops_before_sums_do(units: int) -> None:
    item = item_with(count(1, units), location="north")
    item.takes(delta(1, units))
    limit = MAX_SHOWN if units > 0 else -MAX_SHOWN
    assert (limit, units) == (item.stock.on_hand, item.stock.named.value)


def test_sums_that_are_known_already_are_not_asked_for_again() -> None:
    item = item_with(delta(1, 5), delta(9, 7))
    state, fold = item._step()
    fold.record(count(4, 100), "", {4: 7})
    item._commit(state)
    assert 107 == item.stock.on_hand


def test_the_stamp_up_to_which_a_location_cannot_be_judged_is_reported() -> None:
    item = item_with(count(9, 100))
    item.generation = 2
    assert (9, -1) == (item._step()[1].forgotten_at_us(""), item._step()[1].forgotten_at_us("north"))


# Bounds of rows


WIDE = 99_999_999_999_999
STAMP = 4_102_444_800_000_000


def largest(item: Item, kinds: str) -> int:
    return max(len(row) for key, row in item.rows.items() if any(f"|{kind}|" in key for kind in kinds))


def test_no_row_of_stock_comes_near_64_kilobytes() -> None:
    item = Item(StockRules(window_us=60_000_000))
    for number in range(3_000):
        at = STAMP + number // 4 * 1_000_000
        item.takes(Fact(at, '"' * 250 + f"{number:05d}", -WIDE + number, WIDE - 2 * number), "x" * 255)
        item.ships(at, WIDE, "x" * 255)
        item.ships(at + 1, WIDE)
    assert 10_000 < largest(item, "LFXC") < 50_000


def test_the_part_of_an_item_does_not_grow_with_its_locations() -> None:
    item = Item()
    for number in range(300):
        item.takes(adjustment(STAMP, WIDE, -WIDE), f"store {number}")
        item.ships(STAMP + 1, WIDE, f"store {number}")
    assert len(msgspec.json.encode(item.stock)) < 600


def shipped_in_windows(*locations: str, windows: int) -> Item:
    """Return an item that one unit leaves in each of so many windows, one after the other, in turn by each location."""
    item = item_with(count(1, 1_000), location="north", rules=StockRules(window_us=100))
    for number in range(windows):
        item.generation = number
        for location in locations:
            item.ships(100 * number + 50, 1, location)
    return item


def test_shipments_of_any_number_of_windows_are_kept_in_few_spans() -> None:
    item = shipped_in_windows("north", windows=200)
    assert (800, 16, 64) == (
        item.stock.on_hand,
        len(item.location("north").shipments.spans),
        len(item.location("").shipments.spans),
    )
    item.takes(count(19_849, 803), "north")  # two units left behind it, in windows that are remembered
    assert 801 == item.stock.on_hand


def test_what_left_a_location_is_homeless_in_the_row_without_a_name_alone() -> None:
    item = item_with(count(1, 10))
    item.ships(5, 3, "north")
    assert [Shipped(5, 3, 0)] == item.location("north").shipments.tail
    assert [Shipped(5, 3, 3)] == item.location("").shipments.tail


def test_shipments_of_no_location_are_included_up_to_the_oldest_named_absolute_else_by_their_own() -> None:
    item = item_with(count(30, 10), rules=StockRules(skew_us=5))
    fold = item._step()[1]
    assert 25 == fold.bare_border(fold.place(""))
    item.takes(count(20, 10), "north")
    fold = item._step()[1]
    assert 15 == fold.bare_border(fold.place(""))


def test_shipments_of_no_location_are_kept_in_few_spans_too() -> None:
    item = Item(StockRules(window_us=100))
    for number in range(200):
        item.generation = number
        item.ships(100 * number + 50, 1)
    assert (-200, 64) == (item.stock.on_hand, len(item.location("").shipments.spans))
