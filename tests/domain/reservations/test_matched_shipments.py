"""How many shipments of a reservation are told apart, and how rows are read that were written before they were."""

import msgspec
import pytest

from atp_stream.domain.limits import DEFAULT_LIMITS
from atp_stream.domain.reservations.balances import allocated, shipped
from atp_stream.domain.state.rows import MatchedShipment
from tests.domain.support.log import AT, LAMP, Log, adjust, count, fulfil, reserve
from tests.domain.support.shipped import BEFORE, counted_shipments, log_with, on_hand


def test_of_too_many_shipments_of_a_location_neighbours_are_merged_and_count_as_the_younger() -> None:
    log = log_with(north=1_000)
    most = DEFAULT_LIMITS.shipments
    log.say(reserve("a", 900), *(fulfil("a", 1, AT + place, location="north") for place in range(most + 1)))
    assert [(1, 2, "north"), *((place, 1, "north") for place in range(2, most + 1))] == counted_shipments(log)
    log.say(adjust(-most - 1, location="north", reservation="a"))
    assert ([], 1_000 - most - 1) == (counted_shipments(log), on_hand(log))


@pytest.mark.parametrize("repeated", [3, 6])
def test_merged_shipments_of_which_a_part_is_repeated_are_neither_lost_nor_taken_twice(repeated: int) -> None:
    log = log_with(north=1_000)
    most = DEFAULT_LIMITS.shipments
    log.say(reserve("a", 900), fulfil("a", 5, AT - 1, location="north"))
    log.say(adjust(-repeated, location="north", reservation="a"))
    log.say(*(fulfil("a", 2, AT + place, location="north") for place in range(most)))
    assert 1_000 - 5 - 2 * most == on_hand(log)


def test_merged_shipments_without_a_location_left_the_one_of_their_reservation() -> None:
    log = log_with(north=1_000)
    most = DEFAULT_LIMITS.shipments
    log.say(reserve("a", 900, location="north"), *(fulfil("a", 1, AT + place) for place in range(most + 1)))
    log.say(count(1_000, AT + most - 1, location="north"))
    assert (999, (1, 2, "")) == (on_hand(log), counted_shipments(log)[0])


def test_two_of_a_location_are_merged_to_make_room_for_one_of_another() -> None:
    log = log_with(north=1_000)
    most = DEFAULT_LIMITS.shipments
    log.say(reserve("a", 900), *(fulfil("a", 1, AT - place, location="north") for place in range(2)))
    log.say(*(fulfil("a", 1, location=f"store {place}") for place in range(most - 1)))
    assert (0, MatchedShipment(AT, 2, "north", 0, "")) == (
        log.reservation("a").unmatched,
        log.reservation("a").shipments[0],
    )


def test_a_shipment_from_a_location_too_many_is_a_movement_of_its_own() -> None:
    log = Log()
    most = DEFAULT_LIMITS.shipments
    log.say(count(1_000, BEFORE), reserve("a", 900))
    log.say(*(fulfil("a", 1, location=f"store {place}") for place in range(most + 1)))
    last = f"store {most}"
    assert 1_000 - most - 1 == on_hand(log)
    log.say(adjust(-1, location=last, reservation="a"), adjust(-most, reservation="a"))
    assert (1_000 - most - 2, most + 2) == (on_hand(log), shipped(log.reservation("a")))
    assert (1, most) == (log.reservation("a").unmatched, len(log.reservation("a").shipments))


def test_a_shipment_too_many_without_a_location_left_the_one_of_its_reservation() -> None:
    log = log_with(north=1_000, south=1_000)
    most = DEFAULT_LIMITS.shipments
    log.say(reserve("a", 900, location="north"))
    log.say(*(fulfil("a", 1, location=f"store {place}") for place in range(most)), fulfil("a", 1))
    log.say(count(1_000, AT + 1, location="north"))
    assert (1, 2_000 - most) == (log.reservation("a").unmatched, on_hand(log))


def test_a_row_that_was_written_before_locations_were_kept_apart_is_read_as_it_was_meant() -> None:
    log = log_with(north=10, south=10)
    log.say(reserve("a", 9, location="north"), fulfil("a", 6, location="north"))
    log.say(adjust(-2, location="north", reservation="a"))
    row = msgspec.json.decode(log.rows[f"{LAMP}|r|a"])
    del row["adjusted_at"]
    row["moved"] = [[AT, 4, "north"]]  # 2 of 6 were taken back
    log.rows[f"{LAMP}|r|a"] = msgspec.json.encode(row)
    assert (6, 2, 6) == (row["fulfilled"], row["adjusted"], shipped(log.reservation("a")))
    log.say(adjust(-4, location="north", reservation="a", at=AT + 1))
    assert (14, 6) == (on_hand(log), shipped(log.reservation("a")))
    log.say(adjust(-3, location="south", reservation="a", at=AT + 2))
    assert (11, 9, 0) == (on_hand(log), shipped(log.reservation("a")), allocated(log.reservation("a")))


def test_a_row_that_was_written_before_is_read_as_it_was_meant_where_there_is_no_room_in_it_too() -> None:
    log, stores = Log(), [f"store {place}" for place in range(DEFAULT_LIMITS.shipments)]
    log.say(count(1_000, BEFORE), reserve("a", 900, location="store 0"))
    log.say(*(fulfil("a", 1, location=store) for store in stores), adjust(-1, location="south", reservation="a"))
    row = msgspec.json.decode(log.rows[f"{LAMP}|r|a"])
    row["moved"] = [[AT, 1, store] for store in stores]
    log.rows[f"{LAMP}|r|a"] = msgspec.json.encode(row)
    log.say(fulfil("a", 2, location="north"))
    assert (1_000 - len(stores) - 2, len(stores) + 2) == (on_hand(log), shipped(log.reservation("a")))


def test_a_shipment_of_the_same_moment_and_location_adds_to_one_that_was_written_before() -> None:
    log = log_with(south=10)
    log.say(reserve("a", 8, location="north"), fulfil("a", 4, location="south"))
    row = msgspec.json.decode(log.rows[f"{LAMP}|r|a"])
    row["moved"] = [[AT, 4, "south"]]
    log.rows[f"{LAMP}|r|a"] = msgspec.json.encode(row)
    log.say(fulfil("a", 2, location="south"))
    assert [MatchedShipment(AT, 6, "south", 0, "")] == log.reservation("a").shipments


def test_in_a_row_that_was_written_before_the_own_location_of_a_reservation_is_none_that_was_stated() -> None:
    log = log_with(north=10, south=10)
    log.say(reserve("a", 8, location="north"), fulfil("a", 4))
    row = msgspec.json.decode(log.rows[f"{LAMP}|r|a"])
    row["moved"] = [[AT, 4, "north"]]
    log.rows[f"{LAMP}|r|a"] = msgspec.json.encode(row)
    log.say(adjust(-4, 6, location="south", reservation="a"))
    assert (16, 4) == (on_hand(log), allocated(log.reservation("a")))


def test_of_a_row_that_was_written_before_what_is_no_longer_kept_was_repeated_before() -> None:
    log = log_with(north=10)
    log.say(reserve("a", 9), fulfil("a", 6), adjust(-2, reservation="a"))
    row = msgspec.json.decode(log.rows[f"{LAMP}|r|a"])
    row["moved"] = [[AT, 4, ""]]
    log.rows[f"{LAMP}|r|a"] = msgspec.json.encode(row)
    log.say(adjust(-1, reservation="a"))
    assert (4, [MatchedShipment(AT, 4, "", 1, "")]) == (on_hand(log), log.reservation("a").shipments)
