"""A step commits only what was folded over rows that are true."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from atp_stream.engine.lanes import Lane
from atp_stream.engine.position import Position
from atp_stream.engine.runs import Run
from atp_stream.engine.steps import Answer, Steps


async def test_what_was_folded_over_a_database_that_cannot_be_read_is_not_committed() -> None:
    table: Any = SimpleNamespace(spoiled={2})
    nothing: Any = None  # whoever touches producer or store fails

    def fold(*_: Any) -> Answer:  # it took the disk's fault for one of its own, and stopped an item
        return Answer(0, {b"t|i|i": b'{"quarantine":"..."}'}, [], unfinished=False)

    steps = Steps(nothing, topic="log", retention=-1, table=table, fold=fold, genesis="g", bootstrap="nowhere:1")
    lane = Lane(2, nothing, nothing)
    lane.position = Position(genesis="g", applied=3)

    with pytest.raises(RuntimeError, match="cannot be read"):
        await steps._step(lane, [], 5)


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
    steps = Steps(app, topic="log", retention=-1, table=table, fold=fold, genesis="g", bootstrap="nowhere:1")
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
