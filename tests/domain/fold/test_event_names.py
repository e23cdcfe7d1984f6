"""How events and rows are named after what caused them, by example."""

from typing import Any

import pytest
from msgspec.structs import replace

from atp_stream.domain.commands import AnyCommand, Entry
from atp_stream.domain.events import (
    AllocationCommitted,
    AvailabilityCalculated,
    CommandRefused,
    Deferred,
    DenialOutcome,
    ReservationDenied,
)
from atp_stream.domain.reasons import DenialReason
from tests.domain.support.folding import tight_bounds
from tests.domain.support.log import (
    AT,
    LAMP,
    NOON,
    Log,
    adjust,
    allocations,
    count,
    edit,
    fulfil,
    policy,
    release,
    reserve,
    resume,
    tick,
)


def entry(offset: int, command: AnyCommand, source: bytes = b"", original: bytes = b"") -> Entry:
    return Entry(0, offset, NOON, LAMP, command, source, original)


def test_what_a_command_causes_has_its_place_and_the_version_that_it_made() -> None:
    log = Log()
    log.say(count(5))
    events = log.say(reserve("a", 8, "STORE", allow_partial=True))
    cause: dict[str, Any] = {"name": LAMP, "version": 2, "log_time_ms": NOON, "offset": 1}
    assert [
        AllocationCommitted(**cause, ordinal=0, reservation="a", channel="STORE", quantity=5),
        ReservationDenied(**cause, ordinal=1, reservation="a", channel="STORE", quantity=3,
                          outcome=DenialOutcome.PARTIAL, reason=DenialReason.REST_WAITS),
        AvailabilityCalculated(**cause, ordinal=0, channel="ECOM", available=0, reserved=0),
        AvailabilityCalculated(**cause, ordinal=1, channel="STORE", available=0, reserved=5),
        AvailabilityCalculated(**cause, ordinal=2, channel="B2B", available=0, reserved=0),
        AvailabilityCalculated(**cause, ordinal=3, channel="MARKETPLACE", available=0, reserved=0),
    ] == events  # fmt: skip


def test_who_is_served_after_a_denial_is_published_after_it() -> None:
    log = Log()
    log.say(count(5), reserve("a", 10, priority=5), reserve("b", 5, priority=1))
    events = allocations(log.say(reserve("a", 12, at=AT + 1)))
    assert [("ReservationDenied", 0), ("AllocationCommitted", 1)] == [(type(e).__name__, e.ordinal) for e in events]


def test_who_is_served_by_what_a_create_found_to_have_left_elsewhere_is_published_after_its_denial() -> None:
    log = Log()
    log.say(policy({"tenants": {"*": {"channels": {"ECOM": {"kind": "SHARE", "weight": 0.2}, "STORE": {}}}}}))
    log.say(count(9, AT + 1, location="north"), count(1, AT - 1_000, location="south"))
    log.say(fulfil("a", 5), reserve("b", 8, "STORE"))
    events = allocations(log.say(reserve("a", 99, location="north", allow_partial=True)))
    assert [(2, 0), (92, 1), (8, 2)] == [
        (event.quantity, event.ordinal)
        for event in events
        if isinstance(event, AllocationCommitted | ReservationDenied)
    ]


def test_all_whom_a_command_serves_are_published_under_ordinals_of_their_own() -> None:
    log = Log()
    log.say(*(reserve(f"r{number}", 1) for number in range(3)))
    assert [0, 1, 2] == [event.ordinal for event in allocations(log.say(count(9)))]


def test_channels_that_go_are_published_after_those_that_stay() -> None:
    log = Log()
    log.say(count(9))
    events = log.say(policy({"tenants": {"*": {"channels": {"ECOM": {"buffer": 1}, "STORE": {}}}}}))
    assert [("ECOM", 0), ("B2B", 2), ("MARKETPLACE", 3)] == [
        (event.channel, event.ordinal) for event in events if isinstance(event, AvailabilityCalculated)
    ]


@pytest.mark.parametrize("said", [policy({"retention": -1}), edit("acme", {"channels": 5})])
def test_a_refused_policy_change_is_published_under_the_name_of_the_partition(said: AnyCommand) -> None:
    log = Log()
    log.say(count(9))
    (events,) = log.say(said)
    assert isinstance(events, CommandRefused)
    assert ("|", 0, NOON, 1, 0, "policy_invalid") == (
        events.name, events.version, events.log_time_ms, events.offset, events.ordinal, events.reason,
    )  # fmt: skip


def test_a_tick_that_breaks_is_published_under_the_name_of_the_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atp_stream.domain.item.ticks.Ticks.add", lambda *_, **__: 1 / 0)
    log = Log()
    log.say(count(9))
    assert [CommandRefused(name="|", version=0, log_time_ms=NOON, offset=1, ordinal=0, reason="broken",
                           detail="fault 1")] == log.say(tick(AT))  # fmt: skip


# The input that a change came from


def test_an_item_names_the_input_of_its_last_change() -> None:
    log = Log()
    log.run([entry(0, count(9), b"stock/0/7")])
    assert "stock/0/7" == log.item().source
    log.say(policy({"tenants": {"*": {"channels": {"ECOM": {"buffer": 1}}}}}))
    assert "" == log.item().source


@pytest.mark.parametrize("parts", [1, 3])
def test_a_policy_change_for_all_items_is_named_by_each_item_that_it_changed(parts: int) -> None:
    log = Log()
    for number, name in enumerate(["acme|lamp", "acme|rug", "acme|vase"]):
        log.run([replace(entry(number, count(9), b"stock/0/7"), name=name)])
    changed = policy({"tenants": {"*": {"channels": {"ECOM": {"buffer": 1}}}}})
    later = policy({"tenants": {"*": {"channels": {"ECOM": {"buffer": 2}}}}})
    entries = [replace(entry(3, changed, b"policy/0/5"), name="|"), replace(entry(4, later, b"policy/0/6"), name="|")]
    with tight_bounds(served=parts, enough=parts):
        log.run(entries[:1])
        assert ["policy/0/5"] * 3 == [log.item(name).source for name in ("acme|lamp", "acme|rug", "acme|vase")]
        log.run(entries[1:])
    assert ["policy/0/6"] * 3 == [log.item(name).source for name in ("acme|lamp", "acme|rug", "acme|vase")]


def test_work_that_goes_on_in_other_slices_keeps_the_input_that_caused_it() -> None:
    log = Log()
    log.say(*(reserve(f"r{number}", 1) for number in range(5)))
    with tight_bounds(served=2, enough=9):
        log.run([entry(5, count(9), b"stock/0/7")])
    assert ("stock/0/7", (4, 5)) == (log.item().source, log.shows())


def test_a_command_that_was_kept_brings_its_input_with_it() -> None:
    log = Log()
    log.say(count(9))
    refused = count(5, AT + 10**12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("atp_stream.domain.fold.dispatch.reserve", lambda *_: 1 / 0)
        log.run([entry(1, reserve("a", 1), b"orders/0/1", b"one"), entry(2, refused, b"stock/0/8", b"two")])
    (events,) = [event for event in log.say(resume()) if isinstance(event, CommandRefused)]
    assert ("orders/0/1", Deferred(refused, b"stock/0/8", b"two")) == (log.item().source, events.deferred)


def test_an_item_that_only_a_refused_command_named_begins_with_the_policy_of_its_first_one() -> None:
    log = Log()
    log.say(count(9, AT + 10**12), policy({"tenants": {"*": {"channels": {"ECOM": {}}}}}), count(9))
    assert (["ECOM"], 1) == ([*log.item().channels], log.item().version)


def test_every_stale_fact_counts() -> None:
    log = Log()
    day = 24 * 60 * 60 * 1_000_000
    for passed in range(9):
        log.say(adjust(1, at=AT + passed * day), log_time=NOON + passed * day // 1_000)
    log.say(adjust(5, at=AT), adjust(5, at=AT - 1), log_time=NOON + 8 * day // 1_000)
    assert 2 == log.item().stale


def test_a_channel_without_a_name_that_became_another_name_goes_when_it_is_empty() -> None:
    log = Log()
    log.say(count(9), reserve("a", 1, "shop"), release("a"))
    assert "shop" in log.item().channels
    log.say(policy({"tenants": {"*": {"channels": {"ECOM": {}}, "aliases": {"shop": "ECOM"}}}}))
    assert ["ECOM"] == [*log.item().channels]
