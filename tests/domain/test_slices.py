"""Work that is too much for one slice goes on where it was: by example, in slices of a few."""

from atp_stream.domain.events import OF_MANY, AllocationCommitted, AllocationReleased
from tests.domain.folding import tight_bounds
from tests.domain.log import AT, NOON, Log, count, reserve, tick

MINUTE = 60_000


def log_with_limits(*reservations: str) -> Log:
    """Return a log in which reservations of 5 units each end after a minute."""
    log = Log()
    log.say(count(5 * len(reservations)))
    log.say(*(reserve(reservation, 5, expires_at=AT + MINUTE * 1_000) for reservation in reservations))
    return log


def test_events_of_one_tick_have_names_of_their_own_in_whatever_slice_they_happen() -> None:
    log = log_with_limits("a", "b", "c")
    with tight_bounds(served=1, enough=1):
        told = log.say(tick(AT + MINUTE * 1_000), log_time=NOON + MINUTE)
    assert [("a", OF_MANY), ("b", OF_MANY + 1), ("c", OF_MANY + 2)] == [
        (event.reservation, event.ordinal) for event in told if isinstance(event, AllocationReleased)
    ]


def test_those_who_wait_are_served_once_all_limits_have_run_out() -> None:
    log = log_with_limits("a", "b", "c")
    log.say(*(reserve(f"w{number}", 4, allow_partial=True) for number in range(4)))
    with tight_bounds(served=2, enough=1):
        told = log.say(tick(AT + MINUTE * 1_000), log_time=NOON + MINUTE)
    assert [("w0", 4), ("w1", 4), ("w2", 4), ("w3", 3)] == [
        (event.reservation, event.quantity) for event in told if isinstance(event, AllocationCommitted)
    ]
    assert (None, []) == (log.item().work, log.faults)


def test_a_slice_serves_as_many_as_it_may_and_no_more() -> None:
    log = Log()
    log.say(*(reserve(f"w{number}", 1) for number in range(7)))
    with tight_bounds(served=3, enough=100):
        log.say(count(9))
    assert [3, 3, 1] == [sum(isinstance(event, AllocationCommitted) for event in step) for step in log.steps[1:]]
