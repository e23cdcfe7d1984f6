"""What left no location that has an absolute, and which location decides how long it is missing."""

from atp_stream.domain.stock.facts import StockRules
from atp_stream.domain.stock.homeless import refresh
from atp_stream.domain.stock.rows import Shipped, Span
from atp_stream.domain.stock.spans import FORGOTTEN, MAX_BARE_SPANS
from tests.domain.support.folded_item import Item, count, delta, item_with


def oldest(item: Item) -> tuple[int, str]:
    return item.stock.oldest_us, item.stock.oldest_at


def dated(item: Item) -> list[str]:
    """Return what the rows say by which locations are found in the order of what they include."""
    return sorted(f"{int(key[12:28], 16)} {key[28:]}" for key in item.rows if key.startswith("acme|lamp|N|"))


def two_counted(at: int = 10, also_at: int = 20) -> Item:
    item = item_with(count(at, 100), location="north")
    item.takes(count(also_at, 50), "south")
    return item


# Which location decides


def test_the_first_location_with_an_absolute_decides() -> None:
    item = item_with(count(10, 100), location="north")
    assert ((10, "north"), ["10 north"]) == (oldest(item), dated(item))


def test_of_several_that_of_the_oldest_newest_absolute_decides() -> None:
    assert (10, "north") == oldest(two_counted())
    assert (20, "south") == oldest(two_counted(at=30))


def test_of_two_of_one_stamp_the_first_to_come_goes_on_to_decide() -> None:
    assert (20, "north") == oldest(two_counted(at=20))


def test_a_location_without_a_name_never_decides() -> None:
    item = item_with(count(20, 100), location="north")
    item.takes(count(10, 50))
    assert ((20, "north"), ["20 north"]) == (oldest(item), dated(item))


def test_a_row_lags_behind_its_location_until_it_is_the_first() -> None:
    item = two_counted()
    item.takes(count(30, 50), "south")
    assert ((10, "north"), ["10 north", "20 south"]) == (oldest(item), dated(item))


def test_once_the_first_is_counted_anew_the_next_decides_when_it_is_looked_up() -> None:
    item = two_counted()
    item.takes(count(30, 50), "south")
    item.ships(25, 4)
    item.takes(count(40, 100), "north")
    assert ((30, "south"), ["30 south", "40 north"]) == (oldest(item), dated(item))
    assert (150, 0) == (item.stock.on_hand, item.stock.homeless)


def test_the_skew_sets_the_border_off() -> None:
    item = item_with(count(10, 100), location="north", rules=StockRules(skew_us=3))
    assert ((7, "north"), ["7 north"]) == (oldest(item), dated(item))


def test_of_two_that_came_under_different_skews_the_one_that_includes_less_decides() -> None:
    item = item_with(count(10, 100), location="north", rules=StockRules(skew_us=0))
    item.rules = StockRules(skew_us=8)
    item.takes(count(15, 50), "south")
    assert (7, "south") == oldest(item)
    item.ships(8, 4)
    assert (4, 146) == (item.stock.homeless, item.stock.on_hand)


def test_what_a_location_includes_stays_included_under_a_greater_skew() -> None:
    item = item_with(count(10, 100), location="north", rules=StockRules(skew_us=0))
    item.rules = StockRules(skew_us=8)
    item.ships(10, 4)
    item.takes(count(11, 96), "north")
    assert ((10, "north"), 0, 96) == (oldest(item), item.stock.homeless, item.stock.on_hand)


def test_a_late_absolute_under_a_smaller_skew_includes_more() -> None:
    item = item_with(count(20, 100), location="north", rules=StockRules(skew_us=8))
    item.ships(14, 4)
    assert (4, 96) == (item.stock.homeless, item.stock.on_hand)
    item.rules = StockRules(skew_us=0)
    item.takes(count(15, 70), "north")
    assert ((15, "north"), 0, 100) == (oldest(item), item.stock.homeless, item.stock.on_hand)


def test_to_look_up_what_is_known_changes_nothing() -> None:
    item = two_counted()
    item.ships(15, 4)
    state, fold = item._step()
    refresh(fold)
    assert ({}, (10, "north"), 4) == (state.changed, oldest(item), item.stock.homeless)


def test_without_any_location_nothing_is_looked_up() -> None:
    state, fold = Item()._step()
    refresh(fold)
    assert ({}, -1) == (state.changed, fold.stock.oldest_us)


# What is missing of it


def test_what_left_at_the_border_is_included_and_what_left_behind_it_is_missing() -> None:
    item = two_counted()
    item.ships(10, 4)
    assert (0, 150) == (item.stock.homeless, item.stock.on_hand)
    item.ships(11, 4)
    assert (4, 146) == (item.stock.homeless, item.stock.on_hand)


def test_while_no_location_has_an_absolute_it_is_only_noted() -> None:
    item = item_with(delta(1, 100))
    item.ships(5, 4)
    assert (4, 96) == (item.stock.homeless, item.stock.on_hand)
    item.takes(count(4, 50), "north")
    assert (4, 146) == (item.stock.homeless, item.stock.on_hand)
    item.takes(count(5, 50), "north")
    assert (0, 150) == (item.stock.homeless, item.stock.on_hand)


def test_a_location_that_is_older_than_the_oldest_lets_more_be_missing() -> None:
    item = item_with(count(20, 100), location="north")
    item.ships(15, 4)
    assert 100 == item.stock.on_hand
    item.takes(count(10, 50), "south")
    assert (4, 146, (10, "south")) == (item.stock.homeless, item.stock.on_hand, oldest(item))


def test_a_location_that_is_older_by_the_skew_counts_so() -> None:
    item = item_with(count(20, 100), location="north", rules=StockRules(skew_us=5))
    item.ships(5, 3)
    item.ships(6, 4)
    item.takes(count(10, 50), "south")
    assert 4 == item.stock.homeless


# The first absolute of a location


def left_south(*shipments: tuple[int, int], at: int = 10) -> Item:
    """Return an item with a counted north, which units left by way of the south."""
    item = item_with(count(at, 100), location="north")
    for stamp, units in shipments:
        item.ships(stamp, units, "south")
    return item


def test_the_first_absolute_of_a_location_takes_over_what_left_it() -> None:
    item = left_south((8, 1), (15, 4), (25, 7))
    assert (11, 89) == (item.stock.homeless, item.stock.on_hand)
    item.takes(count(20, 50), "south")
    assert (0, 100 + 50 - 7) == (item.stock.homeless, item.stock.on_hand)
    assert [Shipped(8, 1, 0), Shipped(15, 4, 0), Shipped(25, 7, 0)] == item.location("").shipments.tail


def test_what_left_others_stays_homeless() -> None:
    item = left_south((15, 4))
    item.ships(16, 2, "west")
    item.ships(17, 1)
    item.takes(count(20, 50), "south")
    assert (3, 147) == (item.stock.homeless, item.stock.on_hand)


def test_what_is_left_is_missing_by_the_border_that_the_new_location_sets() -> None:
    item = left_south((15, 4), at=30)
    item.ships(16, 2)
    item.ships(35, 1)
    assert 1 == item.stock.homeless
    item.takes(count(12, 50), "south")
    assert (3, 100 + 50 - 4 - 3, (12, "south")) == (item.stock.homeless, item.stock.on_hand, oldest(item))


def test_the_very_first_absolute_takes_over_from_what_no_border_includes_yet() -> None:
    item = Item()
    item.ships(15, 4, "south")
    item.ships(16, 2)
    item.takes(count(20, 50), "south")
    assert (0, 50) == (item.stock.homeless, item.stock.on_hand)
    item.ships(25, 1)
    assert 49 == item.stock.on_hand


def test_an_old_border_that_has_been_passed_is_looked_up_before_something_is_taken_over() -> None:
    item = left_south((15, 4), (45, 2))
    item.takes(count(40, 100), "north")
    item.takes(count(20, 50), "south")
    assert (0, 148, (20, "south")) == (item.stock.homeless, item.stock.on_hand, oldest(item))


def test_a_location_that_nothing_left_takes_nothing_over() -> None:
    item = item_with(count(10, 100), location="north")
    item.ships(15, 4)
    rows = dict(item.rows)
    item.takes(count(20, 50), "south")
    assert rows["acme|lamp|L|"] == item.rows["acme|lamp|L|"]
    assert (4, 146) == (item.stock.homeless, item.stock.on_hand)


def test_what_went_to_chunks_is_taken_over_too() -> None:
    item = item_with(count(10, 100), location="north")
    for stamp in range(20, 60):
        item.ships(stamp, 1, "south")
        item.ships(stamp, 2)
    assert 120 == item.stock.homeless
    item.takes(count(39, 50), "south")
    assert (80, 100 + 50 - 80 - 20) == (item.stock.homeless, item.stock.on_hand)
    assert (80, 80) == (sum_of_homeless(item), sum_of_homeless(item))


def sum_of_homeless(item: Item) -> int:
    return item._step()[1].place("").departures.total_behind(-1, homeless=True)


# What is forgotten


def forgotten_south(behind: int) -> Item:
    """Return an item of whose south only the sums of one span from 100 to 200 are known; `behind` is a border."""
    item = item_with(count(behind, 100), location="north")
    item.generation = 5
    state, fold = item._step()
    south, bare = fold.turned("south"), fold.turned("")
    south.row.shipments.spans = [Span(FORGOTTEN, 0, 100, 200, 10, -3)]
    bare.row.shipments.spans = [Span(FORGOTTEN, 0, 100, 200, 10, -3, 10, -3)]
    south.put()
    bare.put()
    item.stock.homeless = bare.departures.total_behind(behind, homeless=True)
    item._commit(state)
    return item


def spans_of_all(item: Item) -> list[Span]:
    return item.location("").shipments.spans


def test_of_a_forgotten_span_behind_the_border_exactly_what_left_is_taken_over() -> None:
    item = forgotten_south(behind=99)
    assert 7 == item.stock.homeless
    item.takes(count(300, 50), "south")
    assert (0, 150) == (item.stock.homeless, item.stock.on_hand)
    assert [Span(FORGOTTEN, 0, 100, 200, 10, -3, 13, -13)] == spans_of_all(item)


def test_of_a_forgotten_span_that_the_border_splits_the_least_that_it_can_have_been_is_taken_over() -> None:
    item = forgotten_south(behind=150)
    assert 10 == item.stock.homeless
    item.takes(count(300, 50), "south")
    assert (10 + 3, 100 + 50 - 13) == (item.stock.homeless, item.stock.on_hand)


def test_of_a_forgotten_span_in_front_of_the_border_nothing_is_taken_over() -> None:
    item = forgotten_south(behind=200)
    item.takes(count(300, 50), "south")
    assert (0, 150) == (item.stock.homeless, item.stock.on_hand)


def test_what_remains_of_it_goes_once_the_border_has_passed() -> None:
    item = forgotten_south(behind=150)
    item.takes(count(300, 50), "south")
    item.takes(count(301, 100), "north")
    assert (0, 150) == (item.stock.homeless, item.stock.on_hand)


def split_by_the_border(*south: Shipped, homeless: int) -> Item:
    """Return an item with a border at 150 that splits a forgotten span, of which more is known: the sum that runs."""
    item = item_with(count(150, 100), location="north")
    item.generation = 5
    state, fold = item._step()
    place, bare = fold.turned("south"), fold.turned("")
    place.row.shipments.tail = list(south)
    bare.row.shipments.tail = [Shipped(one.at_us, one.units, one.units) for one in south]
    bare.row.shipments.spans = [Span(FORGOTTEN, 0, 100, 200, 10, 0, 10, 0)]
    place.put()
    bare.put()
    item.stock.homeless = homeless
    item._commit(state)
    return item


def test_the_sum_that_runs_holds_where_it_is_less_than_the_sum_anew() -> None:
    item = split_by_the_border(Shipped(300, 3), homeless=4 + 3)
    item.takes(count(400, 50), "south")
    assert (4, 146) == (item.stock.homeless, item.stock.on_hand)


def test_what_left_at_the_border_is_not_in_the_sum_that_runs() -> None:
    item = split_by_the_border(Shipped(150, 3), homeless=4)
    item.takes(count(400, 50), "south")
    assert (4, 146) == (item.stock.homeless, item.stock.on_hand)


def test_the_sum_anew_holds_where_it_is_less_than_the_sum_that_runs() -> None:
    item = split_by_the_border(Shipped(300, 3), homeless=20 + 3)
    item.takes(count(400, 50), "south")
    assert (10, 140) == (item.stock.homeless, item.stock.on_hand)


def test_a_forgotten_span_that_begins_at_the_border_is_split_by_it() -> None:
    item = forgotten_south(behind=100)
    item.takes(count(300, 50), "south")
    assert (13, 137) == (item.stock.homeless, item.stock.on_hand)


def test_a_forgotten_span_that_ends_at_the_border_lies_in_front_of_it() -> None:
    item = split_by_the_border(homeless=4)
    state, fold = item._step()
    south = fold.turned("south")
    south.row.shipments.spans = [Span(FORGOTTEN, 1, 120, 150, 5, -3)]
    south.put()
    item._commit(state)
    item.takes(count(400, 50), "south")
    assert (4, 146) == (item.stock.homeless, item.stock.on_hand)


def test_spans_that_are_taken_over_are_no_more_than_there_may_be() -> None:
    item = item_with(count(5, 100), location="north")
    item.generation = 5
    state, fold = item._step()
    south, bare = fold.turned("south"), fold.turned("")
    south.row.shipments.spans = [Span(FORGOTTEN, 99, 990, 991, 1)]
    bare.row.shipments.spans = [
        Span(FORGOTTEN, number, 10 * number, 10 * number + 1, 1, 0, 1) for number in range(MAX_BARE_SPANS)
    ]
    south.put()
    bare.put()
    item._commit(state)
    item.takes(count(2_000, 50), "south")
    spans = spans_of_all(item)
    assert (MAX_BARE_SPANS, Span(FORGOTTEN, 99, 990, 991, 0, 0, 0, -1)) == (len(spans), spans[-1])
    assert [Span(FORGOTTEN, 0, 0, 1, 1, 0, 1), Span(FORGOTTEN, 2, 10, 21, 2, 0, 2)] == spans[:2]  # the border is 5
