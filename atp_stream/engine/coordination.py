"""Kafka's side of a take-over: transactional ids are initialised, and owner records read.

aiokafka's producer initialises its id by itself and asks until it has an answer. A take-over must ask by itself: before
each attempt it looks whether there is still use in it, and a step id must never be initialised again by its holder.
"""

import asyncio
from collections.abc import Collection
from types import TracebackType
from typing import Final, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.errors import (
    ConcurrentTransactions,
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    KafkaConnectionError,
    KafkaTimeoutError,
    NodeNotReadyError,
    NoError,
    NotCoordinatorError,
    RequestTimedOutError,
    for_code,
)
from aiokafka.protocol.transaction import InitProducerIdRequest
from faust.types import TP

from atp_stream.access import KafkaAccess
from atp_stream.engine.ends import written_ends
from atp_stream.engine.producers import (
    REQUEST_TIMEOUT_S,
    TRANSACTION_TIMEOUT_S,
    Identity,
    make_once_producer,
)

_ASK_AGAIN: Final = (
    ConcurrentTransactions,  # the id's last transaction is being ended: its markers are not written yet
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    NotCoordinatorError,
    KafkaConnectionError,
    NodeNotReadyError,
    RequestTimedOutError,
)


class KafkaCoordinator:
    """The cluster's coordinators of transactions, over one client; a context manager."""

    def __init__(self, kafka: KafkaAccess, owners_topic: str) -> None:
        self._kafka = kafka
        self._topic = owners_topic
        self._client = AIOKafkaClient(**kafka, request_timeout_ms=int(REQUEST_TIMEOUT_S * 1000), retry_backoff_ms=20)

    async def __aenter__(self) -> Self:
        """Connect."""
        try:
            await self._client.bootstrap()
        except BaseException:
            await self._client.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Disconnect."""
        await self._client.close()

    async def initialise(self, name: str) -> Identity | None:
        """Initialise a transactional id; None if that has to be asked again.

        Raises:
            KafkaError: it is refused.
        """
        try:
            node = await self._client.coordinator_lookup(CoordinationType.TRANSACTION, name)
            answer = await self._client.send(
                node, InitProducerIdRequest(name, int(TRANSACTION_TIMEOUT_S * 1000)), group=ConnectionGroup.COORDINATION
            )
        except _ASK_AGAIN:
            await self._client.force_metadata_update()
            return None
        error = for_code(answer.error_code)
        if error is NoError:
            return Identity(answer.producer_id, answer.producer_epoch)
        if issubclass(error, _ASK_AGAIN):
            return None
        raise error(f"transactional id {name}")

    def producer(self, name: str, identity: Identity) -> AIOKafkaProducer:
        """Return a producer under an id that was initialised, not started."""
        return make_once_producer(self._kafka, name, identity)

    async def owner_rows(self, partitions: Collection[int]) -> dict[int, bytes | None]:
        """Return the newest committed record of each of these partitions of the topic of owners.

        Nothing that was written there may be undecided: a newer record could hide behind it.

        Raises:
            KafkaError: they cannot be read, to their ends and in time.
        """
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                return await self._owner_rows(partitions)
        except TimeoutError as error:
            raise KafkaTimeoutError(f"the owner records {self._topic} cannot be read to their ends") from error

    async def _owner_rows(self, partitions: Collection[int]) -> dict[int, bytes | None]:
        tps = [TopicPartition(self._topic, number) for number in partitions]
        consumer = AIOKafkaConsumer(
            **self._kafka,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=20,
            request_timeout_ms=int(REQUEST_TIMEOUT_S * 1000),
        )
        await consumer.start()
        try:
            consumer.assign(tps)
            ends = await written_ends(consumer, [TP(*tp) for tp in tps])
            found: dict[int, bytes | None] = dict.fromkeys(partitions)
            while behind := [tp for tp in tps if await consumer.position(tp) < ends[TP(*tp)]]:
                for tp, records in (await consumer.getmany(*behind, timeout_ms=100)).items():
                    found[tp.partition] = records[-1].value
        finally:
            await consumer.stop()
        return found
