"""Entries by stamp: the newest in the row, older ones in chunks of the generation they came in."""

import random

import pytest

from atp_stream.domain.state.overlay import State
from atp_stream.domain.stock.rows import Instant, Instants
from atp_stream.domain.stock.series import FLUSHED, MAX_CHUNK, MAX_TAIL, Chunks
from tests.domain.support.folded_item import Item


class Series:
    """A series whose rows are committed after each touch."""

    def __init__(self) -> None:
        self.item = Item()
        self.row = Instants()
        self.generation = 0

    def open(self) -> tuple[State, Chunks]:
        state, _ = self.item._step()
        return state, Chunks(state, "F|acme|lamp||", self.generation)

    def add(self, at: int, *, was_before: bool = True) -> None:
        state, chunks = self.open()
        chunks.touch(self.row, Instant(at), was_before=was_before).delta += 1
        self.item._commit(state)

    def behind(self, at: int) -> list[tuple[int, int]]:
        return sorted((one.at_us, one.delta) for part in self.open()[1].behind(self.row, at) for one in part)

    def backwards(self, at: int) -> list[int]:
        return [one.at_us for one in self.open()[1].backwards(self.row, at)]

    def chunks(self, generation: int) -> list[list[int]]:
        prefix = f"|g|{generation:08x}|F|"
        return [[one.at_us for one in self.item._read(key)] for key in sorted(self.item.rows) if key.startswith(prefix)]


def series(*stamps: int) -> Series:
    made = Series()
    for at in stamps:
        made.add(at)
    return made


def test_the_newest_stay_in_the_row() -> None:
    made = series(*range(MAX_TAIL))
    assert (MAX_TAIL, -1, []) == (len(made.row.tail), made.row.edge_us, made.chunks(0))


def test_one_too_many_writes_the_oldest_as_a_chunk() -> None:
    made = series(*range(MAX_TAIL + 1))
    assert (list(range(FLUSHED)), FLUSHED - 1) == (made.chunks(0)[0], made.row.edge_us)
    assert list(range(FLUSHED, MAX_TAIL + 1)) == [one.at_us for one in made.row.tail]


def test_an_entry_of_a_stamp_is_there_once() -> None:
    made = series(3, 1, 2, 3, 1)
    assert [(1, 2), (2, 1), (3, 2)] == made.behind(-1)


def test_a_late_entry_goes_into_the_chunk_that_has_its_place() -> None:
    made = series(*range(0, 2 * MAX_TAIL + 2, 2))
    made.add(5)
    made.add(5)
    assert (5, 2) in made.behind(-1)
    assert 5 in made.chunks(0)[-1]


def test_a_chunk_may_be_full() -> None:
    made = series(*range(1_000, 1_000 + MAX_TAIL + 1), *range(900, 900 + MAX_CHUNK))
    assert [FLUSHED, MAX_CHUNK] == [len(chunk) for chunk in made.chunks(0)]


def test_a_chunk_that_is_too_long_is_split() -> None:
    made = series(*range(1_000, 1_000 + MAX_TAIL + 1), *range(900, 900 + MAX_CHUNK + 1))
    assert [
        [*range(1_000, 1_000 + FLUSHED)],
        [*range(900 + MAX_CHUNK // 2, 900 + MAX_CHUNK + 1)],
        [*range(900, 900 + MAX_CHUNK // 2)],
    ] == made.chunks(0)
    made.add(900 + MAX_CHUNK // 2)
    made.add(900 + MAX_CHUNK // 2 - 1)
    assert [FLUSHED, MAX_CHUNK // 2 + 1, MAX_CHUNK // 2] == [len(chunk) for chunk in made.chunks(0)]


def test_an_entry_at_the_edge_is_found() -> None:
    made = series(*range(MAX_TAIL + 1))
    assert [FLUSHED - 1, FLUSHED, None] == [
        None if found is None else found.at_us
        for found in (made.open()[1].find(made.row, at) for at in (FLUSHED - 1, FLUSHED, MAX_TAIL + 1))
    ]


def test_a_late_entry_at_the_beginning_of_time_is_found_again() -> None:
    made = series(*range(10, 10 + MAX_TAIL + 1))
    made.generation = 1
    made.add(0)
    made.add(0)
    assert ([[0]], (0, 2)) == (made.chunks(1), made.behind(-1)[0])


@pytest.mark.parametrize(
    ("after", "read"),
    [
        (3 * FLUSHED - 1, 0),  # the edge: the rest is in the row
        (3 * FLUSHED - 2, 1),
        (2 * FLUSHED, 1),
        (2 * FLUSHED - 1, 2),
        (FLUSHED, 2),
    ],
)
def test_for_what_lies_behind_a_stamp_only_chunks_that_reach_so_far_are_gone_over(after: int, read: int) -> None:
    made = series(*range(2 * FLUSHED + MAX_TAIL + 1))
    assert (3 * FLUSHED - 1, 3) == (made.row.edge_us, len(made.chunks(0)))
    parts = list(made.open()[1].behind(made.row, after))
    assert read == len(parts) - 1  # the first part is the tail


def test_an_entry_of_the_generation_before_moves_to_the_present_one() -> None:
    made = series(*range(MAX_TAIL + 1))
    made.generation = 1
    made.add(4)
    assert [[4]] == made.chunks(1)
    assert (4, 2) in made.behind(-1)
    assert 4 not in made.chunks(0)[0]


def test_the_last_entry_that_moves_takes_its_chunk_along() -> None:
    made = series(*range(10, 10 + MAX_TAIL + 1))
    for generation, at in ((1, 5), (2, 5)):
        made.generation = generation
        made.add(at)
    assert ([], [[5]], [(5, 2)]) == (made.chunks(1), made.chunks(2), [one for one in made.behind(-1) if one[0] == 5])


def test_an_entry_that_was_not_in_the_generation_before_is_not_looked_for_there() -> None:
    made = series(*range(MAX_TAIL + 1))
    made.generation = 1
    made.item.reads = 0
    made.add(4, was_before=False)
    assert [[4]] == made.chunks(1)
    assert 4 in made.chunks(0)[0]


@pytest.mark.parametrize("seed", range(5))
def test_whatever_comes_sums_and_looks_back_are_those_of_all_entries(seed: int) -> None:
    luck = random.Random(seed)
    made, counts = Series(), dict[int, int]()
    for number in range(600):
        made.generation = number // 400
        at = luck.randrange(300) + number // 3
        made.add(at)
        counts[at] = counts.get(at, 0) + 1
    for at in (-1, 0, *luck.sample(range(500), 20), 10**15):
        assert sorted((one, count) for one, count in counts.items() if one > at) == made.behind(at)
        assert sorted((one for one in counts if one < at), reverse=True) == made.backwards(at)
        found = made.open()[1].find(made.row, at)
        assert counts.get(at) == (None if found is None else found.delta)
