"""What many absolutes of one moment state, in a row or in pages of their own."""

from itertools import pairwise, permutations
from random import Random

import pytest

from atp_stream.domain.state.overlay import State
from atp_stream.domain.stock import instants
from atp_stream.domain.stock.facts import Fact
from atp_stream.domain.stock.instants import MAX_INLINE
from atp_stream.domain.stock.rows import ADJUSTS, COUNTS, SHIPS, Instant, Link
from tests.domain.model import stock as model
from tests.domain.support.folded_item import Item, adjustment, count, item_with
from tests.domain.support.product import narrow_rows


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


# Rows


def test_values_stay_in_the_row_while_they_are_few() -> None:
    item = item_with(*walk(*range(90_000, 90_000 - 1_000 * (MAX_INLINE + 1), -1_000)))
    assert (0, MAX_INLINE + 1) == (pages(item), values_in_the_row(item))
    item.takes(adjustment(5, -1_000, 90_000 - 1_000 * (MAX_INLINE + 1)))
    assert (MAX_INLINE + 2, None) == (pages(item), values_in_the_row(item))


def values_in_the_row(item: Item) -> int | None:
    stated = item.location().facts.tail[0].stated
    return None if stated is None or stated.values is None else len(stated.values)


def test_pages_name_their_generation_location_and_moment() -> None:
    item = Item()
    item.generation = 3
    for fact in walk(*range(90_000, 0, -1_000)):
        item.takes(fact, "S")
    assert {"|g|00000003|C|acme|lamp|S|0000000000000005"} == {
        key[: key.rindex("|")] for key in item.rows if "|C|" in key
    }


# The model


def links(r: Random) -> list[Link]:
    """Throw absolutes of one moment, of few values, so that they meet."""
    values = [3_000 * number for number in range(r.choice([2, 4, 8, 16]))]
    made = []
    for _ in range(r.randrange(1, 20)):
        kind = r.choice([ADJUSTS] * 8 + [SHIPS, COUNTS])
        entered = r.choice(values)
        made.append(Link(entered, entered if kind == COUNTS else r.choice(values), kind))
    return made


def as_facts(made: list[Link]) -> list[model.Fact]:
    return [
        model.Fact(5, str(number), None if link.kind == COUNTS else link.entered - link.left, link.entered,
                   link.kind == SHIPS)
        for number, link in enumerate(made)
    ]  # fmt: skip


@pytest.mark.parametrize("most", [MAX_INLINE, 2])
def test_whatever_a_moment_states_its_ends_are_those_of_all_its_chains(most: int) -> None:
    r = Random(most)
    for _ in range(300):
        made, state, instant = links(r), State(lambda _: None, lambda _: iter(())), Instant(5)
        with narrow_rows(most):
            for link in made:
                instants.state(state, "acme|lamp||", instant, link, 0)
        expected = model.Instant(as_facts(made))
        sure = expected.sure_end
        assert (sure is not None, expected.counted) == (instants.is_sure(instant), instants.has_count(instant)), made
        assert (expected.smallest if sure is None else sure) == instants.stated_end(instant), made
        assert (expected.basis if expected.own else None) == instants.basis(instant), made
        if instant.stated is not None:
            with narrow_rows(most):
                ends = {at for at in range(0, 48_000, 500) if instants.is_end(state, "acme|lamp||", instant, at)}
            assert expected.possible_ends == ends, made
