"""Rows of generations that are forgotten go by and by; those of an item that is stopped stay for what is kept of it."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

import pytest

from atp_stream.domain.row_keys import PURGE, QUARANTINE, STOCK_TIME
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.partition_rows import PurgeRow
from atp_stream.domain.state.purge import Purge, is_forgotten, is_kept
from atp_stream.domain.state.rows import Due, Item
from atp_stream.domain.stock.generations import Era, StockTime, StockTimeRow
from atp_stream.domain.stock.rows import Mark, Stock

WINDOW = 8_000


def item(stopped: int | None) -> Item:
    return Item(stock=Stock(), channels={}, stopped=stopped)


class Partition:
    """A partition with rows in memory, in a generation; each call is a step of its own."""

    def __init__(self, generation: int = 5, **rows_of_items: int) -> None:
        """`rows_of_items` says how many rows each item has in each of the generations 0 to 5."""
        self.rows: dict[str, Any] = {}
        for name, count in rows_of_items.items():
            for number in range(6):
                for place in range(count):
                    self.rows[f"|g|{number:08x}|K|acme|{name}|{place:02d}"] = Mark()
        self.moves_to(generation)

    def moves_to(self, generation: int) -> None:
        self.generation = generation
        self.rows[STOCK_TIME] = StockTimeRow(seen_ms=0, eras=[Era(0, 0, generation, WINDOW)])

    def open(self) -> Purge:
        self.state = State(self.rows.get, self._scan)
        return Purge(self.state, StockTime.of(self.state))

    def commit(self) -> None:
        for key, row in self.state.changed.items():
            if row is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = row

    def goes_on(self, limit: int) -> bool:
        is_done = self.open().go_on(limit)
        self.commit()
        return is_done

    def ticks(self, log_time: int) -> None:
        self.open().tick(log_time)
        self.commit()

    def watches(self, log_time: int, *, wrote: bool = True) -> None:
        purge = self.open()
        if wrote:
            self.state.put("|g|00000005|K|acme|lamp|00", Mark())
        purge.watch(log_time)
        self.commit()

    def stops(self, name: str, generation: int, marked: str) -> None:
        """Stop an item in a generation."""
        self.rows[f"acme|{name}|i"] = item(generation)
        self.rows[f"{marked}acme|{name}"] = Due()

    def left(self) -> dict[str, int]:
        """Return how many rows of generations there are, by generation and item."""
        counts: dict[str, int] = {}
        for key in self.rows:
            if key.startswith("|g|"):
                name = f"{int(key[3:11], 16)} {key.split('|')[5]}"
                counts[name] = counts.get(name, 0) + 1
        return counts

    def timers(self) -> list[int]:
        return [int(key[7:23], 16) for key in self.rows if key.startswith("|timer|") and key[23:] == "|"]

    @property
    def row(self) -> PurgeRow:
        row: PurgeRow = self.rows[PURGE]
        return row

    def _scan(self, key: str) -> Iterator[tuple[str, Any]]:
        keys = sorted(self.rows)
        return ((found, self.rows[found]) for found in keys[bisect_left(keys, key) :])


# What is counted


def test_rows_that_go_are_counted_and_those_that_stay_are_not() -> None:
    partition = Partition(lamp=2, rug=1)
    partition.stops("rug", 3, QUARANTINE)
    partition.goes_on(3)
    assert 3 == partition.state.tally.purged
    partition.goes_on(99)
    assert (5 + 2, {"2 rug": 1, "3 rug": 1}) == (
        partition.state.tally.purged, {name: left for name, left in partition.left().items() if int(name[0]) < 4}
    )  # fmt: skip


# What may go


@pytest.mark.parametrize(("generation", "kept"), [(5, False), (6, True), (7, True), (9, True)])
def test_rows_of_a_stopped_item_stay_from_the_generation_before_its_stop_on(generation: int, *, kept: bool) -> None:
    assert kept is is_kept(item(7), generation)


def test_rows_of_an_item_that_is_not_stopped_or_not_there_do_not_stay() -> None:
    assert (False, False) == (is_kept(item(None), 9), is_kept(None, 9))


@pytest.mark.parametrize(
    ("key", "forgotten"),
    [
        ("|g|00000003|K|acme|lamp|x", True),
        ("|g|00000004|K|acme|lamp|x", False),
        ("|g|00000005|K|acme|lamp|x", False),
        ("|purge", True),
        ("|timer|0000000000000001|", True),
        ("|timer|0000000000000001|acme|lamp", False),
        ("|clock", False),
        ("acme|lamp|i", False),
        ("acme|lamp|q|ECOM|", False),
    ],
)
def test_how_far_the_purge_came_shows_in_forgotten_rows_and_its_own(key: str, *, forgotten: bool) -> None:
    assert forgotten is is_forgotten(key, 5)


# It goes on


def test_rows_of_all_but_the_last_two_generations_go() -> None:
    partition = Partition(lamp=2, rug=1)
    assert partition.goes_on(100)
    assert {"4 lamp": 2, "4 rug": 1, "5 lamp": 2, "5 rug": 1} == partition.left()
    assert PurgeRow(below=4) == partition.row


def test_only_so_many_rows_go_at_a_time() -> None:
    partition = Partition(lamp=2)
    assert not partition.goes_on(3)
    assert ({"1 lamp": 1, "2 lamp": 2, "3 lamp": 2, "4 lamp": 2, "5 lamp": 2}, 0) == (
        partition.left(),
        partition.row.below,
    )
    assert "|g|00000001|K|acme|lamp|00" == partition.row.cursor
    assert [False, True] == [partition.goes_on(4), partition.goes_on(4)]
    assert ({"4 lamp": 2, "5 lamp": 2}, PurgeRow(below=4)) == (partition.left(), partition.row)


def test_as_many_as_there_are_may_be_left_open() -> None:
    partition = Partition(lamp=1)
    assert [False, True] == [partition.goes_on(4), partition.goes_on(1)]


def test_once_all_is_gone_nothing_is_written() -> None:
    partition = Partition(lamp=1)
    partition.goes_on(100)
    assert partition.open().go_on(100)
    assert {} == partition.state.changed


def test_a_new_generation_goes_over_the_rows_again() -> None:
    partition = Partition(lamp=1)
    partition.goes_on(100)
    partition.moves_to(6)
    assert partition.goes_on(100)
    assert ({"5 lamp": 1}, 5) == (partition.left(), partition.row.below)


def test_one_step_goes_on_where_it_stood_and_begins_anew_with_a_new_generation() -> None:
    partition = Partition(lamp=2)
    purge = partition.open()
    assert [False, False] == [purge.go_on(3), purge.go_on(2)]
    partition.commit()
    assert {"2 lamp": 1, "3 lamp": 2, "4 lamp": 2, "5 lamp": 2} == partition.left()
    time = purge._time
    time.generation = 6
    assert purge.go_on(100)
    partition.commit()
    assert ({"5 lamp": 2}, 5) == (partition.left(), partition.row.below)


def test_a_scan_is_opened_once_in_a_step() -> None:
    partition, opened = Partition(lamp=2), []
    scan = partition._scan

    def counted(key: str) -> Iterator[tuple[str, Any]]:
        opened.append(key)
        return scan(key)

    partition._scan = counted  # type: ignore[method-assign]
    purge = partition.open()
    assert [False] * 3 == [purge.go_on(1) for _ in range(3)]
    assert ["|g|"] == [key for key in opened if key.startswith("|g|")]


def test_a_step_goes_on_from_the_cursor() -> None:
    partition, opened = Partition(lamp=2), []
    partition.goes_on(3)
    scan = partition._scan

    def counted(key: str) -> Iterator[tuple[str, Any]]:
        opened.append(key)
        return scan(key)

    partition._scan = counted  # type: ignore[method-assign]
    partition.goes_on(1)
    assert ["|g|00000001|K|acme|lamp|00"] == [key for key in opened if key.startswith("|g|")]


@pytest.mark.parametrize("generation", [0, 1])
def test_in_the_first_two_generations_nothing_is_forgotten(generation: int) -> None:
    partition = Partition(generation, lamp=1)
    assert partition.open().go_on(100)
    assert {} == partition.state.changed


# What is stopped


@pytest.mark.parametrize("marked", ["|quarantine|", "|work|"])
def test_rows_of_an_item_that_is_stopped_are_passed_over(marked: str) -> None:
    partition = Partition(lamp=1, rug=1)
    partition.stops("rug", 2, marked)
    assert partition.goes_on(100)
    assert {"1 rug": 1, "2 rug": 1, "3 rug": 1, "4 lamp": 1, "4 rug": 1, "5 lamp": 1, "5 rug": 1} == partition.left()


def test_rows_that_are_passed_over_count_in_the_limit_and_the_last_one_is_met_again() -> None:
    partition = Partition(rug=1)
    partition.stops("rug", 0, "|quarantine|")
    assert [False, False, False, True] == [partition.goes_on(2) for _ in range(4)]
    assert 6 == len(partition.left())


def test_where_nothing_is_stopped_no_item_is_read() -> None:
    partition = Partition(lamp=1)
    partition.rows["acme|lamp|i"] = item(0)  # left over: nothing is kept of it
    partition.goes_on(100)
    assert {"4 lamp": 1, "5 lamp": 1} == partition.left()


def test_once_an_item_is_let_go_all_rows_are_gone_over_again() -> None:
    partition = Partition(rug=1)
    partition.stops("rug", 2, "|quarantine|")
    partition.goes_on(100)
    partition.rows["acme|rug|i"] = item(None)
    partition.open().begin_anew()
    partition.commit()
    assert PurgeRow() == partition.row
    assert partition.goes_on(100)
    assert {"4 rug": 1, "5 rug": 1} == partition.left()


def test_it_begins_anew_in_the_midst_of_a_step_too() -> None:
    partition = Partition(lamp=2)
    purge = partition.open()
    purge.go_on(3)
    partition.state.put("|g|00000000|F|acme|lamp||0", Mark())
    purge.begin_anew()
    assert ("", 0) == (purge._row.cursor, purge._row.below)
    assert not purge.go_on(1)
    partition.commit()
    assert "|g|00000000|F|acme|lamp||0" not in partition.rows


# Its timer


def test_the_first_row_of_a_generation_asks_for_a_tick_an_eighth_of_the_window_later() -> None:
    partition = Partition()
    partition.watches(10_000)
    assert ([11_000_000], 11_000_000) == (partition.timers(), partition.row.timer_us)


def test_later_rows_ask_for_no_other_tick() -> None:
    partition = Partition()
    partition.watches(10_000)
    partition.watches(10_500)
    assert [11_000_000] == partition.timers()


def test_without_a_row_of_a_generation_no_tick_is_asked_for() -> None:
    partition = Partition()
    partition.watches(10_000, wrote=False)
    assert ([], False) == (partition.timers(), PURGE in partition.rows)


def test_what_was_written_is_noticed_once() -> None:
    partition = Partition()
    purge = partition.open()
    partition.state.put("|g|00000005|K|acme|lamp|00", Mark())
    purge.watch(10_000)
    assert not partition.state.wrote_generations


def with_timer(partition: Partition, at: int) -> Partition:
    """Set the timer of a partition, in microseconds."""
    partition.rows[PURGE] = PurgeRow(timer_us=at)
    partition.rows[f"|timer|{at:016x}|"] = Due()
    return partition


def test_a_tick_purges_and_asks_for_the_next_while_there_are_rows_of_live_generations() -> None:
    partition = with_timer(Partition(lamp=1), 11_000_000)
    partition.ticks(11_001)
    assert ({"4 lamp": 1, "5 lamp": 1}, [12_001_000], 12_001_000, 4) == (
        partition.left(),
        partition.timers(),
        partition.row.timer_us,
        partition.row.below,
    )


def test_a_tick_that_leaves_no_row_asks_for_no_other() -> None:
    partition = with_timer(Partition(9, lamp=1), 11_000_000)
    partition.ticks(11_000)
    assert ({}, [], PurgeRow(below=8)) == (partition.left(), partition.timers(), partition.row)


def test_a_tick_takes_500_rows_and_asks_for_the_next_a_second_later() -> None:
    partition = with_timer(Partition(9, lamp=84), 11_000_000)  # 504 rows
    partition.ticks(11_000)
    assert ({"5 lamp": 4}, [12_000_000]) == (partition.left(), partition.timers())
    partition.ticks(12_000)
    assert ({}, []) == (partition.left(), partition.timers())


def test_a_tick_is_written_though_there_was_nothing_to_purge() -> None:
    partition = with_timer(Partition(0), 11_000_000)
    partition.ticks(11_000)
    assert ([], PurgeRow()) == (partition.timers(), partition.row)
