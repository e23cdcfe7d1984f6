"""Rows of before 0.2 become rows of today: first what stands in front of all tails, then one location at a time."""

import pytest

from atp_stream.domain.stock.facts import NEVER, Fact, StockRules
from atp_stream.domain.stock.rows import Location, Stock, Sums
from atp_stream.domain.stock.upgrade import (
    OldFact,
    OldFloor,
    OldLocation,
    OldShipment,
    begin,
    is_old,
    may_begin,
    upgrade,
)
from tests.domain.support.folded_item import RULES, Item, delta

FLOOR = OldFloor(value=100, gap=0, absolute_at_us=50, basis=90)


def old_item(shown: Stock, rules: StockRules = RULES, /, **locations: OldLocation) -> Item:
    """Return an item whose rows are old ones; in `locations` "_" is the one without a name."""
    item = Item(rules)
    item.stock = shown
    state, _ = item._step()
    for name, row in locations.items():
        item.stock.places[name.strip("_")] = [1, 2, 3]
        state.put(f"acme|lamp|l|{name.strip('_')}", row)
    item._commit(state)
    begin(item.stock, item.generation)
    return item


def upgrades(item: Item) -> int:
    """Do a unit of the upgrade, and return what it read."""
    state, fold = item._step()
    read = upgrade(fold)
    item._commit(state)
    return read


def upgraded(item: Item) -> Item:
    while item.stock.upgrading is not None:
        upgrades(item)
    return item


# When it is due


def test_an_item_without_anything_old_is_not_old() -> None:
    assert (False, False) == (is_old(Stock()), may_begin(Stock()))


@pytest.mark.parametrize("stock", [Stock(places={"north": None}), Stock(shipments={"": [[1, 2, 3]]})], ids=str)
def test_an_item_with_old_locations_or_old_shipments_is_old(stock: Stock) -> None:
    assert (True, True) == (is_old(stock), may_begin(stock))
    begin(stock, 7)
    assert (True, False, 7) == (is_old(stock), may_begin(stock), stock.upgrading)


def test_an_upgrade_that_has_begun_is_still_due() -> None:
    assert (True, False) == (is_old(Stock(upgrading=0)), may_begin(Stock(upgrading=0)))


# What stood in front of the tails


def test_the_floor_of_an_absolute_becomes_a_count() -> None:
    item = upgraded(old_item(Stock(), S=OldLocation(FLOOR, 60)))
    assert Location(
        generation=0,
        forgotten_at_us=60,
        facts=item.location("S").facts,
        at_us=50,
        end=100,
        sure=2,
        base_at_us=50,
        base_end=100,
        base_counts=True,
        basis_at_us=50,
        basis=90,
        included_at_us=50,
        base_included_at_us=50,
    ) == item.location("S")
    assert (60, []) == (item.location("S").facts.edge_us, item.location("S").facts.tail)
    assert (100, 0, 90, False) == (item.stock.on_hand, item.stock.gap, item.stock.basis, item.stock.split)
    assert (Sums(100, 0, 90, 1, 0), Sums()) == (item.stock.named, item.stock.bare)


def test_the_gap_of_a_floor_counts_from_a_moment_before_it() -> None:
    item = upgraded(old_item(Stock(), S=OldLocation(OldFloor(100, 4, 50, 100), 60)))
    row = item.location("S")
    assert (4, 50, 49, 96) == (item.stock.gap, row.at_us, row.base_at_us, row.base_end)
    assert (50, 50) == (row.included_at_us, row.base_included_at_us)


def test_a_floor_of_deltas_alone_becomes_a_sum_of_deltas() -> None:
    item = upgraded(old_item(Stock(), S=OldLocation(OldFloor(value=30), 60)))
    row = item.location("S")
    assert (30, NEVER, 60, 60) == (row.after, row.at_us, row.forgotten_at_us, row.facts.edge_us)
    assert (30, Sums(30)) == (item.stock.on_hand, item.stock.named)


def test_an_absolute_at_the_beginning_of_time_is_one() -> None:
    row = upgraded(old_item(Stock(), S=OldLocation(OldFloor(30, 0, 0, 30), 0))).location("S")
    assert (0, 30, 0) == (row.at_us, row.end, row.forgotten_at_us)


def test_a_stamp_of_never_stays_one() -> None:
    row = upgraded(old_item(Stock(), S=OldLocation(OldFloor(), -7))).location("S")
    assert (NEVER, NEVER) == (row.forgotten_at_us, row.facts.edge_us)


def test_a_floor_includes_what_left_up_to_the_skew_before_it() -> None:
    row = upgraded(old_item(Stock(), StockRules(skew_us=8), S=OldLocation(FLOOR, 60))).location("S")
    assert (42, 42) == (row.included_at_us, row.base_included_at_us)


def test_a_later_fact_stamped_at_the_floor_is_past_or_stale_as_it_was() -> None:
    item = upgraded(old_item(Stock(), S=OldLocation(FLOOR, 60)))
    assert ["stale", "past", "applied"] == [item.takes(delta(at, 1), "S").value for at in (60, 49, 61)]


def test_the_location_without_a_name_is_one_of_them() -> None:
    item = upgraded(old_item(Stock(), _=OldLocation(FLOOR, 60), S=OldLocation(OldFloor(70, 0, 5, 70), 60)))
    assert (70, True, Sums(70, 0, 70, 1), Sums(100, 0, 90, 1)) == (
        item.stock.on_hand,
        item.stock.split,
        item.stock.named,
        item.stock.bare,
    )


def test_sums_that_the_item_had_are_made_anew() -> None:
    wrong = Sums(1, 1, 1, 1, 1)
    item = upgraded(old_item(Stock(named=wrong, bare=Sums(2, 2, 2, 0, 2)), S=OldLocation(FLOOR, 60)))
    assert (Sums(100, 0, 90, 1), Sums()) == (item.stock.named, item.stock.bare)


# Shipments


def test_old_shipments_are_missing_where_no_absolute_includes_them() -> None:
    item = old_item(Stock(), S=OldLocation(FLOOR, 60), north=OldLocation(OldFloor(10, 0, 90, 10), 90))
    item.stock.shipments = {"S": [OldShipment(70, 5, 65), OldShipment(40, 50, 30)], "": [OldShipment(95, 2, 95)]}
    item._commit(item._step()[0])
    upgraded(item)
    assert (110 - 5 - 2, {}) == (item.stock.on_hand, item.stock.shipments)
    assert [70] == [entry.at_us for entry in item.location("S").shipments.tail if entry.units == 5]


def test_an_item_with_old_shipments_alone_is_upgraded_in_one_unit() -> None:
    item = old_item(Stock())
    item.stock.shipments = {"": [OldShipment(70, 5, 65)]}
    item._commit(item._step()[0])
    assert 1 == upgrades(item)
    assert (-5, None) == (item.stock.on_hand, item.stock.upgrading)


# One location at a time

TAILS = {
    "A": OldLocation(FLOOR, 60, [OldFact(61, "a", -1, None), OldFact(62, "b", -2, 97)]),
    "B": OldLocation(OldFloor(10, 0, 50, 10), 60, [OldFact(63, "c", None, 8)]),
}


def item_with_tails() -> Item:
    shown = Stock(on_hand=105, gap=3, basis=77, split=True)
    return old_item(shown, **TAILS)


def shows(item: Item) -> tuple[int, int, int, bool]:
    return item.stock.on_hand, item.stock.gap, item.stock.basis, item.stock.split


def test_until_the_last_location_is_read_the_item_shows_what_it_did() -> None:
    item = item_with_tails()
    assert (2 + 2, (105, 3, 77, True)) == (upgrades(item), shows(item))
    assert ({"B": None}, 0) == (item.stock.places, item.stock.upgrading)
    assert (1, (105, 0, 105, False)) == (upgrades(item), shows(item))
    assert ({}, None) == (item.stock.places, item.stock.upgrading)


def test_no_old_row_is_left() -> None:
    item = item_with_tails()
    assert ["acme|lamp|l|A", "acme|lamp|l|B"] == sorted(key for key in item.rows if "|l|" in key)
    upgrades(item)
    assert ["acme|lamp|l|B"] == [key for key in item.rows if "|l|" in key]
    upgrades(item)
    assert [] == [key for key in item.rows if "|l|" in key]


def test_the_facts_of_a_tail_are_known_and_can_be_judged() -> None:
    item = upgraded(item_with_tails())
    assert "duplicate" == item.takes(Fact(61, "a", -1, None), "A").value
    assert "late" == item.takes(Fact(61, "d", -1, 98), "A").value
    assert "duplicate" == item.takes(Fact(63, "c", None, 8), "B").value


def test_a_movement_of_a_reservation_stays_one() -> None:
    tail = [OldFact(61, "a", -10, 90, reservation=True)]
    item = upgraded(old_item(Stock(), S=OldLocation(FLOOR, 60, tail)))
    assert (90, 90) == (item.stock.on_hand, item.stock.basis)  # the basis is still that of the floor
    assert 50 == item.location("S").basis_at_us


def test_all_facts_count_as_of_the_generation_in_which_the_upgrade_began() -> None:
    item = item_with_tails()
    item.generation = 9
    begin(item.stock, 7)
    upgraded(item)
    assert [7, 7] == [item.location(name).generation for name in ("A", "B")]
