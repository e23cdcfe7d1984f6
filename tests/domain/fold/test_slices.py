"""Work that is too much for one slice goes on where it was: by example, in slices of a few."""

from collections import Counter

from atp_stream.domain.commands import Entry
from atp_stream.domain.events import OF_MANY, AllocationCommitted, AllocationReleased
from atp_stream.domain.policy.rules import DEFAULT
from tests.domain.support.folding import tight_bounds
from tests.domain.support.log import AT, NOON, Log, count, policy, release, reserve, tick

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
        events = log.say(tick(AT + MINUTE * 1_000), log_time=NOON + MINUTE)
    assert [("a", OF_MANY), ("b", OF_MANY + 1), ("c", OF_MANY + 2)] == [
        (event.reservation, event.ordinal) for event in events if isinstance(event, AllocationReleased)
    ]


def test_a_slice_ends_as_many_as_it_may_and_no_more() -> None:
    log = log_with_limits("a", "b", "c", "d", "e")
    with tight_bounds(served=2, enough=1):
        events = log.say(tick(AT + MINUTE * 1_000), log_time=NOON + MINUTE)
    slices = Counter(event.version for event in events if isinstance(event, AllocationReleased))
    assert [2, 2, 1] == [*slices.values()]


def test_those_who_wait_are_served_once_all_limits_have_run_out() -> None:
    log = log_with_limits("a", "b", "c")
    log.say(*(reserve(f"w{number}", 4, allow_partial=True) for number in range(4)))
    with tight_bounds(served=2, enough=1):
        events = log.say(tick(AT + MINUTE * 1_000), log_time=NOON + MINUTE)
    assert [("w0", 4), ("w1", 4), ("w2", 4), ("w3", 3)] == [
        (event.reservation, event.quantity) for event in events if isinstance(event, AllocationCommitted)
    ]
    assert (None, []) == (log.item().work, log.faults)


def test_a_slice_serves_as_many_as_it_may_and_no_more() -> None:
    log = Log()
    log.say(*(reserve(f"w{number}", 1) for number in range(7)))
    with tight_bounds(served=3, enough=100):
        log.say(count(9))
    assert [3, 3, 1] == [sum(isinstance(event, AllocationCommitted) for event in step) for step in log.steps[1:]]


def test_a_sweep_counts_the_items_that_it_only_passes() -> None:
    log = Log()
    for number in range(9):
        log.say(count(9), name=f"acme|{number}")
    before = len(log.steps)
    with tight_bounds(served=8, enough=9):
        log.say(policy({"tenants": {"*": DEFAULT.document.tenants["*"], "umbra": {}}}))
    assert 5 == len(log.steps) - before


def test_one_tick_too_many_waits_for_the_items_that_have_to_meet_the_others() -> None:
    log = log_with_limits("a")
    later = [Entry(0, 9 + n, NOON + MINUTE, "|", tick(AT + MINUTE * 1_000 + n)) for n in range(2)]
    with tight_bounds(served=1, enough=9, kept=1):
        assert 1 == log.step(later).consumed


def test_a_tick_that_nothing_waits_for_is_done_with_at_once() -> None:
    log = Log()
    log.say(count(9))
    assert not log.step([Entry(0, 1, NOON, "|", tick(AT))]).unfinished


def test_each_of_several_items_finishes_its_work_before_its_next_command() -> None:
    log = Log()
    for name in ("acme|a", "acme|b"):
        log.say(*(reserve(f"r{number}", 1) for number in range(5)), name=name)
    with tight_bounds(served=2, enough=100, kept=9):
        log.step([Entry(0, 20, NOON, "acme|a", count(5)), Entry(0, 21, NOON, "acme|b", count(5))])
        log.run([Entry(0, 22, NOON, "acme|b", reserve("late", 1, priority=9))])
    assert [0, 1] == [log.reservation(reservation, "acme|b").waiting for reservation in ("r4", "late")]


def test_a_tick_that_only_forgets_is_no_change_of_the_item() -> None:
    log = Log()
    log.say(policy({"retention": 0, "stock": {"window": 60}, "tenants": {"*": {"channels": {"ECOM": {}}}}}), count(9))
    log.say(reserve("a", 1), release("a"))
    version = log.item().version
    log.say(tick(AT + 2 * MINUTE * 1_000), log_time=NOON + 2 * MINUTE)
    assert (version, False) == (log.item().version, "acme|lamp|r|a" in log.rows)
