"""A step commits only what was folded over rows that are true."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.admin import NewTopic
from aiokafka.errors import ProducerFenced
from faust.types import TP

from atp_stream.access import KafkaAccess
from atp_stream.devstack import Stack
from atp_stream.engine.batches import Output
from atp_stream.engine.partition_state import Lane
from atp_stream.engine.position import Position
from atp_stream.engine.producers import drop_producer, make_producer
from atp_stream.engine.runs import Run
from atp_stream.engine.steps import Answer, Steps
from atp_stream.provision import administration

NOWHERE = KafkaAccess("nowhere:1")


async def test_what_was_folded_over_a_database_that_cannot_be_read_is_not_committed() -> None:
    table: Any = SimpleNamespace(spoiled={2})
    nothing: Any = None  # whoever touches producer or store fails

    def fold(*_: Any) -> Answer:  # it took the disk's fault for one of its own, and stopped an item
        return Answer(0, {b"t|i|i": b'{"quarantine":"..."}'}, [], unfinished=False)

    steps = Steps(nothing, topic="log", retention=-1, table=table, fold=fold, genesis="g", kafka=NOWHERE)
    lane = Lane(2, nothing, nothing)
    lane.position = Position(genesis="g", applied=3)

    with pytest.raises(RuntimeError, match="cannot be read"):
        await steps._step(lane, [], 5)


@pytest.mark.stack
async def test_whoever_is_fenced_in_the_midst_of_a_send_is_told_so(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with administration(KafkaAccess(stack.bootstrap)) as admin:
        await admin.create_topics([NewTopic("fenced", 2, 1)])
    ours, theirs = (make_producer(KafkaAccess(stack.bootstrap), transactional_id="fenced") for _ in range(2))
    await ours.start()
    await theirs.start()  # takes the partition over
    send = ours.send_batch

    async def slowly(*batch: Any, **where: Any) -> Any:
        sent = await send(*batch, **where)
        await asyncio.sleep(0.5)  # until the broker has refused it
        return sent

    monkeypatch.setattr(ours, "send_batch", slowly)
    table: Any = SimpleNamespace(changelog_topic_name="fenced")
    nothing: Any = None
    steps = Steps(nothing, topic="log", retention=-1, table=table, fold=nothing, genesis="g", kafka=NOWHERE)
    answer = Answer(0, {}, [Output("fenced", 1, b"k", b"v", [])], unfinished=False)
    try:
        with pytest.raises(ProducerFenced):
            await steps._commit(Lane(0, ours, nothing), answer, Position(genesis="g"))
    finally:
        await theirs.stop()
        await drop_producer(ours)


async def test_what_comes_in_does_not_wait_for_the_end_of_work_that_is_unfinished(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table: Any = SimpleNamespace(spoiled=set())
    calls: list[list[int]] = []
    over = asyncio.Event()

    def fold(_partition: int, _store: Any, records: Any) -> Answer:
        calls.append([record.offset for record in records])
        if len(calls) == 2:
            steps.submit(event, run(2))
        if len(calls) == 9:
            over.set()
        return Answer(len(records), {b"row": b"1"}, [], unfinished=len(calls) < 9)

    async def commit(*_: Any) -> None:
        await asyncio.sleep(0)

    def run(offset: int) -> Run:
        record: Any = SimpleNamespace(offset=offset, timestamp=0, headers=(), key=b"k", value=b"v")
        return Run(TP("log", 0), offset, offset + 1, [record])

    event: Any = SimpleNamespace(ack=lambda: None)
    app: Any = SimpleNamespace(gave_up=None, give_up=lambda *found: pytest.fail(str(found)))
    steps = Steps(app, topic="log", retention=-1, table=table, fold=fold, genesis="g", kafka=NOWHERE)
    monkeypatch.setattr(steps, "_commit", commit)
    nothing: Any = None
    lane = Lane(0, nothing, nothing)
    lane.position = Position(genesis="g", applied=0)
    steps._lanes, steps._open = {0: lane}, True
    steps.submit(event, run(1))
    work = asyncio.create_task(steps._work(lane))
    await over.wait()
    work.cancel()

    assert [[1], [], [2]] == calls[:3]
    assert 9 == len(calls)
