"""The policy document: what it may say, and which rule wins."""

from typing import Any

import msgspec
import pytest

from atp_stream.domain.policy.item_rules import Rule
from atp_stream.domain.policy.parsing import decode_own, edited_own
from atp_stream.domain.policy.rules import DEFAULT, PolicyError, parse, read, text
from atp_stream.domain.policy.schema import MAX_DOCUMENT, MAX_OWN
from atp_stream.domain.stock.facts import StockRules

SKEWED = "stock.skew: is from -15 to 15 seconds, a quarter of stock.window"


def written(**document: Any) -> bytes:
    return msgspec.json.encode(document)


def for_all(**section: Any) -> bytes:
    return written(tenants={"*": section})


def test_the_default_policy_names_four_channels_and_accepts_others() -> None:
    rules = DEFAULT.rules("acme|lamp")
    assert ["ECOM", "STORE", "B2B", "MARKETPLACE"] == list(rules.channels)
    assert (0, 0, True) == (rules.fixed, rules.percent, rules.accepts_unknown)
    assert ("ECOM", 32, 300_000_000) == (
        DEFAULT.default_channel,
        DEFAULT.unknown_channel_limit,
        DEFAULT.future_tolerance_us,
    )
    assert StockRules() == DEFAULT.stock
    assert (604_800, "keep") == (DEFAULT.document.retention, DEFAULT.document.shortage)


def test_the_text_of_a_policy_is_read_as_the_same_policy() -> None:
    document = for_all(channels={"ECOM": {"buffer": 1.5}}, aliases={"web": "ECOM"}, safety_stock={"percent": 12.5})
    assert parse(document).document == parse(text(parse(document)).encode()).document
    assert DEFAULT.document == parse(text(DEFAULT).encode()).document


def test_a_document_is_parsed_once() -> None:
    assert read(b'{"retention": 5}') is read(b'{"retention": 5}')


def test_durations_are_seconds() -> None:
    policy = parse(written(stock={"window": 60, "tail": 9, "skew": 2}, future_tolerance=7))
    assert StockRules(window_us=60_000_000, skew_us=2_000_000) == policy.stock
    assert 7_000_000 == policy.future_tolerance_us


def test_quantities_are_hundredths_and_percentages_hundredths_of_one_per_cent() -> None:
    rules = parse(for_all(safety_stock={"fixed": 1.25, "percent": 12.5}, channels={"ECOM": {"floor": 0.01}})).rules(
        "a|b"
    )
    assert (125, 1_250, Rule(floor=1)) == (rules.fixed, rules.percent, rules.channels["ECOM"])


@pytest.mark.parametrize(
    ("wins", "dropped"),
    [
        (4, []),
        (3, ["item and channel"]),
        (2, ["item and channel", "item"]),
        (1, ["item and channel", "item", "channel"]),
    ],
)
def test_the_most_special_rule_wins_alone(wins: int, dropped: list[str]) -> None:
    def rule(kind: str, buffer: int) -> dict[str, int]:
        return {} if kind in dropped else {"buffer": buffer}

    special = {"channels": {"ECOM": rule("item and channel", 4)}, "rule": rule("item", 3)}
    section = {"channels": {"ECOM": rule("channel", 2)}, "rule": {"buffer": 1}, "items": {"lamp": special}}
    assert wins * 100 == parse(for_all(**section)).rules("acme|lamp").channels["ECOM"].buffer


def test_a_rule_is_not_merged_with_a_less_special_one() -> None:
    section = {"channels": {"ECOM": {"floor": 2}}, "rule": {"buffer": 1}}
    assert Rule(floor=200) == parse(for_all(**section)).rules("acme|lamp").channels["ECOM"]


def test_channels_without_a_name_live_by_the_rule_of_the_item_or_tenant() -> None:
    policy = parse(for_all(rule={"buffer": 1}, items={"lamp": {"rule": {"buffer": 2}}}))
    assert (Rule(200), Rule(100)) == (policy.rules("acme|lamp").other, policy.rules("acme|rug").other)


def test_the_safety_stock_of_an_item_stands_for_that_of_its_tenant() -> None:
    policy = parse(for_all(safety_stock={"fixed": 9}, items={"lamp": {"safety_stock": {}}, "rug": {}}))
    assert (0, 900) == (policy.rules("acme|lamp").fixed, policy.rules("acme|rug").fixed)


def test_an_item_may_have_channels_of_its_own() -> None:
    policy = parse(for_all(channels={"ECOM": {}}, items={"lamp": {"channels": {"OUTLET": {}}}}))
    assert (["ECOM", "OUTLET"], ["ECOM"]) == (
        list(policy.rules("a|lamp").channels),
        list(policy.rules("a|rug").channels),
    )


def test_a_tenant_with_a_section_takes_nothing_from_the_one_for_all() -> None:
    policy = parse(written(tenants={"*": {"channels": {"ECOM": {}}}, "umbra": {"channels": {"SHOP": {}}}}))
    assert (["ECOM"], ["SHOP"]) == (list(policy.rules("acme|lamp").channels), list(policy.rules("umbra|lamp").channels))


def test_a_tenant_that_nobody_speaks_of_has_no_named_channels() -> None:
    assert {} == parse(b"{}").rules("acme|lamp").channels
    assert {} == parse(written(tenants={"umbra": {"channels": {"SHOP": {}}}})).rules("acme|lamp").channels


def test_names_in_a_policy_are_the_ids_themselves() -> None:
    policy = parse(written(tenants={"a|b": {"items": {"50%": {"rule": {"buffer": 1}}}}}))
    assert Rule(100) == policy.rules("a%7Cb|50%25").other


def test_rules_are_made_once() -> None:
    policy = parse(written(tenants={"umbra": {"items": {"lamp": {}}}}))
    assert policy.rules("umbra|lamp") is policy.rules("umbra|lamp")
    assert policy.rules("umbra|rug") is policy.rules("umbra|vase")
    own = '{"channels":{"ECOM":{"buffer":1}}}'
    assert policy.rules("umbra|lamp", own) is policy.rules("umbra|lamp", own)


def test_a_channel_is_closed_when_it_is_neither_named_nor_accepted() -> None:
    aliased = parse(for_all(channels={"ECOM": {}}, aliases={"web": "ECOM"})).rules("a|b")
    refusing = parse(written(unknown_channels="refuse", tenants={"*": {"channels": {"ECOM": {}}}})).rules("a|b")
    assert [False, False, True] == [aliased.closed(channel) for channel in ("ECOM", "POPUP", "web")]
    assert [False, True] == [refusing.closed(channel) for channel in ("ECOM", "POPUP")]


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"nonsense", "JSON is malformed: invalid character (byte 4)"),
        (b'"\xff"', "utf-8"),
        (b'{"tenants":{"\xff":{}}}', "invalid start byte"),
        (written(colour="red"), "colour: unknown key; allowed are "),
        (for_all(channels={"ECOM": {"bufer": 1}}), "tenants.*.channels.ECOM.bufer: unknown key; allowed are buffer, "),
        (for_all(channels={"ECOM": {"buffer": -1}}), "tenants.*.channels.ECOM.buffer: must not be negative"),
        (for_all(channels={"ECOM": {"floor": -1}}), "tenants.*.channels.ECOM.floor: must not be negative"),
        (for_all(rule={"buffer": 0.001}), "tenants.*.rule.buffer: quantity_too_fine: 0.001"),
        (for_all(rule={"kind": "SHARE"}), "tenants.*.rule.weight: of a SHARE is above 0, and 1 at most"),
        (for_all(rule={"kind": "SHARE", "weight": 0}), "rule.weight: of a SHARE is above 0, and 1 at most"),
        (for_all(rule={"kind": "SHARE", "weight": 1.0001}), "rule.weight: of a SHARE is above 0, and 1 at most"),
        (for_all(rule={"kind": "SHARE", "weight": 1e-20}), "tenants.*.rule.weight: has at most 4 decimals"),
        (for_all(rule={"kind": "SHARE", "weight": 1e-21}), "rule.weight: of a SHARE is above 0, and 1 at most"),
        (b'{"tenants":{"*":{"rule":{"kind":"SHARE","weight":0.123400000000000000000}}}}', "is above 0, and 1 at most"),
        (for_all(safety_stock={"fixed": -1}), "tenants.*.safety_stock.fixed: must not be negative"),
        (for_all(safety_stock={"percent": -1}), "tenants.*.safety_stock.percent: must not be negative"),
        (for_all(safety_stock={"percent": 101}), "tenants.*.safety_stock.percent: is at most 100"),
        (for_all(items={"lamp": {"rule": {"buffer": -1}}}), "tenants.*.items.lamp.rule.buffer: must not be negative"),
        (for_all(items={"": {}}), "tenants.*.items: an item has a name"),
        (for_all(channels={"": {}}), "tenants.*.channels: a channel has a name"),
        (written(tenants={"": {}}), "tenants.: a tenant has a name"),
        (for_all(channels={"A": {}}, aliases={"": "A"}), "tenants.*.aliases.: an alias has a name"),
        (for_all(channels={"A": {}}, aliases={"A": "A"}), "tenants.*.aliases.A: is the name of a channel"),
        (for_all(aliases={"a": "b", "b": "a"}), "tenants.*.aliases.a: points at another alias"),
        (for_all(aliases={"a": "B"}), "tenants.*.aliases.a: points at B, which is no channel of this tenant"),
        (for_all(channels={"A": {}}, items={"x": {"channels": {"a": {}}}}, aliases={"a": "A"}),
         "tenants.*.aliases.a: is the name of a channel"),
        (written(stock={"window": -1}), "stock.window: must not be negative"),
        (written(stock={"window": 59}), "stock.window: is from 60 to 4838400 seconds"),
        (written(stock={"window": 4_838_401}), "stock.window: is from 60 to 4838400 seconds"),
        (written(stock={"window": 60, "skew": 16}), SKEWED),
        (written(stock={"window": 60, "skew": -16}), SKEWED),
        (written(retention=-1), "retention: must not be negative"),
        (written(future_tolerance=-1), "future_tolerance: must not be negative"),
        (written(unknown_channel_limit=65), "unknown_channel_limit: is from 0 to 64"),
        (written(unknown_channels="maybe"), "unknown_channels: is `accept` or `refuse`"),
        (written(shortage="drop"), "shortage: 'drop' is not one of keep, deallocate"),
        (written(default_channel=""), "default_channel: must not be empty"),
        (for_all(channels={f"c{n}": {} for n in range(65)}), "tenants.*.channels: are at most 64"),
        (for_all(channels={"é" * 33: {}}), "tenants.*.channels: a name has at most 64 bytes"),
        (b" " * MAX_DOCUMENT + b"{}", "the document has 64002 bytes; 64000 are allowed"),
    ],
)  # fmt: skip
def test_a_document_that_breaks_the_contract_is_refused_with_the_reason(document: bytes, why: str) -> None:
    with pytest.raises(PolicyError, match=r".*") as refused:
        parse(document)
    assert why in str(refused.value)


def test_a_weight_may_have_zeros_behind_its_decimals() -> None:
    plain = b'{"tenants":{"*":{"rule":{"kind":"SHARE","weight":0.12340000000000000000}}}}'
    assert 1_234 == parse(plain).rules("acme|lamp").other.weight


def test_what_is_written_for_one_item_by_a_command_has_its_own_bound() -> None:
    assert {} == decode_own(b" " * (MAX_OWN - 2) + b"{}").channels
    with pytest.raises(PolicyError, match="the item's own policy has 16001 bytes; 16000 are allowed"):
        decode_own(b" " * (MAX_OWN - 1) + b"{}")


def test_a_patch_that_is_no_json_is_refused_with_the_reason() -> None:
    with pytest.raises(PolicyError, match="Input data was truncated"):
        edited_own(None, b"{")


def test_a_part_of_an_item_that_is_not_of_its_shape_is_refused_with_the_reason() -> None:
    with pytest.raises(PolicyError, match="colour: unknown key"):
        edited_own(None, b'{"colour": "red"}')


def test_rules_of_many_items_of_their_own_are_read_again_when_too_many_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("atp_stream.domain.policy.rules._MAX_OWN_RULES", 1)
    policy = parse(for_all(channels={"ECOM": {}}))
    first = policy.rules("acme|lamp", '{"channels": {"A": {}}}')
    assert ["ECOM", "B"] == [*policy.rules("acme|rug", '{"channels": {"B": {}}}').channels]
    again = policy.rules("acme|lamp", '{"channels": {"A": {}}}')
    assert (["ECOM", "A"], True) == ([*again.channels], again is not first)
