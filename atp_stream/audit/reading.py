"""Reads stretches of partitions, committed records only."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from atp_stream.access import KafkaAccess
from atp_stream.access.trouble import missing, start
from atp_stream.audit.errors import AuditError
from atp_stream.topics import Topic

_START_S = 10.0
_STALL_S = 60.0
#: A transaction that is open now is over after this, one way or the other.
_SETTLE_S = 60.0


class Reader:
    """Reads any partition of a cluster, without a group."""

    def __init__(self, committed: AIOKafkaConsumer, uncommitted: AIOKafkaConsumer) -> None:
        self._committed = committed
        self._uncommitted = uncommitted

    async def begin(self, topic: str, partition: int) -> int:
        """Return the first offset there is, or will be."""
        tp = TopicPartition(topic, partition)
        return int((await self._committed.beginning_offsets([tp]))[tp])

    async def end(self, topic: str, partition: int) -> int:
        """Return the stable end: all in front of it is decided."""
        tp = TopicPartition(topic, partition)
        return int((await self._committed.end_offsets([tp]))[tp])

    async def decided_end(self, topic: str, partition: int) -> int:
        """Return the stable end, once it has passed all that is there now: what was committed elsewhere is in it.

        Raises:
            AuditError: a transaction stays open for too long.
        """
        tp = TopicPartition(topic, partition)
        there = (await self._uncommitted.end_offsets([tp]))[tp]
        until = time.monotonic() + _SETTLE_S
        while (end := await self.end(topic, partition)) < there:
            if time.monotonic() > until:
                raise AuditError(f"a transaction on {topic}/{partition} stays open: try again later")
            await asyncio.sleep(0.05)
        return end

    async def stretch(self, topic: str, partition: int, start: int, end: int) -> AsyncIterator[list[ConsumerRecord]]:
        """Yield the records with offsets in [start, end), some at a time.

        Raises:
            AuditError: retention has removed some, or the broker does not answer any more.
        """
        if start >= end:
            return
        tp, consumer = TopicPartition(topic, partition), self._committed
        consumer.assign([tp])
        consumer.seek(tp, start)
        progressed_at_s = time.monotonic()
        try:
            while (position := await consumer.position(tp)) < end:
                found = (await consumer.getmany(tp, timeout_ms=20, max_records=2_000)).get(tp, [])
                if records := [record for record in found if record.offset < end]:
                    yield records
                if await consumer.position(tp) > position:
                    progressed_at_s = time.monotonic()
                elif time.monotonic() - progressed_at_s > _STALL_S:
                    raise AuditError(f"{topic}/{partition} cannot be read on from {position}")
        except OffsetOutOfRangeError:
            raise AuditError(f"retention removed records of {topic}/{partition} while they were read") from None


@asynccontextmanager
async def reader(kafka: KafkaAccess, topics: tuple[Topic, ...]) -> AsyncIterator[Reader]:
    """Give a reader; its `topics` are there.

    Raises:
        AuditError: no broker answers, or a topic is missing.
    """
    async with AsyncExitStack() as stack:
        consumers = []
        for isolation in ("read_committed", "read_uncommitted"):
            consumer = AIOKafkaConsumer(
                **kafka,
                isolation_level=isolation,
                enable_auto_commit=False,
                auto_offset_reset="none",
                fetch_max_wait_ms=20,  # what is read next is always there already
            )
            stack.push_async_callback(consumer.stop)
            await start(kafka, consumer, _START_S, AuditError)
            consumers.append(consumer)
        known = await consumers[0].topics()
        for topic in topics:
            if topic.name not in known:
                raise AuditError(missing(kafka, topic.name))
        yield Reader(*consumers)
