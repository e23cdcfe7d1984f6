"""What a step counts besides its events: what was not applied."""

from atp_stream.domain.commands import AnyCommand
from atp_stream.domain.state.overlay import Tally
from tests.domain.support.days import receive, schedule
from tests.domain.support.limits import MINUTE, at, ticks
from tests.domain.support.log import AT, NOON, Log, adjust, count, fulfil, policy, release, reserve

DAY = 24 * 60 * 60 * 1_000_000
WEEK = 7 * 24 * 60 * MINUTE


def tally(log: Log, *commands: AnyCommand, log_time: int = NOON) -> Tally:
    """Return what the step of these commands counted."""
    log.say(*commands, log_time=log_time)
    return log.tallies[-1]


def test_what_comes_for_the_first_time_is_not_counted() -> None:
    assert Tally() == tally(Log(), count(100), adjust(-1), reserve("r", 10), fulfil("r"))


def test_each_command_that_comes_again_is_a_duplicate() -> None:
    counted, reserved = count(100), reserve("r", 10)
    log = Log()
    assert Tally() == tally(log, counted, reserved)
    assert Tally(duplicates=3) == tally(log, counted, counted, reserved)


def test_a_fact_that_a_newer_absolute_held_already_is_past() -> None:
    log = Log()
    for passed in range(9):  # a silence counts a quarter of the window: this is more than two windows
        log.say(count(9, AT + passed * DAY), log_time=NOON + passed * DAY // 1_000)
    assert 1 == tally(log, adjust(5, at=AT), log_time=NOON + 8 * DAY // 1_000).past


def test_a_receipt_that_comes_after_a_count_which_holds_its_units_was_counted_twice() -> None:
    log = Log()
    log.say(schedule("x", 5, 3), schedule("y", 5, 3), schedule("z", 5, 3), adjust(5, supply="z", at=AT + 1))
    assert Tally() == tally(log, receive("x", 5, at=AT + 2))
    assert Tally(counted_twice=1) == tally(log, count(10, AT + 3), receive("y", 5, at=AT + 2))
    assert Tally() == tally(log, receive("z", 5, at=AT + 2))


def test_an_adjustment_of_a_reservation_that_was_forgotten_is_unpaired() -> None:
    log = Log()
    log.say(policy({"retention": 600, "tenants": {"*": {"channels": {"ECOM": {}}}}}))
    log.say(count(100), reserve("r", 10), release("r"))
    ticks(log, WEEK)
    assert Tally(unpaired=1) == tally(log, adjust(-10, reservation="r", at=at(-1)))
    assert 1 == log.item().unpaired
