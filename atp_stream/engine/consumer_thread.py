"""The thread that the worker's consumer lives in: it fetches runs, read_committed, and starts streams at our positions.

Why each override is there is measured: see docs/runtime.md#traps.
"""

import asyncio
import time
from collections.abc import Awaitable, Collection, Mapping, Sequence
from typing import Any

from aiokafka.errors import IllegalStateError, KafkaConnectionError, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.tables.recovery import RebalanceAgain
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import get_logger

from atp_stream.engine.ends import partitions_now, written_ends
from atp_stream.engine.fetch_session import fetch_in_sessions
from atp_stream.engine.host import Engine
from atp_stream.engine.runs import Run, service_logger, wrap
from atp_stream.engine.source_place import Place

log = get_logger(__name__)

#: How long the broker may hold back a fetch that finds nothing. aiokafka sends one at a time: while one over the
#: partitions without news waits, those with news wait, too, and so does what is asked for ends. Faust would make it
#: 1,500, aiokafka 500.
FETCH_WAIT_MS = 50
_BEGINNING = Place(0)


async def _unless_closed(asking: Awaitable[Any]) -> Any:
    """Return the answer; what is cancelled because the consumer is closed has failed.

    Passed on as it is, the cancellation would end the thread, and the worker never.
    """
    try:
        return await asking
    except asyncio.CancelledError:
        raise KafkaConnectionError("the consumer is being closed") from None


class RunThread(driver.AIOKafkaConsumerThread):
    """The consumer's thread: fetches runs, and starts streams where our own state says."""

    logger = service_logger
    app: Engine  # type: ignore[assignment] # an `EngineApp`

    def __post_init__(self) -> None:
        super().__post_init__()
        self._next: dict[TP, int] = {}  # where the next run of a partition has to start
        self.last_heartbeat = 0.0

    def _create_worker_consumer(self, transport: Any) -> Any:
        # Faust reads committed records only in its exactly_once mode, which we do not use;
        # with the flag up only here, offsets and high waters stay those of plain Faust.
        self.consumer.in_transaction = True
        try:
            consumer = super()._create_worker_consumer(transport)
        finally:
            self.consumer.in_transaction = False
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        fetch_in_sessions(consumer)
        return consumer

    async def on_start(self) -> None:
        """Watch the heartbeats: an owner answers reads only while the group still believes in it."""
        await super().on_start()
        coordinator = self._ensure_consumer()._coordinator
        beat = coordinator._do_heartbeat

        async def watched() -> bool:
            sent = time.monotonic()  # the broker counts from when it got it, which is later
            alive: bool = await beat()
            if alive:
                self.last_heartbeat = sent
            return alive

        coordinator._do_heartbeat = watched

    async def _seek_wait(self, consumer: Any, partitions: Mapping[TP, int]) -> None:
        self._next.update(partitions)
        await super()._seek_wait(consumer, partitions)

    async def seek_to_committed(self) -> dict[TP, int]:
        """Seek streams to where they go on: sources to what was committed, the log behind what was applied."""
        epoch = self.app.epoch
        newer = self.app.tables.recovery.signal_recovery_start.is_set()
        if newer or epoch != self.app.recovery_epoch:  # what this recovery has read may not be all that was committed
            raise RebalanceAgain
        changelogs = self.app.tables.changelog_topics
        streams = {tp for tp in self.assignment() if tp.topic not in changelogs}
        committed = await self.call_thread(self._committed, streams)
        wanted = {tp: committed.get(tp, _BEGINNING).offset for tp in streams}
        if epoch != self.app.epoch:  # what the state says now is of an assignment that is not restored yet
            raise RebalanceAgain
        log_positions = {tp: at for tp, at in self.app.start_positions().items() if tp in streams}
        wanted.update(log_positions)
        beginnings, ends = await self.earliest_offsets(*streams), await self.highwaters(*streams)
        starts: dict[TP, int] = self.app.sources.start_offsets(wanted, beginnings, ends)
        await self.app.sources.compare(self.app.known_marks(), log_positions)
        if starts:
            await self.seek_wait(starts)
        self.app.expected.clear()
        self.app.expected.update(starts)
        places = {tp: Place(at, committed.get(tp, _BEGINNING).time_ms) for tp, at in starts.items()}
        self.app.intake.begin({tp: place for tp, place in places.items() if tp.topic != self.app.log_topic})
        return starts

    async def _committed(self, tps: set[TP]) -> dict[TP, Place]:
        if not tps:
            return {}
        found = await self._ensure_consumer()._coordinator.fetch_committed_offsets(list(tps))
        return {TP(*tp): Place.of(at.offset, at.metadata) for tp, at in found.items() if at.offset >= 0}

    async def places(self, without: Collection[TP]) -> dict[TP, Place]:
        """Return the committed places of all source partitions that the group knows, but for some."""
        found: dict[TP, Place] = await self.call_thread(self._committed, self._sources() - set(without))
        return found

    async def source_ends(self) -> dict[TP, int]:
        """Return up to where all source partitions that the group knows can be read now."""
        found = await self.call_thread(self._ensure_consumer().end_offsets, list(self._sources()))
        return {TP(*tp): end for tp, end in found.items()}

    async def beat(self) -> bool:
        """Send a heartbeat now; return whether the group accepts it in our generation."""
        return bool(await _unless_closed(self._ensure_consumer()._coordinator._do_heartbeat()))

    async def rejoin(self) -> None:
        """Ask the group for an assignment; one that has not changed is taken over all the same."""
        self._ensure_consumer()._coordinator.request_rejoin()

    def _sources(self) -> set[TP]:
        consumer = self._ensure_consumer()
        topics = consumer.subscription() - self.app.tables.changelog_topics - {self.app.log_topic}
        return {TP(topic, number) for topic in topics for number in consumer.partitions_for_topic(topic) or ()}

    async def look_for_topics(self) -> None:
        """Ask the broker which topics there are, sooner than every five minutes."""
        await self.call_thread(self._look_for_topics)

    async def _look_for_topics(self) -> None:
        await self._ensure_consumer()._client.force_metadata_update()

    async def progress(self, topics: Sequence[str]) -> tuple[dict[TP, int], dict[TP, int]]:
        """Return where every partition of the topics ends, and up to where the group has committed to have read it."""
        found: tuple[dict[TP, int], dict[TP, int]] = await self.call_thread(self._progress, topics)
        return found

    async def _progress(self, topics: Sequence[str]) -> tuple[dict[TP, int], dict[TP, int]]:
        consumer = self._ensure_consumer()
        tps = await partitions_now(consumer, topics)
        # First: what is committed later may only be more. Ends of all that was written: what stands behind an open
        # transaction cannot be read yet, but it was said in time.
        ends = await written_ends(consumer, tps)
        committed = await self._committed(tps)
        return ends, {tp: committed.get(tp, _BEGINNING).offset for tp in tps}

    async def undecided(self, tps: Collection[TP]) -> dict[TP, int]:
        """Return the partitions with a transaction that is still open, and the offset at which it begins."""
        consumer = self._ensure_consumer()
        ends = await _unless_closed(written_ends(consumer, tps))
        stable = await _unless_closed(consumer.end_offsets(list(tps)))
        return {tp: stable[tp] for tp, end in ends.items() if stable[tp] < end}

    async def _fetch_records(
        self, consumer: Any, active_partitions: set[TP], timeout: float | None = None, max_records: int | None = None
    ) -> Any:
        wanted = set(active_partitions)  # a copy: Faust changes the set while the fetch waits
        if not wanted:  # aiokafka would take it for all
            return {}
        fetched = await self._fetch_shares(consumer, wanted, timeout, max_records or 1)
        epoch = self.app.epoch  # read before the flags: whoever moves raises it first
        assignment = consumer._subscription.subscription.assignment
        runs: dict[TP, list[Any]] = {}
        for tp in wanted:  # not the keys of `fetched`: those equal Faust's, but it refuses them
            records = fetched.get(tp, [])
            changelog = self.consumer._is_changelog_tp(tp)
            if (self.app.rebalancing or self.app.moving) and not (changelog and self.app.in_recovery):
                if records:  # Faust clears its queues at the end of a rebalance and would lose them
                    consumer.seek(tp, records[0].offset)
            elif assignment and tp in assignment.tps and assignment.state_value(tp).has_valid_position:
                end = assignment.state_value(tp).position
                start = min([self._next.get(tp, end), *(record.offset for record in records[:1])])
                if records and records[0].offset > start and not changelog:
                    start = await self._after_a_gap(consumer, tp, start, records[0].offset)
                if records or end > start:
                    self._next[tp] = end
                    runs[tp] = [wrap(Run(tp, start, end, records, epoch))]
        return runs

    async def _fetch_shares(self, consumer: Any, wanted: set[TP], timeout: float | None, max_records: int) -> Any:
        """Return records of all partitions that have some, an equal share of each.

        aiokafka hands out all that it has of one partition before it begins with the next: facts of an item that lie in
        several partitions would come too late, and what waits would fill the memory.
        """
        fetcher = consumer._fetcher
        share = max(1, max_records // (sum(tp in wanted for tp in fetcher._records) or len(wanted)))
        found = dict(await super()._fetch_records(consumer, wanted, timeout=timeout, max_records=share))
        for tp in [tp for tp in fetcher._records if tp in wanted and tp not in found]:
            found.update(await super()._fetch_records(consumer, {tp}, timeout=0, max_records=share))
        return found

    async def _after_a_gap(self, consumer: Any, tp: TP, expected: int, found: int) -> int:
        """Return where a run starts whose first record lies behind what was expected.

        Most often there are markers of transactions in between. But aiokafka also goes to the first record there is,
        without a word, when retention removed what it was to read.
        """
        first = (await consumer.beginning_offsets([tp]))[tp]
        if first <= expected:
            return expected
        if tp.topic == self.app.log_topic:
            return found  # does not join on: the process gives up, and its next start names what is lost
        log.error("%s/%s: offsets %s to %s are gone by retention and were never read", *tp, expected, first - 1)
        return expected

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit what is still held; of a source, the place that it has come to by now."""
        consumer = self._ensure_consumer()
        held = self.assignment()
        wanted = {TopicPartition(*tp): self._note(tp, at) for tp, at in offsets.items() if tp in held}
        try:
            await consumer.commit(wanted)
        except (KafkaError, IllegalStateError) as error:  # only a hint: our state holds the positions
            self.log.info("offsets not committed, which is harmless: %r", error)
            return False
        return True

    def _note(self, tp: TP, offset: int) -> OffsetAndMetadata:
        place = self.app.intake.place(tp)
        if place is None or place.offset < offset:  # the log, or what another assignment has acknowledged
            return OffsetAndMetadata(offset, "")
        return OffsetAndMetadata(place.offset, place.note)
