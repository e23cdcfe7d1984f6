"""A round commits only what was folded over rows that are true, all of its lanes' steps in one transaction."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.admin import NewTopic
from aiokafka.errors import ProducerFenced
from faust.types import TP

from atp_stream.access import KafkaAccess
from atp_stream.devstack import Stack
from atp_stream.engine import commit_group
from atp_stream.engine.commit_group import Answer, CommitGroup, Fold
from atp_stream.engine.pace import pace_s
from atp_stream.engine.partition_state import Lane
from atp_stream.engine.position import Position
from atp_stream.engine.producers import drop_producer
from atp_stream.engine.runs import Run
from atp_stream.provision import administration
from atp_stream.records import Output
from tests.engine.support import once_producer

NOTHING: Any = None  # whoever touches it fails


class Table:
    """The state table, as far as a round asks for it."""

    changelog_topic_name = "changelog"

    def __init__(self, spoiled: set[int] | None = None) -> None:
        self.spoiled = spoiled or set()
        self.applied: list[tuple[int, int]] = []

    def apply(self, partition: int, _rows: Any, offset: int) -> None:
        self.applied.append((partition, offset))


class Group(CommitGroup):
    """A group whose commits go nowhere: each says which partitions took part."""

    def __init__(self, fold: Fold, partitions: Sequence[int], spoiled: set[int] | None = None) -> None:
        table: Any = Table(spoiled)
        super().__init__(NOTHING, [lane(number) for number in partitions], table, fold)
        self.commits: list[list[int]] = []
        self.until = 1_000

    async def _commit(self, steps: Any) -> dict[int, int]:
        await asyncio.sleep(0)
        self.commits.append([step.lane.partition for step in steps])
        if len(self.commits) >= self.until:
            self.close()
        return {step.lane.partition: 7 for step in steps}


def lane(partition: int) -> Lane:
    """Return one whose state has been read, and that has nothing left over."""
    found = Lane(partition, NOTHING)
    found.position = Position(genesis="g", applied=0)
    found.unfinished = False
    return found


class Event:
    """A Faust event."""

    acked = False

    def ack(self) -> None:
        self.acked = True


def run(partition: int, *offsets: int) -> Run:
    records: list[Any] = [
        SimpleNamespace(offset=offset, timestamp=0, headers=(), key=b"k", value=b"v") for offset in offsets
    ]
    return Run(TP("log", partition), offsets[0], offsets[-1] + 1, records)


def counts_all(_partition: int, _store: Any, records: Any) -> Answer:
    return Answer(len(records), {b"row": b"1"}, [], unfinished=False)


async def test_what_was_folded_over_a_database_that_cannot_be_read_is_not_committed() -> None:
    def fold(*_: Any) -> Answer:  # it took the disk's fault for one of its own, and stopped an item
        return Answer(0, {b"t|i|i": b'{"quarantine":"..."}'}, [], unfinished=False)

    group = Group(fold, [2], spoiled={2})
    group.lanes[2].unfinished = True

    with pytest.raises(RuntimeError, match="cannot be read"):
        await group.work()
    assert [] == group.commits


async def test_what_all_lanes_have_to_do_is_one_commit() -> None:
    group = Group(counts_all, [0, 1, 2])
    group.until = 1
    for number in (0, 2):
        group.lanes[number].submit(Event(), run(number, 1, 2))

    await group.work()

    assert [[0, 2]] == group.commits
    assert [2, 0, 2] == [one.known.applied for one in group.lanes.values()]


async def test_a_lane_whose_fold_fails_takes_nobody_along() -> None:
    def fold(partition: int, store: Any, records: Any) -> Answer:
        if partition == 1:
            raise ValueError("a fault of ours")
        return counts_all(partition, store, records)

    group = Group(fold, [0, 1, 2])
    for number in (0, 1, 2):
        group.lanes[number].submit(Event(), run(number, 1))

    with pytest.raises(ValueError, match="a fault of ours"):
        await group.work()
    assert [[0, 2]] == group.commits
    assert [1, 0, 1] == [one.known.applied for one in group.lanes.values()]


async def test_a_lane_that_folds_for_long_lets_the_others_go_with_the_next_commit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr(commit_group, "_now_s", lambda: now[0])

    def fold(partition: int, store: Any, records: Any) -> Answer:
        now[0] += 0.1 if partition == 0 else 0.001
        return counts_all(partition, store, records)

    group = Group(fold, [0, 1, 2])
    group.until = 2
    for number in (0, 1, 2):
        group.lanes[number].submit(Event(), run(number, 1))

    await group.work()

    assert [[0], [1, 2]] == group.commits


async def test_an_event_is_acknowledged_once_all_of_its_records_are_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atp_stream.engine.partition_state.STEP_RECORDS", 2)
    seen: list[tuple[int, bool]] = []
    event = Event()
    group = Group(counts_all, [0])
    group.until = 2
    group.on_step = lambda *_: seen.append((group.lanes[0].known.applied, event.acked))
    group.lanes[0].submit(event, run(0, 1, 2, 3))

    await group.work()

    assert [(2, False), (3, True)] == seen


async def test_what_comes_in_does_not_wait_for_the_end_of_work_that_is_unfinished() -> None:
    calls: list[list[int]] = []

    def fold(_partition: int, _store: Any, records: Any) -> Answer:
        calls.append([record.offset for record in records])
        if len(calls) == 2:
            group.lanes[0].submit(Event(), run(0, 2))
        return Answer(len(records), {b"row": b"1"}, [], unfinished=len(calls) < 9)

    group = Group(fold, [0])
    group.until = 9
    group.lanes[0].submit(Event(), run(0, 1))

    await group.work()

    assert [[1], [], [2]] == calls[:3]
    assert 9 == len(calls)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return for how long somebody sleeps, in a time that passes only by that."""
    now: list[float] = [100.0]
    found: list[float] = []
    monkeypatch.setattr(commit_group, "_now_s", lambda: now[0])
    sleep = asyncio.sleep

    async def pass_time(seconds: float) -> None:
        if seconds:
            found.append(round(seconds, 6))
            now[0] += seconds
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", pass_time)
    return found


async def test_the_first_record_after_a_silence_waits_for_nothing(slept: list[float]) -> None:
    group = Group(counts_all, [0])
    group.until = 3
    group.on_step = lambda *_: group.lanes[0].submit(Event(), run(0, group.lanes[0].known.applied + 1))
    group.lanes[0].submit(Event(), run(0, 1))

    await group.work()

    assert [0.01] * 2 == slept


async def test_work_that_is_unfinished_goes_on_at_the_longest_pace(slept: list[float]) -> None:
    group = Group(lambda _, __, records: Answer(len(records), {b"row": b"1"}, [], unfinished=True), [0])
    group.until = 3
    group.lanes[0].submit(Event(), run(0, 1))

    await group.work()

    assert [0.02] * 2 == slept


@pytest.mark.parametrize(("records", "pace"), [(0, 0.01), (10, 0.01), (15, 0.015), (20, 0.02), (6_000, 0.02)])
def test_rounds_are_farther_apart_the_more_they_carry(records: int, pace: float) -> None:
    assert pytest.approx(pace) == pace_s(records, commit_group.FULL_ROUND)


@pytest.mark.stack
async def test_whoever_is_fenced_in_the_midst_of_a_send_is_told_so(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with administration(KafkaAccess(stack.bootstrap)) as admin:
        await admin.create_topics([NewTopic("fenced", 2, 1)])
    ours = await once_producer(stack.bootstrap, "fenced")
    await ours.start()
    theirs = await once_producer(stack.bootstrap, "fenced")  # it takes the id over
    send = ours.send_batch

    async def slowly(*batch: Any, **where: Any) -> Any:
        sent = await send(*batch, **where)
        await asyncio.sleep(0.5)  # until the broker has refused it
        return sent

    monkeypatch.setattr(ours, "send_batch", slowly)
    table: Any = Table()
    table.changelog_topic_name = "fenced"

    def fold(_partition: int, _store: Any, records: Any) -> Answer:
        return Answer(len(records), {b"row": b"1"}, [Output("fenced", 1, b"k", b"v", [])], unfinished=False)

    group = CommitGroup(ours, [lane(0)], table, fold)
    group.lanes[0].submit(Event(), run(0, 1))
    try:
        with pytest.raises(ProducerFenced):
            await group.work()
    finally:
        await theirs.stop()
        await drop_producer(ours)
    assert [] == table.applied
