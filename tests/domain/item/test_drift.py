"""Drift by example: a gap that lasts is reported, and so is its end."""

from atp_stream.domain.events import OF_MANY, AnyEvent, StockDrifted
from tests.domain.support.log import AT, NOON, Log, adjust, allocations, count, fulfil, policy, reserve, tick

SECOND = 1_000
GRACE = 30 * SECOND


def log_with_gap() -> Log:
    """An adjustment of -5 leads to 80, but 90 were there: -5 more were lost."""
    log = Log()
    log.say(count(90), adjust(-5, 80, AT + 1))
    return log


def ticks(log: Log, passed: int) -> list[AnyEvent]:
    return log.say(tick(AT + passed * 1_000), log_time=NOON + passed)


def drifts(events: list[AnyEvent]) -> list[tuple[int, int, int, bool]]:
    found = [event for event in events if isinstance(event, StockDrifted)]
    return [(event.gap, event.on_hand, event.since_ms - NOON, event.resolved) for event in found]


def test_a_gap_is_published_after_a_grace() -> None:
    log = log_with_gap()
    assert [] == drifts(log.events)
    assert [] == drifts(ticks(log, GRACE - 1))
    assert [(-5, 80, 0, False)] == drifts(ticks(log, GRACE))


def test_what_is_published_is_named_by_the_tick_and_by_the_command_that_ends_it() -> None:
    log = log_with_gap()
    (drifted,) = [event for event in ticks(log, GRACE) if isinstance(event, StockDrifted)]
    closing = log.say(count(70, AT + 2), log_time=NOON + GRACE + 1)
    (closed,) = [event for event in closing if isinstance(event, StockDrifted)]
    assert ("acme|lamp", 3, NOON + GRACE, 2, OF_MANY) == (
        drifted.name,
        drifted.version,
        drifted.log_time_ms,
        drifted.offset,
        drifted.ordinal,
    )
    assert (4, NOON + GRACE + 1, 3, 0) == (closed.version, closed.log_time_ms, closed.offset, closed.ordinal)


def test_it_is_published_once() -> None:
    log = log_with_gap()
    ticks(log, GRACE)
    assert [] == drifts(ticks(log, 2 * GRACE))


def test_a_gap_that_closes_within_the_grace_is_never_published() -> None:
    log = log_with_gap()
    log.say(adjust(-5, 85, AT), log_time=NOON + 1)
    assert 0 == log.item().stock.gap
    ticks(log, 2 * GRACE)
    assert [] == drifts(log.events)


def test_a_gap_that_closes_leaves_no_timer() -> None:
    log = log_with_gap()
    log.say(adjust(-5, 85, AT), log_time=NOON + 1)
    assert [] == [key for key in log.rows if "|t|" in key]


def test_another_gap_within_the_grace_does_not_put_it_off() -> None:
    log = log_with_gap()
    log.say(adjust(1, 84, AT + 2), log_time=NOON + GRACE - 1)
    assert [(-2, 84, 0, False)] == drifts(ticks(log, GRACE))


def test_a_gap_that_was_published_and_lasts_starts_no_timer_again() -> None:
    log = log_with_gap()
    ticks(log, GRACE)
    log.say(adjust(-1, 79, AT + 2), log_time=NOON + GRACE + 1)
    assert [] == [key for key in log.rows if "|t|" in key]


def test_a_drift_and_an_end_by_one_tick_are_published_in_the_order_of_their_moments_under_names_of_their_own() -> None:
    log = log_with_gap()
    log.say(reserve("a", 10, expires_at=AT + GRACE * 1_000 + 1))
    found = allocations(log.say(tick(AT + GRACE * 2_000), log_time=NOON + 2 * GRACE))
    assert [("StockDrifted", OF_MANY), ("AllocationReleased", OF_MANY + 1)] == [
        (type(event).__name__, event.ordinal) for event in found
    ]


def test_a_gap_that_was_reported_is_resolved_at_once() -> None:
    log = log_with_gap()
    ticks(log, GRACE)
    assert [(0, 70, 0, True)] == drifts(log.say(count(70, AT + 2), log_time=NOON + GRACE))
    assert log.item().drift is None


def test_another_gap_is_published_after_another_grace() -> None:
    log = log_with_gap()
    ticks(log, GRACE)
    log.say(adjust(1, 84, AT + 2), log_time=NOON + GRACE)
    assert [] == drifts(ticks(log, 2 * GRACE - 1))
    assert [(-2, 84, 0, False)] == drifts(ticks(log, 2 * GRACE))


def test_a_gap_that_comes_back_within_the_grace_is_not_published_again() -> None:
    log = log_with_gap()
    ticks(log, GRACE)
    log.say(adjust(1, 84, AT + 2), adjust(-1, 80, AT + 3), log_time=NOON + GRACE)
    assert [] == drifts(ticks(log, 3 * GRACE))


def test_after_its_end_a_gap_begins_anew() -> None:
    log = log_with_gap()
    ticks(log, GRACE)
    log.say(count(70, AT + 2), adjust(-5, 60, AT + 3), log_time=NOON + 2 * GRACE)
    assert [] == drifts(ticks(log, 3 * GRACE - 1))
    assert [(-5, 60, 2 * GRACE, False)] == drifts(ticks(log, 3 * GRACE))


def test_the_policy_says_how_long_a_grace_is() -> None:
    log = Log()
    log.say(policy({"drift_grace": 5, "tenants": {"*": {"channels": {"ECOM": {}}}}}))
    log.say(count(90), adjust(-5, 80, AT + 1))
    assert [(-5, 80, 0, False)] == drifts(ticks(log, 5 * SECOND))


def test_a_complete_history_has_no_gap() -> None:
    log = Log()
    log.say(count(90), adjust(-5, 85, AT + 1), adjust(7, 92, AT + 2))
    assert (0, None) == (log.item().stock.gap, log.item().drift)


def test_a_lost_adjustment_shows_as_its_delta_and_its_arrival_closes_the_gap() -> None:
    log = Log()
    log.say(count(90), adjust(7, 92, AT + 2))
    ticks(log, GRACE)
    ending = log.say(adjust(-5, 85, AT + 1), log_time=NOON + GRACE)
    assert ([(-5, 92, 0, False)], [(0, 92, 0, True)]) == (drifts(log.events)[:1], drifts(ending))


def test_another_skew_leaves_the_gap_as_it_is_until_an_absolute_comes() -> None:
    log = Log()
    log.say(policy({"stock": {"skew": 60}, "tenants": {"*": {"channels": {"ECOM": {}}}}}))
    log.say(count(40, AT - 300_000_000), adjust(4, 14, AT), fulfil("r", 6, at=AT))
    log.say(policy({"stock": {"skew": 0}, "tenants": {"*": {"channels": {"ECOM": {}}}}}))
    assert (-30, 8) == (log.item().stock.gap, log.item().stock.on_hand)
    log.say(adjust(1, 15, AT + 1))
    assert (-24, 15) == (log.item().stock.gap, log.item().stock.on_hand)


def test_another_skew_leaves_what_is_missing_as_it_is_until_an_absolute_comes() -> None:
    log = Log()
    log.say(count(29, AT, location="north"))
    log.say(policy({"stock": {"skew": 60}, "tenants": {"*": {"channels": {"ECOM": {}}}}}))
    log.say(fulfil("r", 1, at=AT))
    assert 29 == log.item().stock.on_hand
