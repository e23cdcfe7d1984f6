"""The life of one reservation, by example."""

from itertools import permutations
from typing import Any

import msgspec
import pytest

from atp_stream.domain.commands import AnyCommand
from atp_stream.domain.events import (
    AllocationCommitted,
    AllocationReleased,
    AnyEvent,
    CommandRefused,
    DenialOutcome,
    ReleaseReason,
    ReservationDenied,
)
from atp_stream.domain.limits import DEFAULT_LIMITS
from atp_stream.domain.reservations.balances import Status, pieces, status
from atp_stream.domain.state.rows import MatchedShipment
from tests.domain.support.log import (
    AT,
    LAMP,
    Log,
    adjust,
    allocations,
    confirm,
    count,
    fulfil,
    policy,
    release,
    reserve,
)


def summary(events: list[AnyEvent]) -> list[tuple[Any, ...]]:
    """Return kind, reservation and quantity of what happened to reservations."""
    short: list[tuple[Any, ...]] = []
    for event in events:
        match event:
            case AllocationCommitted():
                short.append(("committed", event.reservation, event.quantity))
            case AllocationReleased():
                short.append((event.reason.value, event.reservation, event.quantity))
            case ReservationDenied():
                short.append((event.outcome.value, event.reservation, event.quantity, event.reason))
            case CommandRefused():
                short.append(("refused", event.reason))
    return short


def log_with(on_hand: int) -> Log:
    log = Log()
    log.say(count(on_hand, AT - 1_000_000))
    return log


def state_of(log: Log, reservation: str = "a") -> Status:
    return status(log.reservation(reservation))


def test_g1_150_on_hand_and_30_reserved_show_120_and_30() -> None:
    log = Log()
    log.say(adjust(1_000, 15_000), reserve("a", 3_000, "ECOM"))
    assert (12_000, 3_000) == log.shows("ECOM")
    assert (12_000, 0) == log.shows("STORE")


def test_a_reservation_within_the_claim_is_committed() -> None:
    log = log_with(10)
    assert [("committed", "a", 10)] == summary(log.say(reserve("a", 10)))
    assert Status.COMMITTED is state_of(log)


def test_a_commit_is_named_by_its_place_in_the_log() -> None:
    log = log_with(10)
    log.say(reserve("a", 4), reserve("b", 3))
    released = [event for event in log.say(release("b")) if isinstance(event, AllocationReleased)]
    assert [
        AllocationReleased(name=LAMP, version=4, log_time_ms=1_700_000_000_000, offset=3, ordinal=0, allocation=(2, 0),
                           reservation="b", channel="ECOM", quantity=3, reason=ReleaseReason.CANCELLED)
    ] == released  # fmt: skip


def test_a_reservation_beyond_the_claim_waits_and_then_is_committed_when_stock_comes() -> None:
    log = log_with(5)
    assert [("BACKORDERED", "a", 6, "rest_waits")] == summary(log.say(reserve("a", 6)))
    assert Status.BACKORDERED is state_of(log)
    assert (0, 0) == log.shows()
    assert [("committed", "a", 6)] == summary(log.say(adjust(1)))
    assert (0, 6) == log.shows()


def test_a_reservation_that_allows_parts_takes_what_there_is_and_waits_for_the_rest() -> None:
    log = log_with(5)
    assert [("committed", "a", 5), ("PARTIAL", "a", 2, "rest_waits")] == summary(
        log.say(reserve("a", 7, allow_partial=True))
    )
    assert Status.PARTIAL is state_of(log)
    assert [("committed", "a", 1)] == summary(log.say(adjust(1)))
    assert [("committed", "a", 1)] == summary(log.say(adjust(4)))
    assert Status.COMMITTED is state_of(log)
    assert (3, 7) == log.shows()


def test_without_backorder_the_rest_of_a_part_is_dropped() -> None:
    log = log_with(5)
    events = log.say(reserve("a", 7, allow_partial=True, allow_backorder=False))
    assert [("committed", "a", 5), ("PARTIAL", "a", 2, "rest_dropped")] == summary(events)
    assert Status.PARTIAL is state_of(log)
    assert [] == summary(log.say(adjust(9)))


def test_without_backorder_and_parts_a_reservation_is_rejected_and_stays_so() -> None:
    log = log_with(5)
    assert [("REJECTED", "a", 6, "rest_dropped")] == summary(log.say(reserve("a", 6, allow_backorder=False)))
    assert Status.REJECTED is state_of(log)
    assert [] == summary(log.say(count(100), confirm("a"), release("a")))
    assert Status.REJECTED is state_of(log)


def test_of_two_racers_for_the_last_unit_exactly_one_is_committed() -> None:
    log = log_with(100)
    events = log.say(reserve("a", 100, "ECOM"), reserve("b", 100, "STORE"))
    assert [("committed", "a", 100), ("BACKORDERED", "b", 100, "rest_waits")] == summary(events)


def test_a_release_gives_the_newest_allocation_back_first_and_waiting_units_before_any() -> None:
    log = log_with(4)
    log.say(reserve("a", 9, allow_partial=True))
    log.say(adjust(3))
    first, second = log.reservation("a").allocations
    events = log.say(release("a", 2), release("a", 4))
    assert [("CANCELLED", "a", 3), ("CANCELLED", "a", 1)] == summary(events)
    assert [(second.offset, second.ordinal), (first.offset, first.ordinal)] == [
        event.allocation for event in events if isinstance(event, AllocationReleased)
    ]
    assert [3] == [allocation.quantity for allocation in log.reservation("a").allocations]


def test_a_release_of_a_part_leaves_the_rest_promised() -> None:
    log = log_with(10)
    log.say(reserve("a", 8))
    assert [("CANCELLED", "a", 3)] == summary(log.say(release("a", 3)))
    assert (5, 5) == log.shows()
    assert Status.COMMITTED is state_of(log)


def test_a_release_of_more_than_is_left_releases_what_is_left_and_counts_the_excess() -> None:
    log = log_with(10)
    log.say(reserve("a", 8))
    assert [("CANCELLED", "a", 8)] == summary(log.say(release("a", 11)))
    assert (3, Status.RELEASED) == (log.reservation("a").excess, state_of(log))


def test_a_release_of_a_head_that_waits_lets_the_next_one_in() -> None:
    log = log_with(5)
    log.say(reserve("big", 9), reserve("small", 5))
    assert [("committed", "small", 5)] == summary(log.say(release("big")))


def test_a_shorter_head_that_waits_may_be_served() -> None:
    log = log_with(5)
    log.say(reserve("a", 9))
    assert [("committed", "a", 5)] == summary(log.say(release("a", 4)))


@pytest.mark.parametrize("movement", [release("a", 3), fulfil("a", 3)])
def test_a_movement_that_comes_twice_counts_once(movement: Any) -> None:
    log = log_with(10)
    log.say(reserve("a", 8), movement)
    before = log.shows()
    assert [] == log.say(movement)
    assert before == log.shows()
    assert 1 == log.item().duplicates


def test_a_long_name_of_an_event_is_known_too() -> None:
    log = log_with(10)
    log.say(reserve("a", 8))
    once = release("a", 3, event_id="ü" * 120)
    log.say(once, once)
    assert (5, 5) == log.shows()
    assert 20 == len(log.reservation("a").released_by[0])


def test_a_fulfilment_ships_the_oldest_allocation_and_nothing_goes_back() -> None:
    log = log_with(4)
    log.say(reserve("a", 7, allow_partial=True))
    log.say(adjust(3, at=AT - 1))
    assert [] == summary(log.say(fulfil("a", 5)))
    assert [2] == [allocation.quantity for allocation in log.reservation("a").allocations]
    assert (2, (0, 2)) == (log.item().stock.on_hand, log.shows())


def test_a_fulfilment_without_quantity_ships_all_that_is_left() -> None:
    log = log_with(10)
    log.say(reserve("a", 8), release("a", 1), fulfil("a", 2), fulfil("a"))
    assert (3, Status.FULFILLED) == (log.item().stock.on_hand, state_of(log))
    assert (3, 0) == log.shows()


def test_a_fulfilment_of_what_waits_lets_it_wait_no_more() -> None:
    log = log_with(4)
    log.say(reserve("a", 9), fulfil("a", 3))
    assert (1, 6) == (log.item().stock.on_hand, log.reservation("a").waiting)


def test_a_fulfilment_of_more_than_is_held_moves_the_stock_all_the_same() -> None:
    log = log_with(10)
    log.say(reserve("a", 2), fulfil("a", 5), fulfil("a", 1))
    assert (4, Status.FULFILLED) == (log.item().stock.on_hand, state_of(log))


def test_a_fulfilment_names_the_location_of_its_reservation_unless_it_has_its_own() -> None:
    log = Log()
    log.say(count(10, AT - 9, location="north"), count(10, AT - 9, location="south"))
    log.say(reserve("a", 6, location="north"), fulfil("a", 2), fulfil("a", 1, location="south"))
    log.say(count(10, AT + 1, location="north"))
    assert 10 + 9 == log.item().stock.on_hand


def test_a_negative_adjustment_that_names_a_reservation_ships_it() -> None:
    log = log_with(10)
    log.say(reserve("a", 6), adjust(-4, 6, reservation="a"))
    assert (6, (4, 2)) == (log.item().stock.on_hand, log.shows())
    log.say(adjust(-2, 4, at=AT + 1, reservation="a"))
    assert Status.FULFILLED is state_of(log)


def test_a_positive_adjustment_that_names_a_reservation_is_only_stock() -> None:
    log = log_with(10)
    log.say(reserve("a", 6), adjust(4, 14, reservation="a"))
    assert (8, 6) == log.shows()


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_an_event_and_an_adjustment_of_one_shipment_move_the_stock_once(order: tuple[int, int, int]) -> None:
    log = log_with(10)
    said: list[AnyCommand] = [reserve("a", 6), fulfil("a", 4), adjust(-4, reservation="a", at=AT + 5)]
    log.say(*[said[place] for place in order])
    assert (6, (4, 2)) == (log.item().stock.on_hand, log.shows())


def test_an_adjustment_takes_back_as_many_shipments_as_it_repeats() -> None:
    log = log_with(20)
    log.say(reserve("a", 9), fulfil("a", 2), fulfil("a", 3, at=AT + 1), adjust(-4, reservation="a", at=AT + 2))
    assert 15 == log.item().stock.on_hand
    assert [MatchedShipment(AT, 2, "", 2, ""), MatchedShipment(AT + 1, 3, "", 2, "")] == log.reservation("a").shipments


def test_the_net_quantity_is_claimed_when_a_release_came_first() -> None:
    log = log_with(10)
    assert [("committed", "a", 5)] == summary(log.say(release("a", 3), reserve("a", 8)))


@pytest.mark.parametrize("early", [[release("a")], [release("a", 3), release("a", 9)]])
def test_a_create_that_was_released_before_it_came_is_released_without_an_allocation(early: list[Any]) -> None:
    log = log_with(10)
    assert [] == summary(log.say(*early, reserve("a", 8)))
    assert Status.RELEASED is state_of(log)


def test_a_fulfilment_before_the_create_moves_the_stock_at_once_when_it_names_a_quantity() -> None:
    log = log_with(10)
    log.say(fulfil("a", 3))
    assert (7, Status.PENDING) == (log.item().stock.on_hand, state_of(log))
    assert [("committed", "a", 5)] == summary(log.say(reserve("a", 8)))
    assert (7, (2, 5)) == (log.item().stock.on_hand, log.shows())


def test_a_fulfilment_of_the_rest_before_the_create_moves_the_stock_when_the_create_says_how_much() -> None:
    log = log_with(10)
    log.say(fulfil("a"), fulfil("a", at=AT + 9), release("a", 1))
    assert 10 == log.item().stock.on_hand
    assert [] == summary(log.say(reserve("a", 8)))
    assert (3, Status.FULFILLED) == (log.item().stock.on_hand, state_of(log))
    assert [MatchedShipment(AT, 7, "", 0, "")] == log.reservation("a").shipments


def test_a_fulfilment_of_the_rest_leaves_nothing_to_a_later_release_of_the_rest() -> None:
    log = log_with(10)
    log.say(fulfil("a"), release("a"), reserve("a", 8))
    assert (2, Status.FULFILLED) == (log.item().stock.on_hand, state_of(log))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_left_before_the_create_left_from_the_location_that_the_create_names(order: tuple[int, int, int]) -> None:
    log = Log()
    log.say(count(10, AT - 1, location="north"), count(10, AT - 1, location="south"))
    later: list[AnyCommand] = [fulfil("a", 4), reserve("a", 4, location="north"), count(6, AT + 1, location="north")]
    log.say(*(later[place] for place in order))
    assert 16 == log.item().stock.on_hand


def test_what_left_before_the_create_and_is_in_every_floor_is_not_shipped_again() -> None:
    log = Log()
    log.say(count(10, AT - 1), fulfil("a", 4), *(count(6, AT + place) for place in range(1, 99)))
    log.say(reserve("a", 4, location="north"))
    assert 6 == log.item().stock.on_hand


def test_an_adjustment_that_repeats_a_shipment_in_the_floor_takes_back_nothing_of_others() -> None:
    log = Log()
    log.say(count(900, AT - 9_000), *(fulfil(f"r{place}", 1, AT - 8_000 + 100 * place) for place in range(65)))
    log.say(*(count(900, AT - 7_999 + place) for place in range(66)))
    before = log.item().stock.on_hand
    log.say(fulfil("a", 1, AT - 8_000), adjust(-1, None, AT - 7_950, reservation="a"))
    assert before == log.item().stock.on_hand


def test_an_adjustment_repeats_a_shipment_from_a_location_for_which_there_was_no_room() -> None:
    log = Log()
    log.say(count(10, AT - 1), *(adjust(0, location=f"{place}") for place in range(160)))
    log.say(fulfil("a", 5, location="north"), adjust(-5, reservation="a"))
    assert 5 == log.item().stock.on_hand


def test_a_create_that_was_shipped_by_adjustment_before_it_came_is_fulfilled() -> None:
    log = log_with(10)
    assert [] == summary(log.say(adjust(-8, 2, reservation="a"), reserve("a", 8)))
    assert Status.FULFILLED is state_of(log)


def test_a_confirm_before_the_create_takes_its_limit_away() -> None:
    log = log_with(10)
    log.say(confirm("a"), reserve("a", 8, expires_at=AT + 5))
    assert (None, Status.CONFIRMED) == (log.reservation("a").expires_at_us, state_of(log))


def test_a_confirmed_reservation_gets_no_limit_back() -> None:
    log = log_with(10)
    log.say(reserve("a", 8, expires_at=AT + 5))
    assert AT + 5 == log.reservation("a").expires_at_us
    log.say(confirm("a"), confirm("a"), reserve("a", 8, at=AT + 1, expires_at=AT + 9))
    assert (None, 1) == (log.reservation("a").expires_at_us, log.item().duplicates)


def test_a_newer_create_replaces_the_limit_and_the_older_one_changes_nothing() -> None:
    log = log_with(10)
    log.say(reserve("a", 8, at=AT, expires_at=AT + 5), reserve("a", 8, at=AT + 1, expires_at=AT + 9))
    assert [] == log.say(reserve("a", 3, at=AT, expires_at=AT + 5), reserve("a", 3, at=AT + 1))
    assert (AT + 9, 8) == (log.reservation("a").expires_at_us, log.reservation("a").requested)


def test_growth_claims_the_difference_at_its_own_place() -> None:
    log = log_with(10)
    log.say(reserve("a", 4), reserve("b", 20))
    events = log.say(reserve("a", 6, at=AT + 1))
    assert [("BACKORDERED", "a", 2, "rest_waits")] == summary(events)
    assert [("CANCELLED", "a", 2)] == summary(log.say(release("a", 4)))
    assert [("committed", "b", 20), ("committed", "a", 1)] == summary(log.say(adjust(13), reserve("a", 7, at=AT + 2)))


def test_growth_behind_ones_own_waiting_part_does_not_overtake_it() -> None:
    log = log_with(5)
    log.say(reserve("a", 9), reserve("a", 12, at=AT + 1))
    assert [1, 2] == log.reservation("a").queued
    assert [("committed", "a", 9), ("committed", "a", 3)] == summary(log.say(adjust(20)))


def test_shrinking_takes_what_waits_and_then_allocations_and_never_what_has_left() -> None:
    log = log_with(6)
    log.say(reserve("a", 9, allow_partial=True), fulfil("a", 2))
    assert [] == summary(log.say(reserve("a", 7, at=AT + 1)))
    assert [("REDUCED", "a", 3)] == summary(log.say(reserve("a", 3, at=AT + 2)))
    assert [("REDUCED", "a", 1)] == summary(log.say(reserve("a", 1, at=AT + 3)))
    assert Status.RELEASED is state_of(log)


def test_shrinking_to_what_is_held_takes_nothing_where_a_part_was_dropped() -> None:
    log = log_with(4)
    log.say(reserve("a", 9, allow_partial=True, allow_backorder=False))
    assert [] == summary(log.say(reserve("a", 5, at=AT + 1)))
    assert (0, 4) == log.shows()


def test_what_was_dropped_is_gone_until_a_newer_create_asks_for_more_and_then_that_more_alone_is_claimed() -> None:
    log = log_with(4)
    log.say(reserve("a", 9, allow_partial=True, allow_backorder=False), adjust(20))
    assert [] == summary(log.say(reserve("a", 9, at=AT + 1)))
    assert [("REDUCED", "a", 1)] == summary(log.say(reserve("a", 3, at=AT + 2)))
    assert [("committed", "a", 6)] == summary(log.say(reserve("a", 9, at=AT + 3)))


def test_what_was_dropped_neither_waits_nor_is_claimed_after_a_release_of_a_part() -> None:
    log = log_with(4)
    log.say(reserve("a", 9, allow_partial=True, allow_backorder=False), adjust(20))
    assert [("CANCELLED", "a", 3)] == summary(log.say(release("a", 3)))
    assert ((23, 1), 0) == (log.shows(), log.reservation("a").waiting)
    assert [("CANCELLED", "a", 1)] == summary(log.say(release("a", 1)))
    assert Status.RELEASED is state_of(log)


def test_a_raised_priority_moves_a_waiting_part_to_the_front() -> None:
    log = log_with(0)
    log.say(reserve("a", 4), reserve("b", 4), reserve("b", 4, at=AT + 1, priority=1))
    assert [("committed", "b", 4)] == summary(log.say(adjust(4)))


def test_a_lowered_priority_lifts_the_bar_from_the_channel() -> None:
    log = log_with(3)
    log.say(reserve("a", 4))
    assert (0, 0) == log.shows()
    log.say(reserve("a", 4, at=AT + 1, priority=-1))
    assert (3, 0) == log.shows()


def test_a_part_may_be_taken_once_the_newer_create_allows_it() -> None:
    log = log_with(3)
    log.say(reserve("a", 4))
    assert [("committed", "a", 3)] == summary(log.say(reserve("a", 4, at=AT + 1, allow_partial=True)))


def test_a_new_reservation_of_higher_priority_may_pass_those_who_wait() -> None:
    log = log_with(5)
    events = log.say(reserve("a", 9), reserve("b", 1), reserve("c", 2, priority=1))
    assert [
        ("BACKORDERED", "a", 9, "rest_waits"),
        ("BACKORDERED", "b", 1, "rest_waits"),
        ("committed", "c", 2),
    ] == summary(events)


def test_a_head_that_cannot_be_served_closes_only_its_channel() -> None:
    log = log_with(0)
    log.say(
        reserve("a", 9, "ECOM"), reserve("b", 1, "ECOM"), reserve("c", 2, "STORE"), reserve("d", 3, "STORE", priority=5)
    )
    assert [("committed", "d", 3), ("committed", "c", 2)] == summary(log.say(adjust(5)))


def test_the_same_reservation_in_another_channel_is_refused() -> None:
    log = log_with(10)
    log.say(reserve("a", 4, "ECOM"))
    before = dict(log.rows)
    assert [("refused", "reservation_conflict")] == summary(log.say(reserve("a", 4, "STORE", at=AT + 1)))
    assert before == log.rows


def test_an_alias_is_the_channel_that_it_stands_for() -> None:
    log = log_with(10)
    log.say(policy({"tenants": {"*": {"channels": {"ECOM": {}, "STORE": {}}, "aliases": {"Ecommerce": "ECOM"}}}}))
    log.say(reserve("a", 4, "Ecommerce"), reserve("a", 5, "ECOM", at=AT + 1))
    assert (5, 5) == log.shows("ECOM")
    assert ["ECOM", "STORE"] == list(log.item().channels)


def test_a_channel_that_became_an_alias_is_the_same_for_its_reservations() -> None:
    log = log_with(10)
    log.say(reserve("a", 4, "Ecommerce"))
    log.say(policy({"tenants": {"*": {"channels": {"ECOM": {}}, "aliases": {"Ecommerce": "ECOM"}}}}))
    assert [] == summary(log.say(reserve("a", 3, "ECOM", at=AT)))
    assert [("REDUCED", "a", 1)] == summary(log.say(reserve("a", 3, "ECOM", at=AT + 1)))


def test_a_reservation_without_a_channel_goes_to_the_default_one_and_is_the_same_when_that_changes() -> None:
    log = log_with(10)
    once = reserve("a", 4, None)
    log.say(once)
    log.say(policy({"default_channel": "STORE", "tenants": {"*": {"channels": {"ECOM": {}, "STORE": {}}}}}))
    assert [] == log.say(once)
    assert (6, 4) == log.shows("ECOM")


def test_so_many_movements_are_kept_apart_and_no_more() -> None:
    log = log_with(100_000)
    log.say(reserve("a", 90_000), *[release("a", 1) for _ in range(DEFAULT_LIMITS.movements)])
    assert [("refused", "too_many_movements")] == summary(log.say(release("a", 1)))
    assert [("refused", "too_many_movements")] == summary(log.say(fulfil("a", 1)))
    assert (100_000 - 90_000 + DEFAULT_LIMITS.movements, 90_000 - DEFAULT_LIMITS.movements) == log.shows()


def test_a_reservation_in_too_many_parts_grows_no_more() -> None:
    log = log_with(0)
    log.say(*[reserve("a", size, at=AT + size) for size in range(1, DEFAULT_LIMITS.parts + 1)])
    assert DEFAULT_LIMITS.parts == pieces(log.reservation("a"))
    assert [("refused", "too_many_parts")] == summary(log.say(reserve("a", 999, at=AT + 999)))
    assert DEFAULT_LIMITS.parts == len(allocations(log.say(adjust(2_000))))


def test_a_reservation_in_too_many_parts_takes_no_more_parts() -> None:
    log = log_with(0)
    log.say(reserve("a", 9_999, allow_partial=True))
    log.say(*[adjust(1, at=AT + place) for place in range(DEFAULT_LIMITS.parts + 9)])
    assert DEFAULT_LIMITS.parts == pieces(log.reservation("a"))
    assert [("committed", "a", 9_999 - DEFAULT_LIMITS.parts + 1)] == summary(log.say(count(99_999, AT + 9_999)))


def test_the_last_piece_is_not_divided() -> None:
    log = log_with(0)
    log.say(*[reserve("a", size, at=AT + size) for size in range(1, DEFAULT_LIMITS.parts)])
    log.say(count(DEFAULT_LIMITS.parts, AT + 1))
    events = log.say(reserve("a", 9_999, at=AT + 9_999, allow_partial=True))
    assert [DenialOutcome.BACKORDERED] == [e.outcome for e in events if isinstance(e, ReservationDenied)]


def test_the_largest_row_of_a_reservation_stays_under_64_kb() -> None:
    log = Log()
    name = '"' * 255
    log.say(count(10**14, AT - 1, location=name))
    log.say(reserve(name, 10**13, location=name, reference=name, channel="ECOM", allow_partial=True))
    log.say(*[adjust(-1, location=f"{place:03d}" + name[:30], reservation=name) for place in range(200)])
    log.say(*[fulfil(name, 1, location=f"{place}" + name[9:], event_id=f"{place}" + name[9:]) for place in range(400)])
    log.say(*[release(name, 1, event_id=f"{place:04d}" + '"' * 16) for place in range(DEFAULT_LIMITS.movements - 400)])
    log.say(*[reserve(name, 10**13 + size, at=AT + size) for size in range(1, DEFAULT_LIMITS.parts)])
    assert DEFAULT_LIMITS.parts == pieces(log.reservation(name))
    assert 80 < len(log.reservation(name).adjusted_at)
    assert 64_000 > len(msgspec.json.encode(log.reservation(name)))
