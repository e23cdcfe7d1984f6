"""The invariants of order: of duplicates, steps, tenants, publications and queues (docs/rules/laws.md#i8 to #i12)."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from atp_stream.domain.commands import OF_PARTITION, Entry, Reserve
from atp_stream.domain.events import AllocationCommitted, AnyEvent, AvailabilityCalculated, CommandRefused
from atp_stream.domain.state.rows import Item
from tests.domain.support.folding import folded, items, one_by_one, tight_bounds
from tests.domain.support.histories import histories
from tests.domain.support.log import Log, allocations


@given(histories(forgets=False))
def test_i8_all_that_was_said_said_again_changes_and_publishes_nothing(entries: list[Entry]) -> None:
    log = folded(entries)

    def numbers() -> dict[str, object]:
        rows = log.all_rows()
        for row in rows.values():
            if isinstance(row, Item):
                row.duplicates = row.stale = 0
        return rows

    before, steps = numbers(), len(log.steps)
    refused = {event.offset for event in log.events if isinstance(event, CommandRefused)}
    said = [e for e in entries if e.offset not in refused and not isinstance(e.command, OF_PARTITION)]
    again = [
        replace(e, offset=len(entries) + place, log_time_ms=entries[-1].log_time_ms) for place, e in enumerate(said)
    ]
    log.run(again)
    assert before == numbers()
    news = [event for events in log.steps[steps:] for event in events]
    # A newer create may have stated another name of the channel, which may be a channel of its own by now, or none at
    # all: the same words then contradict the reservation. Those of its first create never do.
    renamed = {e.offset for e in again if isinstance(e.command, Reserve) and e.command.channel != first_name(log, e)}
    conflicts = [e for e in news if isinstance(e, CommandRefused) and e.reason == "reservation_conflict"]
    assert {event.offset for event in conflicts} <= renamed
    assert [] == [event for event in news if event not in conflicts]


def first_name(log: Log, entry: Entry) -> str | None:
    """Return the channel as the first create of a reservation stated it."""
    assert isinstance(entry.command, Reserve)
    return log.reservation(entry.command.reservation, entry.name).asked


def shown(log: Log) -> dict[tuple[str, str], dict[int, tuple[int, int]]]:
    """Return what each channel showed, by the version of its item."""
    found: dict[tuple[str, str], dict[int, tuple[int, int]]] = {}
    for event in log.events:
        if isinstance(event, AvailabilityCalculated):
            pairs = found.setdefault((event.name, event.channel), {})
            assert event.version > max(pairs, default=-1)
            pairs[event.version] = event.available, event.reserved
    return found


@given(histories(), st.lists(st.integers(1, 9), min_size=1), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))
def test_i9_how_the_log_is_cut_into_steps_shows_only_in_what_is_conflated(
    entries: list[Entry], sizes: list[int], served: int, enough: int, kept: int
) -> None:
    with tight_bounds(served, 1, 1):
        fine = folded(entries, [1])
    with tight_bounds(served, enough, kept):
        cut = folded(entries, sizes)
    with tight_bounds(served, 2_000, 1_000):
        whole = folded(entries)
    assert fine.all_rows() == cut.all_rows() == whole.all_rows()
    assert per_item(fine) == per_item(cut) == per_item(whole)
    every = shown(fine)
    for log in (cut, whole):
        for channel, pairs in shown(log).items():
            assert pairs[max(pairs)] == every[channel][max(every[channel])]
            assert pairs == pairs | {version: pair for version, pair in every[channel].items() if version in pairs}


def per_item(log: Log) -> dict[str, list[AnyEvent]]:
    """Items are independent: the sweep may come to one sooner or later, while others have their commands.

    Whether a command that was refused had been kept for a while depends on the steps; what it was does not.
    """
    events = [
        msgspec.structs.replace(event, deferred=None) if isinstance(event, CommandRefused) else event
        for event in allocations(log.events)
    ]
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
    last: dict[tuple[str, str], tuple[int, int]] = {}
    for log, _, events in one_by_one(entries):
        for event in events:
            if isinstance(event, AvailabilityCalculated):
                key, pair = (event.name, event.channel), (event.available, event.reserved)
                assert pair != last.get(key)
                last[key] = pair
        rows = {
            (n, c): (row.available, row.reserved) for n, item in items(log).items() for c, row in item.channels.items()
        }
        withdrawn = dict.fromkeys(last.keys() - rows.keys(), (0, 0))
        assert rows | withdrawn == last


@given(histories())
def test_i11_the_version_of_what_is_published_grows(entries: list[Entry]) -> None:
    last: dict[str, int] = {}
    for _, _, events in one_by_one(entries):
        published = [event for event in events if isinstance(event, AvailabilityCalculated)]
        for event in published:
            assert event.version >= last.get(event.name, 0) + (event.ordinal == 0)
        last |= {event.name: event.version for event in published}


@given(histories(one_item=True))
def test_i12_nobody_who_waits_is_overtaken_in_his_channel(entries: list[Entry]) -> None:
    queue: dict[str, str] = {}
    for log, entry, events in one_by_one(entries):
        now = {key: row.reservation for key, row in log.all_rows().items() if "|q|" in key}
        promised = {event.reservation for event in events if isinstance(event, AllocationCommitted)}
        for key, reservation in queue.items():
            if key not in now and reservation in promised - {getattr(entry.command, "reservation", None)}:
                channel = key.rpartition("|")[0]
                assert not [kept for kept in now if kept in queue and kept.startswith(channel) and kept < key]
        queue = now
