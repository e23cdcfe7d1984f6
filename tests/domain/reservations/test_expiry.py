"""Time limits by example: what ticks end, and what a confirm keeps."""

from atp_stream.domain.commands import Entry
from atp_stream.domain.events import AllocationCommitted, AllocationReleased, AnyEvent, AvailabilityCalculated
from atp_stream.domain.reservations.balances import Status
from atp_stream.domain.row_keys import CLOCK, TIMER
from tests.domain.support.folding import tight_bounds
from tests.domain.support.limits import MINUTE, QUARTER, at, log_with, status_of, ticks
from tests.domain.support.log import NOON, Log, confirm, count, fulfil, policy, release, reserve, tick


def published(events: list[AnyEvent]) -> list[tuple[int, int]]:
    found = [e for e in events if isinstance(e, AvailabilityCalculated) and e.channel == "ECOM"]
    return [(event.available, event.reserved) for event in found]


def test_g4_a_limit_of_15_minutes_gives_the_units_back_after_15_minutes() -> None:
    log = Log()
    events = log.say(count(100))
    events += log.say(reserve("r", 20, expires_at=at(QUARTER)))
    events += ticks(log, QUARTER - 1)
    events += ticks(log, QUARTER)
    assert [(100, 0), (80, 20), (100, 0)] == published(events)


def test_what_expired_is_released_for_that_reason_by_the_tick() -> None:
    log = log_with(100)
    log.say(reserve("r", 20, expires_at=at(MINUTE)))
    commit = next(event for event in log.events if isinstance(event, AllocationCommitted))
    (released,) = [event for event in ticks(log, MINUTE + 5) if isinstance(event, AllocationReleased)]
    assert ("EXPIRED", 20, (commit.offset, commit.ordinal)) == (released.reason, released.quantity, released.allocation)
    assert (2, NOON + MINUTE + 5) == (released.offset, released.log_time_ms)
    assert Status.EXPIRED is status_of(log)


def test_a_limit_ends_what_waits_too() -> None:
    log = log_with(0)
    log.say(reserve("r", 20, expires_at=at(MINUTE)), reserve("s", 5, at=at(1)))
    ticks(log, MINUTE)
    log.say(count(100, at(MINUTE)), log_time=NOON + MINUTE)
    assert ((95, 5), Status.EXPIRED) == (log.shows(), status_of(log))


def test_the_units_go_to_whoever_waits() -> None:
    log = log_with(20)
    log.say(reserve("r", 20, expires_at=at(MINUTE)), reserve("s", 5))
    ticks(log, MINUTE)
    assert ((15, 5), Status.COMMITTED) == (log.shows(), status_of(log, "s"))


def test_expiry_of_one_who_only_waits_is_published_under_a_version_of_its_own() -> None:
    log = log_with(5)
    log.say(reserve("r", 20, expires_at=at(MINUTE)))
    before = log.item().version
    (events,) = [event for event in ticks(log, MINUTE) if isinstance(event, AvailabilityCalculated)]
    assert (5, 0, before + 1) == (events.available, events.reserved, events.version)


def test_a_fast_clock_expires_nothing_early() -> None:
    log = log_with(100)
    log.say(reserve("r", 20, expires_at=at(QUARTER)))
    log.say(tick(at(2 * QUARTER)), log_time=NOON + MINUTE)
    assert (80, 20) == log.shows()


def test_an_intake_that_is_behind_expires_only_what_it_has_read_past() -> None:
    log = log_with(100)
    log.say(reserve("r", 20, expires_at=at(MINUTE)), reserve("s", 30, expires_at=at(QUARTER)))
    log.say(tick(at(MINUTE)), log_time=NOON + 2 * QUARTER)
    assert (70, 30) == log.shows()


def test_an_outage_does_not_expire_what_was_confirmed_in_time() -> None:
    log = log_with(100)
    log.say(reserve("r", 20, expires_at=at(QUARTER)))
    log.say(confirm("r", at(QUARTER - 1)), log_time=NOON + 10 * QUARTER)  # read only now, as no tick has gone past it
    ticks(log, 10 * QUARTER)
    assert ((80, 20), Status.CONFIRMED) == (log.shows(), status_of(log))


def test_confirmed_before_the_limit_never_expires() -> None:
    log = log_with(100)
    log.say(reserve("r", 20, expires_at=at(MINUTE)), confirm("r"))
    ticks(log, QUARTER)
    assert ((80, 20), None) == (log.shows(), log.reservation("r").expires_at_us)


def test_a_newer_create_extends_the_limit() -> None:
    log = log_with(100)
    log.say(reserve("r", 20, expires_at=at(MINUTE)), reserve("r", 20, at=at(1), expires_at=at(QUARTER)))
    ticks(log, QUARTER - 1)
    assert (80, 20) == log.shows()
    ticks(log, QUARTER)
    assert (100, 0) == log.shows()


def test_a_limit_that_is_over_already_is_not_put_off_by_what_comes_meanwhile() -> None:
    log = log_with(100)
    log.say(reserve("r", 20, expires_at=at(MINUTE)))
    log.say(release("r", 1), log_time=NOON + QUARTER)
    log.say(tick(at(QUARTER)), log_time=NOON + QUARTER)
    assert (100, 0) == log.shows()


def test_a_limit_that_was_over_at_the_create_is_ended_by_a_later_tick_only() -> None:
    log = log_with(100)
    log.say(reserve("r", 20, expires_at=at(-MINUTE)), tick(at(0)))
    assert (80, 20) == log.shows()
    ticks(log, 1)
    assert (100, 0) == log.shows()


def test_a_default_limit_begins_at_the_commit() -> None:
    log = log_with(0, limit=60)
    log.say(reserve("r", 20))
    assert log.reservation("r").expires_at_us is None
    log.say(count(100, at(1)), log_time=NOON + QUARTER)
    assert at(QUARTER + MINUTE) == log.reservation("r").expires_at_us
    ticks(log, QUARTER + MINUTE - 1)
    assert (80, 20) == log.shows()
    ticks(log, QUARTER + MINUTE)
    assert (100, 0) == log.shows()


def test_a_limit_of_ones_own_wins_over_the_default() -> None:
    log = log_with(100, limit=60)
    log.say(reserve("r", 20, expires_at=at(QUARTER)))
    ticks(log, QUARTER - 1)
    assert (80, 20) == log.shows()


def test_a_newer_create_without_a_limit_begins_a_new_default_limit() -> None:
    log = log_with(100, limit=60)
    log.say(reserve("r", 20))
    log.say(reserve("r", 20, at=at(1)), log_time=NOON + MINUTE - 1)
    assert at(2 * MINUTE - 1) == log.reservation("r").expires_at_us


def test_a_newer_create_that_leaves_nothing_begins_no_default_limit() -> None:
    log = log_with(100, limit=60)
    log.say(reserve("r", 20, expires_at=at(MINUTE)), fulfil("r", 15), reserve("r", 15, at=at(1)))
    assert (Status.RELEASED, None) == (status_of(log), log.reservation("r").expires_at_us)


def test_a_confirmed_one_gets_no_default_limit() -> None:
    log = log_with(0, limit=60)
    log.say(reserve("r", 20), confirm("r"), count(100, at(1)))
    assert log.reservation("r").expires_at_us is None


def test_a_tick_reaches_a_limit_that_a_policy_in_front_of_it_starts_only_in_its_sweep() -> None:
    log = Log()
    log.say(policy({"tenants": {"*": {"channels": {"ECOM": {}}, "safety_stock": {"fixed": 1}}}}), count(100))
    log.say(reserve("r", 20))
    frees = policy({"tenants": {"*": {"channels": {"ECOM": {}}, "time_limit": 60}}})
    log.run([Entry(0, 3, NOON, "|", frees), Entry(0, 4, NOON + QUARTER, "|", tick(at(QUARTER)))])
    assert (at(MINUTE), Status.EXPIRED) == (log.reservation("r").expires_at_us, status_of(log))


def test_two_limits_of_one_moment_end_in_one_tick_and_are_published_once() -> None:
    log = log_with(100)
    log.say(reserve("r", 20, expires_at=at(MINUTE)), reserve("s", 30, expires_at=at(MINUTE)))
    assert [(100, 0)] == published(ticks(log, MINUTE))


def test_a_tick_with_nothing_to_end_leaves_no_trace() -> None:
    log = log_with(100)
    log.say(reserve("r", 20, expires_at=at(QUARTER)))
    rows = dict(log.rows)
    assert [] == ticks(log, MINUTE)
    assert rows == log.rows


def test_no_timer_is_left_of_what_was_confirmed_and_shipped_and_forgotten() -> None:
    log = log_with(100)
    log.say(reserve("r", 20, expires_at=at(MINUTE)), confirm("r"), fulfil("r", at=at(1)))
    ticks(log, 8 * 24 * 60 * MINUTE)
    assert [] == [key for key in log.rows if key.startswith((TIMER, CLOCK)) or "|t|" in key or "|r|" in key]


def test_a_limit_is_not_that_of_what_came_before_the_create() -> None:
    log = Log()
    log.say(policy({"retention": 0, "stock": {"window": 60}, "tenants": {"*": {"channels": {"ECOM": {}}}}}), count(100))
    log.say(release("r", 6), log_time=NOON + MINUTE)
    log.say(reserve("r", 9, expires_at=at(0)), log_time=NOON + 2 * MINUTE)
    log.say(tick(at(MINUTE + 1)), log_time=NOON + 2 * MINUTE)
    assert (97, 3) == log.shows()
    ticks(log, 2 * MINUTE + 1)
    assert (100, 0) == log.shows()


def test_limits_of_many_run_out_in_slices() -> None:
    log = log_with(100)
    log.say(*(reserve(f"r{number}", 20, expires_at=at(MINUTE)) for number in range(5)))
    with tight_bounds(served=2, enough=1):
        ticks(log, MINUTE)
    assert ((100, 0), None) == (log.shows(), log.item().work)
