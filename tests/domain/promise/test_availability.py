"""The formula of availability, by example."""

from atp_stream.domain.policy.item_rules import ItemRules, Rule
from atp_stream.domain.promise.availability import free, safety_stock, short, shown


def test_the_greater_of_fixed_and_percentage_is_withheld() -> None:
    assert 500 == safety_stock(ItemRules(fixed=500, percent=1_000), 3_000)
    assert 600 == safety_stock(ItemRules(fixed=500, percent=1_000), 6_000)


def test_a_percentage_is_rounded_up_to_the_hundredth() -> None:
    assert 1 == safety_stock(ItemRules(percent=1), 1)
    assert 34 == safety_stock(ItemRules(percent=3_333), 100)


def test_of_less_than_nothing_nothing_is_withheld() -> None:
    assert 0 == safety_stock(ItemRules(percent=5_000), -900)


def test_the_pool_is_what_is_neither_withheld_nor_reserved() -> None:
    assert 5 == free(10, 2, 3)
    assert 0 == free(10, 2, 9)
    assert 0 == free(-10, 0, 0)


def test_a_buffer_is_taken_off_and_less_than_the_floor_is_nothing() -> None:
    assert 7 == shown(10, Rule(buffer=3), 0)
    assert 0 == shown(10, Rule(buffer=30), 0)
    assert 4 == shown(4, Rule(floor=4), 0)
    assert 0 == shown(3, Rule(floor=4), 0)


def test_nothing_is_shown_while_somebody_waits() -> None:
    assert 0 == shown(10, Rule(), 1)


def test_short_is_what_is_promised_and_not_there() -> None:
    assert 3 == short(5, 8)
    assert 8 == short(-5, 8)
    assert 0 == short(9, 8)
