"""Goods that are sold in steps: what may be claimed is a multiple of the step, and none of it is stranded."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atp_stream.domain.commands import Entry
from atp_stream.domain.policy.item_rules import ItemRules, Rule
from atp_stream.domain.policy.rules import INITIAL, PolicyError, parse
from atp_stream.domain.policy.schema import Kind
from atp_stream.domain.promise.availability import free, safety_stock, shown
from atp_stream.domain.promise.claims import Quota, claims, earmarks, shares
from atp_stream.domain.promise.explanation import Term, explain
from atp_stream.domain.state.rows import Channel
from tests.domain.model import sharing
from tests.domain.support.folding import items, one_by_one, rules_of
from tests.domain.support.histories import histories
from tests.domain.support.log import AT, Log, count, edit_item, fulfil, grant, policy, release, reserve

UNIT = 100  # hundredths
WHOLE = {"step": 1}


def log_with(channels: dict[str, Any], units: float, **rest: Any) -> Log:
    log = Log()
    log.say(policy({"tenants": {"*": {"channels": channels, **WHOLE, **rest}}}), count(round(units * UNIT)))
    return log


def available(log: Log) -> dict[str, float]:
    return {channel: row.available / UNIT for channel, row in log.item().channels.items()}


def test_less_than_one_that_is_left_behind_the_safety_stock_is_not_shown() -> None:
    log = log_with({"ECOM": {}}, 4, safety_stock={"percent": 1})
    log.say(reserve("r", 3 * UNIT))
    assert ({"ECOM": 0}, UNIT) == (available(log), log.item().safety_stock)


def test_two_equal_earmarks_of_501_units_are_251_and_250() -> None:
    quota = {"kind": "QUOTA"}
    log = log_with({"A": quota, "B": quota}, 501)
    log.say(grant("A", 1_000 * UNIT), grant("B", 1_000 * UNIT))
    assert {"A": 251, "B": 250} == available(log)


def test_two_halves_of_501_units_are_251_and_250() -> None:
    half = {"kind": "SHARE", "weight": 0.5}
    assert {"A": 251, "B": 250} == available(log_with({"B": half, "A": half}, 501))


def test_shares_leave_what_is_not_theirs_to_the_pool() -> None:
    share = {"kind": "SHARE", "weight": 0.25}
    assert {"A": 3, "B": 2, "C": 10} == available(log_with({"A": share, "B": share, "C": {}}, 10))


def test_no_share_is_less_than_its_weight_of_the_pool() -> None:
    assert {"A": 5 * UNIT, "B": 0} == shares(10 * UNIT, {"A": 5_000, "B": 900}, UNIT)


def test_shares_by_the_hundredth_are_rounded_down_each_by_itself() -> None:
    assert {"A": 2, "B": 2} == shares(5, {"A": 5_000, "B": 5_000}, 1)


def test_a_grant_in_percent_is_of_whole_units() -> None:
    log = log_with({"A": {"kind": "QUOTA"}}, 146)
    log.say(grant("A", percent=2_000))
    assert 29 * UNIT == log.item().channels["A"].granted


def test_a_part_is_of_whole_units() -> None:
    log = log_with({"ECOM": {}}, 4.5)
    log.say(reserve("r", 6 * UNIT, allow_partial=True))
    assert (4 * UNIT, 2 * UNIT) == (log.item().channels["ECOM"].reserved, log.item().channels["ECOM"].waiting)


def test_who_waits_gets_whole_units_and_the_rest_when_it_is_there() -> None:
    log = log_with({"ECOM": {}}, 0)
    log.say(reserve("r", 3 * UNIT, allow_partial=True), count(150, AT + 1))
    assert UNIT == log.item().channels["ECOM"].reserved
    log.say(count(3 * UNIT, AT + 2))
    assert 3 * UNIT == log.item().channels["ECOM"].reserved


def test_facts_of_stock_and_what_is_reserved_are_not_rounded() -> None:
    log = log_with({"ECOM": {}}, 4.75)
    log.say(reserve("r", 150))
    assert (475, 150, 300) == (log.item().stock.on_hand, *reversed(log.shows()))


def test_a_buffer_of_a_part_holds_back_a_whole_unit_and_a_floor_is_met_by_whole_units() -> None:
    log = log_with({"A": {"buffer": 0.5}, "B": {"floor": 4.5}, "C": {"floor": 5}}, 5.5)
    assert {"A": 4, "B": 5, "C": 5} == available(log)
    log.say(count(499, AT + 1))
    assert {"A": 3, "B": 0, "C": 0} == available(log)


def test_what_a_grant_has_of_a_unit_is_in_the_pool() -> None:
    log = log_with({"A": {"kind": "QUOTA"}, "B": {}}, 5)
    log.say(grant("A", 250))
    assert {"A": 2, "B": 3} == available(log)


def test_an_item_has_its_own_step_and_its_tenant_another() -> None:
    log = log_with({"ECOM": {}}, 14.5, items={"lamp": {"step": 6}})
    log.say(count(1_450), name="acme|rug")
    assert (1_200, 1_400) == (log.shows()[0], log.shows(name="acme|rug")[0])
    log.say(edit_item({"step": 0.5}))
    assert 1_450 == log.shows()[0]


def test_a_smaller_step_serves_who_waits() -> None:
    log = log_with({"ECOM": {}}, 4.5)
    log.say(reserve("r", 450), edit_item({"step": 0.01}))
    assert (0, 450) == log.shows()


def test_safety_stock_is_rounded_up() -> None:
    rules = parse(b'{"tenants":{"*":{"step":1,"safety_stock":{"fixed":2.5}}}}').rules("a|b")
    assert 300 == safety_stock(rules, 0)
    assert 100 == safety_stock(ItemRules(percent=100, step=UNIT), 4 * UNIT)
    assert 100 == safety_stock(ItemRules(percent=2_500, step=UNIT), 4 * UNIT)


def test_what_is_free_and_shown_is_rounded_down() -> None:
    assert (0, 100, 0) == (free(199, 100, 0, UNIT), free(299, 100, 0, UNIT), free(-150, 0, 0, UNIT))
    assert (100, 0) == (shown(200, Rule(buffer=1), 0, UNIT), shown(100, Rule(buffer=1), 0, UNIT))


def test_atp_init_begins_with_whole_goods() -> None:
    assert (UNIT, True) == (INITIAL.rules("a|b").step, INITIAL.rules("a|b").plain)
    assert ["ECOM", "STORE", "B2B", "MARKETPLACE"] == [*INITIAL.rules("a|b").channels]


@pytest.mark.parametrize("step", ["0", "-1", "0.001", "0.005"])
def test_a_step_is_a_hundredth_at_the_least(step: str) -> None:
    with pytest.raises(PolicyError, match=r"tenants\.\*\.step"):
        parse(f'{{"tenants":{{"*":{{"step":{step}}}}}}}'.encode())


def test_terms_say_what_is_less_than_a_step() -> None:
    log = log_with({"A": {"buffer": 0.5}}, 5.75)
    found = explain(log.item(), rules_of(log, "acme|lamp"))
    free = [Term("on_hand", 575), Term("safety_stock", 0), Term("reserved", 0), Term("less_than_step", -75)]
    assert free == found.free
    assert [*free, Term("buffer", -50), Term("less_than_step", -50)] == found.channels[0].terms


def test_a_grant_of_less_than_a_step_is_no_shortage() -> None:
    log = log_with({"A": {"kind": "QUOTA"}}, 2)
    log.say(grant("A", 250))
    assert not explain(log.item(), rules_of(log, "acme|lamp")).shortage


# Laws


@given(histories())
def test_what_is_available_is_a_multiple_of_the_step_and_terms_say_why(entries: list[Entry]) -> None:
    for log, entry, _ in one_by_one(entries):
        for name, item in items(log).items():
            if entry.name in {name, "|"}:
                rules = rules_of(log, name)
                found = explain(item, rules)
                assert 0 == sum(term.quantity for term in found.free) % rules.step
                for one in found.channels:
                    assert one.row.available == sum(term.quantity for term in one.terms)
                    assert [0, 0, 0] == [units % rules.step for units in (one.row.available, *one.claim)]


QUOTAS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 30), st.sampled_from([1, 1, 2]), st.integers(0, 9)),
    min_size=1,
    max_size=5,
)


@given(QUOTAS, st.integers(0, 20), st.sampled_from([1, 2, 7, 10]))
def test_earmarks_strand_nothing_and_are_never_more_than_is_free(
    drawn: list[tuple[int, int, int, int]], steps: int, step: int
) -> None:
    quotas = [
        Quota(channel, rank, minimum, granted, min(granted, consumed))
        for channel, (granted, consumed, rank, minimum) in zip("ABCDE", drawn, strict=False)
    ]
    found = earmarks(steps * step, quotas, step)
    wanted = sum(quota.left - quota.left % step for quota in quotas)
    assert min(steps * step, wanted) == sum(found.values())
    assert all(units % step == 0 and units <= quota.left for units, quota in zip(found.values(), quotas, strict=True))
    counted = [sharing.Quota(q.channel, q.granted, q.consumed, q.rank, q.minimum).in_steps(step) for q in quotas]
    assert found == {channel: units * step for channel, units in sharing.earmarks(steps, counted).items()}


@given(
    st.dictionaries(st.sampled_from("ABCDE"), st.integers(1, 10_000), min_size=1),
    st.integers(0, 200),
    st.sampled_from([2, 100]),
)
def test_shares_strand_nothing_and_none_is_a_step_from_its_weight(
    weights: dict[str, int], steps: int, step: int
) -> None:
    rules = ItemRules(
        step=step, plain=False, channels={c: Rule(kind=Kind.SHARE, weight=weight) for c, weight in weights.items()}
    )
    found = claims(steps * step, rules, {channel: Channel() for channel in weights})
    whole = max(10_000, sum(weights.values()))
    assert steps * sum(weights.values()) // whole * step == sum(claim.pool for claim in found.values())
    for channel, weight in weights.items():
        assert -step < found[channel].pool - weight * steps * step / whole < step


@given(st.integers(1, 400), st.sampled_from(["A", "B"]))
def test_a_reservation_that_is_released_leaves_whole_goods_as_they_were(units: int, channel: str) -> None:
    log = log_with({"A": {"kind": "QUOTA", "overflow": True}, "B": {}}, 6.25)
    log.say(grant("A", 250))
    before = log.item().channels
    log.say(reserve("r", units, channel), release("r"))
    assert before == log.item().channels


@given(st.integers(1, 400))
def test_shipping_what_was_promised_changes_no_availability_of_whole_goods(units: int) -> None:
    log = log_with({"A": {"kind": "QUOTA", "overflow": True}, "B": {}}, 6.25)
    log.say(grant("A", 250), reserve("r", units, "A"))
    before = available(log)
    log.say(fulfil("r", at=AT + 1))
    assert before == available(log)
