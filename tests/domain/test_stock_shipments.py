"""Until when a shipment is missing from the stock."""

import msgspec
import pytest

from atp_stream.domain.stock import Fact, StockRules, derive
from tests.domain.stock_item import Item, adjustment, count, delta, item_with

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
    item = item_with(count(1, 10), rules=StockRules(skew=10))
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
    assert (7, 0) == (item.stock.on_hand, item.stock.gap)
    item.takes(count(2, 20), "south")
    assert (24, -3) == (item.stock.on_hand, item.stock.gap)


def test_a_shipment_that_every_floor_includes_is_forgotten() -> None:
    item = item_with(count(1, 10), rules=StockRules(tail=2))
    item.ships(2, 3)
    for at in (3, 4, 5):
        item.takes(count(at, 7))
    assert (7, {}) == (item.stock.on_hand, item.stock.shipments)


def test_a_shipment_of_the_very_stamp_of_an_absolute_in_the_floor_is_forgotten() -> None:
    item = item_with(count(1, 10), rules=StockRules(tail=1))
    item.ships(3, 3)
    item.takes(count(3, 7))
    item.takes(count(4, 7))
    assert {} == item.stock.shipments


def test_a_shipment_that_one_floor_does_not_include_is_kept() -> None:
    item = item_with(count(1, 10), location="north", rules=StockRules(tail=1))
    item.takes(count(1, 10), "south")
    item.ships(2, 3)
    item.ships(9, 1)
    item.takes(count(3, 7), "north")
    item.takes(count(4, 7), "north")
    item.takes(count(3, 10), "south")
    item.takes(count(5, 10), "south")
    assert ([9], 16) == ([left.at for left in item.stock.shipments[""]], item.stock.on_hand)


@pytest.mark.parametrize("at", [2, 4])
def test_a_shipment_not_younger_than_what_every_floor_includes_changes_nothing(at: int) -> None:
    item = item_with(*(count(at, 7) for at in (3, 4, 5)), rules=StockRules(tail=1))
    before = msgspec.json.encode(item.stock)
    item.ships(at, 3)
    assert before == msgspec.json.encode(item.stock)


def test_a_shipment_in_order_reads_no_location() -> None:
    item = item_with(count(10, 10), rules=StockRules(skew=5))
    item.reads = 0
    item.ships(8, 3)
    assert 0 == item.reads


def test_a_fact_in_order_reads_its_own_location_alone() -> None:
    item = item_with(count(1, 10), location="north")
    item.takes(count(1, 10), "south")
    item.ships(2, 3, "south")
    item.reads = 0
    item.takes(count(3, 7), "south")
    assert 1 == item.reads


def test_a_new_skew_holds_at_once_when_the_stock_is_derived_again() -> None:
    item = item_with(count(10, 10))
    item.ships(5, 3)
    assert 10 == item.stock.on_hand
    derive(item.stock, StockRules(skew=6))
    assert 7 == item.stock.on_hand


def test_units_that_also_left_by_an_adjustment_are_taken_back() -> None:
    item = item_with(count(1, 10))
    item.ships(5, 3)
    item.takes(adjustment(4, -3, 7, reservation=True))
    assert 4 == item.stock.on_hand
    item.takes_back(5, 3)
    assert (7, {}) == (item.stock.on_hand, item.stock.shipments)


def test_a_part_of_a_shipment_is_taken_back() -> None:
    item = item_with(count(1, 10), location="north")
    item.ships(5, 3, "north")
    item.ships(6, 1, "north")
    item.takes_back(5, 2, "north")
    assert 8 == item.stock.on_hand


def test_taking_back_more_than_was_shipped_gives_nothing_away() -> None:
    item = item_with(count(1, 10))
    item.ships(5, 3)
    item.ships(7, 2)
    assert (3, 8) == (item.takes_back(5, 9), item.stock.on_hand)


@pytest.mark.parametrize(("at", "location"), [(4, ""), (6, ""), (8, ""), (5, "north")])
def test_taking_back_what_is_not_kept_changes_nothing(at: int, location: str) -> None:
    item = item_with(count(1, 10))
    item.ships(5, 3)
    item.ships(7, 3)
    assert (0, 4) == (item.takes_back(at, 3, location), item.stock.on_hand)


def test_taking_back_a_shipment_that_an_absolute_includes_moves_its_gap_only() -> None:
    item = item_with(count(1, 10))
    item.ships(2, 4)
    item.takes(adjustment(3, 5, 11))
    item.takes_back(2, 4)
    assert (11, -4) == (item.stock.on_hand, item.stock.gap)


# Bounds of shipments


def test_many_shipments_are_merged_without_losing_a_unit() -> None:
    item = item_with(count(0, 10_000))
    for at in range(1, 1001):
        item.ships(at, 1)
        assert len(item.stock.shipments[""]) <= 64
    assert 9_000 == item.stock.on_hand


def test_merging_spreads_over_the_whole_time_so_that_a_count_in_between_still_includes_most() -> None:
    item = item_with(count(0, 10_000))
    for at in range(1, 1001):
        item.ships(at, 1)
    item.takes(count(500, 9_500))
    assert 8_950 <= item.stock.on_hand <= 9_000


def test_shipments_that_are_included_already_are_merged_first() -> None:
    item = item_with(count(100, 1000))
    for at in range(50, 114):
        item.ships(at, 10)
    item.ships(200, 1)
    assert list(range(101, 114)) == [left.at for left in item.stock.shipments[""]][-14:-1]
    assert 1000 - 131 == item.stock.on_hand


def test_what_is_included_is_merged_with_what_is_not_only_when_nothing_else_is_left() -> None:
    item = item_with(count(1, 10), location="store 0")
    for number in range(64):
        item.ships(2, 1, f"store {number}")
    item.takes(count(3, 9), "store 0")
    item.ships(4, 1, "store 0")
    assert [[4, 2, 2]] == msgspec.to_builtins(item.stock.shipments["store 0"])


def test_one_shipment_of_each_of_many_locations_is_kept() -> None:
    item = Item()
    for number in range(100):
        item.ships(2, 1, f"store {number}")
    assert (-100, 100) == (item.stock.on_hand, len(item.stock.shipments))


@pytest.mark.parametrize("stamp", [2, 3, 4])
def test_a_shipment_within_the_span_of_a_merged_one_joins_it(stamp: int) -> None:
    item = Item()
    for at in range(2, 132, 2):
        item.ships(at, 1)
    item.ships(stamp, 1)
    assert ([4, 3, 2], -66) == (msgspec.to_builtins(item.stock.shipments[""][0]), item.stock.on_hand)


def units_after(shipped: list[tuple[int, int]]) -> list[int]:
    """Return the units that are told apart after shipments of (time since the one before, units)."""
    item, at = Item(), 0
    for pause, units in shipped:
        at += pause
        item.ships(at, units)
    return [left.quantity for left in item.stock.shipments[""]]


def test_as_many_shipments_as_fit_are_all_told_apart() -> None:
    assert [1] * 64 == units_after([(1, 1)] * 64)


def test_neighbours_of_equal_cost_are_merged_in_pairs_not_in_one_heap() -> None:
    assert [2] * 16 + [1] * 33 == units_after([(1, 1)] * 65)


def test_the_latest_are_merged_in_pairs_too_where_they_cost_least() -> None:
    assert [1] * 33 + [2] * 16 == units_after([(100 - place, 1) for place in range(65)])


def test_neighbours_close_in_time_are_merged_before_distant_ones() -> None:
    assert [1] * 32 + [2] * 16 + [1] == units_after([(1000, 1)] * 33 + [(1, 1)] * 32)


def test_units_count_as_much_as_time_in_what_a_merge_costs() -> None:
    assert [50] * 32 + [2] * 16 + [1] == units_after([(50, 50)] * 32 + [(1000, 1)] * 33)


def test_what_the_newest_absolute_just_includes_is_merged_first() -> None:
    item = item_with(count(100, 1000))
    item.ships(10, 500)
    for at in range(100, 164):
        item.ships(at, 1)
    assert [[100, 501, 10], [102, 2, 101]] == msgspec.to_builtins(item.stock.shipments[""][:2])


def test_units_of_a_merged_shipment_can_be_taken_back() -> None:
    item = Item()
    for at in range(2, 132, 2):
        item.ships(at, 1)
    item.takes_back(2, 1)
    assert -64 == item.stock.on_hand


def test_where_there_is_no_room_for_its_location_a_shipment_has_none() -> None:
    item = Item()
    for number in range(160):
        item.takes(count(1, 1), f"store {number}")
    item.ships(2, 5, "one more")
    assert ([""], 155) == (list(item.stock.shipments), item.stock.on_hand)


def test_at_its_bounds_the_stock_of_an_item_is_under_40_kilobytes() -> None:
    item = Item(StockRules(tail=2))
    stamp = 4_102_444_800_000_000
    names = [f"{number:03d}{'x' * 32}" for number in range(159)]
    for name in names:
        for at in range(4):
            item.takes(adjustment(stamp + at, 99_999_999_999_999, -99_999_999_999_999), name)
        item.ships(stamp + 10**9, 99_999_999_999_999, name)
        item.ships(stamp + 10**9 + 1, 99_999_999_999_999, name)
    assert 30_000 < len(msgspec.json.encode(item.stock)) < 40_000


def test_at_its_bounds_a_location_is_under_64_kilobytes() -> None:
    item = Item(StockRules(tail=100))
    for at in range(150):
        item.takes(Fact(4_102_444_800_000_000 + at, '"' * 250 + f"{at:05d}", -99_999_999_999_999, -99_999_999_999_999))
    assert 50_000 < len(msgspec.json.encode(item.rows[""])) < 64_000
