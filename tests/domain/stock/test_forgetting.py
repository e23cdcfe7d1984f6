"""What is remembered, and what becomes of a fact that comes later than that, by example and for every moment."""

import pytest

from atp_stream.domain.commands import AdjustStock, AnyCommand
from atp_stream.domain.row_keys import kind_of
from tests.domain.support.judge import DAY, HOUR, MICROSECONDS, MINUTE, SECOND, Judge
from tests.domain.support.log import AT, LAMP, NOON, adjust, count, policy, resume
from tests.domain.support.product import Counters, refusals, rows_of_generations
from tests.domain.support.sizes import nightly

RUG = "acme|rug"


def stamp(log_time: int) -> int:
    """Return a moment of log time as an event time."""
    return log_time * MICROSECONDS


def forgetting(*facts: AnyCommand, window: int = MINUTE) -> Judge:
    """Return an item whose facts have been forgotten."""
    judge = Judge(window=window)
    for fact in facts:
        judge.hears(fact)
    judge.passes(NOON + 2 * window + window // 8)
    return judge


# Two windows later


def test_a_delta_just_behind_all_that_is_forgotten_is_applied() -> None:
    judge = forgetting(count(10), adjust(2, at=AT + 5))
    assert "applied" == judge.hears(adjust(3, at=AT + 6))
    judge.agrees()


def test_a_delta_at_the_newest_stamp_that_is_forgotten_is_stale() -> None:
    judge = forgetting(count(10), adjust(2, at=AT + 5))
    assert "stale" == judge.hears(adjust(3, at=AT + 5))
    judge.agrees()


def test_a_delta_in_front_of_a_newer_absolute_that_holds_it_is_past_and_gets_no_letter() -> None:
    judge = forgetting(adjust(2, at=AT), count(10, AT + 5))
    assert "past" == judge.hears(adjust(3, at=AT + 4))
    judge.agrees()


def test_a_late_movement_of_a_reservation_is_stale_though_a_newer_absolute_holds_it() -> None:
    judge = forgetting(adjust(2, at=AT), count(10, AT + 5))
    assert "stale" == judge.hears(adjust(-3, at=AT + 4, reservation="r"))
    judge.agrees()


def test_a_late_fact_of_another_place_is_applied() -> None:
    judge = forgetting(count(10))
    assert "applied" == judge.hears(adjust(3, at=AT - 5, location="north"))
    judge.agrees()


def test_what_is_forgotten_leaves_no_row_of_a_generation() -> None:
    judge = Judge(window=MINUTE)
    for place in range(200):
        judge.hears(adjust(1, at=AT + place))
    kept = len(rows_of_generations(judge.log))
    judge.passes(NOON + 3 * MINUTE + MINUTE // 4)
    assert (True, []) == (kept > 0, rows_of_generations(judge.log))


def test_a_fact_sent_again_with_its_own_stamp_never_counts_twice_however_late() -> None:
    judge = forgetting(adjust(7, event_id="x"))
    assert "stale" == judge.hears(adjust(7, event_id="x"))
    assert 7 == judge.expected().on_hand
    judge.agrees()


def test_a_past_and_a_stale_fact_are_counted() -> None:
    judge = forgetting(adjust(2, at=AT), count(10, AT + 5))
    judge.hears(adjust(3, at=AT + 4))
    judge.hears(adjust(3, at=AT + 5))
    assert (1, 1) == (Counters(judge.log).past, judge.log.item().stale)


# Outages and jumps forget nothing that is under way


def under_way(judge: Judge) -> tuple[list[AdjustStock], list[AdjustStock]]:
    """Take in sales whose stamps pass by those of others; return those that came, and those that still come."""
    judge.hears(count(1_000, stamp(judge.log_time) - 60_000_000))
    sales = [adjust(-1, at=stamp(judge.log_time) - 6_000_000 + place * 50_000) for place in range(120)]
    for sale in sales[1::2]:
        judge.hears(sale)
    return sales[1::2], sales[::2]


def come_after_all(judge: Judge, came: list[AdjustStock], coming: list[AdjustStock]) -> None:
    for sale in [*coming, *came, *coming]:
        judge.hears(sale)
    assert ["applied"] * 121 + ["duplicate"] * 120 == sorted(judge.outcomes)
    assert (880, 0) == judge.expected()[:2]
    judge.agrees()


def moments(window: int) -> list[int]:
    """Return moments of log time from all over a generation, and close to its borders."""
    many = nightly(209, 9)
    return [NOON + window * place // many for place in range(many)] + [NOON + window - SECOND, NOON + window + SECOND]


@pytest.mark.parametrize("window", [DAY, HOUR])
def test_after_an_outage_of_three_days_nothing_is_lost_or_doubled(window: int) -> None:
    for moment in moments(window):
        judge = Judge(window=window)
        judge.passes(moment)
        came, coming = under_way(judge)
        judge.log_time += 3 * DAY
        come_after_all(judge, came, coming)


def test_after_three_outages_in_a_row_nothing_is_lost_or_doubled() -> None:
    for moment in moments(DAY):
        judge = Judge()
        judge.passes(moment)
        came, coming = under_way(judge)
        for _ in range(3):
            judge.ticks(judge.log_time + 3 * DAY)
        come_after_all(judge, came, coming)


def test_one_append_stamped_two_days_ahead_loses_and_doubles_nothing() -> None:
    for moment in moments(DAY):
        judge = Judge()
        judge.passes(moment)
        came, coming = under_way(judge)
        judge.log_time += 2 * DAY  # the greatest append time: it stands still until the clocks have come there
        judge.says(count(5), name=RUG)
        come_after_all(judge, came, coming)


# A quarantine


@pytest.mark.parametrize(("window", "stopped"), [(DAY, 3 * DAY), (HOUR, 12 * HOUR), (MINUTE, 40 * MINUTE)])
def test_after_a_quarantine_of_many_windows_nothing_is_lost_or_doubled(window: int, stopped: int) -> None:
    for moment in moments(window)[:: nightly(4, 5)]:
        judge = Judge(window=window)
        judge.passes(moment)
        came, coming = under_way(judge)
        judge.log.breaks.add(len(judge.log.entries))
        stops = adjust(-1, at=stamp(judge.log_time))
        judge.says(stops)
        for sale in [*coming, *came, *coming]:
            judge.says(sale)
        judge.passes(judge.log_time + stopped)
        assert 181 == judge.log.item().deferred
        assert [] == refusals(judge.says(resume()))
        for sale in [stops, *coming]:
            judge.books.enter(sale)
        assert 879 == judge.expected().on_hand
        judge.agrees()
        judge.passes(judge.log_time + 3 * window + window // 4)
        assert [] == rows_of_generations(judge.log)


# Another window


@pytest.mark.parametrize(("first", "then"), [(DAY, HOUR), (HOUR, DAY), (DAY, MINUTE), (MINUTE, DAY)])
def test_what_came_within_the_lesser_window_is_remembered_while_a_new_one_begins(first: int, then: int) -> None:
    for moment in moments(first)[::2]:
        judge = Judge(window=first)
        judge.passes(moment)
        came, coming = under_way(judge)
        judge.log_time += SECOND
        judge.clock.live_by(then * MICROSECONDS)
        judge.says(policy({"stock": {"window": then // SECOND}}), name="|")
        judge.log_time += SECOND
        come_after_all(judge, came, coming)


# An item, or a place, that is empty


def emptied() -> Judge:
    facts = [adjust(1, at=AT + number, location="north") for number in range(100)]
    return forgetting(*facts, count(0, AT + 500, location="north"))


def test_of_an_empty_place_nothing_is_left_that_grew_with_its_facts() -> None:
    judge = emptied()
    kinds = sorted(kind_of(key) for key in judge.log.rows if key.startswith(f"{LAMP}|"))
    assert ([], ["L", "N", "i"]) == (rows_of_generations(judge.log), kinds)


def test_the_row_of_an_empty_place_is_what_keeps_a_late_fact_from_counting() -> None:
    judge = emptied()
    assert "past" == judge.hears(adjust(3, at=AT + 50, location="north"))
    assert 0 == judge.log.item().stock.on_hand
    judge.agrees()
