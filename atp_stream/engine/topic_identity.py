"""Are the topics still the ones that our positions count? Offsets mean nothing without the topic they count.

Kafka keeps a topic's name when it is deleted and made anew, and forgets the group's offsets of it. aiokafka knows no
topic ids, so identity is a checksum: each mark of the state keeps that of the record it stands for, and at a take-over
that record is read again.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition
from faust.types import TP
from mode import get_logger

from atp_stream.access import KafkaAccess
from atp_stream.engine.consumer_thread import FETCH_WAIT_MS
from atp_stream.engine.host import Host
from atp_stream.engine.position import CONTROL_HEADER, CONTROL_RESET, Mark

log = get_logger(__name__)

CHECK_TIMEOUT_S = 5.0


@asynccontextmanager
async def _consumer(kafka: KafkaAccess) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        **kafka,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=FETCH_WAIT_MS,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def _ends(consumer: AIOKafkaConsumer, tps: list[TP]) -> dict[TP, int]:
    partitions = [TopicPartition(*tp) for tp in tps]
    consumer.assign(partitions)
    return {TP(tp.topic, tp.partition): end for tp, end in (await consumer.end_offsets(partitions)).items()}


def checksum(record: Any) -> str:
    """Return what tells a source record from another one at the same offset."""
    return f"{zlib.crc32(record.value or b'', zlib.crc32(record.key or b'', record.timestamp & 0xFFFFFFFF)):08x}"


def newest_marks(marks: list[Mapping[str, Mark]]) -> dict[TP, Mark]:
    """Return the newest mark of each source partition, over those of several log partitions."""
    newest: dict[TP, Mark] = {}
    for one in marks:
        for source, mark in one.items():
            topic, _, number = source.rpartition("/")
            tp = TP(topic, int(number))
            if tp not in newest or newest[tp].offset < mark.offset:
                newest[tp] = mark
    return newest


class SourceCheck:
    """Compares positions with what the topics hold, and gives the process up where going on would be wrong."""

    def __init__(self, host: Host, *, kafka: KafkaAccess, log_topic: str) -> None:
        self._host = host
        self._kafka = kafka
        self._log_topic = log_topic

    def start_offsets(
        self, wanted: Mapping[TP, int], beginnings: Mapping[TP, int], ends: Mapping[TP, int]
    ) -> dict[TP, int]:
        """Return where to read from: what is wanted, or the first record there is, said loudly.

        Gives up if the log lost records that were never applied, or a topic ends before what was read of it.
        """
        starts: dict[TP, int] = {}
        for tp, at in wanted.items():
            first, end = beginnings[tp], ends[tp]
            starts[tp] = max(at, first)
            if at > end:
                self._give_up(tp, f"it ends at {end}, but was read up to {at}")
            elif at < first and tp.topic == self._log_topic:
                self._host.give_up(
                    f"{tp.topic}/{tp.partition} begins at {first}, but offsets {at} to {first - 1} were never applied:"
                    " retention removed them; restore them, or start anew with another app id"
                )
            elif 0 < at < first:
                log.error("%s/%s: offsets %s to %s are gone by retention and were never read", *tp, at, first - 1)
        return starts

    async def compare(self, marks: Mapping[TP, Mark], log_positions: Mapping[TP, int]) -> None:
        """Read again what the marks stand for; give up if another record stands there, or none does.

        `log_positions` say where the log goes on: an operator's reset that stands there in the log is heeded.
        """
        wrong = await self._wrong(marks)
        if wrong:
            forgotten = await self._resets_ahead(log_positions)
            for tp, what in wrong.items():
                if tp.topic not in forgotten:
                    self._give_up(tp, what)

    async def _wrong(self, marks: Mapping[TP, Mark]) -> dict[TP, str]:
        if not marks:
            return {}
        async with _consumer(self._kafka) as consumer:
            there = await consumer._client.fetch_all_metadata()
            wrong = {
                tp: "it has no such partition any more"
                for tp in marks
                if tp.partition not in (there.partitions_for_topic(tp.topic) or ())
            }
            ends = await _ends(consumer, [tp for tp in marks if tp not in wrong])
            for tp, end in ends.items():
                if end <= marks[tp].offset:
                    wrong[tp] = f"it ends at {end}, but offset {marks[tp].offset} was read"
            found = await self._read(consumer, {tp: mark.offset for tp, mark in marks.items() if tp not in wrong})
        for tp, record in found.items():
            mark = marks[tp]
            if record.offset == mark.offset and mark.checksum and checksum(record) != mark.checksum:
                wrong[tp] = f"another record stands at offset {mark.offset}"
        return wrong

    async def _resets_ahead(self, log_positions: Mapping[TP, int]) -> set[str]:
        """Return the topics that the log, read on from here, says to forget."""
        found: set[str] = set()
        async with _consumer(self._kafka) as consumer:
            ends = await _ends(consumer, list(log_positions))
            for tp, offset in log_positions.items():
                consumer.seek(TopicPartition(*tp), offset)
            while behind := [tp for tp in ends if await consumer.position(TopicPartition(*tp)) < ends[tp]]:
                batches = await consumer.getmany(*(TopicPartition(*tp) for tp in behind), timeout_ms=200)
                for record in (record for records in batches.values() for record in records):
                    if dict(record.headers).get(CONTROL_HEADER) == CONTROL_RESET:
                        found.add(record.value.decode())
        return found

    def _give_up(self, tp: TP, what: str) -> None:
        if tp.topic == self._log_topic:
            self._host.give_up(f"{tp.topic}/{tp.partition} is not the log that was applied: {what}")
        else:
            self._host.give_up(
                f"{tp.topic}/{tp.partition} is not the topic that was read before: {what};"
                f" if it was made anew on purpose, stop all workers and run `atp source reset {tp.topic}`"
            )

    @staticmethod
    async def _read(consumer: AIOKafkaConsumer, offsets: Mapping[TP, int]) -> dict[TP, Any]:
        """Return the first record at or behind each offset, of those that answer in time."""
        found: dict[TP, Any] = {}
        for tp, offset in offsets.items():
            consumer.seek(TopicPartition(*tp), offset)
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                while missing := [TopicPartition(*tp) for tp in offsets if tp not in found]:
                    batches = await consumer.getmany(*missing, timeout_ms=200, max_records=len(missing))
                    for tp, records in batches.items():
                        found[TP(tp.topic, tp.partition)] = records[0]
        except TimeoutError:
            log.warning("could not read again what was read last of %s partitions", len(offsets) - len(found))
        return found
