"""The atomic step: fold a run of the item log, commit rows and outputs in one transaction, then apply the rows.

1. What is at or before the applied position is dropped; the rest must join on exactly.
2. `fold` (pure) turns committed rows and new records into changed rows and outputs.
3. A Kafka transaction carries the rows to the changelog, the new position among them, and the outputs; that of all
   partitions that are ready is one and the same.
4. Only after its commit the rows go into RocksDB, in one batch a partition.

Whoever owns a partition has ended the ids of the owners before, so a step of a worker that was thought dead cannot
commit. Where the broker refuses a commit, or its outcome is not known, all partitions are taken over anew: that fences,
reads the changelog to its stable end, and so learns what happened. Nothing is folded over rows that may be stale.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from faust.types import TP
from mode import get_logger

from atp_stream.engine.commit_group import Answer, CommitGroup, Fold
from atp_stream.engine.host import Host
from atp_stream.engine.ownership import Assignment, Coordinator, TakeOver
from atp_stream.engine.partition_state import Lane, PartitionStore
from atp_stream.engine.position import (
    POSITION_KEY,
    Mark,
    NewerFormat,
    Position,
    WrongGenesis,
    decode_position,
)
from atp_stream.engine.producers import drop_producer, new_step_id, partition_id
from atp_stream.engine.runs import Run
from atp_stream.engine.tables import StateTable

log = get_logger(__name__)

#: A partition's fetching pauses above this many waiting records, and goes on below a quarter of it.
WAITING_RECORDS = 6_000
#: How long a round may take to end when partitions are lost. Whoever takes them over ends it, or knows how it ended.
CLOSE_S = 5.0


class Steps:
    """Owns the log partitions assigned to this worker, and takes their steps."""

    def __init__(
        self,
        host: Host,
        *,
        topic: str,
        owners_topic: str,
        retention_s: float,
        table: StateTable,
        fold: Fold,
        genesis: str,
        connect: Callable[[], AbstractAsyncContextManager[Coordinator]],
    ) -> None:
        self._host = host
        self._retention_s = retention_s
        self._topic = topic
        self._owners_topic = owners_topic
        self._table = table
        self._fold = fold
        self._genesis = genesis
        self._connect = connect
        self._group: CommitGroup | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._open = False
        self.on_step: Callable[[int, int, Answer, float], None] = lambda *_: None

    # -- ownership -----------------------------------------------------------------------------

    async def take_over(self, partitions: set[int], assignment: Assignment) -> None:
        """Become the owner of these partitions; steps start once their state is known.

        Raises:
            AssignmentLost, KafkaError, MissingOwner: the take-over has failed; nothing is owned.
        """
        await self.close()
        if partitions:
            producer = await self._become_owner(partitions, assignment)
            lanes = [Lane(partition, PartitionStore(self._table, partition)) for partition in sorted(partitions)]
            self._group = CommitGroup(producer, lanes, self._table, self._fold)
            self._group.on_step = self.on_step
            self._group.on_taken = self._taken
        self._open = True

    async def _become_owner(self, partitions: set[int], assignment: Assignment) -> AIOKafkaProducer:
        """Return the started producer of a new step id that the owner records of the partitions name."""
        app_id = self._host.conf.id
        name = new_step_id(app_id, self._genesis)
        async with self._connect() as coordinator:
            id_of = partial(partition_id, app_id, self._genesis)
            take_over = TakeOver(coordinator, assignment, topic=self._owners_topic, id_of=id_of)
            producer = await take_over.begin(name)
            try:
                await producer.start()
                await take_over.fence(partitions)
                await take_over.own(name)
            except BaseException:
                await drop_producer(producer)
                raise
            finally:
                await take_over.close()
        return producer

    async def close(self) -> None:
        """Let a round in flight end and give all partitions back; nothing runs until the next take-over."""
        self._open = False
        group, self._group = self._group, None
        task, self._task = self._task, None
        if group is not None:
            self._closing = asyncio.create_task(self._close(group, task))
        if self._closing is not None:  # also one that somebody else has begun: the stores close after it
            await asyncio.shield(self._closing)

    @staticmethod
    async def _close(group: CommitGroup, task: asyncio.Task[None] | None) -> None:
        group.close()
        if task is not None:
            _, late = await asyncio.wait([task], timeout=CLOSE_S)
            for one in late:
                one.cancel()
                await asyncio.wait([one], timeout=CLOSE_S)
        await drop_producer(group.producer)

    def halt(self) -> None:
        """Begin no more steps until the next take-over."""
        self._open = False
        if self._group is not None:
            self._group.close()

    def start_positions(self) -> dict[TP, int]:
        """Return where each owned log partition is to be read from, and let its steps begin.

        Called when the state has been read to the stable end of its changelog.
        """
        starts: dict[TP, int] = {}
        for lane in self._lanes() if self._open else ():
            row = lane.store.read(POSITION_KEY)
            try:
                position = Position(genesis=self._genesis) if row is None else decode_position(row)
            except NewerFormat as error:
                self._host.give_up(
                    f"partition {lane.partition}: {error}: start the version that wrote it, or a later one"
                )
                continue
            if position.genesis != self._genesis:
                self._host.give_up(
                    f"the state of partition {lane.partition} was made from log {position.genesis}, but the item log"
                    f" is {self._genesis}: remove the data directory and the changelog topic, or restore the old log"
                )
                continue
            lane.position = position
            starts[TP(self._topic, lane.partition)] = position.applied + 1
        if self._group is not None and self._open:
            self._group.wake()
            if self._task is None:
                self._task = asyncio.create_task(self._work(self._group), name="steps")
        return starts

    def _lanes(self) -> Sequence[Lane]:
        return () if self._group is None else tuple(self._group.lanes.values())

    def _lane(self, partition: int) -> Lane | None:
        return None if self._group is None else self._group.lanes.get(partition)

    def owned(self) -> set[int]:
        """Return the partitions whose steps may run."""
        return {lane.partition for lane in self._lanes() if lane.position is not None} if self._open else set()

    def position(self, partition: int) -> Position | None:
        """Return how far an owned partition's state has come."""
        lane = self._lane(partition)
        return None if lane is None else lane.position

    def unfinished(self, partition: int) -> bool:
        """Return whether an owned partition has work to finish that an earlier record of its log caused."""
        lane = self._lane(partition)
        return lane is not None and lane.unfinished

    def marks(self) -> list[Mapping[str, Mark]]:
        """Return the marks of the owned partitions."""
        return [lane.position.marks for lane in self._lanes() if lane.position is not None]

    # -- work ----------------------------------------------------------------------------------

    def submit(self, event: Any, run: Run) -> None:
        """Queue a run for its partition's next step."""
        lane = self._lane(run.tp.partition)
        if lane is None or self._group is None or not self._open:
            return
        lane.submit(event, run)
        if lane.waiting > WAITING_RECORDS and not lane.paused:
            lane.paused = True
            self._host.consumer.on_buffer_full(run.tp)  # what is being fetched still arrives
        self._group.wake()

    async def _work(self, group: CommitGroup) -> None:
        try:
            await group.work()
        except KafkaError as error:
            if self._group is group:  # else a take-over is on its way
                self._host.take_over_anew(f"a commit failed ({error!r})")
        except WrongGenesis as error:
            self._host.give_up(f"item log {self._topic}: {error}; run `atp init` on a new app id")
        except Exception as error:  # noqa: BLE001 - whatever it is, the outcome is not known any more
            self._host.give_up(f"a step failed, its outcome is not known: {error!r}", error)

    def _taken(self, lane: Lane, records: Sequence[Any]) -> None:
        """Let fetching go on where it has paused, and warn of a lane that is far behind."""
        if lane.paused and lane.waiting < WAITING_RECORDS // 4:
            lane.paused = False
            self._host.consumer.on_buffer_drop(TP(self._topic, lane.partition))
        if records and not lane.warned:
            self._warn_of_retention(lane, records[0].timestamp)

    def _warn_of_retention(self, lane: Lane, timestamp_ms: int) -> None:
        behind_s = time.time() - timestamp_ms / 1000
        if behind_s > self._retention_s / 2 > 0:
            lane.warned = True
            log.warning(
                "partition %s is %.0f h behind, and the log keeps only %.0f h: what retention removes is lost",
                lane.partition,
                behind_s / 3600,
                self._retention_s / 3600,
            )
