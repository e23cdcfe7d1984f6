"""Stock time: what of log time counts, and which generation there is when; all in milliseconds of log time."""

from typing import Any

import pytest

from atp_stream.domain.row_keys import STOCK_TIME
from atp_stream.domain.state.overlay import State
from atp_stream.domain.stock.generations import Era, StockTime, StockTimeRow

WINDOW = 64_000
"""A silence counts at most 16,000 of it; the log time is noted every 1,000."""


class Partition:
    """A partition whose rows are committed after each step."""

    def __init__(self, *eras: Era, seen: int = 0) -> None:
        self.rows: dict[str, Any] = {STOCK_TIME: StockTimeRow(seen_ms=seen, eras=list(eras))} if eras else {}
        self.step()

    def step(self) -> StockTime:
        """Begin a step."""
        self.state = State(self.rows.get, lambda _: iter(()))
        self.time = StockTime.of(self.state)
        return self.time

    def commit(self) -> bool:
        """Commit a step, and return whether it wrote the row."""
        wrote = STOCK_TIME in self.state.changed
        self.rows.update(self.state.changed)
        return wrote

    def passes(self, *log_times: int) -> int:
        """Go on to some log times, one a step; return the generation at last."""
        for now in log_times:
            self.step().advance(now)
            self.commit()
        return self.time.generation

    @property
    def row(self) -> StockTimeRow:
        row: StockTimeRow = self.rows[STOCK_TIME]
        return row


def begun(at: int = 1_000, window: int = WINDOW) -> Partition:
    partition = Partition()
    partition.time.begin(at, window * 1_000)
    partition.commit()
    return partition


def noted(partition: Partition) -> tuple[int, list[Era]]:
    return partition.row.seen_ms, partition.row.eras


# The beginning


def test_before_the_first_command_there_is_no_time() -> None:
    time = Partition().time
    assert (False, 0, 0) == (time.has_begun, time.window_ms, time.generation)


def test_the_first_command_begins_generation_0() -> None:
    partition = Partition()
    partition.time.begin(1_000, 64_000_999)
    assert (True, 64_000, 0) == (partition.time.has_begun, partition.time.window_ms, partition.time.generation)
    assert partition.commit()
    assert (1_000, [Era(1_000, 0, 0, 64_000)]) == noted(partition)


def test_a_window_that_is_set_before_the_first_command_changes_nothing() -> None:
    partition = Partition()
    partition.time.renew(5_000_000)
    assert (False, False) == (partition.time.has_begun, partition.commit())


# Time goes on


@pytest.mark.parametrize(
    ("now", "generation", "passed"), [(100, 7, 30), (169, 7, 99), (170, 8, 0), (171, 8, 1), (270, 9, 0), (371, 10, 1)]
)
def test_a_generation_is_a_window_of_time(now: int, generation: int, passed: int) -> None:
    assert (generation, passed) == Era(begins_ms=100, passed_ms=30, number=7, window_ms=100).at(now)


def test_a_generation_ends_to_the_millisecond() -> None:
    partition = begun()
    assert 0 == partition.passes(17_000, 33_000, 49_000, 64_500, 64_999)
    assert 1 == partition.passes(65_000)


def test_many_generations_pass_under_steady_traffic() -> None:
    assert 9 == begun().passes(*range(1_000, 1_000 + 10 * WINDOW, 8_000))


def test_the_log_time_is_noted_once_a_part_of_the_window_has_passed() -> None:
    partition = begun()
    partition.step().advance(1_999)
    assert not partition.commit()
    partition.step().advance(2_000)
    assert partition.commit()
    assert 2_000 == partition.row.seen_ms


def test_a_part_of_a_window_is_rounded_up() -> None:
    partition = begun(window=65)  # a part is 2
    partition.step().advance(1_001)
    assert not partition.commit()
    partition.step().advance(1_002)
    assert partition.commit()


def test_the_end_of_a_generation_is_noted_though_no_such_part_has_passed() -> None:
    partition = begun()
    partition.passes(17_000, 33_000, 49_000, 64_500)
    partition.step().advance(64_999)
    assert not partition.commit()
    partition.step().advance(65_000)
    assert partition.commit()
    assert (65_000, 1) == (partition.row.seen_ms, partition.row.generation)


def test_within_one_step_time_goes_on_as_over_many() -> None:
    partition = begun()
    time = partition.step()
    for now in (17_000, 33_000, 49_000, 65_000):
        time.advance(now)
    assert 1 == time.generation


def test_a_step_begins_where_the_last_one_stood() -> None:
    partition = begun()
    partition.passes(17_000, 33_000, 49_000, 65_000)
    time = partition.step()
    assert (True, 1, 64_000) == (time.has_begun, time.generation, time.window_ms)


def test_the_row_says_the_generation() -> None:
    eras = [Era(0, 0, 3, 100), Era(100, 0, 4, 50)]
    assert [3, 4, 4, 5] == [StockTimeRow(seen_ms=seen, eras=eras).generation for seen in (99, 100, 149, 150)]


# A silence


def test_a_silence_of_its_share_counts_in_full() -> None:
    partition = begun()
    partition.passes(17_000)
    assert (17_000, [Era(1_000, 0, 0, 64_000)]) == noted(partition)


def test_of_a_longer_silence_only_its_share_counts() -> None:
    partition = begun()
    partition.passes(17_001)
    assert (17_001, [Era(17_001, 16_000, 0, 64_000)]) == noted(partition)


def test_the_share_of_a_silence_is_rounded_down_to_the_millisecond() -> None:
    partition = begun(window=66)
    partition.passes(1_020)
    assert [Era(1_020, 16, 0, 66)] == partition.row.eras


def test_a_silence_that_ends_a_generation_begins_the_next() -> None:
    partition = begun()
    assert 1 == partition.passes(17_000, 33_000, 49_000, 64_000, 10_000_000)
    assert [Era(10_000_000, 15_000, 1, 64_000)] == partition.row.eras


def test_four_silences_make_a_generation_however_long_they_are() -> None:
    partition = begun()
    assert [0, 0, 0, 1] == [partition.passes(number * 10**9) for number in range(1, 5)]


def test_a_silence_counts_from_the_log_time_last_noted() -> None:
    partition = begun()
    partition.passes(1_999, 17_999)
    assert (17_999, [Era(17_999, 16_000, 0, 64_000)]) == noted(partition)


# Another window


def renewed(partition: Partition, window: int) -> bool:
    """Live by another window; return whether the row was written."""
    partition.step().renew(window * 1_000)
    return partition.commit()


def test_another_window_holds_from_the_end_of_the_present_generation_on() -> None:
    partition = begun()
    assert renewed(partition, 8_000)
    assert [Era(1_000, 0, 0, 64_000), Era(65_000, 0, 1, 8_000)] == partition.row.eras
    assert 64_000 == partition.step().window_ms
    assert 0 == partition.passes(*range(3_000, 65_000, 2_000), 64_999)
    assert (64_000, 2) == (partition.step().window_ms, len(partition.row.eras))
    assert 1 == partition.passes(65_000)
    assert (8_000, [Era(65_000, 0, 1, 8_000)]) == (partition.step().window_ms, partition.row.eras)
    assert [1, 2] == [partition.passes(*range(66_000, 73_000, 1_000)), partition.passes(73_000)]


def test_another_window_is_rounded_down_to_the_millisecond() -> None:
    partition = begun()
    partition.step().renew(8_000_999)
    partition.commit()
    assert [Era(1_000, 0, 0, 64_000), Era(65_000, 0, 1, 8_000)] == partition.row.eras


def test_the_end_of_the_present_generation_is_decided_by_the_log_time_of_the_command() -> None:
    partition = begun()
    partition.passes(17_000)
    time = partition.step()
    time.advance(17_500)  # not noted
    time.renew(8_000_000)
    partition.commit()
    assert [Era(1_000, 0, 0, 64_000), Era(65_000, 0, 1, 8_000)] == partition.row.eras


def test_the_same_window_again_writes_nothing() -> None:
    partition = begun()
    assert not renewed(partition, 64_000)
    renewed(partition, 8_000)
    assert not renewed(partition, 8_000)


def test_a_window_that_is_taken_back_in_time_was_never_there() -> None:
    partition = begun()
    renewed(partition, 8_000)
    assert renewed(partition, 64_000)
    assert [Era(1_000, 0, 0, 64_000)] == partition.row.eras


def test_of_several_windows_set_within_one_generation_the_last_one_holds() -> None:
    partition = begun()
    renewed(partition, 8_000)
    renewed(partition, 16_000_000)
    assert [Era(1_000, 0, 0, 64_000), Era(65_000, 0, 1, 16_000_000)] == partition.row.eras


def test_a_generation_ends_in_its_own_era() -> None:
    partition = Partition(Era(0, 0, 0, 100), Era(100, 20, 5, 50), seen=140)
    assert renewed(partition, 10)
    assert [Era(100, 20, 5, 50), Era(180, 0, 7, 10)] == partition.row.eras


def test_a_silence_puts_the_next_window_off() -> None:
    partition = begun()
    renewed(partition, 8_000)
    partition.passes(6_000)  # 3,000 too long
    assert [Era(6_000, 2_000, 0, 64_000), Era(68_000, 0, 1, 8_000)] == partition.row.eras
    assert [0, 1] == [partition.passes(*range(8_000, 68_000, 2_000), 67_999), partition.passes(68_000)]


def test_a_silence_of_which_the_share_ends_with_the_generation_begins_the_next_window() -> None:
    partition = begun()
    renewed(partition, 8_000)
    assert 1 == partition.passes(*range(3_000, 65_000, 2_000), 10_000_000)
    assert [Era(10_000_000, 0, 1, 8_000)] == partition.row.eras


def test_the_share_of_a_silence_may_reach_into_the_next_window() -> None:
    partition = begun()
    renewed(partition, 8_000)
    partition.passes(*range(3_000, 65_000, 2_000), 64_000)
    assert 1 == partition.passes(10_000_000)
    assert [Era(10_000_000, 1_000, 1, 8_000)] == partition.row.eras


def test_a_silence_never_counts_more_than_its_share_of_the_lesser_window() -> None:
    partition = begun()
    renewed(partition, 4_000)
    before = partition.passes(*range(2_000, 65_000, 1_000), 64_999)
    assert before + 1 == partition.passes(10_000_000)  # what came just before the silence is remembered


def test_a_log_that_is_never_silent_loses_no_time_while_a_shorter_window_waits() -> None:
    partition = begun(window=6_400_000)
    renewed(partition, 64_000)
    assert [0, 1] == [partition.passes(*range(15_000, 6_401_000, 14_000)), partition.passes(6_401_000)]
