"""What the rows of stock tell of themselves."""

import pytest

from atp_stream.domain.stock.rows import COUNTS, Instant, Link, Location, Stated


def test_a_location_holds_its_newest_end_and_what_came_behind_it() -> None:
    assert 7 == Location(end=10, after=-3).value


def test_a_location_without_a_second_absolute_has_no_gap() -> None:
    assert 0 == Location(at_us=5, base_at_us=5, end=10, base_end=7, since_base=1).gap


@pytest.mark.parametrize(
    ("base_out", "out", "gap"),
    [
        (0, 0, -4),  # 9 - 10 - 3
        (3, 0, -1),  # three more units have left
        (4, 0, 0),
        (6, 0, 2),
        (7, 0, 3),
        (8, 0, -4),  # this explains it no better
        (0, 1, -4),
        (5, 2, -1),
    ],
)
def test_shipments_between_base_and_end_count_where_they_explain_the_gap_better(
    base_out: int, out: int, gap: int
) -> None:
    row = Location(at_us=9, end=9, base_at_us=5, base_end=10, since_base=3, base_out=base_out, out=out)
    assert gap == row.gap


def test_an_instant_is_absolute_once_it_states_a_value() -> None:
    several = Stated(1, False, True, None)
    assert [False, True, True] == [
        instant.is_absolute
        for instant in (Instant(5, 3), Instant(5, link=Link(1, 1, COUNTS)), Instant(5, stated=several))
    ]
