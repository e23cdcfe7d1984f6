"""A fulfilment and an adjustment may tell of one movement; from different locations they tell of two."""

from itertools import permutations

import pytest

from atp_stream.domain.commands import AnyCommand
from atp_stream.domain.reservations.balances import allocated, shipped
from atp_stream.domain.state.rows import MatchedShipment
from tests.domain.support.log import AT, adjust, count, fulfil, reserve
from tests.domain.support.shipped import counted_shipments, log_with, on_hand


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_what_left_two_locations_is_taken_once_from_each_whichever_comes_first(order: tuple[int, ...]) -> None:
    log = log_with(north=10, south=10)
    log.say(reserve("a", 7))
    commands: list[AnyCommand] = [
        fulfil("a", 3, location="north"),
        fulfil("a", 4, location="south"),
        adjust(-3, location="north", reservation="a"),
        adjust(-4, location="south", reservation="a"),
    ]
    log.say(*(commands[place] for place in order))
    assert (13, 7, 0) == (on_hand(log), shipped(log.reservation("a")), allocated(log.reservation("a")))


def test_an_adjustment_of_one_location_takes_back_no_shipment_of_another() -> None:
    log = log_with(north=10, south=10)
    log.say(reserve("a", 8), fulfil("a", 4, location="north"), adjust(-4, location="south", reservation="a"))
    assert (12, [(0, 4, "north")]) == (on_hand(log), counted_shipments(log))
    assert (12, 0) == log.shows()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize(("event", "adjustment"), [("", "south"), ("south", ""), ("", ""), ("south", "south")])
def test_where_one_of_the_two_names_no_location_they_are_one_movement(
    event: str, adjustment: str, order: tuple[int, int]
) -> None:
    log = log_with(north=10, south=10)
    log.say(reserve("a", 8, location="north"))
    commands: list[AnyCommand] = [fulfil("a", 4, location=event), adjust(-4, location=adjustment, reservation="a")]
    log.say(*(commands[place] for place in order))
    assert (16, [], 4) == (on_hand(log), counted_shipments(log), allocated(log.reservation("a")))


def test_the_own_location_of_a_reservation_is_none_that_its_fulfilment_states() -> None:
    log = log_with(north=10, south=10)
    log.say(reserve("a", 4, location="north"), fulfil("a", 4), adjust(-4, location="south", reservation="a"))
    log.say(count(10, AT + 1, location="north"))
    assert 16 == on_hand(log)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_an_adjustment_without_a_location_repeats_a_fulfilment_without_one_first(order: tuple[int, ...]) -> None:
    log = log_with(north=10, south=10)
    log.say(reserve("a", 8, location="south"))
    commands: list[AnyCommand] = [fulfil("a", 2, location="north"), fulfil("a", 2), adjust(-2, reservation="a")]
    log.say(*(commands[place] for place in order))
    assert (16, [(0, 2, "north")]) == (on_hand(log), counted_shipments(log))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_an_adjustment_that_repeats_a_fulfilment_of_its_location_repeats_no_other(order: tuple[int, ...]) -> None:
    log = log_with(north=10, south=10)
    commands: list[AnyCommand] = [
        fulfil("a", 2, location="north"),
        fulfil("a", 2),
        adjust(-2, location="north", reservation="a"),
    ]
    log.say(reserve("a", 8), *(commands[place] for place in order))
    assert (16, [(0, 2, "")]) == (on_hand(log), counted_shipments(log))


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_a_fulfilment_without_a_location_leaves_the_adjustment_without_one_to_others(order: tuple[int, ...]) -> None:
    log = log_with(north=10, south=10)
    commands: list[AnyCommand] = [
        fulfil("a", 1),
        fulfil("a", 1, location="north"),
        adjust(-1, reservation="a"),
        adjust(-1, location="south", reservation="a"),
    ]
    log.say(reserve("a", 8), *(commands[place] for place in order))
    assert (18, []) == (on_hand(log), counted_shipments(log))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_who_says_that_all_the_rest_has_left_counts_in_what_left_another_location(order: tuple[int, ...]) -> None:
    log = log_with(north=100, south=100)
    commands: list[AnyCommand] = [
        reserve("a", 10, location="north"),
        fulfil("a", location="north"),
        adjust(-4, 96, location="south", reservation="a"),
    ]
    log.say(*(commands[place] for place in order))
    assert (190, [(0, 6, "")], 10) == (on_hand(log), counted_shipments(log), shipped(log.reservation("a")))


def test_what_is_left_of_the_rest_left_the_location_that_is_stated_for_it() -> None:
    log = log_with(north=100, south=100)
    log.say(reserve("a", 10, location="south"), fulfil("a", location="north"), count(90, AT + 1, location="north"))
    assert 190 == on_hand(log)


def test_the_rest_is_kept_apart_from_what_left_no_stated_location_at_the_same_moment() -> None:
    log = log_with(north=100, south=100)
    log.say(reserve("a", 10, location="south"), fulfil("a", 1), fulfil("a", location="north"))
    log.say(count(91, AT + 1, location="north"))
    assert 190 == on_hand(log)


def test_the_rest_before_its_create_left_the_location_that_is_stated_for_it() -> None:
    log = log_with(north=100, south=100)
    log.say(fulfil("a", location="north"), reserve("a", 10, location="south"), count(90, AT + 1, location="north"))
    assert 190 == on_hand(log)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_of_the_shipments_of_a_location_the_oldest_is_the_one_that_is_repeated(order: tuple[int, ...]) -> None:
    log = log_with(north=10)
    commands: list[AnyCommand] = [
        fulfil("a", 2, AT + 9, location="north"),
        fulfil("a", 3, AT + 1, location="north"),
        adjust(-4, reservation="a"),
    ]
    log.say(reserve("a", 8), *(commands[place] for place in order))
    assert (5, [(9, 1, "north")]) == (on_hand(log), counted_shipments(log))


def test_what_left_before_the_create_and_was_repeated_in_part_left_the_location_of_the_create() -> None:
    log = log_with(north=10, south=10)
    log.say(fulfil("a", 5), adjust(-2, location="south", reservation="a"), reserve("a", 5, location="north"))
    assert 15 == on_hand(log)
    log.say(count(7, AT + 1, location="north"))
    assert 15 == on_hand(log)


def test_what_was_repeated_of_a_reservation_takes_no_shipment_of_another_to_its_location() -> None:
    log = log_with(north=100, south=100)
    log.say(fulfil("a", 5), fulfil("b", 5), adjust(-2, location="south", reservation="a"))
    log.say(reserve("a", 5, location="north"), count(100, AT + 1, location="north"))
    assert 193 == on_hand(log)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_an_adjustment_without_a_location_repeats_the_oldest_shipment_wherever_it_left(order: tuple[int, ...]) -> None:
    log = log_with(north=10, south=10)
    commands: list[AnyCommand] = [
        fulfil("a", 2, AT + 9, location="north"),
        fulfil("a", 2, AT + 1, location="south"),
        adjust(-2, reservation="a"),
    ]
    log.say(reserve("a", 8), *(commands[place] for place in order))
    assert (16, [(9, 2, "north")]) == (on_hand(log), counted_shipments(log))


def test_a_create_moves_no_shipment_that_states_its_location_and_none_of_others() -> None:
    log = log_with(north=10, south=10)
    log.say(fulfil("a", 2, location="south"), fulfil("b", 2), reserve("a", 2, location="north"))
    log.say(count(10, AT + 1, location="north"))
    assert 16 == on_hand(log)
    log.say(count(8, AT + 1, location="south"))
    assert 18 == on_hand(log)


def test_a_fulfilment_of_what_is_left_when_nothing_is_leaves_no_trace_in_what_has_moved() -> None:
    log = log_with(north=10)
    log.say(reserve("a", 4), fulfil("a"), fulfil("a", at=AT + 1))
    assert [MatchedShipment(AT, 4, "", 0, "")] == log.reservation("a").shipments


def test_shipments_of_one_moment_and_location_are_one() -> None:
    log = log_with(north=10)
    log.say(reserve("a", 8), adjust(-1, reservation="a"), *(fulfil("a", 2, location="north") for _ in range(2)))
    assert [MatchedShipment(AT, 4, "north", 1, "")] == log.reservation("a").shipments
    assert 6 == on_hand(log)
