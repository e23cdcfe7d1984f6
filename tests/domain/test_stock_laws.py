"""The law of stock: what was said decides, not when or how often it arrived."""

from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atp_stream.domain import locations, shipments, stock
from atp_stream.domain.instants import Standing
from atp_stream.domain.stock import Fact, Outcome, StockRules
from chaos.oracle.stock import Gone, Numbers, Said, StockModel
from tests.domain.stock_item import Item, count

Word: TypeAlias = Said | Gone

STAMPS = st.integers(0, 5)
LOCATIONS = st.sampled_from(["", "north", "south"])
UNITS = st.integers(-4, 4)


@st.composite
def words(draw: st.DrawFn, where: st.SearchStrategy[str] = LOCATIONS) -> list[Word]:
    """Draw what is said about an item: few stamps and amounts, so that they meet."""
    kinds = st.sampled_from(["adjustment", "adjustment", "count", "delta", "shipment"])
    said: list[Word] = []
    for number, kind in enumerate(draw(st.lists(kinds, max_size=9))):
        at, location = draw(STAMPS), draw(where)
        if kind == "shipment":
            said.append(Gone(at, draw(st.integers(1, 4)), location))
        else:
            delta = None if kind == "count" else draw(UNITS)
            absolute = None if kind == "delta" else draw(UNITS)
            said.append(Said(at, f"{number}", delta, absolute, draw(st.booleans()), location))
    return said


@st.composite
def arrivals(draw: st.DrawFn, said: list[Word]) -> list[Word]:
    """Draw an order of arrival in which any fact may come twice; a shipment's reservation knows it by its id."""
    again: list[Word] = [word for word in said if isinstance(word, Said) and draw(st.booleans())]
    return draw(st.permutations(said + again))


def hears(item: Item, word: Word) -> Outcome:
    if isinstance(word, Gone):
        item.ships(word.at, word.quantity, word.location)
        return Outcome.APPLIED
    return item.takes(Fact(word.at, word.id, word.delta, word.absolute, word.reservation), word.location)


def remembers(model: StockModel, word: Word) -> None:
    if isinstance(word, Gone):
        model.gone.append(word)
    else:
        model.said.append(word)


def numbers(item: Item) -> Numbers:
    now = item.stock
    return Numbers(now.on_hand, now.gap, now.basis, now.split)


def held_again(item: Item) -> dict[str, Standing]:
    return {
        name: locations.fold(row, stock._shipped_from(item.stock, name, item.rules)) for name, row in item.rows.items()
    }


@given(st.data(), st.integers(0, 2))
def test_any_order_of_arrival_with_any_duplicates_gives_the_same_numbers(data: st.DataObject, skew: int) -> None:
    said = data.draw(words())
    one, other = Item(StockRules(skew=skew)), Item(StockRules(skew=skew))
    for word in said:
        hears(one, word)
    for word in data.draw(arrivals(said)):
        hears(other, word)
    assert numbers(one) == numbers(other)


@given(st.data(), st.integers(0, 2))
def test_after_every_word_the_numbers_are_those_of_a_recount_of_all_that_was_said(
    data: st.DataObject, skew: int
) -> None:
    item, model = Item(StockRules(skew=skew)), StockModel(skew=skew)
    for word in data.draw(arrivals(data.draw(words()))):
        if hears(item, word) is Outcome.APPLIED:
            remembers(model, word)
        assert model.numbers() == numbers(item)


@given(st.data(), st.integers(0, 2))
def test_the_results_that_the_rows_hold_are_those_of_the_full_fold(data: st.DataObject, skew: int) -> None:
    item = Item(StockRules(skew=skew))
    for word in data.draw(arrivals(data.draw(words()))):
        hears(item, word)
        assert held_again(item) == {name: place.now for name, place in item.stock.places.items()}


def without_shipments(said: list[Word]) -> list[Word]:
    return [word for word in said if isinstance(word, Said)]


@given(st.data(), st.integers(1, 3), st.integers(0, 4))
def test_however_short_the_window_the_numbers_are_those_of_all_facts_that_were_applied(
    data: st.DataObject, tail: int, window: int
) -> None:
    item, model = Item(StockRules(tail=tail, window=window)), StockModel()
    for word in data.draw(arrivals(data.draw(words().map(without_shipments)))):
        if hears(item, word) is Outcome.APPLIED:
            remembers(model, word)
        assert model.numbers() == numbers(item)


@given(st.data(), st.integers(1, 3), st.integers(0, 4), st.integers(0, 2))
def test_however_short_the_window_no_shipment_of_a_single_location_is_lost_or_taken_twice(
    data: st.DataObject, tail: int, window: int, skew: int
) -> None:
    item, model = Item(StockRules(tail=tail, window=window, skew=skew)), StockModel(skew=skew)
    for word in data.draw(arrivals(data.draw(words(st.just("north"))))):
        if hears(item, word) is Outcome.APPLIED:
            remembers(model, word)
        assert model.numbers().on_hand == item.stock.on_hand


@given(st.data())
def test_merged_shipments_never_promise_more_and_are_all_included_in_the_end(data: st.DataObject) -> None:
    item, model = Item(), StockModel()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shipments, "MOST", 1)
        for word in data.draw(arrivals(data.draw(words()))):
            if hears(item, word) is Outcome.APPLIED:
                remembers(model, word)
            assert item.stock.on_hand <= model.numbers().on_hand
    for location in list(item.rows):
        item.takes(count(100, 7, "the last count"), location)
        model.said.append(Said(100, "the last count", None, 7, reservation=False, location=location))
    assert model.numbers() == numbers(item)


@given(st.data(), st.integers(0, 2))
def test_a_shipment_that_is_taken_back_was_never_there(data: st.DataObject, skew: int) -> None:
    said = data.draw(words())
    mistaken = data.draw(st.builds(Gone, STAMPS, st.integers(1, 4), LOCATIONS))
    item, model = Item(StockRules(skew=skew)), StockModel(skew=skew)
    place = data.draw(st.integers(0, len(said)))
    for word in [*said[:place], mistaken, *said[place:]]:
        hears(item, word)
    item.takes_back(mistaken.at, mistaken.quantity, mistaken.location)
    for word in said:
        remembers(model, word)
    assert model.numbers() == numbers(item)


@given(st.data())
def test_a_duplicate_changes_no_row(data: st.DataObject) -> None:
    said = data.draw(words())
    item = Item()
    for word in said:
        hears(item, word)
    before = repr((item.stock, item.rows))
    again = [hears(item, word) for word in without_shipments(said)]
    assert ([Outcome.DUPLICATE] * len(again), before) == (again, repr((item.stock, item.rows)))
