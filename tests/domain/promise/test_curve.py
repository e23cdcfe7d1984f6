"""The curve by example: the numbers of other products, look-ahead, and what may move forward."""

from typing import Any

from atp_stream.domain.policy.item_rules import ItemRules
from atp_stream.domain.policy.rules import DEFAULT, parse
from atp_stream.domain.promise.curve import NOW, Curve, claim_at, cumulative, drawn, earliest, entitled
from atp_stream.domain.state.rows import Channel
from atp_stream.domain.supply.days import add
from atp_stream.domain.supply.rows import Arriving, CurveRow
from atp_stream.domain.supply.rules import SupplyRules

RULES = DEFAULT.rules("acme|lamp")
CHANNELS = {"ECOM": Channel()}


def curve(
    on_hand: int, supplies: dict[int, int], promises: dict[int, int], today: int = 1, safety: int = 0, **rules: Any
) -> Curve:
    row = CurveRow()
    for day, units in supplies.items():
        add(row, day, supply=units)
    for day, units in promises.items():
        add(row, day, promised=units)
    return drawn(row, on_hand, safety, today, SupplyRules(**rules))


def by_day(found: Curve, first: int, days: int) -> list[int]:
    return [found.levels[found.place(day)] for day in range(first, first + days)]


def test_t1_the_example_of_d365() -> None:
    assert [17] * 7 == by_day(curve(17, {}, {}), 1, 7)
    assert [17, 17, 27, 27, 27, 27, 27] == by_day(curve(17, {3: 10}, {}), 1, 7)
    assert [12, 12, 12, 12, 13, 16, 16] == by_day(curve(17, {3: 10, 5: 1, 6: 3}, {4: 15}), 1, 7)
    assert [12, 12, 12, 13, 16, 16, 16] == by_day(curve(17, {3: 10, 5: 1, 6: 3}, {4: 15}, today=2), 2, 7)
    assert [2, 3, 6, 6, 6, 6, 6] == by_day(curve(2, {3: 10, 5: 1, 6: 3}, {}, today=4), 4, 7)


def test_t2_supply_that_is_late_counts_again_tomorrow() -> None:
    found = curve(0, {7: 200, 20: 100}, {10: 75}, today=10, past_due_days=7)
    assert [0, 125, 225] == [found.levels[found.place(day)] for day in (10, 11, 20)]
    assert 20 == earliest(found, 150, 10, "ECOM", RULES, CHANNELS)


def test_t3_what_is_needed_later_is_not_there_earlier() -> None:
    found = curve(92, {22: 40, 23: 20}, {24: 5, 25: 15}, today=20)
    assert [92, 92, 132, 132, 132, 132] == by_day(found, 20, 6)


def test_t4_two_are_asked_that_are_there_by_the_first_of_two_supplies() -> None:
    assert 10 == earliest(curve(10, {10: 10, 20: 10}, {}), 20, 1, "ECOM", RULES, CHANNELS)


def test_t6_a_shortage_is_carried_to_every_later_period() -> None:
    changes = [0, 0, 0, -1, 2, 3, 2, 2]
    points = [sum(changes[: place + 1]) for place in range(8)]
    assert [0, 0, 0, 0, 1, 4, 6, 8] == cumulative([0, 0, 0, -1, 1, 4, 6, 8])
    assert [0, 0, 0, -1, 1, 4, 6, 8] == points


def test_units_that_have_come_and_are_not_counted_yet_are_there_today_and_not_on_the_shelf() -> None:
    row = CurveRow(arriving=[Arriving("po", 4, "DC", 0, 0)])
    assert [0, 4] == drawn(row, 0, 0, 1, SupplyRules()).there


def test_safety_stock_is_kept_at_every_point() -> None:
    assert [0, 0, 7] == curve(3, {5: 9}, {}, safety=5).levels


def test_what_is_shown_is_a_multiple_of_the_step() -> None:
    assert [0, 4, 4] == cumulative([3, 5, 7], 4)


def test_a_promise_moves_forward_only_as_far_as_the_lowest_point_and_the_quotas_stay() -> None:
    found = curve(8, {5: 4, 9: 9}, {9: 6})
    assert [8, 8, 12, 15] == found.points
    assert [0, 4, 5] == [found.cap(NOW, 9, 8), found.cap(5, 9, 8), found.cap(5, 9, 7)]
    assert (8, 3) == (found.cap(NOW, 9, 0), found.cap(NOW, 9, 5))
    assert 5 == found.earliest_move(3, 9, 2, 8)


def test_only_what_is_promised_for_today_may_stand_on_safety_stock_that_is_eaten() -> None:
    found = curve(3, {}, {1: 2}, safety=5)
    assert [-2, -4] == found.points
    assert (0, 2) == (found.cap(NOW, 1, 0), found.cap(NOW, 1, 0, eats=True))


def test_a_larger_horizon_that_was_in_force_lets_its_promises_stand() -> None:
    assert [0, 0, 2] == curve(0, {9: 5}, {9: 3}, horizon_days=3).levels


def test_t11_a_grant_is_kept_at_every_point() -> None:
    document = b'{"tenants": {"*": {"channels": {"B2B": {"kind": "QUOTA"}, "ECOM": {}}}}}'
    rules: ItemRules = parse(document).rules("acme|lamp")
    channels = {"B2B": Channel(granted=40), "ECOM": Channel()}
    found = curve(40, {5: 60}, {})
    shown = [[sum(claim_at(found, day, c, rules, channels)) for day in (NOW, 1, 5)] for c in ("ECOM", "B2B")]
    assert [[0, 0, 60], [40, 40, 40]] == shown
    assert (40, 5) == (entitled(rules, channels), earliest(found, 60, 1, "ECOM", rules, channels))
