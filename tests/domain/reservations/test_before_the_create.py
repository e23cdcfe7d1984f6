"""What comes before its create, and what comes more than once, by example."""

from atp_stream.domain.events import CommandRefused, ReservationDenied
from atp_stream.domain.limits import Limits
from atp_stream.domain.reservations.balances import Status, status
from atp_stream.domain.state.rows import End
from tests.domain.support.log import AT, LAMP, NOON, Log, adjust, confirm, count, fulfil, release, reserve, tick

MINUTE = 60_000


def log_with(units: int) -> Log:
    log = Log()
    log.say(count(units))
    return log


def test_releases_before_the_create_add_up() -> None:
    log = log_with(100)
    log.say(release("a", 3), release("a", 4), reserve("a", 10))
    assert (97, 3) == log.shows()


def test_once_all_is_released_before_the_create_a_part_takes_nothing_from_that() -> None:
    log = log_with(100)
    log.say(release("a"), release("a", 3), reserve("a", 10))
    assert ((100, 0), 10, End.RELEASED) == (log.shows(), log.reservation("a").released, log.reservation("a").ended)


def test_releases_add_up_and_what_they_name_too_much_does_too() -> None:
    log = log_with(100)
    log.say(reserve("a", 10), release("a", 2), release("a", 3))
    assert (5, 0) == (log.reservation("a").released, log.reservation("a").excess)
    log.say(release("a", 10), release("a", 4))
    assert (10, 9) == (log.reservation("a").released, log.reservation("a").excess)


def test_the_rest_of_what_had_left_and_been_released_before_the_create_ends_it_as_released() -> None:
    log = log_with(100)
    log.say(release("a", 2), fulfil("a", 3), fulfil("a"), reserve("a", 5))
    assert End.RELEASED is log.reservation("a").ended


def test_a_fulfilment_of_all_before_the_create_left_the_location_that_it_names() -> None:
    log = log_with(100)
    log.say(fulfil("a", at=AT + 1, location="north"), reserve("a", 10))
    assert 10 == log.read(f"{LAMP}|L|north").out


def test_what_an_adjustment_shipped_before_the_create_has_not_ended_it() -> None:
    log = log_with(100)
    log.say(adjust(-3, 97, AT + 1, reservation="a"))
    assert log.reservation("a").ended is None
    log.say(reserve("a", 10))
    assert ((90, 7), Status.COMMITTED) == (log.shows(), status(log.reservation("a")))


def test_a_single_hundredth_is_reopened_too() -> None:
    log = log_with(100)
    log.say(reserve("a", 1, expires_at=AT + 1_000))
    log.say(tick(AT + 1_000), log_time=NOON + 1)
    log.say(confirm("a", at=AT), log_time=NOON + 1)
    assert (99, 1) == log.shows()


def test_what_was_released_after_it_expired_ends_so_when_it_is_reopened() -> None:
    log = log_with(100)
    log.say(reserve("a", 10, expires_at=AT + 1_000))
    log.say(tick(AT + 1_000), release("a"), log_time=NOON + 1)
    log.say(confirm("a", at=AT), log_time=NOON + 1)
    assert End.RELEASED is log.reservation("a").ended


def test_a_reservation_in_too_many_parts_may_say_the_same_again_but_not_one_more() -> None:
    log = log_with(100)
    log.limits = Limits(parts=1)
    log.say(reserve("a", 5))
    assert [] == [e for e in log.say(reserve("a", 5, at=AT + 1)) if isinstance(e, CommandRefused)]
    (events,) = [e for e in log.say(reserve("a", 6, at=AT + 2)) if isinstance(e, CommandRefused)]
    assert ("too_many_parts", "a is in 1 parts already, the most there may be") == (events.reason, events.detail)


def test_a_reservation_that_has_room_for_two_more_parts_takes_one_and_lets_one_wait() -> None:
    log = log_with(8)
    log.limits = Limits(parts=3)
    log.say(reserve("a", 5, allow_partial=True))
    events = log.say(reserve("a", 9, at=AT + 1, allow_partial=True))
    assert [1] == [event.quantity for event in events if isinstance(event, ReservationDenied)]


def test_a_refusal_names_the_reservation_and_its_channel() -> None:
    log = log_with(9)
    log.say(reserve("a", 1))
    events = log.say(reserve("a", 2, "STORE", at=AT + 1))
    assert ["a is in channel ECOM, not in STORE"] == [e.detail for e in events if isinstance(e, CommandRefused)]


def test_nobody_overtakes_whom_his_own_priority_waits_for_not_even_by_a_part() -> None:
    log = log_with(5)
    log.say(reserve("a", 10, priority=1), reserve("b", 5, priority=1, allow_partial=True))
    assert (0, 5) == (log.item().channels["ECOM"].reserved, log.reservation("b").waiting)
    log.say(reserve("c", 5, priority=2))
    assert 5 == log.item().channels["ECOM"].reserved


def test_adjustments_of_one_location_add_up() -> None:
    log = Log()
    log.say(count(100, location="north"), reserve("a", 10))
    log.say(*(adjust(-units, None, AT + units, location="north", reservation="a") for units in (2, 3)))
    assert {"north": 5} == log.reservation("a").adjusted_at


def test_shipments_from_locations_for_which_there_is_no_room_add_up() -> None:
    log = log_with(100)
    log.limits = Limits(shipments=1)
    log.say(reserve("a", 10))
    log.say(*(fulfil("a", units, at=AT + units, location=f"store {units}") for units in (1, 2, 3)))
    assert (5, 6, 94) == (log.reservation("a").unmatched, log.reservation("a").fulfilled, log.item().stock.on_hand)
