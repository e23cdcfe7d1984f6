"""The atomic step: fold a run of the item log, commit rows and outputs in one transaction, then apply the rows.

1. What is at or before the applied position is dropped; the rest must join on exactly.
2. `fold` (pure) turns committed rows and new records into changed rows and outputs.
3. One Kafka transaction carries the rows to the changelog, the new position among them, and the outputs.
4. Only after its commit the rows go into RocksDB, in one batch.

Whoever owns a partition has fenced the owner before, so a step of a worker that was thought dead cannot
commit. Where the broker refuses a step, or its outcome is not known, all partitions are taken over anew: that fences,
reads the changelog to its stable end, and so learns what happened. Nothing is folded over rows that may be stale.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from aiokafka.errors import KafkaError
from faust.types import TP
from mode import get_logger

from atp_stream.access import KafkaAccess
from atp_stream.engine.batches import Batches, Output
from atp_stream.engine.partition_state import STEP_RECORDS, Lane, PartitionStore, Store
from atp_stream.engine.position import (
    POSITION_KEY,
    LogRecord,
    Mark,
    NewerFormat,
    Position,
    WrongGenesis,
    advance,
    decode_position,
    encode_position,
    plan,
)
from atp_stream.engine.producers import drop_producer, make_producer, transactional_id
from atp_stream.engine.runs import Run
from atp_stream.engine.tables import StateTable

log = get_logger(__name__)

#: A partition's fetching pauses above this many waiting records, and goes on below a quarter of it.
WAITING_RECORDS = 6_000
TRANSACTION_TIMEOUT = 30.0
#: How long an answer may take: after that nobody waits for it. Less than a transaction may be open.
REQUEST_TIMEOUT = 15.0
#: How long a step may take to end when its partition is lost. Whoever takes it over ends it, or knows how it ended.
CLOSE_TIMEOUT = 5.0


class Answer(NamedTuple):
    """What one call of the fold leaves behind: `consumed` of the records it was given, rows and outputs.

    `counted` says how often what happened that is neither, for the figures.
    """

    consumed: int
    rows: Mapping[bytes, bytes | None]
    outputs: Sequence[Output]
    unfinished: bool
    counted: Mapping[str, int] = MappingProxyType({})


Fold = Callable[[int, Store, Sequence[LogRecord]], Answer]


class Steps:
    """Owns the log partitions assigned to this worker, and takes their steps."""

    def __init__(
        self, app: Any, *, topic: str, retention: float, table: StateTable, fold: Fold, genesis: str, kafka: KafkaAccess
    ) -> None:
        self._app = app
        self._retention = retention
        self._topic = topic
        self._table = table
        self._fold = fold
        self._genesis = genesis
        self._kafka = kafka
        self._lanes: dict[int, Lane] = {}
        self._open = False
        self.on_step: Callable[[int, int, Answer, float], None] = lambda *_: None

    # -- ownership -----------------------------------------------------------------------------

    async def take_over(self, partitions: set[int]) -> None:
        """Fence the earlier owners of these partitions; steps start once their state is known."""
        await self.close()
        lanes = await asyncio.gather(*(self._fence(partition) for partition in sorted(partitions)))
        self._lanes = {lane.partition: lane for lane in lanes}
        self._open = True

    async def _fence(self, partition: int) -> Lane:
        producer = make_producer(
            self._kafka,
            transactional_id=transactional_id(self._app.conf.id, self._genesis, partition),
            transaction_timeout_ms=int(TRANSACTION_TIMEOUT * 1000),
            request_timeout_ms=int(REQUEST_TIMEOUT * 1000),
        )
        await producer.start()
        # Waits for InitProducerId: the broker then ends the earlier owner's transaction and refuses its next.
        await producer.begin_transaction()
        await producer.abort_transaction()
        return Lane(partition, producer, PartitionStore(self._table, partition))

    async def close(self) -> None:
        """Let steps in flight end and give all partitions back; nothing runs until the next take-over."""
        self._open = False
        lanes, self._lanes = self._lanes, {}
        for lane in lanes.values():
            lane.runs.clear()
            lane.wake.set()
        tasks = [lane.task for lane in lanes.values() if lane.task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT)
            for task in late:
                task.cancel()
        await asyncio.gather(*(drop_producer(lane.producer) for lane in lanes.values()))

    def halt(self) -> None:
        """Begin no more steps until the next take-over."""
        self._open = False

    def start_positions(self) -> dict[TP, int]:
        """Return where each owned log partition is to be read from, and let its steps begin.

        Called when the state has been read to the stable end of its changelog.
        """
        starts = {}
        for lane in self._lanes.values():
            row = lane.store.read(POSITION_KEY)
            try:
                position = Position(genesis=self._genesis) if row is None else decode_position(row)
            except NewerFormat as error:
                self._app.give_up(
                    f"partition {lane.partition}: {error}: start the version that wrote it, or a later one"
                )
                continue
            if position.genesis != self._genesis:
                self._app.give_up(
                    f"the state of partition {lane.partition} was made from log {position.genesis}, but the item log"
                    f" is {self._genesis}: remove the data directory and the changelog topic, or restore the old log"
                )
                continue
            lane.position = position
            if lane.task is None:
                lane.task = asyncio.create_task(self._work(lane), name=f"lane-{lane.partition}")
            starts[TP(self._topic, lane.partition)] = position.applied + 1
        return starts

    def owned(self) -> set[int]:
        """Return the partitions whose steps may run."""
        return {lane.partition for lane in self._lanes.values() if lane.position is not None} if self._open else set()

    def position(self, partition: int) -> Position | None:
        """Return how far an owned partition's state has come."""
        lane = self._lanes.get(partition)
        return None if lane is None else lane.position

    def unfinished(self, partition: int) -> bool:
        """Tell whether an owned partition has work to finish that an earlier record of its log caused."""
        lane = self._lanes.get(partition)
        return lane is not None and lane.unfinished

    def marks(self) -> list[Mapping[str, Mark]]:
        """Return the marks of the owned partitions."""
        return [lane.position.marks for lane in self._lanes.values() if lane.position is not None]

    # -- work ----------------------------------------------------------------------------------

    def submit(self, event: Any, run: Run) -> None:
        """Queue a run for its partition's next step."""
        lane = self._lanes.get(run.tp.partition)
        if lane is None or not self._open:
            return
        lane.runs.append((event, run))
        lane.waiting += len(run.records)
        if lane.waiting > WAITING_RECORDS and not lane.paused:
            lane.paused = True
            self._app.consumer.on_buffer_full(run.tp)  # what is being fetched still arrives
        lane.wake.set()

    async def _work(self, lane: Lane) -> None:
        try:
            while self._open and self._app.gave_up is None:
                if not lane.runs and not lane.unfinished:
                    lane.wake.clear()
                    await lane.wake.wait()
                    continue
                events, records, end = lane.take()
                if lane.paused and lane.waiting < WAITING_RECORDS // 4:
                    lane.paused = False
                    self._app.consumer.on_buffer_drop(TP(self._topic, lane.partition))
                if await self._steps(lane, records, end):
                    for event in events:
                        event.ack()
        except KafkaError as error:
            if self._lanes.get(lane.partition) is lane:  # else a take-over is on its way
                self._app.take_over_anew(f"partition {lane.partition}: a step failed ({error!r})")
        except WrongGenesis as error:
            self._app.give_up(f"partition {lane.partition} of {self._topic}: {error}; run `atp init` on a new app id")
        except Exception as error:  # noqa: BLE001 - whatever it is, this partition's outcome is not known any more
            self._app.give_up(f"partition {lane.partition}: a step failed, its outcome is not known: {error!r}", error)

    async def _steps(self, lane: Lane, records: list[Any], end: int) -> bool:
        """Take steps until the records, and the position `end`, are behind us; False if the partition was lost.

        Unfinished work has one step if there are no records: then what came in meanwhile has its turn.
        """
        position = lane.known
        records = [record for record in records if record.offset > position.applied]
        unfinished = lane.unfinished
        while records or unfinished or lane.known.applied < end - 1:
            unfinished = False
            part = records[:STEP_RECORDS]
            covered = await self._step(lane, part, end if len(part) == len(records) else part[-1].offset + 1)
            records = records[covered:]
            if not self._open:
                return not records
        return True

    async def _step(self, lane: Lane, records: list[Any], end: int) -> int:
        began = time.perf_counter()
        position = lane.known
        if records and not lane.warned:
            self._warn_of_retention(lane, records[0].timestamp)
        planned = plan(position, records)
        answer = self._fold(lane.partition, lane.store, planned.fresh)
        if lane.partition in self._table.spoiled:  # the fold may have taken the disk's fault for its own
            raise RuntimeError("folded over a database that cannot be read")
        moved, covered = advance(position, records, planned, answer.consumed, end)
        if answer.rows or moved.applied > position.applied:
            await self._commit(lane, answer, moved)
        elif records or answer.unfinished:
            raise RuntimeError("the fold neither consumed a record nor changed a row")
        lane.position = moved
        lane.unfinished = answer.unfinished
        self.on_step(lane.partition, covered, answer, time.perf_counter() - began)
        return covered

    def _warn_of_retention(self, lane: Lane, timestamp: int) -> None:
        behind = time.time() - timestamp / 1000
        if behind > self._retention / 2 > 0:
            lane.warned = True
            log.warning(
                "partition %s is %.0f h behind, and the log keeps only %.0f h: what retention removes is lost",
                lane.partition,
                behind / 3600,
                self._retention / 3600,
            )

    async def _commit(self, lane: Lane, answer: Answer, moved: Position) -> None:
        rows = {**answer.rows, POSITION_KEY: encode_position(moved)}
        changelog, partition = self._table.changelog_topic_name, lane.partition
        await lane.producer.begin_transaction()
        batches = Batches(lane.producer)  # what fails on the way is ended by whoever takes the partition over
        await batches.add_rows(changelog, partition, rows.items())
        await batches.add_all(answer.outputs)
        await batches.send()
        await lane.producer.commit_transaction()
        self._table.apply(partition, rows.items(), batches.ends[changelog, partition])
