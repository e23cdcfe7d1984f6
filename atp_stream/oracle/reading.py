"""Everything that the topics hold, read with a plain consumer."""

import asyncio
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from atp_stream.oracle import avro
from atp_stream.oracle.checks import check
from atp_stream.oracle.cutting import cut
from atp_stream.oracle.history import History, Names, Record
from atp_stream.oracle.report import Report


async def audit(kafka: Mapping[str, Any], names: Names, *, registry: httpx.Client | None = None) -> Report:
    """Read a cluster and check it; clients are made with `kafka`, and `registry` is needed where Avro is on the wire.

    What is still under way counts as lost: ask again until the traffic has drained.
    """
    history = await read(kafka, names, registry=registry)
    return await asyncio.to_thread(lambda: check(cut(history)))


async def read(kafka: Mapping[str, Any], names: Names, *, registry: httpx.Client | None = None) -> History:
    """Return all committed records of all topics, up to where they end now; `cut` makes them one moment."""
    async with Reader(kafka, names) as reader:
        await reader.read_on()
        return await reader.history(registry)


class Reader:
    """Reads all topics from their beginnings, and on from there whenever it is asked to.

    So it holds what retention and compaction have removed meanwhile. If a record is removed before it is read,
    `read_on` raises aiokafka's OffsetOutOfRangeError: nothing is left out without a word.
    """

    def __init__(self, kafka: Mapping[str, Any], names: Names) -> None:
        self._names = names
        self._found: dict[TopicPartition, list[Record]] = {}
        self._consumer = AIOKafkaConsumer(
            **kafka,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=50,  # what asks for ends waits for it
            max_partition_fetch_bytes=4 << 20,
        )

    async def __aenter__(self) -> Self:
        consumer = self._consumer
        await consumer.start()
        try:
            cluster = await consumer._client.fetch_all_metadata()  # noqa: SLF001 - the consumer itself knows no counts
            every = self._names.every
            parts = [TopicPartition(name, p) for name in every for p in cluster.partitions_for_topic(name) or ()]
            self._found = {part: [] for part in parts}
            consumer.assign(parts)
            await consumer.seek_to_beginning(*parts)
        except BaseException:
            await consumer.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    async def read_on(self) -> list[Record]:
        """Read up to where the topics end now, at the least; return what was read."""
        names = self._names
        news: list[Record] = []
        # Tables first: then what they are made from, and what was published of it, is surely read. Log before inputs.
        for topics in (names.tables, names.outputs, (names.dead_letter,), (names.item_log,), names.inputs):
            mine = [part for part in self._found if part.topic in topics]
            ends = await self._consumer.end_offsets(mine)
            while waiting := [part for part in mine if await self._consumer.position(part) < ends[part]]:
                for part, records in (await self._consumer.getmany(*waiting, timeout_ms=200)).items():
                    read = [
                        Record(r.topic, r.partition, r.offset, r.timestamp, r.key, r.value, tuple(r.headers))
                        for r in records
                    ]
                    self._found[part] += read
                    news += read
        return news

    async def starts(self) -> dict[TopicPartition, int]:
        """Return where each partition begins now: what is in front of it is gone."""
        found: dict[TopicPartition, int] = await self._consumer.beginning_offsets([*self._found])
        return found

    async def history(self, registry: httpx.Client | None = None) -> History:
        """Return all that was read."""
        records = [record for found in self._found.values() for record in found]
        ids = {number for record in records if (number := avro.schema_id(record.value)) is not None}
        schemas = {number: await asyncio.to_thread(_schema, registry, number) for number in ids} if registry else {}
        return History(names=self._names, records=records, schemas=schemas)


def _schema(registry: httpx.Client, number: int) -> Any:
    """Return a schema as parsed JSON, None if the registry has none of this id."""
    answer = registry.get(f"/schemas/ids/{number}")
    return json.loads(answer.json()["schema"]) if answer.is_success else None
