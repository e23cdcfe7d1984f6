"""The queue of a channel by example: which part of a reservation waits no more, and that what waits is served."""

from atp_stream.domain.reservations.backorder_queue import closing
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.rows import Backorder
from tests.domain.support.log import AT, Log, count, fulfil, release, reserve


def log_with_two_parts_waiting() -> Log:
    """Return a log in which 5 wait since the first command, and 3 more since the second."""
    log = Log()
    log.say(reserve("a", 5), reserve("a", 8, at=AT + 1))
    return log


def test_a_release_ends_the_newest_part_first() -> None:
    log = log_with_two_parts_waiting()
    log.say(release("a", 3))
    assert ([0], 5) == (log.reservation("a").queued, log.item().channels["ECOM"].waiting)


def test_a_fulfilment_ends_the_oldest_part_first() -> None:
    log = log_with_two_parts_waiting()
    log.say(fulfil("a", 5))
    assert ([1], 3) == (log.reservation("a").queued, log.item().channels["ECOM"].waiting)


def test_as_many_units_as_wait_already_may_join_them_in_one_step_with_the_stock_for_all() -> None:
    log = Log()
    log.say(reserve("a", 5))
    log.say(reserve("b", 5), count(10))
    assert (0, 10) == log.shows()


def test_of_two_channels_the_head_that_is_first_in_the_queue_is_served() -> None:
    log = Log()
    log.say(reserve("a", 5, priority=2), reserve("b", 5, "STORE", priority=1), count(5))
    assert ((0, 5), 5) == (log.shows(), log.item().channels["STORE"].waiting)


def test_what_waits_first_closes_a_channel_unless_all_that_waits_is_below_priority_0() -> None:
    log = Log()
    log.say(count(5), reserve("later", 9), reserve("first", 8, priority=1), reserve("low", 7, "STORE", priority=-1))
    found = closing(State(log.read, log.scan), "acme|lamp", log.item())
    assert {"ECOM": Backorder(reservation="first", quantity=8, priority=1)} == found
