"""The law of stock: what was said decides, not when or how often it arrived."""

from typing import NamedTuple, TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from atp_stream.domain.stock.facts import Fact, Outcome, StockRules
from tests.domain.folded_item import Item


class Said(NamedTuple):
    """A fact about a location."""

    fact: Fact
    location: str


class Gone(NamedTuple):
    """Units that left a location."""

    at: int
    quantity: int
    location: str


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
            said.append(Said(Fact(at, f"{number}", delta, absolute, draw(st.booleans())), location))
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
    return item.takes(word.fact, word.location)


def numbers(item: Item) -> tuple[int, int, int, bool]:
    now = item.stock
    return now.on_hand, now.gap, now.basis, now.split


@given(st.data(), st.integers(0, 2))
def test_any_order_of_arrival_with_any_duplicates_gives_the_same_numbers(data: st.DataObject, skew: int) -> None:
    said = data.draw(words())
    one, other = Item(StockRules(skew=skew)), Item(StockRules(skew=skew))
    for word in said:
        hears(one, word)
    for word in data.draw(arrivals(said)):
        hears(other, word)
    assert numbers(one) == numbers(other)


def without_shipments(said: list[Word]) -> list[Word]:
    return [word for word in said if isinstance(word, Said)]


@given(st.data(), st.integers(0, 2))
def test_a_shipment_that_is_taken_back_was_never_there(data: st.DataObject, skew: int) -> None:
    said = data.draw(words())
    mistaken = data.draw(st.builds(Gone, STAMPS, st.integers(1, 4), LOCATIONS))
    item, other = Item(StockRules(skew=skew)), Item(StockRules(skew=skew))
    place = data.draw(st.integers(0, len(said)))
    for word in [*said[:place], mistaken, *said[place:]]:
        hears(item, word)
    item.takes_back(mistaken.at, mistaken.quantity, mistaken.location)
    for word in said:
        hears(other, word)
    assert numbers(other) == numbers(item)


@given(st.data())
def test_a_duplicate_changes_no_row(data: st.DataObject) -> None:
    said = data.draw(words())
    item = Item()
    for word in said:
        hears(item, word)
    before = repr((item.stock, item.rows))
    again = [hears(item, word) for word in without_shipments(said)]
    assert ([Outcome.DUPLICATE] * len(again), before) == (again, repr((item.stock, item.rows)))
