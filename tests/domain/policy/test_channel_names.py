"""Spellings of channels, by example: none passes a freeze or an alias, and what is published keeps the policy's."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atp_stream.domain.commands import AnyCommand
from atp_stream.domain.events import AnyEvent, AvailabilityCalculated, CommandRefused
from atp_stream.domain.policy.channel_names import as_spelled, normal
from atp_stream.domain.policy.rules import PolicyError, parse, read
from atp_stream.domain.row_keys import POLICY
from atp_stream.domain.state.partition_rows import PolicyRow
from atp_stream.domain.state.rows import Channel
from tests.domain.support.log import (
    AT,
    NOON,
    Log,
    count,
    edit,
    edit_item,
    grant,
    move,
    policy,
    release,
    reserve,
    revoke,
)


def wide(name: str) -> str:
    """Return a name in letters of full width, as a Japanese keyboard writes them."""
    return "".join(chr(ord(letter) + 0xFEE0) for letter in name)


CHANNELS: dict[str, Any] = {"ECOM": {}, "MARKETPLACE": {}}
SPELLINGS = [
    "marketplace",
    "Marketplace ",
    "\tMARKETPLACE",
    wide("MARKETPLACE"),
    "MARKET\u00adPLACE",
    "Market\u200bplace",
]


def log_with(section: dict[str, Any], units: int = 100) -> Log:
    log = Log()
    log.say(policy({"tenants": {"*": section}}), count(units))
    return log


def refusals(events: list[AnyEvent]) -> list[tuple[str, str]]:
    return [(event.reason, event.detail) for event in events if isinstance(event, CommandRefused)]


def shown(log: Log) -> dict[str, int]:
    return {channel: row.available for channel, row in log.item().channels.items()}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_passes_a_freeze(spelling: str) -> None:
    log = log_with({"channels": CHANNELS, "frozen": {"MARKETPLACE": True}})
    log.say(reserve("r", 10, spelling, allow_backorder=False))
    assert ((0, 0), {"ECOM": 100, "MARKETPLACE": 0}) == (log.shows("MARKETPLACE"), shown(log))


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_freeze_in_any_spelling_freezes_the_channel_and_is_lifted_in_any_other(spelling: str) -> None:
    log = log_with({"channels": CHANNELS})
    log.say(edit("*", {"frozen": {spelling: True}}), edit_item({"frozen": {spelling: True}}))
    assert {"ECOM": 100, "MARKETPLACE": 0} == shown(log)
    log.say(edit("*", {"frozen": {"MarketPlace": None}}), edit_item({"frozen": {"MarketPlace": None}}))
    assert {"ECOM": 100, "MARKETPLACE": 100} == shown(log)


def test_a_freeze_that_was_written_in_another_spelling_is_lifted_too() -> None:
    log = log_with({"channels": CHANNELS, "frozen": {"marketplace": True}})
    assert {"ECOM": 100, "MARKETPLACE": 0} == shown(log)
    log.say(edit("*", {"frozen": {"MARKETPLACE": None}}))
    assert {"ECOM": 100, "MARKETPLACE": 100} == shown(log)


@pytest.mark.parametrize("spelling", ["Ecommerce", "ECOMMERCE", "ecommerce "])
def test_no_spelling_passes_an_alias(spelling: str) -> None:
    log = log_with({"channels": CHANNELS, "aliases": {"Ecommerce": "ECOM"}})
    events = log.say(reserve("r", 10, spelling))
    assert (90, 10) == log.shows("ECOM")
    assert {"ECOM", "MARKETPLACE"} == {e.channel for e in events if isinstance(e, AvailabilityCalculated)}


def test_an_unknown_channel_keeps_the_first_spelling_seen() -> None:
    log = log_with({"channels": CHANNELS})
    log.say(reserve("r", 10, "PopUp"), reserve("s", 20, "POPUP "), release("r"))
    assert ((80, 20), ["ECOM", "MARKETPLACE", "PopUp"]) == (log.shows("PopUp"), [*shown(log)])


@pytest.mark.parametrize(("first", "then"), [("ECOM", "ecom "), ("PopUp", "POPUP")])
def test_the_same_reservation_in_another_spelling_is_no_conflict(first: str, then: str) -> None:
    log = log_with({"channels": CHANNELS})
    log.say(reserve("r", 10, first))
    assert [] == refusals(log.say(reserve("r", 20, then, at=AT + 1)))
    assert (80, 20) == log.shows(first)
    assert [("reservation_conflict", "r is in channel " + first + ", not in MARKETPLACE")] == refusals(
        log.say(reserve("r", 20, "marketplace", at=AT + 2))
    )


def test_a_rejected_reservation_is_known_in_another_spelling_of_a_channel_without_a_row() -> None:
    log = log_with({"channels": CHANNELS})
    log.say(reserve("r", 500, "zz", allow_backorder=False))
    assert [] == refusals(log.say(reserve("r", 10, "ZZ", at=AT + 1)))


def test_the_default_channel_may_be_spelled_otherwise() -> None:
    log = Log()
    log.say(policy({"default_channel": "ecom", "tenants": {"*": {"channels": CHANNELS}}}), count(100))
    log.say(reserve("r", 10, None))
    assert ((90, 10), ["ECOM", "MARKETPLACE"]) == (log.shows(), [*shown(log)])


def test_verbs_know_a_channel_in_any_spelling() -> None:
    log = log_with({"channels": {"A": {"kind": "QUOTA"}, "B": {"kind": "QUOTA"}}})
    verbs: list[AnyCommand] = [grant("a", 10), move("A ", "b", 4), revoke("b", 1)]
    assert [] == refusals(log.say(*verbs))
    assert {"A": 6, "B": 3} == shown(log)


def test_a_rule_of_an_item_in_another_spelling_is_a_rule_of_the_channel() -> None:
    section = {"channels": CHANNELS, "items": {"lamp": {"channels": {"ecom": {"buffer": 0.1}}}}}
    assert {"ECOM": 90, "MARKETPLACE": 100} == shown(log_with(section))


def test_a_patch_in_another_spelling_changes_the_channel() -> None:
    log = log_with({"channels": {"ECOM": {"buffer": 0.1}}})
    log.say(edit("*", {"channels": {"ecom": {"floor": 0.95}}}), edit_item({"channels": {"LATER": {}}}))
    assert {"ECOM": 0, "LATER": 100} == shown(log)
    log.say(edit_item({"channels": {"later": {"buffer": 0.2}}}), edit("*", {"channels": {"Ecom": None}}))
    assert {"LATER": 80} == shown(log)


@pytest.mark.parametrize(
    ("section", "detail"),
    [
        ({"channels": {"ECOM": {}, "ecom": {}}}, "tenants.*.channels.ecom: is another spelling of ECOM"),
        ({"channels": {"A": {}}, "frozen": {"X": True, "x": True}}, "tenants.*.frozen.x: is another spelling of X"),
        ({"items": {"i": {"channels": {"A": {}, "a": {}}}}}, "tenants.*.items.i.channels.a: is another spelling of A"),
        (
            {"channels": {"A": {}, "B": {}}, "aliases": {"a": "B"}},
            "tenants.*.aliases.a: in another spelling means another channel than B",
        ),
        (
            {"channels": {"A": {}, "B": {}}, "aliases": {"web": "A", "Web": "B"}},
            "tenants.*.aliases.Web: in another spelling means another channel than B",
        ),
        (
            {"channels": {"A": {}}, "aliases": {"web": "A"}, "items": {"i": {"frozen": {"WEB": True}}}},
            "tenants.*.aliases.web: in another spelling means another channel than A",
        ),
    ],
)
def test_two_spellings_of_one_channel_in_one_place_are_refused(section: dict[str, Any], detail: str) -> None:
    with pytest.raises(PolicyError) as refused:
        parse(msgspec.json.encode({"tenants": {"*": section}}))
    assert detail == str(refused.value)
    assert [("policy_invalid", detail)] == refusals(Log().say(policy({"tenants": {"*": section}})))


def test_a_patch_that_says_two_things_of_one_channel_is_refused() -> None:
    log = log_with({"channels": CHANNELS})
    patch = {"channels": {"ECOM": {"buffer": 1}, "ecom": {"buffer": 2}}}
    assert [
        ("policy_invalid", "tenants.acme.channels.ecom: is another spelling of ECOM"),
        ("policy_invalid", "item.channels.ecom: is another spelling of ECOM"),
    ] == refusals(log.say(edit("acme", patch), edit_item(patch)))


def test_an_alias_that_only_spells_its_channel_otherwise_is_allowed() -> None:
    rules = parse(b'{"tenants":{"*":{"channels":{"ECOM":{}},"aliases":{"ecom":"ECOM"}}}}').rules("a|b")
    assert ("ECOM", "ECOM") == (rules.resolve("ecom"), rules.resolve("Ecom"))


def test_an_item_says_another_name_in_no_spelling() -> None:
    log = log_with({"channels": CHANNELS, "aliases": {"shop": "ECOM"}})
    refused = [("policy_invalid", "SHOP is an alias of ECOM: use ECOM")]
    assert refused == refusals(log.say(edit_item({"channels": {"SHOP": {}}})))
    assert refused == refusals(log.say(edit_item({"frozen": {"SHOP": True}})))


# What an earlier version let pass


def test_a_document_in_force_with_two_spellings_is_still_read_and_the_first_counts() -> None:
    document = b'{"tenants":{"*":{"channels":{"ECOM":{"buffer":1},"ecom":{}},"frozen":{"Ecom":true}}}}'
    rules = read(document).rules("a|b")
    assert (["ECOM"], 100, "FROZEN") == ([*rules.channels], rules.rule("ecom").buffer, rules.rule("ECOM").kind)
    log = log_with({"channels": CHANNELS})
    log.put(POLICY, PolicyRow(offset=0, log_time_ms=NOON, document=msgspec.Raw(document)))
    log.say(count(300, AT + 1))
    assert 0 == log.shows()[0]


def test_a_row_in_another_spelling_keeps_its_name_and_goes_when_it_is_empty() -> None:
    log = log_with({"channels": {"MARKETPLACE": {}}})
    log.say(reserve("r", 10, "popup"))
    item, row = log.item(), log.reservation("r")
    item.channels["marketplace"] = item.channels.pop("popup")
    row.channel = row.asked = "marketplace"
    log.put("acme|lamp|i", item)
    log.put("acme|lamp|r|r", row)
    log.say(reserve("s", 20, "marketplace"), edit("*", {"safety_stock": {"fixed": 0.05}}))
    assert ({"marketplace": 0, "MARKETPLACE": 65}, 10) == (shown(log), log.item().channels["marketplace"].reserved)
    log.say(release("r"))
    assert {"MARKETPLACE": 75} == shown(log)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("ECOM", "ecom"),
        ("  Amazon   DE\t", "amazon de"),
        (wide("ECOM"), "ecom"),
        ("Straße", "strasse"),
        ("B\u2060\u00ad2\ufeffB", "b2b"),
        ("e\u0301tal", "\u00e9tal"),
    ],
)
def test_a_normal_form_has_no_case_no_width_and_no_blanks_at_its_ends(name: str, form: str) -> None:
    assert form == normal(name)


def test_a_name_that_is_known_as_it_stands_is_taken_before_another_spelling() -> None:
    known = {"Ecom": Channel(), "ECOM": Channel()}
    assert ["ECOM", "Ecom", "other"] == [as_spelled(name, known) for name in ("ECOM", "ecom", "other")]


@given(st.text(max_size=30))
def test_the_normal_form_of_ascii_is_that_of_any_text(name: str) -> None:
    assert normal(name.upper() if name.isascii() else name) == normal(name)
    assert normal(normal(name)) == normal(name)
