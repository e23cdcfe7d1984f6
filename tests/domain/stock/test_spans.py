"""Shipments by stamp: what left behind a stamp, exactly while chunks hold it, never too little once they are gone."""

from collections.abc import Iterator
from typing import Any

import pytest

from atp_stream.domain.state.overlay import State
from atp_stream.domain.stock.facts import MAX_SUM
from atp_stream.domain.stock.rows import Shipments, Shipped, Span
from atp_stream.domain.stock.spans import (
    FORGOTTEN,
    MAX_LIVE_SPANS,
    Departures,
    forget,
    join,
    shorten,
)

WIDTH = 100


class Yard:
    """The shipments of a location, in rows that are never committed."""

    def __init__(self, *spans: Span) -> None:
        self.state = State(lambda _: None, lambda _: iter(()))
        self.left = Shipments(spans=list(spans))

    def departures(self, generation: int = 0) -> Departures:
        return Departures(self.state, "X|acme|lamp|S|", generation, self.left, WIDTH)

    def add(self, at: int, units: int = 1, homeless: int = 0, generation: int = 0) -> None:
        self.departures(generation).add(at, units, homeless)

    def behind(self, after: int, generation: int = 0, *, homeless: bool = False) -> int:
        return self.departures(generation).total_behind(after, homeless=homeless)

    def scans(self) -> list[str]:
        """Return a list that tells, from now on, of which generations chunks are looked for."""
        scanned: list[str] = []
        keys = self.state.keys

        def noted(start: str, prefix: str) -> Iterator[str]:
            scanned.append(prefix[:11])
            return keys(start, prefix)

        self.state.keys = noted  # type: ignore[method-assign]
        return scanned

    def chunks(self, generation: int) -> list[Shipped]:
        front = f"|g|{generation:08x}|X|"
        rows: Iterator[tuple[str, Any]] = ((key, row) for key, row in self.state.changed.items() if row)
        return sorted((entry for key, row in rows if key.startswith(front) for entry in row), key=lambda one: one.at_us)


def yard_of_three_spans() -> Yard:
    """Return a yard of 33 shipments, one each 10 microseconds; the first 24 of them are in a chunk."""
    yard = Yard()
    for at in range(0, 330, 10):
        yard.add(at, 1, 2)
    return yard


THREE = [Span(0, 0, 0, 90, 10, 0, 20, 0), Span(0, 1, 100, 190, 10, 0, 20, 0), Span(0, 2, 200, 230, 4, 0, 8, 0)]


# What is added


def test_what_the_row_has_room_for_is_in_no_span() -> None:
    yard = Yard()
    for at in range(32):
        yard.add(at)
    assert ([], 32) == (yard.left.spans, len(yard.left.tail))


def test_what_left_at_one_stamp_is_one_entry() -> None:
    yard = Yard()
    yard.add(5, 4, 1)
    yard.add(5, -1, -1)
    assert [Shipped(5, 3, 0)] == yard.left.tail


@pytest.mark.parametrize("sign", [1, -1])
def test_an_amount_stops_at_the_limit_of_all_sums(sign: int) -> None:
    yard = Yard()
    for _ in range(2):
        yard.add(5, sign * MAX_SUM, sign * MAX_SUM)
    assert [Shipped(5, sign * MAX_SUM, sign * MAX_SUM)] == yard.left.tail


def test_what_goes_to_a_chunk_is_summed_by_spans_of_its_stamps() -> None:
    assert THREE == yard_of_three_spans().left.spans


def test_what_comes_late_counts_in_the_span_of_its_stamp() -> None:
    yard = yard_of_three_spans()
    yard.add(45, 7, 1)
    assert Span(0, 0, 0, 90, 17, 0, 21, 0) == yard.left.spans[0]


def test_a_late_shipment_at_the_edge_counts_in_its_span() -> None:
    yard = yard_of_three_spans()
    yard.add(230, 7)
    assert [Span(0, 2, 200, 230, 11, 0, 8, 0)] == yard.left.spans[2:]


def test_a_late_shipment_behind_the_edge_counts_in_no_span() -> None:
    yard = yard_of_three_spans()
    yard.add(231, 7)
    assert (THREE, Shipped(231, 7)) == (yard.left.spans, yard.left.tail[0])


def test_what_is_taken_back_of_a_chunk_leaves_its_span() -> None:
    yard = yard_of_three_spans()
    yard.add(40, -1, -2)
    assert Span(0, 0, 0, 90, 9, 0, 18, 0) == yard.left.spans[0]


def test_what_is_taken_back_beyond_what_left_is_summed_apart() -> None:
    yard = yard_of_three_spans()
    yard.add(40, -3, -7)
    assert Span(0, 0, 0, 90, 9, -2, 18, -5) == yard.left.spans[0]
    yard.add(40, 2, 5)
    assert Span(0, 0, 0, 90, 9, 0, 18, 0) == yard.left.spans[0]


def test_what_is_taken_back_at_several_stamps_of_a_span_adds_up() -> None:
    yard = yard_of_three_spans()
    yard.add(40, -3, -7)
    yard.add(50, -2, -4)
    assert Span(0, 0, 0, 90, 8, -3, 16, -7) == yard.left.spans[0]


def test_a_span_grows_to_the_stamps_that_come() -> None:
    yard = yard_of_three_spans()
    yard.left.spans[1] = Span(0, 1, 110, 180, 10, 0, 20, 0)
    yard.add(105)
    yard.add(195)
    assert (105, 195) == (yard.left.spans[1].least_at_us, yard.left.spans[1].greatest_at_us)


def test_a_stamp_between_the_spans_gets_one_of_its_own_in_their_order() -> None:
    yard = Yard()
    for at in [*range(0, 120, 10), *range(300, 510, 10)]:
        yard.add(at)
    assert [0, 1, 3, 4] == [span.number for span in yard.left.spans]
    yard.add(250, 7)
    assert Span(0, 2, 250, 250, 7) == yard.left.spans[2]


def test_what_comes_late_counts_in_a_span_that_was_merged_of_several() -> None:
    yard = yard_of_three_spans()
    yard.left.spans = [Span(0, 2, 0, 230, 24, 0, 48, 0)]
    yard.add(105, 7)
    yard.add(205, 1)
    yard.add(5, 2)
    assert [Span(0, 2, 0, 230, 34, 0, 48, 0)] == yard.left.spans


# The generation before


def test_what_changes_of_the_generation_before_moves_to_the_present_one_with_its_sums() -> None:
    yard = yard_of_three_spans()
    yard.add(40, 5, 1, generation=1)
    assert Span(0, 0, 0, 90, 9, 0, 18, 0) == yard.left.spans[0]
    assert [Span(1, 0, 40, 40, 6, 0, 3, 0)] == yard.left.spans[3:]
    assert [Shipped(40, 6, 3)] == yard.chunks(1)
    assert 40 not in {entry.at_us for entry in yard.chunks(0)}


@pytest.mark.parametrize("at", [0, 90])
def test_the_ends_of_a_span_may_have_been_in_the_generation_before(at: int) -> None:
    yard = yard_of_three_spans()
    yard.add(at, 5, generation=1)
    assert 9 == yard.left.spans[0].taken


def test_a_new_stamp_in_front_of_all_is_not_looked_for_in_the_generation_before() -> None:
    yard = Yard()
    for at in range(100, 430, 10):
        yard.add(at)
    scanned = yard.scans()
    yard.add(50, 5, generation=1)
    assert "|g|00000000" not in scanned
    assert [Shipped(50, 5)] == yard.chunks(1)
    assert Span(1, 0, 50, 50, 5) == yard.left.spans[-1]


def test_a_new_stamp_among_those_of_the_generation_before_leaves_its_sums_alone() -> None:
    yard = yard_of_three_spans()
    yard.add(45, 5, generation=1)
    assert [*THREE, Span(1, 0, 45, 45, 5)] == yard.left.spans


# What left behind a stamp


@pytest.mark.parametrize(("after", "units"), [(-1, 33), (0, 32), (45, 28), (99, 23), (230, 9), (315, 1), (320, 0)])
def test_what_left_behind_a_stamp_is_exact_while_it_is_kept(after: int, units: int) -> None:
    yard = yard_of_three_spans()
    assert (units, 2 * units) == (yard.behind(after), yard.behind(after, homeless=True))


@pytest.mark.parametrize(("after", "units"), [(-1, 38), (45, 28 + 5), (40, 28 + 5), (39, 29 + 5), (320, 0)])
def test_what_left_behind_a_stamp_is_exact_over_two_generations(after: int, units: int) -> None:
    yard = yard_of_three_spans()
    yard.add(40, 0, generation=1)
    yard.add(150, 5, generation=1)
    assert units == yard.behind(after, 1)


def test_a_sum_reads_chunks_only_of_the_generation_that_the_stamp_splits() -> None:
    yard = yard_of_three_spans()
    yard.add(40, 5, generation=1)
    scanned = yard.scans()
    assert 28 == yard.behind(45, 1)
    assert ["|g|00000000"] == scanned
    scanned.clear()
    assert 23 == yard.behind(90, 1)
    assert [] == scanned


@pytest.mark.parametrize(("after", "units"), [(99, 8), (100, 10), (199, 10), (200, 0)])
def test_of_a_forgotten_span_all_that_was_taken_and_nothing_that_was_returned_counts(after: int, units: int) -> None:
    assert units == Yard(Span(FORGOTTEN, 1, 100, 200, 10, -2)).behind(after, 5)


@pytest.mark.parametrize(("after", "units"), [(99, 3), (100, 7), (199, 7), (200, 0)])
def test_of_a_forgotten_span_the_homeless_are_counted_likewise(after: int, units: int) -> None:
    assert units == Yard(Span(FORGOTTEN, 1, 100, 200, 10, -2, 7, -4)).behind(after, 5, homeless=True)


def test_a_span_of_the_generation_before_last_counts_like_a_forgotten_one() -> None:
    yard = yard_of_three_spans()
    assert 33 == yard.behind(45, 2)


# A new generation begins


def test_spans_of_the_last_two_generations_stay_apart() -> None:
    left = Shipments(spans=[Span(FORGOTTEN, 0, 0, 90, 1), Span(4, 0, 1, 80, 2), Span(5, 0, 2, 70, 3)])
    was = left.spans
    forget(left, 5, -1)
    assert left.spans is was
    assert [FORGOTTEN, 4, 5] == [span.generation for span in left.spans]


def test_spans_of_earlier_generations_are_known_by_their_numbers_alone() -> None:
    left = Shipments(
        spans=[
            Span(FORGOTTEN, 0, 10, 90, 1, -1, 2, -2),
            Span(2, 0, 5, 80, 10, -10, 20, -20),
            Span(3, 0, 20, 95, 100, -100, 200, -200),
            Span(3, 1, 100, 110, 7),
            Span(4, 0, 1, 2, 3),
        ]
    )
    forget(left, 5, -1)
    assert [
        Span(FORGOTTEN, 0, 5, 95, 111, -111, 222, -222),
        Span(FORGOTTEN, 1, 100, 110, 7),
        Span(4, 0, 1, 2, 3),
    ] == left.spans


def test_without_spans_there_is_nothing_to_forget() -> None:
    left = Shipments()
    forget(left, 5, 100)
    assert [] == left.spans


@pytest.mark.parametrize(("asked", "kept"), [(89, [0, 1]), (90, [1]), (199, [1]), (200, [])])
def test_a_forgotten_span_that_nobody_can_ask_for_goes(asked: int, kept: list[int]) -> None:
    left = Shipments(spans=[Span(FORGOTTEN, 0, 0, 90, 1), Span(FORGOTTEN, 1, 100, 200, 0, -1)])
    forget(left, 5, asked)
    assert kept == [span.number for span in left.spans]


@pytest.mark.parametrize("homeless", [(1, 0), (0, -1)])
def test_a_forgotten_span_of_homeless_units_stays(homeless: tuple[int, int]) -> None:
    left = Shipments(spans=[Span(FORGOTTEN, 0, 0, 90, 0, 0, *homeless)])
    forget(left, 5, 1_000)
    assert [0] == [span.number for span in left.spans]


def test_a_span_of_which_all_was_taken_back_goes_when_it_is_forgotten() -> None:
    left = Shipments(spans=[Span(3, 0, 0, 90), Span(3, 1, 100, 190, 1), Span(4, 1, 100, 190)])
    forget(left, 5, -1)
    assert [(FORGOTTEN, 1), (4, 1)] == [(span.generation, span.number) for span in left.spans]


def test_spans_that_are_joined_keep_the_sums_of_both() -> None:
    found = {(FORGOTTEN, 1): Span(FORGOTTEN, 1, 120, 150, 1, -2, 3, -4)}
    join(found, Span(FORGOTTEN, 1, 110, 140, 10, -20, 30, -40))
    join(found, Span(FORGOTTEN, 2, 200, 210, 5))
    assert {
        (FORGOTTEN, 1): Span(FORGOTTEN, 1, 110, 150, 11, -22, 33, -44),
        (FORGOTTEN, 2): Span(FORGOTTEN, 2, 200, 210, 5),
    } == found


# Not too many spans


def forgotten(*ends: tuple[int, int]) -> Shipments:
    """Return spans of one unit each, by their least and greatest stamps."""
    return Shipments(spans=[Span(FORGOTTEN, number, *both, 1) for number, both in enumerate(ends)])


def ends(left: Shipments) -> list[tuple[int, int, int]]:
    return [(span.least_at_us, span.greatest_at_us, span.taken) for span in left.spans]


def test_as_many_spans_as_there_may_be_stay() -> None:
    left = forgotten((0, 9), (10, 19), (20, 29), (30, 39))
    shorten(left, -1, 4)
    assert 4 == len(left.spans)


def test_beyond_them_the_two_neighbours_that_lie_closest_become_one() -> None:
    left = forgotten((0, 9), (20, 29), (35, 39), (50, 59), (80, 89))
    shorten(left, -1, 4)
    assert [(0, 9, 1), (20, 39, 2), (50, 59, 1), (80, 89, 1)] == ends(left)
    assert [0, 2, 3, 4] == [span.number for span in left.spans]


def test_as_many_are_merged_as_are_too_many() -> None:
    left = forgotten(*((place, place) for place in range(9)))
    shorten(left, -1, 4)
    assert (4, 9) == (len(left.spans), sum(span.taken for span in left.spans))


def test_what_is_included_is_merged_first_while_it_is_more_than_a_quarter() -> None:
    left = forgotten((0, 9), (50, 59), (100, 109), (110, 111), (112, 113))
    shorten(left, 59, 4)
    assert [(0, 59, 2), (100, 109, 1), (110, 111, 1), (112, 113, 1)] == ends(left)


def test_what_is_not_included_is_merged_once_what_is_included_is_a_quarter() -> None:
    left = forgotten((0, 9), (50, 59), (100, 109), (110, 111), (112, 113))
    shorten(left, 9, 4)
    assert [(0, 9, 1), (50, 59, 1), (100, 109, 1), (110, 113, 2)] == ends(left)


def test_nothing_is_merged_across_the_border_of_what_is_included() -> None:
    left = forgotten((0, 9), (10, 11), (100, 109), (200, 209), (300, 309))
    shorten(left, 9, 4)
    assert [(0, 9, 1), (10, 109, 2), (200, 209, 1), (300, 309, 1)] == ends(left)


@pytest.mark.parametrize(("border", "merged"), [(32, (0, 31, 2)), (33, (30, 33, 2))])
def test_a_span_that_ends_at_the_border_is_included(border: int, merged: tuple[int, int, int]) -> None:
    left = forgotten((0, 9), (30, 31), (32, 33), (200, 900), (1_000, 2_000))
    shorten(left, border, 4)
    assert merged in ends(left)


def test_two_that_are_included_are_merged_where_nothing_else_can_be() -> None:
    left = Shipments(spans=[*forgotten((0, 9), (50, 59), (60, 69)).spans, *live(6)])
    shorten(left, 59, 8)
    assert [(0, 59, 2), (60, 69, 1)] == ends(left)[:2]


def test_of_three_forgotten_spans_two_are_merged_though_all_others_are_live() -> None:
    left = Shipments(spans=[*forgotten((0, 9), (50, 59), (60, 69)).spans, *live(2)])
    shorten(left, -1, 3)
    assert [FORGOTTEN, FORGOTTEN, 7, 7] == [span.generation for span in left.spans]


def live(count: int, generation: int = 7) -> list[Span]:
    return [Span(generation, number, 100 * number, 100 * number + 10, 1) for number in range(count)]


def test_spans_of_live_generations_may_be_many_beside_those_that_are_forgotten() -> None:
    left = Shipments(spans=[*forgotten((0, 9), (20, 29)).spans, *live(MAX_LIVE_SPANS)])
    shorten(left, -1, 2)
    assert 2 + MAX_LIVE_SPANS == len(left.spans)


def test_beyond_that_the_two_live_neighbours_of_one_generation_that_lie_closest_become_one() -> None:
    present = live(MAX_LIVE_SPANS)
    present[0] = Span(7, 0, 20, 21, 1)  # close to the one in front of it, but that is of another generation
    present[9] = Span(7, 9, 870, 880, 1)  # nearer to the one in front of it than others are
    left = Shipments(spans=[Span(6, 8, -990, -980, 1), Span(6, 9, 10, 19, 1), *present])
    shorten(left, -1, 1)
    assert 1 + MAX_LIVE_SPANS == len(left.spans)
    assert Span(7, 9, 800, 880, 2) == left.spans[10]


def test_without_two_live_neighbours_of_one_generation_there_may_be_more() -> None:
    left = Shipments(spans=[Span(generation, 0, 0, 1, 1) for generation in range(80)])
    shorten(left, -1, 1)
    assert 80 == len(left.spans)
