"""What many absolutes of one moment state, in a row or in pages of their own."""

from itertools import pairwise, permutations

import pytest

from atp_stream.domain.stock.facts import Fact
from atp_stream.domain.stock.instants import MAX_INLINE
from tests.domain.folded_item import Item, adjustment, count, item_with


def pages(item: Item) -> int:
    return sum("|C|" in key for key in item.rows)


def walk(*values: int) -> list[Fact]:
    """Return adjustments of one moment, each from a value to the next."""
    return [Fact(5, f"step {place}", to - at, to) for place, (at, to) in enumerate(pairwise(values))]


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_a_walk_ends_where_it_leads_in_whatever_order_its_steps_come(order: tuple[int, ...]) -> None:
    steps = walk(20, 17, 12, 30, 25)
    assert 25 == item_with(*(steps[place] for place in order)).stock.on_hand


def test_a_walk_that_passes_a_value_twice_ends_where_it_leads() -> None:
    assert 11 == item_with(*walk(10, 12, 10, 11)).stock.on_hand


def test_a_long_walk_goes_to_pages_and_ends_where_it_leads() -> None:
    values = list(range(90_000, 0, -1_000))
    item = item_with(*reversed(walk(*values)))
    assert values[-1] == item.stock.on_hand
    assert len(values) == pages(item) > MAX_INLINE


def test_values_that_lie_side_by_side_share_a_page() -> None:
    item = item_with(*walk(*range(400, 0, -1)))
    assert (1, 1) == (item.stock.on_hand, pages(item))


@pytest.mark.parametrize("more", [0, 30])
def test_a_walk_that_ends_where_it_began_has_no_end_and_any_of_its_values_may_be_it(more: int) -> None:
    round_trip = [20, *range(19, 20 - more, -1), 15, 20]
    assert 20 == item_with(count(1, 20), *walk(*round_trip)).stock.on_hand
    assert min(round_trip) == item_with(count(1, 99), *walk(*round_trip)).stock.on_hand


def test_two_walks_that_meet_are_one() -> None:
    apart = walk(20, 17, 12)
    assert 9 == item_with(*walk(11, 10, 9), *apart).stock.on_hand
    joined = [Fact(5, "joins", -1, 11)]
    assert 9 == item_with(*walk(11, 10, 9), *[Fact(5, f"a {fact.id}", fact.delta, fact.absolute) for fact in apart],
                          *joined).stock.on_hand  # fmt: skip


def test_a_walk_beside_a_count_of_another_value_is_in_doubt_and_the_smallest_holds() -> None:
    assert 8 == item_with(count(1, 12), *walk(14, 12), count(5, 8)).stock.on_hand


def test_what_a_page_knew_is_forgotten_with_its_generation() -> None:
    item = item_with(*walk(*range(90_000, 0, -1_000)))
    item.generation = 2
    item.takes(adjustment(6, -1, 7))
    assert (7, 0) == (item.stock.on_hand, item.location().sure - 2)
