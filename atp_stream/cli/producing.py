"""One record to one topic, and an answer that a person understands."""

import asyncio
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from atp_stream.access import KafkaAccess
from atp_stream.access.trouble import describe_error, missing, start
from atp_stream.cli.group import Failure

_START_S = 8.0  # a wrong address is reported within ten, start of Python included
_TOPIC_S = 3.0


class Place(NamedTuple):
    """Where a record went."""

    topic: str
    partition: int
    offset: int


async def produce(kafka: KafkaAccess, topic: str, key: bytes | None, value: bytes) -> Place:
    """Append one record and return where it is, once all in-sync replicas have it.

    Raises:
        Failure: no broker answers, the topic does not exist, or the broker refuses the record.
    """
    producer = AIOKafkaProducer(**kafka, acks="all", request_timeout_ms=int(_START_S * 1000))
    try:
        await start(kafka, producer, _START_S, Failure)
        try:
            async with asyncio.timeout(_TOPIC_S):  # sending would wait for it without a word
                await producer.partitions_for(topic)
        except (TimeoutError, KafkaError):
            raise Failure(missing(kafka, topic)) from None
        try:
            sent = await producer.send_and_wait(topic, key=key, value=value)
        except KafkaError as error:
            raise Failure(describe_error(kafka, error, f"{topic} does not take the message")) from error
        return Place(sent.topic, sent.partition, sent.offset)
    finally:
        await producer.stop()
