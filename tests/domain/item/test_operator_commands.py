"""Policy commands by example: documents, patches, and the verbs of operators."""

from typing import Any

import pytest

from atp_stream.domain.commands import AnyCommand
from atp_stream.domain.events import AllocationCommitted, AnyEvent, AvailabilityCalculated, CommandRefused
from tests.domain.support.log import (
    Log,
    count,
    edit,
    edit_item,
    grant,
    move,
    policy,
    reserve,
    revoke,
)

ECOM_AND_STORE: dict[str, Any] = {"ECOM": {}, "STORE": {}}


def log_with(channels: dict[str, Any], units: int = 100, **rest: object) -> Log:
    log = Log()
    log.say(policy({"tenants": {"*": {"channels": channels}}, **rest}), count(units))
    return log


def details(events: list[AnyEvent]) -> list[str]:
    return [event.detail for event in events if isinstance(event, CommandRefused)]


def refusals(events: list[AnyEvent]) -> list[str]:
    return [event.reason for event in events if isinstance(event, CommandRefused)]


def shown(log: Log, name: str = "acme|lamp") -> dict[str, int]:
    return {channel: row.available for channel, row in log.item(name).channels.items()}


# Documents and patches


def test_a_patch_changes_only_what_it_says() -> None:
    log = log_with({"ECOM": {"buffer": 0.1}, "STORE": {}})
    log.say(edit("acme", {"channels": {"STORE": {"buffer": 0.2}}}))
    assert {"ECOM": 90, "STORE": 80} == shown(log)


def test_a_patch_of_one_tenant_does_not_touch_another() -> None:
    log = log_with(ECOM_AND_STORE)
    log.say(count(100), name="umbra|lamp")
    log.say(edit("acme", {"channels": {"STORE": None}}))
    assert ({"ECOM": 100}, {"ECOM": 100, "STORE": 100}) == (shown(log), shown(log, "umbra|lamp"))


def test_a_document_without_any_tenant_can_be_patched() -> None:
    log = Log()
    log.say(policy({}), edit("acme", {"channels": {"ECOM": {"buffer": 0.1}}}), count(100))
    assert {"ECOM": 90} == shown(log)


def test_a_tenant_without_its_section_is_again_like_all_others() -> None:
    log = log_with(ECOM_AND_STORE)
    log.say(edit("acme", {"channels": {"STORE": None}}), edit("acme", None))
    assert {"ECOM": 100, "STORE": 100} == shown(log)


def test_patches_build_upon_each_other() -> None:
    log = log_with(ECOM_AND_STORE)
    log.say(edit("acme", {"channels": {"ECOM": {"kind": "SHARE", "weight": 0.5}}}))
    log.say(edit("acme", {"channels": {"ECOM": {"weight": 0.25}}}))
    assert {"ECOM": 25, "STORE": 100} == shown(log)


@pytest.mark.parametrize(
    "patch",
    [
        {"channels": {"ECOM": {"weight": 0.5}}},
        {"channels": {"ECOM": {"kind": "SHARE"}}},
        {"channels": {"ECOM": {"min": 5}}},
        {"channels": {"ECOM": {"color": "red"}}},
        {"aliases": {"shop": "NOWHERE"}},
        {"time_limit": 0},
        {"channels": 5},
        7,
    ],
)
def test_a_patch_that_leads_to_a_contradiction_is_refused_and_changes_nothing(patch: object) -> None:
    log = log_with(ECOM_AND_STORE)
    rows = dict(log.rows)
    assert ["policy_invalid"] == refusals(log.say(edit("acme", patch)))
    assert rows == log.rows


@pytest.mark.parametrize("patch", [{"channels": {"ECOM": {"weight": 0.5}}}, {"rule": {"rank": 1}}, 7, [], False])
def test_a_patch_of_an_item_that_contradicts_itself_is_refused_and_changes_nothing(patch: object) -> None:
    log = log_with(ECOM_AND_STORE)
    rows = dict(log.rows)
    assert ["policy_invalid"] == refusals(log.say(edit_item(patch)))
    assert rows == log.rows


def test_a_patch_of_an_item_starts_from_what_the_document_writes_for_it() -> None:
    log = Log()
    item = {"lamp": {"channels": {"ECOM": {"buffer": 0.1}}}}
    log.say(policy({"tenants": {"*": {"channels": ECOM_AND_STORE, "items": item}}}), count(100))
    log.say(edit_item({"channels": {"STORE": {"buffer": 0.2}}}))
    assert {"ECOM": 90, "STORE": 80} == shown(log)


def test_patches_of_an_item_build_upon_each_other() -> None:
    log = log_with(ECOM_AND_STORE)
    log.say(edit_item({"channels": {"STORE": {"buffer": 0.2}}}), edit_item({"channels": {"ECOM": {"buffer": 0.1}}}))
    assert {"ECOM": 90, "STORE": 80} == shown(log)


def test_what_was_written_for_an_item_alone_outlives_the_document() -> None:
    log = log_with(ECOM_AND_STORE)
    log.say(edit_item({"channels": {"STORE": {"buffer": 0.2}}}))
    item = {"lamp": {"channels": {"ECOM": {"buffer": 0.1}}}}
    log.say(policy({"tenants": {"*": {"channels": ECOM_AND_STORE, "items": item}}}))
    assert {"ECOM": 100, "STORE": 80} == shown(log)
    log.say(edit_item(None))
    assert {"ECOM": 90, "STORE": 100} == shown(log)


def test_an_item_of_which_a_patch_takes_all_away_has_nothing_of_the_document_either() -> None:
    log = Log()
    item = {"lamp": {"channels": {"ECOM": {"buffer": 0.1}}}}
    log.say(policy({"tenants": {"*": {"channels": ECOM_AND_STORE, "items": item}}}), count(100))
    log.say(edit_item({"channels": None}))
    assert {"ECOM": 100, "STORE": 100} == shown(log)


def test_a_frozen_channel_is_frozen_whatever_its_rule() -> None:
    log = log_with({"ECOM": {"kind": "QUOTA", "overflow": True}, "STORE": {}})
    log.say(edit("acme", {"frozen": {"ECOM": True}}))
    assert {"ECOM": 0, "STORE": 100} == shown(log)
    log.say(edit("acme", {"frozen": {"ECOM": None}}))
    assert {"ECOM": 100, "STORE": 100} == shown(log)


def test_an_item_may_thaw_what_its_tenant_froze_but_not_another_kind() -> None:
    log = log_with({"ECOM": {"kind": "FROZEN"}, "STORE": {}})
    log.say(edit("acme", {"frozen": {"STORE": True}}), edit_item({"frozen": {"STORE": False, "ECOM": False}}))
    assert {"ECOM": 0, "STORE": 100} == shown(log)


def test_every_item_of_a_tenant_meets_a_patch() -> None:
    log = log_with(ECOM_AND_STORE)
    log.say(count(50), name="acme|rug")
    events = log.say(edit("acme", {"frozen": {"ECOM": True}}))
    published = {(e.name, e.channel): e.available for e in events if isinstance(e, AvailabilityCalculated)}
    assert {("acme|lamp", "ECOM"): 0, ("acme|rug", "ECOM"): 0} == published


def test_a_policy_that_raises_a_claim_serves_who_waits() -> None:
    log = log_with({"ECOM": {"kind": "SHARE", "weight": 0.5}, "STORE": {}})
    log.say(reserve("r", 80))
    events = log.say(edit("acme", {"channels": {"ECOM": {"kind": "POOLED", "weight": None}}}))
    assert [80] == [event.quantity for event in events if isinstance(event, AllocationCommitted)]


# Verbs


@pytest.mark.parametrize("said", [grant("ECOM", 5), revoke("ECOM"), move("ECOM", "B", 1), move("B", "ECOM", 1)])
def test_only_quotas_are_granted_to(said: AnyCommand) -> None:
    log = log_with({"ECOM": {}, "B": {"kind": "QUOTA"}})
    log.say(grant("B", 5))
    rows = dict(log.rows)
    assert ["not_a_quota"] == refusals(log.say(said))
    assert rows == log.rows


@pytest.mark.parametrize("said", [grant("X", 5), revoke("X"), move("X", "B", 1), move("B", "X", 1)])
def test_a_channel_that_the_item_does_not_have_is_unknown(said: AnyCommand) -> None:
    log = log_with({"B": {"kind": "QUOTA"}})
    log.say(grant("B", 5))
    rows = dict(log.rows)
    assert ["unknown_channel"] == refusals(log.say(said))
    assert rows == log.rows


def test_what_is_granted_to_a_frozen_quota_counts_when_it_thaws() -> None:
    log = log_with({"A": {"kind": "QUOTA"}, "B": {"kind": "QUOTA"}})
    log.say(edit("acme", {"frozen": {"A": True, "B": True}}))
    assert [] == refusals(log.say(grant("A", 20), grant("B", percent=1_000), revoke("A", 5), move("A", "B", 4)))
    assert {"A": 0, "B": 0} == shown(log)
    log.say(edit("acme", {"frozen": None}))
    assert {"A": 11, "B": 14} == shown(log)


def test_no_quota_is_granted_to_a_frozen_pool_or_to_a_channel_of_which_only_a_freeze_is_written() -> None:
    log = log_with({"A": {}})
    log.say(edit("acme", {"frozen": {"A": True, "X": True}}))
    assert ["not_a_quota", "not_a_quota"] == refusals(log.say(grant("A", 20), grant("X", 20)))


def test_a_move_of_more_than_is_left_moves_nothing() -> None:
    log = log_with({"A": {"kind": "QUOTA"}, "B": {"kind": "QUOTA"}})
    log.say(grant("A", 10), reserve("r", 4, "A"))
    assert ["not_enough_granted"] == refusals(log.say(move("A", "B", 7)))
    assert [] == refusals(log.say(move("A", "B", 6)))
    assert {"A": 0, "B": 6} == shown(log)


def test_what_is_consumed_can_neither_be_moved_nor_revoked() -> None:
    log = log_with({"A": {"kind": "QUOTA"}, "B": {"kind": "QUOTA"}})
    log.say(grant("A", 4), reserve("r", 4, "A"), revoke("A"))
    assert ["not_enough_granted"] == refusals(log.say(move("A", "B", 1)))
    assert (4, 0) == (log.item().channels["A"].granted, log.item().channels["B"].granted)


def test_a_verb_said_again_is_a_duplicate() -> None:
    log = log_with({"A": {"kind": "QUOTA"}, "B": {"kind": "QUOTA"}})
    said: list[AnyCommand]
    said = [grant("A", 10), grant("A", 10), revoke("A", 5), move("A", "B", 3), edit_item({"frozen": {"X": True}})]
    log.say(*said)
    before = log.item().channels
    assert [] == log.say(*said)
    assert (before, 5) == (log.item().channels, log.item().duplicates)
    assert {"A": 12, "B": 3, "X": 0} == shown(log)


def test_the_last_64_verbs_are_remembered() -> None:
    log = log_with({"A": {"kind": "QUOTA"}}, units=1_000)
    said = [grant("A", 1) for _ in range(65)]
    log.say(*said)
    log.say(said[1])
    assert 65 == log.item().channels["A"].granted
    log.say(said[0])
    assert 66 == log.item().channels["A"].granted


def test_a_verb_that_was_refused_may_be_said_again() -> None:
    log = log_with({"A": {}})
    said = grant("A", 10)
    log.say(said, policy({"tenants": {"*": {"channels": {"A": {"kind": "QUOTA"}}}}}), said)
    assert {"A": 10} == shown(log)


def test_a_verb_knows_channels_by_their_aliases() -> None:
    log = Log()
    section = {"channels": {"ECOM": {"kind": "QUOTA"}, "B": {"kind": "QUOTA"}}, "aliases": {"shop": "ECOM"}}
    log.say(policy({"tenants": {"*": section}}), count(100))
    log.say(grant("shop", 10), grant("B", 5), move("B", "shop", 5), revoke("shop", 1))
    assert {"ECOM": 14, "B": 0} == shown(log)


@pytest.mark.parametrize("said", [grant("A"), grant("A", 5, 500)])
def test_a_grant_is_a_quantity_or_a_percentage(said: AnyCommand) -> None:
    log = log_with({"A": {"kind": "QUOTA"}})
    assert ["bad_grant"] == refusals(log.say(said))
    assert {"A": 0} == shown(log)


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        (grant("A"), "it needs either a quantity or a percentage"),
        (grant("ECOM", 5), "ECOM is FROZEN"),
        (grant("X", 5), "X"),
        (move("A", "A", 5), "A has 0.04 to give"),
        (edit_item({"rule": {"rank": 1}}), "item.rule.rank: belongs to QUOTA, not to POOLED"),
        (edit_item({"channels": {"shop": {}}}), "shop is an alias of ECOM: use ECOM"),
    ],
)
def test_a_refusal_says_what_was_found(said: AnyCommand, detail: str) -> None:
    log = Log()
    section = {"channels": {"A": {"kind": "QUOTA"}, "ECOM": {"kind": "FROZEN"}}, "aliases": {"shop": "ECOM"}}
    log.say(policy({"tenants": {"*": section}}), grant("A", 4))
    assert [detail] == details(log.say(said))
