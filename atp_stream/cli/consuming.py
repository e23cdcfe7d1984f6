"""Reading our own topics for a person: a consumer that has started, or one line that says why not."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from atp_stream.access import KafkaAccess
from atp_stream.access.trouble import missing, start
from atp_stream.cli.group import Failure
from atp_stream.settings import Settings
from atp_stream.topics import Topic

_START_S = 8.0


@asynccontextmanager
async def reading(
    settings: Settings, topics: Sequence[Topic]
) -> AsyncIterator[tuple[AIOKafkaConsumer, list[TopicPartition]]]:
    """Give a read_committed consumer that holds all partitions of `topics`, and these; it begins at their beginning.

    Raises:
        Failure: no broker answers, or a topic is missing.
    """
    kafka = KafkaAccess.of(settings)
    consumer = AIOKafkaConsumer(
        **kafka,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,  # a request for ends waits behind it
    )
    try:
        await start(kafka, consumer, _START_S, Failure)
        known = await consumer.topics()
        absent = [topic.name for topic in topics if topic.name not in known]
        if absent:
            raise Failure(missing(kafka, absent[0]))
        partitions = [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]
        consumer.assign(partitions)
        yield consumer, partitions
    finally:
        await consumer.stop()
