"""The simulation sees: with any one of the engine's guards switched off, some seed objects."""

import asyncio
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from aiokafka.structs import TopicPartition

from atp_stream.engine import intake, position, steps
from atp_stream.engine.backlog import Place
from atp_stream.engine.batches import Batches
from atp_stream.engine.position import Mark, Position
from atp_stream.engine.steps import Steps
from tests.simulation.loop import PROCESS
from tests.simulation.story import play, small_and_patched

SEEDS = 400


@pytest.fixture(autouse=True)
def small() -> Iterator[None]:
    with small_and_patched():
        yield


def first_objection() -> tuple[int, str] | None:
    """Return the first seed that objects, and what it says."""
    for seed in range(SEEDS):
        told = play(seed)
        wrong = [one for one in told.objections if one.startswith("partition ")]  # rows or outputs
        if wrong:
            return seed, wrong[0]
    return None


def test_without_fencing_a_zombie_is_seen() -> None:
    def own(app: str, genesis: str, number: int) -> str:
        return f"{app}-{genesis}-{number}-{PROCESS.get().name}-{id(PROCESS.get())}"

    with patch.object(steps, "transactional_id", own):
        found = first_objection()

    assert found is not None


def test_without_the_position_in_the_state_a_step_is_seen_twice() -> None:
    """Start where the group has committed, as Faust does, instead of where the state says."""

    class Hinted(Steps):
        def start_positions(self) -> Any:
            starts = super().start_positions()
            committed = self._app._worker._group.committed
            for tp in starts:
                lane = self._lanes[tp.partition]
                starts[tp] = committed.get(TopicPartition(*tp), Place(0)).offset
                lane.position = Position(genesis=self._genesis, applied=starts[tp] - 1, marks=lane.known.marks)
            return starts

    with patch("tests.simulation.worker.Steps", Hinted):
        found = first_objection()

    assert found is not None


def test_without_the_marks_what_intake_sends_twice_is_seen_twice() -> None:
    with patch.object(position, "_NONE", Mark(-1)), patch.object(steps, "plan", _plan_without_marks):
        found = first_objection()

    assert found is not None


def _plan_without_marks(at: Position, records: Any) -> Any:
    return position.plan(Position(genesis=at.genesis, applied=at.applied, log_time=at.log_time), records)


def test_with_two_batches_of_a_partition_under_way_a_hole_is_seen() -> None:
    class Loose(Batches):
        """Sends a full batch, and goes on before it is acknowledged."""

        _adding = False

        async def send(self) -> None:
            batches, self._open = self._open, {}
            under_way = self.__dict__.setdefault("_under_way", [])
            for way, batch in batches.items():
                sending = await self._producer.send_batch(batch.closed(), way[0], partition=way[1])
                under_way.append((way, batch.count, sending))
            if self._adding:
                return
            answers = await asyncio.gather(*(one for _, _, one in under_way), return_exceptions=True)
            for (way, count, _), answer in zip(under_way, answers, strict=True):
                if isinstance(answer, BaseException):
                    raise answer
                self.ends[way] = answer.offset + count - 1
            under_way.clear()

        async def add_all(self, outputs: Any) -> None:
            self._adding = True
            await super().add_all(outputs)
            self._adding = False

    with patch.object(intake, "Batches", Loose):
        found = first_objection()

    assert found is not None
