"""Until when a shipment is missing from the stock, and what several places come to, by example."""

from tests.domain.support.log import adjust
from tests.domain.support.stock_item import Item, adjustment, count, delta, item_with

SECOND = 1_000_000

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
    item = item_with(count(1, 10), skew=10)
    item.ships(5 * SECOND, 3)
    item.takes(count(15 * SECOND - 1, 8))
    assert 5 == item.stock.on_hand
    item.takes(count(15 * SECOND, 8))
    assert 8 == item.stock.on_hand


def test_by_a_lead_an_absolute_includes_what_left_just_after_it() -> None:
    item = item_with(count(10 * SECOND, 10), skew=-2)
    item.ships(12 * SECOND, 3)
    assert 10 == item.stock.on_hand
    item.ships(12 * SECOND + 1, 3)
    assert 7 == item.stock.on_hand


def test_a_new_skew_holds_for_absolutes_that_come_from_then_on() -> None:
    item = item_with(count(10 * SECOND, 10), skew=60)
    item.ships(5 * SECOND, 3)
    item.lives_by(0)
    assert 7 == item.stock.on_hand
    item.takes(count(11 * SECOND, 10))
    assert 10 == item.stock.on_hand


def test_what_is_included_stays_included_under_a_new_skew() -> None:
    item = item_with(count(10 * SECOND, 10))
    item.ships(5 * SECOND, 3)
    item.lives_by(60)
    item.takes(adjustment(11 * SECOND, 1, 11))
    assert 11 == item.stock.on_hand


def test_deltas_alone_never_include_a_shipment() -> None:
    item = item_with(delta(1, 10))
    item.ships(2, 3)
    item.takes(delta(3, 1))
    assert 8 == item.stock.on_hand


def test_a_shipment_of_a_place_with_absolutes_waits_for_that_one_alone() -> None:
    item = item_with(count(1, 10, "north"), count(1, 20, "south"))
    item.ships(2, 3, "north")
    item.takes(count(3, 20, "south"))
    assert 27 == item.stock.on_hand
    item.takes(count(3, 8, "north"))
    assert 28 == item.stock.on_hand


def test_a_shipment_of_no_counted_place_waits_for_every_place_that_has_an_absolute() -> None:
    item = item_with(count(1, 10, "north"), count(1, 20, "south"), delta(1, 5, "west"))
    item.ships(2, 3, "west")
    item.takes(count(3, 20, "south"))
    assert 32 == item.stock.on_hand
    item.takes(count(3, 8, "north"))
    assert 33 == item.stock.on_hand


def test_the_first_absolute_of_its_place_takes_a_shipment_over_from_the_others() -> None:
    item = item_with(count(1, 10, "north"))
    item.ships(5, 3, "south")
    item.takes(count(6, 10, "north"))
    assert 10 == item.stock.on_hand
    item.takes(count(2, 20, "south"))
    assert 27 == item.stock.on_hand


def test_places_that_are_counted_in_turn_include_what_left_none_of_them() -> None:
    places = [f"store {number}" for number in range(7)]
    item = item_with(*(count(1, 10, place) for place in places))
    for day in range(70):
        item.ships(10 * day + 2, 1)
        item.takes(count(10 * day + 3, 10, places[day % 7]))
    assert 70 - 7 < item.stock.on_hand <= 70
    for place in places:
        item.takes(count(1_000, 10, place))
    assert 70 == item.stock.on_hand


# Told by adjustments as well


def test_units_that_also_left_by_an_adjustment_leave_once() -> None:
    item = item_with(count(1, 10))
    order = item.ships(5, 3)
    item.takes(adjustment(4, -3, 7, reservation=order))
    assert 7 == item.stock.on_hand


def test_only_as_many_units_are_taken_back_as_the_adjustment_reports() -> None:
    item = item_with(count(1, 10, "north"))
    order = item.ships(5, 3, "north")
    item.takes(delta(6, -2, "north", reservation=order))
    assert 7 == item.stock.on_hand


def test_what_left_two_places_left_twice() -> None:
    item = item_with(count(1, 10, "north"), count(1, 10, "south"))
    order = item.ships(5, 3, "north")
    item.takes(delta(6, -3, "south", reservation=order))
    assert 14 == item.stock.on_hand


def test_a_shipment_that_is_taken_back_and_that_an_absolute_included_moves_its_gap_only() -> None:
    item = item_with(count(1, 10))
    order = item.ships(2, 4)
    item.takes(adjustment(3, 5, 11))
    assert (11, 0) == item.stock[:2]
    item.takes(delta(2, -4, reservation=order))
    assert (11, 0) == item.stock[:2]
    item.log.say(adjust(-4, at=2, reservation="another"))
    assert (11, 4) == item.stock[:2]


# Several places


def test_on_hand_is_the_sum_of_the_places() -> None:
    item = item_with(count(1, 10, "north"), count(2, 5, "south"), delta(3, 1))
    assert (16, False) == (item.stock.on_hand, item.stock.split)


def test_of_absolutes_with_and_without_a_place_the_smaller_sum_holds_and_is_flagged() -> None:
    item = item_with(count(1, 10, "north"), count(2, 5, "south"), count(3, 12))
    assert (12, True) == (item.stock.on_hand, item.stock.split)
    item.takes(delta(4, -6, "south"))
    assert (9, True) == (item.stock.on_hand, item.stock.split)


def test_each_of_the_two_sums_subtracts_what_it_does_not_include_yet() -> None:
    item = item_with(count(1, 10, "north"), count(5, 6))
    item.ships(3, 4, "north")
    assert 6 == item.stock.on_hand
    item.takes(count(6, 9, "north"))
    assert 6 == item.stock.on_hand
    item.takes(count(7, 20))
    assert 9 == item.stock.on_hand


def test_what_the_absolutes_with_a_place_do_not_include_is_missing_in_their_sum() -> None:
    item = item_with(count(1, 10, "north"), count(9, 20))
    item.ships(5, 4)
    assert 6 == item.stock.on_hand


def test_an_absolute_without_a_place_includes_what_left_before_its_skew() -> None:
    item = item_with(count(5 * SECOND, 10), count(SECOND, 100, "north"), skew=2)
    item.ships(3 * SECOND, 1)
    item.ships(4 * SECOND, 4)
    assert 6 == item.stock.on_hand


def test_of_two_equal_sums_the_one_that_withholds_more_is_used() -> None:
    named = item_with(count(1, 100, "north"), delta(2, -50, "north"), count(1, 50))
    bare = item_with(count(1, 100), delta(2, -50), count(1, 50, "north"))
    assert [(50, 100), (50, 100)] == [(item.stock.on_hand, item.stock.basis) for item in (named, bare)]


def test_of_two_sums_that_are_equal_in_all_that_with_places_is_used() -> None:
    item = item_with(count(1, 45, "north"), adjustment(2, 2, 50, "north"), count(1, 50))
    assert (50, 3) == item.stock[:2]


def test_an_item_of_which_nothing_is_known_holds_nothing() -> None:
    assert (0, 0, 0, False) == Item().stock
