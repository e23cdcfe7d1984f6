"""The invariants of the numbers, for any sequence of commands, policies, grants and ticks.

Source: docs/rules/laws.md#i1 to #i7.
"""

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from atp_stream.domain.commands import OF_PARTITION, AnyCommand, Confirm, Entry, Reserve, Tick
from atp_stream.domain.events import AllocationCommitted, AllocationReleased, AnyEvent, ReleaseReason
from atp_stream.domain.policy.schema import Kind
from atp_stream.domain.promise import availability
from atp_stream.domain.promise.claims import claims
from atp_stream.domain.reservations.balances import allocated, owed, shipped
from atp_stream.domain.state.rows import End, Item, Reservation
from tests.domain.model.partition import Model
from tests.domain.support.folding import folded, items, one_by_one, rules_of
from tests.domain.support.histories import LATE, histories
from tests.domain.support.log import AT, NOON, Log, count, edit, fulfil, grant, policy, release, reserve, revoke, tick

LATER = NOON + 10 * 60 * 60 * 1_000


def reserved(item: Item) -> int:
    return sum(row.reserved for row in item.channels.values())


def free(log: Log, name: str) -> int:
    item = log.item(name)
    rules = rules_of(log, name)
    left = max(0, max(0, item.stock.on_hand - availability.safety_stock(rules, item.stock.basis)) - reserved(item))
    return left - left % rules.step


def reservations(log: Log, name: str) -> dict[str, Reservation]:
    return {key.split("|")[3]: log.read(key) for key in log.rows if key.startswith(f"{name}|r|")}


def first_commit(events: list[AnyEvent], reservation: str) -> int:
    """Return what a request was promised at once; the same command may then serve who waits, itself included."""
    units = [e.quantity for e in events if isinstance(e, AllocationCommitted) and e.reservation == reservation]
    return units[0] if units else 0


@given(histories())
def test_i1_after_a_commit_no_more_is_reserved_than_may_be_promised(entries: list[Entry]) -> None:
    for log, _, events in one_by_one(entries):
        for name in {event.name for event in events if isinstance(event, AllocationCommitted)}:
            item = log.item(name)
            withheld = availability.safety_stock(rules_of(log, name), item.stock.basis)
            assert reserved(item) <= max(0, item.stock.on_hand - withheld)


@given(histories())
def test_i1_no_request_is_promised_more_than_its_channel_may_claim(entries: list[Entry]) -> None:
    model = Model()
    for log, entry, events in one_by_one(entries):
        command = entry.command
        units = first_commit(events, command.reservation) if isinstance(command, Reserve | Confirm) else 0
        if isinstance(command, Reserve | Confirm) and units:
            channel = log.reservation(command.reservation, entry.name).channel
            before = model.items[entry.name]
            claim = before.claim(channel) if channel in before.channels else before.pool()
            assert units <= claim
        model.hear(entry)


@given(histories())
def test_i2_nothing_is_negative_and_no_more_is_shown_than_is_there(entries: list[Entry]) -> None:
    for log, _, _ in one_by_one(entries):
        for item in items(log).values():
            for row in item.channels.values():
                assert min(row.reserved, row.waiting, row.blocking, row.available) >= 0
                assert 0 <= row.consumed <= row.granted
                assert row.available <= max(0, item.stock.on_hand)


@given(histories())
def test_i3_what_is_reserved_is_the_sum_of_the_open_allocations(entries: list[Entry]) -> None:
    log = folded(entries)
    rows = log.all_rows()
    for name, item in items(log).items():
        orders = reservations(log, name)
        waiting = [(key.split("|")[3], row) for key, row in rows.items() if key.startswith(f"{name}|q|")]
        for channel, row in item.channels.items():
            parts = [part for where, part in waiting if where == channel]
            held = [one for order in orders.values() if order.channel == channel for one in order.allocations]
            assert row.reserved == sum(allocation.quantity for allocation in held)
            assert row.consumed >= sum(allocation.earmarked for allocation in held)
            assert row.waiting == sum(part.quantity for part in parts)
            assert row.blocking == sum(part.priority >= 0 for part in parts)
        for reservation, order in orders.items():
            parts = [part for _, part in waiting if part.reservation == reservation]
            assert order.waiting == sum(part.quantity for part in parts)
            assert len(order.queued) == len(parts)
            assert all(0 <= one.earmarked <= one.quantity for one in order.allocations)


@given(histories())
def test_i3_what_was_committed_was_released_or_shipped_or_is_reserved(entries: list[Entry]) -> None:
    balance: Counter[tuple[str, str]] = Counter()
    for log, _, events in one_by_one(entries):
        for event in events:
            match event:
                case AllocationCommitted():
                    balance[event.name, event.reservation] += event.quantity
                case AllocationReleased():
                    balance[event.name, event.reservation] -= event.quantity
        for (name, reservation), units in list(balance.items()):
            if f"{name}|r|{reservation}" in log.rows:
                order = log.reservation(reservation, name)
                assert 0 <= units - allocated(order) <= shipped(order)
            else:  # it was forgotten: another one may get its name
                assert balance.pop((name, reservation)) >= 0


@given(histories())
def test_i4_earmarks_and_shares_together_are_never_more_than_is_free(entries: list[Entry]) -> None:
    for log, entry, _ in one_by_one(entries):
        for name, item in items(log).items():
            if entry.name in {name, "|"}:
                rules, left = rules_of(log, name), free(log, name)
                claimed = claims(left, rules, item.channels)
                assert min((min(claim) for claim in claimed.values()), default=0) >= 0
                earmarks = sum(claim.earmark for claim in claimed.values())
                shares = sum(
                    claim.pool
                    for channel, claim in claimed.items()
                    if rules.rule(channel).kind is Kind.SHARE and not rules.closed(channel)
                )
                pooled = max((claim.pool for claim in claimed.values()), default=0)
                assert max(shares, pooled) <= left - earmarks
                for channel, row in item.channels.items():
                    assert row.available <= sum(claimed[channel]) <= sum(claimed[rules.resolve(channel)])


@given(histories())
def test_i5_an_allocation_is_committed_once_and_ends_once(entries: list[Entry]) -> None:
    left: dict[tuple[str, int, int], int] = {}
    for event in folded(entries).events:
        match event:
            case AllocationCommitted():
                key = event.name, event.offset, event.ordinal
                assert key not in left
                assert event.quantity > 0
                left[key] = event.quantity
            case AllocationReleased():
                key = event.name, *event.allocation
                assert 0 < event.quantity <= left[key]
                left[key] -= event.quantity


@given(histories(), st.sampled_from(["ECOM", "STORE"]), st.integers(1, 9))
def test_i6_a_reservation_that_is_released_leaves_the_item_as_it_was(
    entries: list[Entry], channel: str, units: int
) -> None:
    log = folded(entries)
    log.say(count(20), log_time=LATER)
    before = log.item()
    assume(not any(row.waiting for row in before.channels.values()))
    assume(channel in before.channels)
    log.say(reserve("new", units, channel, AT + LATE), log_time=LATER)
    log.say(release("new"), log_time=LATER)
    after = log.item()
    assert (before.channels, before.stock) == (after.channels, after.stock)
    assert log.reservation("new").allocations == []


@given(histories())
def test_i7_shipping_what_was_promised_changes_no_availability(entries: list[Entry]) -> None:
    log = folded(entries)
    log.say(count(20), log_time=LATER)
    for reservation, order in reservations(log, "acme|lamp").items():
        if order.allocations and not order.waiting:
            before = log.item().channels
            units = min(allocated(order), owed(order))
            log.say(fulfil(reservation, units, at=AT + 2 * LATE), log_time=LATER)
            after = log.item().channels
            gone = before.keys() - after.keys()
            assert all(before[channel].leaving for channel in gone)
            if not any(before[channel].granted for channel in gone):  # else what was granted to it is free again
                assert {channel: before[channel].available for channel in after} == {
                    channel: row.available for channel, row in after.items()
                }


@given(histories())
def test_what_expires_was_open_past_its_limit_and_after_a_tick_nothing_is(entries: list[Entry]) -> None:
    limits: dict[tuple[str, str], int | None] = {}
    log_time = 0
    for log, entry, events in one_by_one(entries):
        command = entry.command
        until = min(command.at_us, entry.log_time_ms * 1_000) if isinstance(command, Tick) else -1
        for event in events:
            if isinstance(event, AllocationReleased) and event.reason is ReleaseReason.EXPIRED:
                limit = limits[event.name, event.reservation]
                assert limit is not None
                assert limit <= until
        limits = {
            (name, reservation): row.expires_at_us
            for name in items(log)
            for reservation, row in reservations(log, name).items()
            if row.at_us is not None and row.ended is None
        }
        if log_time * 1_000 < until:  # what came later than the tick reaches is met by the next
            assert all(limit is None or limit > until for limit in limits.values())
        log_time = entry.log_time_ms


@given(histories())
def test_who_takes_promises_back_is_never_short(entries: list[Entry]) -> None:
    for log, _, _ in one_by_one(entries):
        for name, item in items(log).items():
            if rules_of(log, name).deallocates:
                assert availability.short(item.stock.on_hand, reserved(item)) == 0


def kinds(weight: float) -> dict[str, Any]:
    return {
        "ECOM": {"kind": "SHARE", "weight": weight},
        "STORE": {"kind": "QUOTA", "overflow": True},
        "B2B": {},
    }


@pytest.mark.slow
def test_i13_no_hundredth_is_lost_over_100000_operations() -> None:
    log = Log()
    log.say(policy({"tenants": {"*": {"channels": kinds(0.01)}}}), count(10_000_000), grant("STORE", 10_000))
    held: list[str] = []
    entries: list[Entry] = []
    for number in range(100_000):
        command: AnyCommand
        turn = (number * 7919) % 5
        if number % 1_000 == 999:
            others: list[AnyCommand] = [
                tick((NOON + number // 1_000) * 1_000), grant("STORE", 7), revoke("STORE", 3),
                edit("acme", {"channels": kinds(0.02)}), edit("acme", {"channels": kinds(0.01)}),
            ]  # fmt: skip
            command = others[number // 1_000 % 5]
        elif turn < 3 or not held:
            held.append(f"r{number}")
            limit = NOON * 1_000 if number % 50 == 3 else None
            command = reserve(held[-1], 1, ("ECOM", "STORE", "B2B")[turn % 3], expires_at=limit, allow_backorder=False)
        elif turn == 3:
            command = release(held.pop())
        else:
            command = fulfil(held.pop(0), at=AT + 1)
        name = "|" if isinstance(command, OF_PARTITION) else "acme|lamp"
        entries.append(Entry(0, number + 3, NOON + number // 1_000, name, command))
    log.run(entries)
    item = log.item()
    gone = 10_000_000 - item.stock.on_hand
    committed = sum(event.quantity for event in log.events if isinstance(event, AllocationCommitted))
    released = [event for event in log.events if isinstance(event, AllocationReleased)]
    earmark = item.channels["STORE"].granted - item.channels["STORE"].consumed
    pool = item.stock.on_hand - reserved(item) - earmark
    orders = reservations(log, "acme|lamp").values()
    unpromised = sum(order.fulfilled for order in orders if order.ended is End.EXPIRED)
    assert 0 < unpromised < gone
    assert committed - sum(event.quantity for event in released) - (gone - unpromised) == reserved(item)
    assert (pool // 100, earmark + pool, pool) == tuple(
        item.channels[channel].available for channel in ("ECOM", "STORE", "B2B")
    )
    assert len(msgspec.json.encode(item)) < 64_000
