"""Absolutes that came under different skews: each includes what was shipped up to its own, as the model has it."""

from random import Random

import pytest

from atp_stream.domain.stock.facts import Fact, Outcome, StockRules
from tests.domain.model.stock import Fact as Said
from tests.domain.model.stock import Shipment, StockModel, StockNumbers
from tests.domain.support.folded_item import Item, count

LOCATIONS = ("", "north", "south")
SKEWS = (0, 1, 3, -2)


def first_that_differs(r: Random, length: int, *, with_gap: bool) -> list[object] | None:
    """Return a history up to where the numbers are not those of the model, None if they are to the end."""
    item, model, story = Item(StockRules(skew_us=0)), StockModel(), list[object]()
    for number in range(length):
        if r.random() < 0.4:
            item.rules = StockRules(skew_us=r.choice(SKEWS))
        story.append((item.rules.skew_us, happens(r, item, model, str(number))))
        found, right = item.stock, model.numbers()
        numbers = StockNumbers(found.on_hand, found.gap if with_gap else right.gap, found.basis, found.split)
        if numbers != right:
            return [*story, right, numbers]
    return None


def happens(r: Random, item: Item, model: StockModel, name: str) -> object:
    at, location = r.randint(10, 18), r.choice(LOCATIONS)
    if r.random() < 0.35:
        shipment = Shipment(at, r.randint(1, 5), location)
        item.ships(*shipment)
        model.shipments.append(shipment)
        return shipment
    delta = r.choice([None, r.randint(-3, 3)])
    absolute = r.randint(1, 9) if delta is None or r.random() < 0.6 else None
    assert item.takes(Fact(at, name, delta, absolute), location) in {Outcome.APPLIED, Outcome.LATE}
    said = Said(at, name, delta, absolute, location=location, skew=item.rules.skew_us)
    model.facts.append(said)
    return said


@pytest.mark.parametrize("seed", range(4))
def test_on_hand_and_basis_are_those_of_all_that_came_under_each_skew(seed: int) -> None:
    r = Random(seed)
    assert [None] * 300 == [first_that_differs(r, r.randint(2, 16), with_gap=False) for _ in range(300)]


@pytest.mark.parametrize("seed", range(4))
def test_so_is_the_gap_of_few(seed: int) -> None:
    """A count that comes late between two absolutes of different skews does not know how far the first reached."""
    r = Random(seed)
    assert [None] * 300 == [first_that_differs(r, r.randint(2, 6), with_gap=True) for _ in range(300)]


def test_the_gap_counts_from_where_an_absolute_in_front_of_the_base_has_reached() -> None:
    item = Item(StockRules(skew_us=-2))
    item.takes(count(12, 9), "north")
    item.takes(Fact(18, "adjusted", 0, 3), "north")
    item.ships(13, 6, "north")
    item.rules = StockRules(skew_us=3)
    item.takes(count(13, 9), "north")
    assert -6 == item.stock.gap
