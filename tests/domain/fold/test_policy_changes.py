"""Policy changes: what contradicts itself or is known changes nothing, and each takes effect at its place."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from atp_stream.domain.commands import AnyCommand, EditItem, EditPolicy, Entry, SetPolicy
from atp_stream.domain.events import CommandRefused
from atp_stream.domain.limits import DEFAULT_LIMITS, Limits
from atp_stream.domain.policy.rules import PolicyError, parse
from atp_stream.domain.policy.schema import MAX_CHANNELS
from atp_stream.domain.row_keys import POLICY
from tests.domain.support.log import AT, LAMP, NOON, Log, allocations, count, policy, reserve

ALIASED = {"tenants": {"*": {"channels": {"ECOM": {}}, "aliases": {"Ecommerce": "ECOM"}}}}


def of_tenant(patch: dict[str, Any], event_id: str = "order", tenant: str = "acme") -> EditPolicy:
    return EditPolicy(event_id=event_id, at_us=AT, tenant=tenant, patch=msgspec.Raw(msgspec.json.encode(patch)))


def of_item(patch: dict[str, Any], event_id: str = "order") -> EditItem:
    return EditItem(event_id=event_id, at_us=AT, patch=msgspec.Raw(msgspec.json.encode(patch)))


def refusals_of(log: Log, *commands: SetPolicy | EditPolicy) -> list[str]:
    """Append policy changes for the whole partition and return why they were refused."""
    return [e.reason for e in log.say(*commands, name="|") if isinstance(e, CommandRefused)]


@pytest.mark.parametrize("weight", ["NaN", "sNaN", "-NaN", "nan123", "Infinity", "1e-999999999", "1e9", "0", "0.00001"])
def test_a_weight_that_is_no_plain_part_of_one_is_refused_and_stops_nothing(weight: str) -> None:
    rule = {"channels": {"ECOM": {"kind": "SHARE", "weight": weight}}}
    log = Log()
    log.say(count(9))
    assert ["policy_invalid"] == refusals_of(log, policy({"tenants": {"*": rule}}))
    assert ["policy_invalid"] == refusals_of(log, of_tenant(rule))
    assert ["policy_invalid"] == [e.reason for e in log.say(of_item(rule)) if isinstance(e, CommandRefused)]
    assert (None, (9, 0)) == (log.item().quarantine, log.shows())


def test_a_weight_keeps_its_four_decimals() -> None:
    rules = parse(b'{"tenants":{"*":{"channels":{"ECOM":{"kind":"SHARE","weight":0.0001}}}}}').rules("a|b")
    assert 1 == rules.channels["ECOM"].weight
    assert Decimal("0.0001") * 10_000 == 1


def test_another_name_of_a_channel_is_no_channel_to_freeze_or_to_rule() -> None:
    log = Log()
    log.say(policy(ALIASED), count(9))
    for patch in ({"frozen": {"Ecommerce": True}}, {"channels": {"Ecommerce": {"kind": "FROZEN"}}}):
        assert ["policy_invalid"] == refusals_of(log, of_tenant(patch))
        assert ["policy_invalid"] == [e.reason for e in log.say(of_item(patch)) if isinstance(e, CommandRefused)]
    assert ["ECOM"] == list(log.item().channels)


@pytest.mark.parametrize("frozen", [{"": True}, {f"c{n}": True for n in range(MAX_CHANNELS + 1)}, {"é" * 33: True}])
def test_what_is_frozen_are_channels_and_not_too_many(frozen: dict[str, bool]) -> None:
    with pytest.raises(PolicyError, match=r"tenants\.\*\.frozen: "):
        parse(msgspec.json.encode({"tenants": {"*": {"frozen": frozen}}}))


@pytest.mark.parametrize("name", ["retention", "drift_grace", "future_tolerance"])
def test_a_duration_ends_within_a_century(name: str) -> None:
    with pytest.raises(PolicyError, match="100 years"):
        parse(msgspec.json.encode({name: 10**12}))


def test_a_time_limit_ends_within_a_century() -> None:
    with pytest.raises(PolicyError, match="100 years"):
        parse(msgspec.json.encode({"tenants": {"*": {"time_limit": 10**12}}}))


def test_a_change_that_comes_again_does_not_bring_an_old_policy_back() -> None:
    log = Log()
    log.say(count(100))
    first = of_tenant({"channels": {"ECOM": {"buffer": 0.6}}}, "1")
    refusals_of(log, first, of_tenant({"channels": {"ECOM": {"buffer": 0.05}}}, "2"))
    before = log.all_rows()
    assert [] == refusals_of(log, first)
    assert (before, (95, 0)) == (log.all_rows(), log.shows())


def test_the_last_64_changes_are_remembered() -> None:
    log = Log()
    said = [policy({"retention": number}, str(number)) for number in range(64)]
    refusals_of(log, *said)
    refusals_of(log, said[0])
    assert 63 == parse(bytes(log.read(POLICY).document)).document.retention
    refusals_of(log, policy({"retention": 64}, "64"), said[0])
    assert 0 == parse(bytes(log.read(POLICY).document)).document.retention


def test_policies_of_too_many_bytes_in_all_wait_for_the_sweep() -> None:
    log = Log()
    for number in range(9):
        log.say(count(207), name=f"acme|{number}")
    # 51 bytes each
    one, two, three = (
        Entry(0, 20 + n, NOON, "|", policy({"tenants": {"*": {"channels": {"ECOM": {"buffer": n}}}}})) for n in range(3)
    )
    log.limits = Limits(slice=1, step_output=9, policy_bytes=100)
    assert [2, 0] == [log.step([one, two, three]).consumed, log.step([three]).consumed]
    log.run([three])
    assert {(7, 0)} == {log.shows("ECOM", f"acme|{number}") for number in range(9)}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"default_channel": "ECOM"}, {"default_channel": "STORE"}, reserve("x", 7, None)),
        ({"unknown_channel_limit": 1}, {"unknown_channel_limit": 0}, reserve("x", 7, "POPUP")),
        ({"future_tolerance": 300}, {"future_tolerance": 1}, reserve("x", 7, at=AT + 200_000_000)),
    ],
    ids=["default channel", "unknown channels", "future"],
)
def test_a_command_that_was_kept_is_answered_by_the_policy_in_front_of_it(
    before: dict[str, Any], after: dict[str, Any], said: Any
) -> None:
    many = 3 * DEFAULT_LIMITS.slice + 100
    tenants: dict[str, Any] = {"*": {"channels": {"ECOM": {}, "STORE": {}}}}
    start: list[AnyCommand] = [
        policy({**before, "tenants": tenants}),
        *(reserve(f"w{place:04d}", 1) for place in range(many)),
    ]
    last: list[AnyCommand] = [count(many + 100), said, policy({**after, "tenants": tenants})]

    def folded(log: Log, run: int) -> Log:
        entries = [
            Entry(0, 10**4 + place, NOON, "|" if isinstance(command, SetPolicy) else LAMP, command)
            for place, command in enumerate(last)
        ]
        for first in range(0, len(entries), run):
            log.run(entries[first : first + run])
        return log

    one, other = Log(), Log()
    one.say(*start), other.say(*start)
    assert allocations(folded(one, 1).events) == allocations(folded(other, 3).events)
    assert one.all_rows() == other.all_rows()
    assert 7 == sum(promise.quantity for promise in one.reservation("x").allocations)


def test_forty_changes_in_a_row_hold_nobody_up() -> None:
    log = Log()
    log.run([Entry(0, place, NOON, f"acme|item {place:04d}", count(9)) for place in range(1_000)])
    changes = [of_tenant({"safety_stock": {"fixed": n}}, f"order {n}", f"tenant {n}") for n in range(40)]
    entries = [Entry(0, 10**4 + place, NOON, "|", change) for place, change in enumerate(changes)]
    other = Entry(0, 10**5, NOON, "umbra|rug", count(3))
    assert 41 == log.step([*entries, other]).consumed
