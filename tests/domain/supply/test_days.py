"""What is expected by day, and the days whose coming changes anything."""

from atp_stream.domain.supply.days import DAY_MS, add, boundary_of, expected, today_of
from atp_stream.domain.supply.rows import CurveRow, Day
from atp_stream.domain.supply.rules import SupplyRules

RULES = SupplyRules(horizon_days=30)
LATE = SupplyRules(horizon_days=30, past_due_days=3, past_due_offset_days=2)


def test_a_day_on_which_nothing_is_left_has_no_entry() -> None:
    row = CurveRow()
    add(row, 12, supply=5)
    add(row, 10, promised=3)
    add(row, 12, promised=4)
    assert [Day(10, 0, 3), Day(12, 5, 4)] == row.days
    add(row, 12, supply=-5, promised=-4)
    assert [Day(10, 0, 3)] == row.days


def test_a_supply_counts_from_its_day_to_the_horizon() -> None:
    assert [10, 40, None] == [expected(day, 10, 40, RULES) for day in (10, 40, 41)]


def test_a_supply_that_is_late_counts_no_more_or_again_for_some_days() -> None:
    assert [None, 12, 12, None] == [
        expected(9, 10, 40, RULES), expected(9, 10, 40, LATE), expected(7, 10, 40, LATE), expected(6, 10, 40, LATE),
    ]  # fmt: skip


def test_a_supply_counts_so_many_days_after_the_stated_one_as_it_takes_from_the_dock_to_the_shelf() -> None:
    rules = SupplyRules(horizon_days=30, past_due_days=3, past_due_offset_days=2, dock_days=2)
    assert [12, 40, None] == [expected(day, 10, 40, rules) for day in (10, 38, 39)]
    assert [10, 12, 12, None] == [expected(day, 10, 40, rules) for day in (8, 7, 5, 4)]
    assert 13 == boundary_of([Day(10, supply=5)], (), 10, rules)
    assert 12 == boundary_of([Day(40, supply=5)], (), 10, rules)


def test_today_follows_log_time_and_waits_in_front_of_a_boundary() -> None:
    assert [10, 10, 11] == [today_of(None, 10 * DAY_MS), today_of(11, 12 * DAY_MS), today_of(14, 11 * DAY_MS)]


def test_the_next_boundary_is_the_first_day_that_changes_anything() -> None:
    assert 13 == boundary_of([Day(12, supply=5)], (), 10, RULES)
    assert 12 == boundary_of([Day(12, promised=5)], (), 10, RULES)
    assert 11 == boundary_of([Day(10, promised=5)], (), 10, RULES)
    assert 15 == boundary_of([Day(45, supply=5)], (), 10, RULES)
    assert 17 == boundary_of([], [20], 10, SupplyRules(ahead_days=3))
    assert 11 == boundary_of([Day(9, supply=5)], (), 10, LATE)
    assert 15 == boundary_of([Day(45, supply=5), Day(50, promised=5)], (), 10, RULES)
    assert [15, 12] == [boundary_of([], [45], 10, SupplyRules(horizon_days=30, ahead_days=ahead)) for ahead in (0, 33)]
    assert boundary_of([Day(9, supply=5)], (), 10, RULES) is None
