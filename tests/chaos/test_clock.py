"""The oracle's stock time: its generations by example, the law of the window, and the product's count beside it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from atp_stream.domain.state.overlay import State
from atp_stream.domain.stock.generations import StockTime
from atp_stream.oracle.clock import Clock

WINDOW = 64_000
"""A silence counts at most 16,000 of it, and stock time moves by 1,000 at the least."""


def begun(window: int = WINDOW) -> Clock:
    clock = Clock()
    clock.read(1_000)
    clock.begin(window)
    return clock


def passes(clock: Clock, *log_times: int) -> int:
    """Let a command come at each log time; return the last one's generation."""
    for now in log_times:
        clock.read(now)
        clock.move()
    return clock.generation


def test_a_generation_is_a_window_of_stock_time_from_the_first_command_on() -> None:
    clock = begun()
    generations = [passes(clock, now) for now in range(1_000, 1_000 + 3 * WINDOW, 8_000)]

    assert [0] * 8 + [1] * 8 + [2] * 8 == generations


def test_a_generation_ends_to_the_millisecond() -> None:
    clock = begun()

    passes(clock, *range(9_000, 64_999, 8_000), 64_500)
    assert [0, 1] == [passes(clock, now) for now in (64_999, 65_000)]


def test_before_the_first_command_no_time_passes() -> None:
    clock = Clock()

    assert 0 == passes(clock, *range(1_000, 500_000, 8_000))


def test_it_begins_once() -> None:
    clock = begun()
    passes(clock, 9_000)
    clock.begin(1_000)

    assert 0 == passes(clock, 17_000)


def test_the_log_time_is_the_greatest_so_far() -> None:
    clock = Clock()

    assert [5, 5, 9] == [clock.read(timestamp) for timestamp in (5, 3, 9)]


def test_a_record_that_is_no_command_moves_log_time_alone() -> None:
    clock = begun()
    for now in range(9_000, 89_000, 8_000):
        clock.read(now)

    assert (81_000, 0) == (clock.log_time_ms, clock.generation)


def test_four_silences_make_a_generation_however_long_they_are() -> None:
    clock = begun()

    assert [0, 0, 0, 1] == [passes(clock, number * 10**9) for number in range(1, 5)]


def test_a_silence_is_counted_from_where_stock_time_stands() -> None:
    clock = begun()
    passes(clock, 1_999, 17_999)  # 16,999: one part of 16,000, as stock time did not move at 1,999

    assert [0, 1] == [passes(clock, *range(26_000, 65_999, 8_000), 65_998), passes(clock, 65_999)]


def test_another_window_begins_with_the_next_generation() -> None:
    clock = begun()
    clock.live_by(8_000)
    generations = [passes(clock, now) for now in range(3_000, 83_000, 2_000)]

    assert [0] * 31 + [1] * 4 + [2] * 4 + [3] == generations


def test_while_a_lesser_window_waits_a_silence_counts_a_quarter_of_that() -> None:
    clock = begun()
    clock.live_by(8_000)
    passes(clock, 100_000)
    assert 0 == passes(clock, *range(102_000, 160_001, 2_000))


GAPS = st.one_of(st.integers(0, 40), st.integers(0, 400), st.integers(150, 5_000))
EVENTS = st.lists(st.tuples(GAPS, st.sampled_from([None, None, None, 640, 1_000, 1_287, 2_500])), max_size=80)


@given(st.sampled_from([640, 1_000]), EVENTS)
def test_it_counts_as_the_product_does(window: int, events: list[tuple[int, int | None]]) -> None:
    rows: dict[str, Any] = {}
    clock, now = Clock(), 5_000
    clock.read(now)
    clock.begin(window)
    time = StockTime.of(State(rows.get, lambda _: iter(())))
    time.begin(now, window * 1_000)
    for gap, another in events:
        now += gap
        time.advance(now)
        assert passes(clock, now) == time.generation
        if another is not None:
            time.renew(another * 1_000)
            clock.live_by(another)


@given(st.sampled_from([640, 1_000]), EVENTS)
def test_what_came_within_the_least_window_is_one_generation_back_at_most(
    window: int, events: list[tuple[int, int | None]]
) -> None:
    clock, windows, now, counted = begun(window), {window}, 1_000, 0
    moments = [(0, 0)]
    for gap, another in events:
        now += gap
        counted += min(gap, max(windows) // 4)
        moments.append((counted, passes(clock, now)))
        if another is not None:
            clock.live_by(another)
            windows.add(another)
    recent = [number for at, number in moments if counted - at <= min(windows)]

    assert clock.generation - 1 <= min(recent)


@given(st.sampled_from([640, 1_000]), st.lists(st.integers(0, 150), max_size=80))
def test_in_a_log_without_silences_what_came_two_windows_ago_is_two_generations_back(
    window: int, gaps: list[int]
) -> None:
    clock, now = begun(window), 1_000
    moments = [(now, 0)]
    for gap in gaps:
        now += gap
        moments.append((now, passes(clock, now)))
    old = [number for at, number in moments if now - at >= 2 * window]

    assert clock.generation - 2 >= max(old, default=-2)
