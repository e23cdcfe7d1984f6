"""Messages that a worker appends to an input topic in somebody else's name: it decides nothing by that."""

import asyncio
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from atp_stream.access import KafkaAccess
from atp_stream.engine.producers import ProducerOnDemand, make_producer
from atp_stream.records import Headers

SEND_S: Final = 5.0
"""So long a message may take to be appended."""


class NotSent(Exception):
    """Nobody knows whether the message was appended; the same message again does no harm."""


class SourcePlace(NamedTuple):
    """Where a message is."""

    topic: str
    partition: int
    offset: int

    @property
    def source(self) -> str:
        """The name of its partition, as positions have it."""
        return f"{self.topic}/{self.partition}"

    def __str__(self) -> str:
        return f"{self.source}/{self.offset}"


class InputProducer:
    """Appends messages; it connects when it is first used."""

    def __init__(self, kafka: KafkaAccess) -> None:
        self._producer = ProducerOnDemand(lambda: make_producer(kafka))

    async def send(self, topic: str, key: bytes, value: bytes, headers: Headers) -> SourcePlace:
        """Append a message, and return where it is once all in-sync replicas have it.

        Raises:
            NotSent: that did not work in time.
        """
        producer: AIOKafkaProducer | None = None
        try:
            async with asyncio.timeout(SEND_S):
                producer = await self._producer.started()
                sent = await producer.send_and_wait(topic, value, key=key, headers=headers)
        except (KafkaError, TimeoutError, OSError) as error:
            if isinstance(error, KafkaError) and producer is not None:
                await self._producer.drop(producer)  # after some of its faults a producer sends nothing more
            raise NotSent(repr(error)) from error
        if sent.offset < 0:
            raise NotSent("the broker had it before, at an offset that it does not tell")
        return SourcePlace(topic, sent.partition, sent.offset)

    async def close(self) -> None:
        """Disconnect."""
        await self._producer.drop()
