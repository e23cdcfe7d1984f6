"""Everything that the topics hold, read with a plain consumer."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

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
    consumer = AIOKafkaConsumer(
        **kafka,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,  # what asks for ends waits for it
        max_partition_fetch_bytes=4 << 20,
    )
    await consumer.start()
    try:
        records = await _all(consumer, names)
    finally:
        await consumer.stop()
    ids = {number for record in records if (number := avro.schema_id(record.value)) is not None}
    schemas = {number: await asyncio.to_thread(_schema, registry, number) for number in ids} if registry else {}
    return History(names=names, records=records, schemas=schemas)


async def _all(consumer: AIOKafkaConsumer, names: Names) -> list[Record]:
    cluster = await consumer._client.fetch_all_metadata()  # noqa: SLF001 - the consumer itself tells no counts
    partitions = [TopicPartition(name, p) for name in names.every for p in cluster.partitions_for_topic(name) or ()]
    consumer.assign(partitions)
    await consumer.seek_to_beginning(*partitions)
    found: dict[TopicPartition, list[Record]] = {partition: [] for partition in partitions}
    # Tables first: what they are made from, and what was told of it, is then surely read. The log before the inputs.
    for topics in (names.tables, names.outputs, (names.dead_letter,), (names.item_log,), names.inputs):
        mine = [partition for partition in partitions if partition.topic in topics]
        ends = await consumer.end_offsets(mine)
        waiting = {partition for partition in mine if await consumer.position(partition) < ends[partition]}
        while waiting:
            for partition, records in (await consumer.getmany(*waiting, timeout_ms=200)).items():
                found[partition] += [
                    Record(r.topic, r.partition, r.offset, r.timestamp, r.key, r.value, tuple(r.headers))
                    for r in records
                    if r.offset < ends[partition]
                ]
            waiting = {partition for partition in waiting if await consumer.position(partition) < ends[partition]}
    return [record for partition in partitions for record in found[partition]]


def _schema(registry: httpx.Client, number: int) -> Any:
    """Return a schema as parsed JSON, None if the registry has none of this id."""
    answer = registry.get(f"/schemas/ids/{number}")
    return json.loads(answer.json()["schema"]) if answer.is_success else None
