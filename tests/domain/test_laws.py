"""The invariants of the ledger, for any sequence of commands and policies (numbers as in domain.md)."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from atp_stream.domain import catching_up, room, step
from atp_stream.domain.availability import safety_stock
from atp_stream.domain.commands import AnyCommand, Entry, SetPolicy
from atp_stream.domain.events import (
    AllocationCommitted,
    AllocationReleased,
    AnyEvent,
    AvailabilityCalculated,
    CommandRefused,
)
from atp_stream.domain.holdings import allocated, owed
from atp_stream.domain.policy import DEFAULT, Policy, parse
from atp_stream.domain.rows import Item
from tests.domain.histories import histories
from tests.domain.log import AT, NOON, Log, allocations, count, fulfil, release, reserve


def one_by_one(entries: list[Entry]) -> Iterator[tuple[Log, Entry]]:
    """Fold each entry in a step of its own, and look at what is committed after it."""
    log = Log()
    for entry in entries:
        log.run([entry])
        yield log, entry


def folded(entries: list[Entry], sizes: list[int] | None = None) -> Log:
    """Fold entries in runs of the given sizes, over and over; without sizes in one run."""
    log, place = Log(), 0
    while place < len(entries):
        size = sizes[len(log.steps) % len(sizes)] if sizes else len(entries)
        log.run(entries[place : place + size])
        place += size
    return log


def items(log: Log) -> dict[str, Item]:
    return {key[:-2]: log.item(key[:-2]) for key in log.rows if key.endswith("|i")}


@contextmanager
def tight_bounds(served: int, enough: int) -> Iterator[None]:
    """Make slices and steps so small that they end everywhere."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (room, step, catching_up):
            patch.setattr(module, "SLICE", served)
        patch.setattr(step, "ENOUGH", enough)
        yield


@given(histories())
def test_i1_after_a_commit_no_more_is_reserved_than_may_be_promised(entries: list[Entry]) -> None:
    policy: Policy = DEFAULT
    for log, entry in one_by_one(entries):
        if isinstance(entry.command, SetPolicy):
            policy = parse(bytes(entry.command.document))
        for name in {event.name for event in log.steps[-1] if isinstance(event, AllocationCommitted)}:
            item = log.item(name)
            withheld = safety_stock(policy.rules(name), item.stock.basis)
            reserved = sum(row.reserved for row in item.channels.values())
            assert reserved <= max(0, item.stock.on_hand - withheld)


@given(histories())
def test_i2_nothing_is_negative_and_no_more_is_shown_than_is_there(entries: list[Entry]) -> None:
    for log, _ in one_by_one(entries):
        for item in items(log).values():
            for row in item.channels.values():
                assert min(row.reserved, row.waiting, row.blocking, row.available) >= 0
                assert row.available <= max(0, item.stock.on_hand)


@given(histories())
def test_i3_what_is_reserved_is_the_sum_of_the_open_allocations(entries: list[Entry]) -> None:
    log = folded(entries)
    rows = log.all_rows()
    for name, item in items(log).items():
        orders = {key.split("|")[3]: row for key, row in rows.items() if key.startswith(f"{name}|r|")}
        waiting = [(key.split("|")[3], row) for key, row in rows.items() if key.startswith(f"{name}|q|")]
        for channel, row in item.channels.items():
            parts = [part for where, part in waiting if where == channel]
            assert row.reserved == sum(allocated(order) for order in orders.values() if order.channel == channel)
            assert row.waiting == sum(part.quantity for part in parts)
            assert row.blocking == sum(part.priority >= 0 for part in parts)
        for reservation, order in orders.items():
            parts = [part for _, part in waiting if part.reservation == reservation]
            assert order.waiting == sum(part.quantity for part in parts)
            assert len(order.queued) == len(parts)


@given(histories())
def test_i3_what_was_committed_was_released_or_shipped_or_is_reserved(entries: list[Entry]) -> None:
    log = folded(entries)
    balance: Counter[tuple[str, str]] = Counter()
    for event in log.events:
        match event:
            case AllocationCommitted():
                balance[event.name, event.reservation] += event.quantity
            case AllocationReleased():
                balance[event.name, event.reservation] -= event.quantity
    for (name, reservation), units in balance.items():
        order = log.reservation(reservation, name)
        shipped = units - allocated(order)
        assert 0 <= shipped <= max(order.fulfilled, order.adjusted)


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


@given(histories(policies=False), st.sampled_from(["ECOM", "STORE"]), st.integers(1, 9))
def test_i6_a_reservation_that_is_released_leaves_the_item_as_it_was(
    entries: list[Entry], channel: str, units: int
) -> None:
    log = folded(entries)
    log.say(count(20))
    assume(not any(row.waiting for row in log.item().channels.values()))
    before = log.item()
    log.say(reserve("new", units, channel))
    log.say(release("new"))
    after = log.item()
    assert (before.channels, before.stock) == (after.channels, after.stock)
    assert log.reservation("new").allocations == []


@given(histories(policies=False))
def test_i7_shipping_what_was_promised_changes_no_availability(entries: list[Entry]) -> None:
    log = folded(entries)
    log.say(count(20))
    orders = {key.split("|")[3]: row for key, row in log.all_rows().items() if key.startswith("acme|lamp|r|")}
    for reservation, order in orders.items():
        if order.allocations and not order.waiting:
            before = {channel: row.available for channel, row in log.item().channels.items()}
            log.say(fulfil(reservation, min(allocated(order), owed(order)), at=AT + 1))
            assert before == {channel: row.available for channel, row in log.item().channels.items()}


@given(histories(policies=False))
def test_i8_all_that_was_said_said_again_changes_and_publishes_nothing(entries: list[Entry]) -> None:
    log = folded(entries)

    def numbers() -> dict[str, object]:
        rows = log.all_rows()
        for row in rows.values():
            if isinstance(row, Item):
                row.duplicates = row.stale = 0
        return rows

    before, told = numbers(), len(log.steps)
    log.run([entry._replace(offset=len(entries) + place) for place, entry in enumerate(entries)])
    assert before == numbers()
    again = [event for events in log.steps[told:] for event in events]
    assert [] == [event for event in again if not isinstance(event, CommandRefused)]


def shown(events: list[AnyEvent]) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """Return what each channel showed, without repetition."""
    told: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for event in events:
        if isinstance(event, AvailabilityCalculated):
            told.setdefault((event.name, event.channel), []).append((event.available, event.reserved))
    return {channel: [pair for pair, _ in groupby(pairs)] for channel, pairs in told.items()}


def is_part_of(some: list[tuple[int, int]], every: list[tuple[int, int]]) -> bool:
    rest = iter(every)
    return all(pair in rest for pair in some)


@given(histories(), st.lists(st.integers(1, 9), min_size=1), st.integers(1, 4), st.integers(1, 9))
def test_i9_how_the_log_is_cut_into_steps_shows_only_in_what_is_conflated(
    entries: list[Entry], sizes: list[int], served: int, enough: int
) -> None:
    with tight_bounds(served, 1):
        finest = folded(entries, [1])
    with tight_bounds(served, enough):
        cut = folded(entries, sizes)
    with tight_bounds(served, 2_000):
        whole = folded(entries)
    assert finest.all_rows() == cut.all_rows() == whole.all_rows()
    assert per_item(finest) == per_item(cut) == per_item(whole)
    every = shown(finest.events)
    for log in (cut, whole):
        for channel, pairs in shown(log.events).items():
            assert is_part_of(pairs, every[channel])
            assert pairs[-1] == every[channel][-1]


def per_item(log: Log) -> dict[str, list[AnyEvent]]:
    """Items are independent: the sweep may come to one sooner or later, while others have their commands."""
    events = allocations(log.events)
    return {name: [event for event in events if event.name == name] for name in {event.name for event in events}}


@given(histories())
def test_i10_tenants_and_items_never_touch(entries: list[Entry]) -> None:
    together = folded(entries)
    for name in {entry.name for entry in entries} - {"|"}:
        alone = folded([entry for entry in entries if entry.name in {name, "|"}])
        assert own(alone, name) == own(together, name)
        assert per_item(alone).get(name) == per_item(together).get(name)


def own(log: Log, name: str) -> dict[str, bytes]:
    return {key: row for key, row in log.rows.items() if key.startswith(f"{name}|")}


@given(histories())
def test_i11_no_two_publications_in_a_row_are_equal_and_the_last_is_the_row(entries: list[Entry]) -> None:
    last: dict[tuple[str, str], tuple[int, int] | None] = {}
    for log, _ in one_by_one(entries):
        for event in log.steps[-1]:
            if isinstance(event, AvailabilityCalculated):
                key, pair = (event.name, event.channel), (event.available, event.reserved)
                assert pair != last.get(key)
                last[key] = pair
        rows = {
            (n, c): (row.available, row.reserved) for n, item in items(log).items() for c, row in item.channels.items()
        }
        gone = last.keys() - rows.keys()
        assert all(last[key] in {None, (0, 0)} for key in gone)
        last |= dict.fromkeys(gone)  # policy withdrew the row: if it comes back, its first value is told again
        assert {key: pair for key, pair in last.items() if pair is not None} == rows


@given(histories(policies=False, one_item=True))
def test_i12_nobody_who_waits_is_overtaken_in_his_channel(entries: list[Entry]) -> None:
    queue: dict[str, str] = {}
    for log, entry in one_by_one(entries):
        now = {key: row.reservation for key, row in log.all_rows().items() if "|q|" in key}
        promised = {event.reservation for event in log.steps[-1] if isinstance(event, AllocationCommitted)}
        for key, reservation in queue.items():
            if key not in now and reservation in promised - {getattr(entry.command, "reservation", None)}:
                channel = key.rpartition("|")[0]
                assert not [kept for kept in now if kept in queue and kept.startswith(channel) and kept < key]
        queue = now


@pytest.mark.slow
def test_i13_no_hundredth_is_lost_over_100000_operations() -> None:
    log = Log()
    log.say(count(10_000_000))
    held: list[str] = []
    entries: list[Entry] = []
    for number in range(100_000):
        command: AnyCommand
        turn = (number * 7919) % 5
        if turn < 3 or not held:
            held.append(f"r{number}")
            command = reserve(held[-1], 1, ("ECOM", "STORE", "B2B")[turn % 3], allow_backorder=False)
        elif turn == 3:
            command = release(held.pop())
        else:
            command = fulfil(held.pop(0), at=AT + 1)
        entries.append(Entry(0, number + 1, NOON, "acme|lamp", command))
    log.run(entries)
    item = log.item()
    shipped = 10_000_000 - item.stock.on_hand
    committed = sum(event.quantity for event in log.events if isinstance(event, AllocationCommitted))
    released = sum(event.quantity for event in log.events if isinstance(event, AllocationReleased))
    reserved = sum(row.reserved for row in item.channels.values())
    assert committed - released - shipped == reserved
    assert item.channels["ECOM"].available == max(0, item.stock.on_hand - reserved)
    assert len(msgspec.json.encode(item)) < 64_000
