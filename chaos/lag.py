"""How far a system is behind its inputs, according to Kafka and not to the workers."""

import json
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from atp_stream import provision
from atp_stream.access import KafkaAccess
from atp_stream.settings import Settings
from atp_stream.topics import Topic, Topics

_LOOK_BACK_RECORDS: Final = 2_000  # of a changelog partition; its newest position is among them


class Lag(NamedTuple):
    """How many inputs are not in the log, by the group's offsets, and how many log records are not in the state."""

    intake: int
    ledger: int


def _parts(topic: Topic) -> list[TopicPartition]:
    return [TopicPartition(topic.name, number) for number in range(topic.partitions)]


async def lag(settings: Settings) -> Lag:
    """Return how far intake, by its committed offsets, and ledger, by its applied positions, are behind."""
    topics = Topics.of(settings)
    async with provision.administration(KafkaAccess.of(settings)) as admin:
        committed = await admin.list_consumer_group_offsets(settings.app_id)
    consumer = AIOKafkaConsumer(**KafkaAccess.of(settings), isolation_level="read_committed", fetch_max_wait_ms=50)
    await consumer.start()
    try:
        inputs = [part for topic in topics.inputs for part in _parts(topic)]
        ends = await consumer.end_offsets(inputs)
        intake = sum(max(0, ends[part] - (committed[part].offset if part in committed else 0)) for part in inputs)
        applied = await _newest_positions(consumer, topics)
        logs = _parts(topics.item_log)
        consumer.assign(logs)
        behind = await _records_behind(consumer, logs, applied)
    finally:
        await consumer.stop()
    return Lag(intake, behind)


async def _newest_positions(consumer: AIOKafkaConsumer, topics: Topics) -> dict[int, int]:
    parts = _parts(topics.state_changelog)
    consumer.assign(parts)
    ends = await consumer.end_offsets(parts)
    first = await consumer.beginning_offsets(parts)
    for part in parts:
        consumer.seek(part, max(first[part], ends[part] - _LOOK_BACK_RECORDS))
    applied: dict[int, int] = {}
    while behind := [part for part in parts if await consumer.position(part) < ends[part]]:
        for records in (await consumer.getmany(*behind, timeout_ms=200)).values():
            for record in records:
                if record.key == b"|position":
                    applied[record.partition] = json.loads(record.value)["applied"]
    return applied


async def _records_behind(consumer: AIOKafkaConsumer, logs: list[TopicPartition], applied: dict[int, int]) -> int:
    """Count the records after the applied positions; markers of transactions do not count."""
    ends = await consumer.end_offsets(logs)
    for part in logs:
        consumer.seek(part, min(ends[part], applied.get(part.partition, -1) + 1))
    found = 0
    while behind := [part for part in logs if await consumer.position(part) < ends[part]]:
        found += sum(len(records) for records in (await consumer.getmany(*behind, timeout_ms=200)).values())
    return found
