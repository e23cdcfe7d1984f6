"""When units could be there: on the shelf, with what is expected, or after the time that it takes to get them."""

from typing import Any

import msgspec

from atp_stream.domain.policy.rules import ItemRules, parse
from atp_stream.domain.promise.curve import Curve, drawn
from atp_stream.domain.promise.inquiry import Answer, inquire
from atp_stream.domain.state.rows import Channel
from atp_stream.domain.supply.days import add
from atp_stream.domain.supply.rows import CurveRow

TODAY = 100


def rules_with(**supply: Any) -> ItemRules:
    document = {"tenants": {"*": {"channels": {"ECOM": {}}, "supply": supply}}}
    return parse(msgspec.json.encode(document)).rules("acme|lamp")


def curve(on_hand: int, rules: ItemRules, supplies: dict[int, int]) -> Curve:
    row = CurveRow()
    for day, units in supplies.items():
        add(row, TODAY + day, supply=units)
    return drawn(row, on_hand, 0, TODAY, rules.supply)


def ask(units: int, wanted: int | None = None, **supply: Any) -> Answer:
    """Ask an item of which 5 are on hand and 10 are expected in 4 days."""
    rules, channels = rules_with(**supply), {"ECOM": Channel()}
    day = None if wanted is None else TODAY + wanted
    return inquire(curve(5, rules, {4: 10}), units, day, "ECOM", rules, channels)


def test_what_is_on_hand_could_be_there_today_or_on_the_wanted_day() -> None:
    assert [(TODAY, "ON_HAND"), (TODAY + 2, "ON_HAND")] == [ask(5), ask(5, wanted=2)]


def test_what_is_expected_could_be_there_on_its_day() -> None:
    assert [(TODAY + 4, "SUPPLY"), (TODAY + 9, "SUPPLY")] == [ask(15), ask(15, wanted=9)]


def test_a_lead_time_answers_where_nothing_is_expected() -> None:
    assert [(TODAY + 21, "LEAD_TIME"), (TODAY + 30, "LEAD_TIME")] == [
        ask(16, lead_time=21), ask(16, wanted=30, lead_time=21),
    ]  # fmt: skip


def test_without_a_lead_time_there_is_no_day() -> None:
    assert (None, None) == ask(16)


def test_a_lead_time_is_never_on_the_curve() -> None:
    with_one, without = rules_with(lead_time=0), rules_with()
    assert curve(5, without, {4: 10}) == curve(5, with_one, {4: 10})
