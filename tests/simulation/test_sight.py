"""The simulation sees: with any one of the engine's guards switched off, some seed objects."""

import asyncio
from collections.abc import Iterator
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
from aiokafka.errors import KafkaError, KafkaTimeoutError
from aiokafka.structs import TopicPartition
from faust.types import TP

from atp_stream.engine import commit_group, intake, position, steps
from atp_stream.engine.batches import Batches
from atp_stream.engine.ownership import TakeOver
from atp_stream.engine.position import Mark, Position
from atp_stream.engine.producers import Identity, new_step_id
from atp_stream.engine.source_place import Place
from atp_stream.engine.steps import Steps
from tests.simulation import toy
from tests.simulation.broker import Undecided
from tests.simulation.client import Coordinator
from tests.simulation.loop import PROCESS
from tests.simulation.story import play, small_and_patched
from tests.simulation.worker import App, Worker

SEEDS = 400
WINDOW = 6.0  # seconds that a fault of order stays open: by itself it would need thousands of stories


@pytest.fixture(autouse=True)
def small() -> Iterator[None]:
    with small_and_patched():
        yield


def first_objection(*, storm: bool = False) -> tuple[int, str] | None:
    """Return the first seed that objects, and what it says."""
    for seed in range(SEEDS):
        outcome = play(seed, storm=storm)
        wrong = [one for one in outcome.objections if one.startswith("partition ")]  # rows or outputs
        if wrong:
            return seed, wrong[0]
    return None


class NobodyIsEnded(TakeOver):
    """Takes partitions over, and leaves those who owned them before alone."""

    async def _end(self, names: Any) -> None: ...


class RecordReadFirst(TakeOver):
    """Reads who the owner is, and only then fences whoever is about to become it."""

    async def fence(self, partitions: Any) -> Any:
        rows = await self._coordinator.owner_rows(partitions)
        await asyncio.sleep(WINDOW)
        with patch.object(self._coordinator, "owner_rows", lambda _: asyncio.sleep(0, rows)):
            return await super().fence(partitions)


class RecordWrittenFirst(TakeOver):
    """Becomes the owner, and only then ends the owner before."""

    async def _end(self, names: Any) -> None:
        self._left = names

    async def own(self, name: str) -> None:
        await super().own(name)
        await asyncio.sleep(WINDOW)
        await super()._end(self._left)


class NoLock(TakeOver):
    """Writes the owner record without the partition's own id, which nobody else could then write under."""

    async def begin(self, name: str) -> Any:
        self._step_id = name
        return await super().begin(name)

    async def _fence(self, partition: int) -> None:
        name = f"free-{self._step_id}-{partition}"
        self._producers[partition] = self._coordinator.producer(name, await self._initialise(name))


class OwnIdLeftAlone(TakeOver):
    """Does not end an id that this worker had itself, in this life or an earlier one."""

    had: ClassVar[dict[tuple[int, str], set[str]]] = {}

    async def begin(self, name: str) -> Any:
        self._mine().add(name)
        return await super().begin(name)

    async def _end(self, names: Any) -> None:
        await super()._end([name for name in names if name not in self._mine()])

    def _mine(self) -> set[str]:
        return self.had.setdefault((id(asyncio.get_running_loop()), PROCESS.get().name), set())


def undecided() -> Any:
    """Let a worker not wait until no transaction is open in a changelog, which is there for those of others."""

    async def decided(*_: Any) -> None: ...

    return patch.object(App, "_decided", decided)


def test_the_take_over_alone_is_enough_while_nobody_else_writes_to_a_changelog() -> None:
    with undecided():
        assert [] == [outcome for seed in range(20) if (outcome := play(seed, storm=True)).objections]


@pytest.mark.parametrize("faulty", [NobodyIsEnded, RecordReadFirst, RecordWrittenFirst, NoLock, OwnIdLeftAlone])
def test_a_take_over_that_leaves_one_thing_out_is_seen(faulty: type[TakeOver]) -> None:
    with patch.object(steps, "TakeOver", faulty), undecided():
        found = first_objection(storm=True)

    assert found is not None


def test_an_end_of_an_id_that_is_not_waited_for_is_seen() -> None:
    async def initialise(self: Any, name: str) -> Any:
        try:
            epoch = await self._network.ask("initialise", lambda: self._network.broker.initialise(name))
        except KafkaTimeoutError:
            return None
        except Undecided:
            return Identity(0, -1) if "-s-" in name else None
        return Identity(0, epoch)

    with patch.object(Coordinator, "initialise", initialise), undecided():
        found = first_objection(storm=True)

    assert found is not None


def test_an_end_of_a_changelog_that_is_asked_for_before_its_owner_is_ended_is_seen() -> None:
    changelogs = [TP(toy.CHANGELOG, number) for number in range(toy.PARTITIONS)]
    ends: Any = Worker.ends
    early: dict[str, Any] = {}

    class Early(Steps):
        async def take_over(self, partitions: Any, assignment: Any) -> None:
            host: Any = self._host
            early[host._worker.name] = await ends(host._worker, changelogs)
            await asyncio.sleep(WINDOW / 2)
            await super().take_over(partitions, assignment)

    async def asked(self: Any, tps: Any) -> Any:
        wanted = list(tps)
        if set(wanted) <= set(changelogs):
            return {tp: early[self.name][tp] for tp in wanted}
        return await ends(self, wanted)

    with patch("tests.simulation.worker.Steps", Early), patch.object(Worker, "ends", asked), undecided():
        found = first_objection(storm=True)

    assert found is not None


def test_a_worker_that_goes_on_after_a_fence_is_seen() -> None:
    """It takes a new step id, and folds over what it has."""

    async def work(self: Any, group: Any) -> None:
        while True:
            try:
                await group.work()
            except KafkaError:
                coordinator = self._connect()
                name = new_step_id(self._host.conf.id, self._genesis)
                identity = None
                while identity is None:
                    await asyncio.sleep(0.1)
                    identity = await coordinator.initialise(name)
                group.producer = coordinator.producer(name, identity)
            else:
                return

    with patch.object(Steps, "_work", work):
        found = first_objection()

    assert found is not None


def test_a_fenced_worker_that_only_waits_is_seen() -> None:
    with patch.object(App, "take_over_anew", lambda *_: None):
        found = next((outcome.objections for seed in range(SEEDS) if (outcome := play(seed)).objections), [])

    assert "not done after 200.0 s" in found


def test_without_the_position_in_the_state_a_step_is_seen_twice() -> None:
    """Start where the group has committed, as Faust does, instead of where the state says."""

    class Hinted(Steps):
        def start_positions(self) -> Any:
            starts = super().start_positions()
            host: Any = self._host
            committed = host._worker._group.committed
            for tp in starts:
                lane = self._lane(tp.partition)
                assert lane is not None
                starts[tp] = committed.get(TopicPartition(*tp), Place(0)).offset
                lane.position = Position(genesis=self._genesis, applied=starts[tp] - 1, marks=lane.known.marks)
            return starts

    with patch("tests.simulation.worker.Steps", Hinted):
        found = first_objection()

    assert found is not None


def test_without_the_marks_what_intake_sends_twice_is_seen_twice() -> None:
    with patch.object(position, "_NONE", Mark(-1)), patch.object(commit_group, "plan", _plan_without_marks):
        found = first_objection()

    assert found is not None


def _plan_without_marks(at: Position, records: Any) -> Any:
    return position.plan(Position(genesis=at.genesis, applied=at.applied, log_time_ms=at.log_time_ms), records)


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
