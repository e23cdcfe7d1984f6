"""A worker process: the product's steps, intake, positions and guards; around them a model of what Faust does.

The model: join the group, take over, read the changelog to its stable end, go on where the state says, fetch, hand
over runs, commit what was acknowledged, let go when partitions move. Where `EngineApp` has the code, it is that code.
"""

import asyncio
import contextlib
import contextvars
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, Final

from aiokafka.errors import KafkaTimeoutError
from aiokafka.structs import TopicPartition
from faust.types import TP

from atp_stream.access import KafkaAccess
from atp_stream.engine.app import MAX_ANEW, EngineApp
from atp_stream.engine.intake import Intake
from atp_stream.engine.journal import Journal
from atp_stream.engine.runs import Run
from atp_stream.engine.source_place import Place
from atp_stream.engine.steps import Steps
from atp_stream.engine.tables import StateTable
from tests.simulation import toy
from tests.simulation.client import Coordinator, Network, Producer, settle
from tests.simulation.group import SESSION, Group
from tests.simulation.loop import PROCESS, Process

BEAT: Final = 1.0
COMMIT: Final = 0.7
SOURCES: Final = frozenset(TP(toy.SOURCE, number) for number in range(toy.SOURCES))


class Disk:
    """The databases of one data directory: they outlive the process, each write is whole or not there."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[bytes, bytes]] = {}
        self.offsets: dict[int, int] = {}


class Table:
    """The state table over a disk; what is read from the changelog goes through the product's own guard."""

    changelog_topic_name = toy.CHANGELOG
    apply_changelog_batch = StateTable.apply_changelog_batch

    def __init__(self, app: "App", disk: Disk) -> None:
        self.app = app
        self._disk = disk
        self.spoiled: set[int] = set()

    def read(self, partition: int, key: bytes) -> bytes | None:
        return self._disk.rows.get(partition, {}).get(key)

    def scan(self, partition: int, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        rows = self._disk.rows.get(partition, {})
        return ((key, rows[key]) for key in sorted(rows) if key >= start)

    def apply(self, partition: int, rows: Any, offset: int) -> None:
        held = self._disk.rows.setdefault(partition, {})
        for key, row in rows:
            if row is None:
                held.pop(key, None)
            else:
                held[key] = row
        self._disk.offsets[partition] = offset

    def persisted_offset(self, tp: TP) -> int | None:
        return self._disk.offsets.get(tp.partition)

    def drop_outdated(self, _: Any) -> list[int]:
        return []

    def open(self, _: Any) -> list[int]:
        return []

    def mark_seen(self, _: Any) -> None: ...


class App:
    """What the engine asks of its app: `EngineApp`'s own code where it is not Faust's."""

    steps: Any
    intake: Any
    rebalancing = False
    should_stop = False
    _longest_rebalance = 20.0
    _move = EngineApp._move
    _decided = EngineApp._decided
    _retry_take_over = EngineApp._retry_take_over
    has_lost_track = EngineApp.has_lost_track
    take_over_anew = EngineApp.take_over_anew
    let_go = EngineApp.let_go
    take_over = EngineApp.take_over
    start_positions = EngineApp.start_positions
    submit = EngineApp.submit

    def __init__(self, worker: "Worker", disk: Disk) -> None:
        self._worker = worker
        self.conf = SimpleNamespace(id=toy.APP, broker_session_timeout=SESSION)
        self.expected: dict[TP, int] = {}
        self.epoch = 0
        self.moving = True
        self.gave_up: str | None = None
        self.consumer_generation_id = 0
        self.log_topic = toy.LOG
        self.journal = Journal()
        self.assignor = SimpleNamespace(assigned_standbys=set)
        self.consumer: Any = self
        self._fence_timer: asyncio.TimerHandle | None = None
        self._anew: deque[float] = deque(maxlen=MAX_ANEW)
        self.last_heartbeat = 0.0
        self._kafka = KafkaAccess("simulated")
        self.table: Any = Table(self, disk)
        self.tables = SimpleNamespace(
            recovery=SimpleNamespace(active_tps={TP(toy.CHANGELOG, n) for n in range(toy.PARTITIONS)})
        )

    def on_buffer_full(self, _: TP) -> None: ...

    def on_buffer_drop(self, _: TP) -> None: ...

    async def places(self, without: Collection[TP]) -> dict[TP, Place]:
        return await self._worker.committed(SOURCES - set(without))

    async def source_ends(self) -> dict[TP, int]:
        return await self._worker.ends(SOURCES)

    async def undecided(self, tps: Collection[TP]) -> dict[TP, int]:
        return await self._worker.undecided(tps)

    async def rejoin(self) -> None:
        self._worker.rejoin.set()

    async def beat(self) -> bool:
        return await self._worker.beat(self.consumer_generation_id)

    async def commit_places(self, offsets: Mapping[TP, int]) -> bool:
        return await self._worker.commit(offsets)

    def give_up(self, reason: str, _: BaseException | None = None) -> None:
        if self.gave_up is None:
            self.gave_up = reason
            self._worker.gave_up(reason)


class Event:
    """A Faust event with a run in it."""

    def __init__(self, run: Run, acked: dict[TP, int]) -> None:
        self.value = run
        self._acked = acked

    def ack(self) -> None:
        self._acked[self.value.tp] = self.value.end


class Worker:
    """One life of a process; a new start is a new worker over the same disk."""

    def __init__(self, name: str, network: Network, group: Group, disk: Disk, on_end: Any) -> None:
        self.name = name
        self.process: Process = network.loop.add_process(name)
        self.end: str | None = None
        self.rejoin = asyncio.Event()
        self._network = network
        self._group = group
        self._on_end = on_end
        self._acked: dict[TP, int] = {}
        self._tasks: list[asyncio.Task[Any]] = []
        self._context = contextvars.Context()
        self._context.run(PROCESS.set, self.process)
        self._context.run(self._begin, disk)

    def _begin(self, disk: Disk) -> None:
        self.app: Any = App(self, disk)
        self.app.steps = Steps(
            self.app, topic=toy.LOG, owners_topic=toy.OWNERS, retention_s=-1.0, table=self.app.table, fold=toy.fold,
            genesis=toy.GENESIS, connect=partial(Coordinator, self._network, toy.OWNERS),
        )  # fmt: skip
        self.app.intake = Intake(self.app, translate=toy.Translator(), new_producer=partial(Producer, self._network))
        self._main = self._network.loop.create_task(self._live(), context=self._context)

    async def ends(self, tps: Iterable[TP]) -> dict[TP, int]:
        """Return up to where partitions can be read."""
        broker = self._network.broker
        found: dict[TP, int] = await self._network.ask(
            "ends", lambda: {tp: broker.stable_end(TopicPartition(*tp)) for tp in sorted(tps)}
        )
        return found

    async def undecided(self, tps: Iterable[TP]) -> dict[TP, int]:
        """Return the partitions with an open transaction, and where it begins."""
        broker = self._network.broker
        found: dict[TP, int] = await self._network.ask(
            "ends",
            lambda: {
                tp: end
                for tp in sorted(tps)
                if (end := broker.stable_end(TopicPartition(*tp))) < len(broker.partitions[TopicPartition(*tp)])
            },
        )
        return found

    async def committed(self, tps: Iterable[TP]) -> dict[TP, Place]:
        """Return the places that the group has committed."""
        found: dict[TP, Place] = await self._asked(
            lambda: {tp: at for tp in sorted(tps) if (at := self._group.committed.get(TopicPartition(*tp)))}
        )
        return found

    async def commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit offsets; of a source, the place that it has come to."""
        places = {TopicPartition(*tp): self.app.intake.place(tp) or Place(at) for tp, at in offsets.items()}
        generation = self.app.consumer_generation_id
        kept: bool = await self._asked(lambda: self._group.commit(self.name, generation, places))
        return kept

    # -- the end -------------------------------------------------------------------------------

    def kill(self, why: str = "killed") -> None:
        """End the process where it stands."""
        if not self.process.dead:
            self._network.loop.kill(self.process)
            self.end = why
            self._on_end(self)

    def gave_up(self, reason: str) -> None:
        """Leave the group at once, live on for a little, and end."""
        self._network.later(self._network.way() * 20, self._group.leave, self.name)
        self._network.later(self._network.way() * 200, self.kill, reason)

    def stop(self) -> None:
        """End in order."""
        self._context.run(self._network.loop.create_task, self._stop(), context=self._context)

    async def _stop(self) -> None:
        self._main.cancel()
        self._drop_tasks()
        await self.app.let_go()
        await self.commit(self._acked)
        await self._network.ask("leave", lambda: self._group.leave(self.name))
        self.kill("stopped")

    # -- life ----------------------------------------------------------------------------------

    async def _live(self) -> None:
        try:
            while True:
                self.rejoin.clear()
                generation, held = await self._join()
                self.app.consumer_generation_id = generation
                self._acked.clear()
                beat = self._network.loop.create_task(self._beat(generation))
                if await self.app.take_over(held):
                    self._tasks.append(self._network.loop.create_task(self._restore(held, self.app.epoch)))
                await beat
                self._drop_tasks()
                await self.app.let_go()
        except Exception as error:  # noqa: BLE001 - as Faust: the process ends
            self.app.give_up(f"crashed: {error!r}")

    async def _join(self) -> tuple[int, set[TP]]:
        answer: asyncio.Future[Any] = self._network.loop.create_future()
        context = contextvars.copy_context()

        def answered(assigned: Any) -> None:
            if not answer.done():
                self._network.loop.call_later(self._network.way(), settle, answer, assigned, context=context)

        self._network.later(self._network.way(), lambda: self._group.join(self.name, answered))
        generation, held = await answer
        return generation, {TP(*tp) for tp in held}

    async def beat(self, generation: int) -> bool:
        """Send a heartbeat; return whether the group accepts it."""
        sent = self._network.loop.time()
        accepted: bool = await self._asked(lambda: self._group.beat(self.name, generation))
        if accepted:
            self.app.last_heartbeat = sent
        return accepted

    async def _beat(self, generation: int) -> None:
        """Return when the group has moved on, or is to be joined anew."""
        while not self.rejoin.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEAT):
                    await self.rejoin.wait()
                    return
            if not await self.beat(generation):
                return

    async def _asked(self, act: Any) -> Any:
        answer: asyncio.Future[Any] = self._network.loop.create_future()
        context = contextvars.copy_context()

        def arrive() -> None:
            self._network.loop.call_later(self._network.way(), settle, answer, act(), context=context)

        self._network.later(self._network.way(), arrive)
        return await answer

    def _drop_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    async def _restore(self, held: set[TP], epoch: int) -> None:
        """Read the changelogs of what is held to their stable ends, then let streams go on."""
        for partition in sorted(tp.partition for tp in held if tp.topic == toy.LOG):
            tp = TP(toy.CHANGELOG, partition)
            end = (await self.ends([tp]))[tp]
            have = self.app.table.persisted_offset(tp)
            position = 0 if have is None else have + 1
            while position < end:
                records, reached = await self._fetch(tp, position)
                event = SimpleNamespace(message=SimpleNamespace(value=Run(tp, position, reached, records)))
                self.app.table.apply_changelog_batch([event])
                position = reached
        if epoch != self.app.epoch:
            return
        sources = {tp for tp in held if tp.topic == toy.SOURCE}
        committed = await self.committed(sources)
        places = {tp: committed.get(tp, Place(0)) for tp in sorted(sources)}
        wanted = {tp: place.offset for tp, place in places.items()}
        wanted.update(self.app.start_positions())
        self.app.expected.clear()
        self.app.expected.update(wanted)
        self.app.intake.begin(places)
        self.app.moving = False
        loop = self._network.loop
        self._tasks += [loop.create_task(self._follow(tp, at, epoch)) for tp, at in wanted.items()]
        self._tasks.append(loop.create_task(self._commits()))

    async def _fetch(self, tp: TP, position: int) -> tuple[list[Any], int]:
        while True:
            try:
                return await self._network.fetch(TopicPartition(*tp), position)
            except KafkaTimeoutError:
                continue

    async def _follow(self, tp: TP, position: int, epoch: int) -> None:
        while True:
            records, end = await self._fetch(tp, position)
            self.app.submit(Event(Run(tp, position, end, records, epoch), self._acked))
            position = end

    async def _commits(self) -> None:
        while True:
            await asyncio.sleep(COMMIT)
            await self.commit(self._acked)
