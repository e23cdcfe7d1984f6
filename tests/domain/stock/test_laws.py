"""The law of stock: what was said decides, not when or how often it arrived."""

from random import Random
from typing import NamedTuple, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atp_stream.domain.state.overlay import State
from atp_stream.domain.stock.facts import Fact, Outcome, StockRules
from atp_stream.domain.stock.fold import StockFold
from atp_stream.domain.stock.rows import Stock
from tests.domain.model import stock as model
from tests.domain.support.folded_item import Item
from tests.domain.support.product import narrow_rows


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
    one, other = Item(StockRules(skew_us=skew)), Item(StockRules(skew_us=skew))
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
    item, other = Item(StockRules(skew_us=skew)), Item(StockRules(skew_us=skew))
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


# The model


class Open:
    """The stock of an item within one step that is never committed, beside the model."""

    def __init__(self, skew: int) -> None:
        self.skew = skew
        self.stock = Stock()
        self.fold = StockFold(State(lambda _: None, lambda _: iter(())), "acme|lamp", self.stock)
        self.fold.live_by(StockRules(skew_us=skew), 0)
        self.model = model.StockModel()

    def hears(self, word: Word) -> None:
        if isinstance(word, Gone):
            self.fold.ship(word.at, word.quantity, word.location)
            self.model.shipments.append(model.Shipment(word.at, word.quantity, word.location))
            return
        fact = word.fact
        self.fold.record(fact, word.location)
        same = model.Fact(fact.at_us, fact.id, fact.delta, fact.absolute, fact.reservation, word.location, self.skew)
        self.model.facts.append(same)

    def differs(self) -> bool:
        now = self.stock
        return self.model.numbers() != (now.on_hand, now.gap, now.basis, now.split)


def thrown(r: Random) -> list[Word]:
    """Throw up to 9 words about one to three locations, in any order: most tell of movements there and back."""
    places = r.sample(["", "north", "south"], r.choice([1, 1, 2, 3]))
    held = dict.fromkeys(places, 5)
    kinds = r.choice([["adjustment"], ["adjustment"] * 5 + ["count", "delta", "shipment"]])
    said: list[Word] = []
    at = 0
    for number in range(r.randrange(2, 10)):
        at += r.random() < r.choice([0.3, 0.7])
        place, kind, moved = r.choice(places), r.choice(kinds), r.choice([-2, -1, -1, 0, 1, 1, 2])
        if kind == "shipment":
            said.append(Gone(at, r.randrange(1, 4), place))
            continue
        held[place] = r.randrange(8) if r.random() < 0.1 else held[place] + moved
        delta, absolute = None if kind == "count" else moved, None if kind == "delta" else held[place]
        ships = delta is not None and delta < 0 and r.random() < 0.2
        said.append(Said(Fact(at, f"{number}", delta, absolute, ships), place))
    r.shuffle(said)
    return said


def first_that_differs(seed: int, histories: int) -> tuple[list[Word], int] | None:
    """Return the first history, and its skew, after an arrival of which the numbers are not those of the model."""
    r = Random(seed)
    for _ in range(histories):
        said, skew = thrown(r), r.choice([0, 0, 1, -1])
        item = Open(skew)
        for place, word in enumerate(said):
            item.hears(word)
            if item.differs():
                return said[: place + 1], skew
    return None


@pytest.mark.parametrize("seed", range(4))
def test_after_each_arrival_the_numbers_are_those_of_all_that_came(seed: int) -> None:
    assert first_that_differs(seed, 500) is None


@pytest.mark.parametrize("most", [2, 3])
def test_so_they_are_where_few_entries_fit_in_a_row(most: int) -> None:
    with narrow_rows(most):
        assert first_that_differs(most, 500) is None
