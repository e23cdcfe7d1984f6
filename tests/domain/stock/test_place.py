"""Which facts still count: what is known, what is certainly new, and what is forgotten."""

import pytest

from atp_stream.domain.state.overlay import State
from atp_stream.domain.stock.facts import Fact, Outcome, StockRules
from atp_stream.domain.stock.place import MAX_IDS, Place, mark_of
from atp_stream.domain.stock.rows import Location, Span
from atp_stream.domain.stock.spans import FORGOTTEN
from tests.domain.support.folded_item import Item, adjustment, count, delta, item_with


def marks(item: Item) -> int:
    """Return how many event ids have rows of their own."""
    return sum("|K|" in key for key in item.rows)


def marks_of(item: Item, generation: int) -> int:
    """Return how many of a generation do."""
    return sum(key.startswith(f"|g|{generation:08x}|K|") for key in item.rows)


def in_generation(item: Item, generation: int) -> Item:
    item.generation = generation
    return item


# Known event ids


def test_a_known_event_changes_nothing() -> None:
    item = item_with(count(1, 10), delta(2, 5, "x"))
    before = dict(item.rows)
    assert (Outcome.DUPLICATE, 15) == (item.takes(delta(3, 5, "x")), item.stock.on_hand)
    assert before == item.rows


def test_an_event_of_another_location_or_kind_is_another_one() -> None:
    item = item_with(delta(2, 5, "x"))
    assert Outcome.APPLIED == item.takes(delta(2, 5, "x"), "north")
    assert (Outcome.APPLIED, 7) == (item.takes(count(3, 2, "x")), item.stock.on_hand)


@pytest.mark.parametrize("generation", [0, 1])
def test_events_beyond_those_that_the_row_has_room_for_are_known_by_rows_of_their_own(generation: int) -> None:
    item = item_with(*(delta(at, 1) for at in range(100)))
    assert 100 - MAX_IDS == marks(item)
    in_generation(item, generation)
    assert {Outcome.DUPLICATE} == {item.takes(delta(at, 1)) for at in range(100)}


def test_the_name_of_an_event_is_the_same_in_each_version() -> None:
    assert [
        "cq4K2GXvuYECEBWK",
        "OHLq/PAIzGXpa9QH",
        "ZHW1PPnwmMr0PBaK",
        "X/gpwWqJl8x72LQy",
    ] == [
        mark_of(fact, location)
        for fact, location in (
            (count(1, 5, "x"), "north"),
            (delta(1, 5, "x"), "north"),
            (delta(1, 5, "hx"), "nort"),
            (delta(1, 5, "x"), ""),
        )
    ]


def side_by_side(marks: str) -> list[str]:
    return [marks[place : place + 16] for place in range(0, len(marks), 16)]


@pytest.mark.parametrize("marks", ["", "b" * 16, "xaaaaaaaaaaaaaaa" + "axxxxxxxxxxxxxxx"])
def test_a_mark_is_not_found_across_two_others(marks: str) -> None:
    rows = State(lambda _: None, lambda _: iter(()))
    place = Place(rows, "acme|lamp", "", "acme|lamp|L|", Location(generation=0, ids=marks), StockRules(), 0)
    assert not place.knows("a" * 16)


@pytest.mark.parametrize("generation", [0, 1])
def test_the_oldest_event_goes_first(generation: int) -> None:
    item = in_generation(item_with(*(delta(at, 1) for at in range(MAX_IDS))), generation)
    item.takes(delta(100, 1))
    row = item.location()
    assert [f"|g|00000000|K|acme|lamp|{mark_of(delta(0, 1), '')}"] == [key for key in item.rows if "|K|" in key]
    assert [mark_of(delta(at, 1), "") for at in [*range(1, MAX_IDS), 100]] == side_by_side(row.ids_before + row.ids)


def test_rows_of_both_generations_are_looked_up() -> None:
    item = in_generation(item_with(*(delta(at, 1) for at in range(MAX_IDS + 1))), 1)
    for at in range(100, 101 + MAX_IDS):
        item.takes(delta(at, 1))
    assert {0: MAX_IDS + 1, 1: 1} == {number: marks_of(item, number) for number in (0, 1)}
    assert {Outcome.DUPLICATE} == {item.takes(delta(at, 1)) for at in (0, 1, 100, 101)}


def test_an_event_of_the_generation_before_is_marked_in_that_one() -> None:
    item = in_generation(item_with(*(delta(at, 1) for at in range(MAX_IDS))), 1)
    item.takes(delta(100, 1))
    assert ["|g|00000000|K"] == [key[:13] for key in item.rows if "|K|" in key]
    assert Outcome.DUPLICATE == item.takes(delta(0, 1))


def test_what_is_known_of_the_generation_before_is_so_until_that_is_over() -> None:
    item = item_with(delta(2, 1, "x"))
    in_generation(item, 1).takes(delta(3, 1, "y"))
    assert Outcome.DUPLICATE == item.takes(delta(4, 1, "x"))
    assert Outcome.APPLIED == in_generation(item, 2).takes(delta(4, 1, "x"))


def test_rows_of_generations_name_the_item_and_the_location() -> None:
    item = Item()
    for at in range(100):
        for location in ("north", "south"):
            item.takes(delta(at, 1), location)
            item.ships(at, 1, location)
    assert {"acme|lamp|"} == {key[14:24] for key in item.rows if "|K|" in key}
    assert {"F|acme|lamp|north|", "F|acme|lamp|south|"} == {key[12:30] for key in item.rows if "|F|" in key}
    assert {"X|acme|lamp|north|", "X|acme|lamp|south|", "X|acme|lamp||"} == {
        key[12 : key.rindex("|") + 1] for key in item.rows if "|X|" in key
    }


def test_an_event_beyond_two_generations_is_no_longer_known() -> None:
    item = in_generation(item_with(delta(5, 1)), 2)
    assert (Outcome.APPLIED, 2) == (item.takes(delta(6, 1, "delta 5 1")), item.stock.on_hand)


def test_a_fact_a_generation_writes_no_marks() -> None:
    item = Item()
    for number in range(2 * MAX_IDS):
        in_generation(item, number).takes(delta(number, 1))
    assert (0, 2 * MAX_IDS) == (marks(item), item.stock.on_hand)


def test_marks_of_the_generation_before_last_are_not_asked_for() -> None:
    item = in_generation(item_with(*(delta(at, 1) for at in range(30))), 1)
    item.takes(delta(99, 1))
    in_generation(item, 2).takes(delta(100, 1))
    item.reads = 0
    assert Outcome.STALE == item.takes(delta(0, 1))
    assert 1 == item.reads


# What is forgotten


def forgetful(*facts: Fact) -> Item:
    """Return an item whose facts are all forgotten."""
    return in_generation(item_with(*facts), 2)


def test_a_fact_behind_all_that_is_forgotten_counts_however_late_it_is() -> None:
    item = forgetful(count(10, 100))
    assert (Outcome.APPLIED, 95) == (item.takes(delta(11, -5)), item.stock.on_hand)


def test_a_movement_in_front_of_a_newer_absolute_is_past_once_it_cannot_be_judged() -> None:
    item = forgetful(count(10, 100))
    before = dict(item.rows)
    assert {Outcome.PAST} == {item.takes(fact) for fact in (delta(9, -5), adjustment(9, -5, 95), count(9, 95))}
    assert (100, before) == (item.stock.on_hand, item.rows)


def test_a_movement_that_ships_a_reservation_is_stale_where_others_are_past() -> None:
    assert Outcome.STALE == forgetful(count(10, 100)).takes(adjustment(9, -5, 95, reservation=True))


@pytest.mark.parametrize("fact", [delta(10, -5), count(10, 95)], ids=lambda fact: fact.id)
def test_a_fact_of_the_moment_of_the_newest_absolute_is_stale_once_it_cannot_be_judged(fact: Fact) -> None:
    item = forgetful(count(10, 100))
    assert (Outcome.STALE, 100) == (item.takes(fact), item.stock.on_hand)


def test_where_nothing_was_stated_what_cannot_be_judged_is_stale() -> None:
    item = forgetful(delta(10, 100))
    assert (Outcome.STALE, 100) == (item.takes(delta(10, -5)), item.stock.on_hand)


def test_what_came_in_the_generation_before_is_remembered() -> None:
    item = in_generation(item_with(count(10, 100)), 1)
    assert (Outcome.LATE, 100) == (item.takes(delta(9, -5)), item.stock.on_hand)
    assert -1 == item.location().forgotten_at_us


def test_what_is_forgotten_goes_by_the_greatest_stamp_that_came_so_early() -> None:
    item = item_with(delta(50, 1))
    in_generation(item, 1).takes(delta(30, 1))
    in_generation(item, 2).takes(delta(51, 1))
    assert (50, 30) == (item.location().forgotten_at_us, item.location().before_at_us)
    in_generation(item, 9).takes(delta(52, 1))
    assert (51, -1) == (item.location().forgotten_at_us, item.location().before_at_us)


def test_what_is_forgotten_stays_so_while_only_shipments_come() -> None:
    item = item_with(delta(50, 1))
    in_generation(item, 1).takes(delta(30, 1))
    for generation in (2, 4):
        in_generation(item, generation).ships(60, 1)
        assert 50 == item.location().forgotten_at_us
    assert Outcome.STALE == item.takes(delta(40, 1))


def test_what_came_before_windows_without_a_fact_is_forgotten() -> None:
    item = item_with(delta(30, 1))
    for generation in (1, 4):
        in_generation(item, generation).ships(60, 1)
    assert (30, -1) == (item.location().forgotten_at_us, item.location().before_at_us)


def test_instants_that_are_forgotten_leave_the_row_and_those_behind_them_stay() -> None:
    item = item_with(count(10, 100), delta(15, 1), delta(20, 1))
    in_generation(item, 1).takes(delta(30, 1))
    in_generation(item, 2).takes(delta(40, 1))
    assert (20, [30, 40]) == (item.location().facts.edge_us, [one.at_us for one in item.location().facts.tail])


def test_forgotten_spans_that_an_absolute_may_still_ask_for_stay() -> None:
    item = item_with(rules=StockRules(skew_us=10))
    place = in_generation(item, 2)._step()[1].place("north")
    place.row.generation, place.row.newest_at_us, place.row.included_at_us = 0, 100, 200
    place.row.shipments.spans = [Span(FORGOTTEN, 0, 80, 90, 1), Span(FORGOTTEN, 1, 85, 91, 1)]
    place.turn()
    assert [91] == [
        span.greatest_at_us for span in place.row.shipments.spans
    ]  # one stamped 101 asks what left behind 91


def test_a_moment_of_the_generation_before_takes_in_more() -> None:
    item = in_generation(item_with(count(10, 100)), 1)
    item.takes(delta(10, -3))
    assert 97 == item.stock.on_hand


def test_a_moment_that_went_to_a_chunk_in_the_generation_before_takes_in_more() -> None:
    item = in_generation(item_with(count(5, 100), *(delta(at, 1) for at in range(6, 46))), 1)
    item.takes(delta(5, -3))
    assert 137 == item.stock.on_hand


def test_another_location_is_not_held_to_what_one_has_forgotten() -> None:
    item = forgetful(count(100, 10))
    assert (Outcome.APPLIED, 3) == (item.takes(count(1, 3), "south"), item.stock.on_hand)


def test_a_late_fact_says_so() -> None:
    assert Outcome.LATE == item_with(count(10, 100)).takes(delta(9, -5))


def test_hundreds_of_facts_of_one_second_count_and_each_is_known() -> None:
    item = Item()
    for number in range(400):
        item.takes(adjustment(5, -1, 400 - number - 1))
    assert 0 == item.stock.on_hand
    assert Outcome.DUPLICATE == item.takes(adjustment(5, -1, 399))
