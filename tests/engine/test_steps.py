"""A step commits only what was folded over rows that are true."""

from types import SimpleNamespace
from typing import Any

import pytest

from atp_stream.engine.lanes import Lane
from atp_stream.engine.position import Position
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
