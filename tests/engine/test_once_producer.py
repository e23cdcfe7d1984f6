"""What ends a transaction is sent once: a copy that comes late would end the next one, half filled."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.client import ConnectionGroup, CoordinationType
from aiokafka.errors import KafkaConnectionError, KafkaError, RequestTimedOutError, for_code
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import EndTxnRequest

from atp_stream.access import KafkaAccess
from atp_stream.devstack import Stack
from atp_stream.engine.batches import Batches
from atp_stream.engine.once_producer import AnswerLost
from atp_stream.engine.producers import drop_producer
from atp_stream.provision import administration
from atp_stream.records import Output
from tests.engine.support import once_producer

pytestmark = pytest.mark.stack
TOPIC = "once"


class Held:
    """Holds the first request of a kind back, as a network may: whoever sent it hears nothing, and it comes later."""

    def __init__(self, producer: AIOKafkaProducer, kind: Any, error: KafkaError) -> None:
        self._client, self._send = producer.client, producer.client.send
        self._kind, self._error = kind, error
        self.sent = 0
        self._request: tuple[int, Any] | None = None
        producer.client.send = self

    async def __call__(self, node: int, request: Any, *, group: Any = ConnectionGroup.DEFAULT) -> Any:
        if isinstance(request, self._kind):
            self.sent += 1
            if self._request is None:
                self._request = node, request
                raise self._error
        return await self._send(node, request, group=group)

    async def arrive(self) -> type[Exception]:
        """Let it arrive, and return what the broker says."""
        assert self._request is not None
        answer = await self._send(*self._request, group=ConnectionGroup.COORDINATION)
        found: type[Exception] = for_code(answer.error_code)
        return found


@asynccontextmanager
async def started(producer: AIOKafkaProducer) -> AsyncIterator[AIOKafkaProducer]:
    await producer.start()
    try:
        yield producer
    finally:
        await drop_producer(producer)


async def say(producer: AIOKafkaProducer, value: bytes) -> None:
    batches = Batches(producer)
    await batches.add(Output(TOPIC, 0, None, value, []))
    await batches.send()


async def committed(bootstrap: str) -> list[bytes]:
    """Return what a reader of committed records sees."""
    tp = TopicPartition(TOPIC, 0)
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
    ) as consumer:
        consumer.assign([tp])
        end = (await consumer.end_offsets([tp]))[tp]
        found: list[bytes] = []
        while await consumer.position(tp) < end:
            found += [record.value for record in (await consumer.getmany(tp, timeout_ms=100)).get(tp, [])]
    return found


@pytest.fixture
async def bootstrap(stack: Stack) -> AsyncIterator[str]:
    async with administration(KafkaAccess(stack.bootstrap)) as admin:
        await admin.create_topics([NewTopic(TOPIC, 1, 1)])
        yield stack.bootstrap
        await admin.delete_topics([TOPIC])


async def test_asked_again_in_one_epoch_a_late_copy_ends_the_next_transaction(bootstrap: str) -> None:
    """This is what aiokafka's own producer does, and why it is not used."""
    async with started(AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id="twice")) as producer:
        held = Held(producer, EndTxnRequest, RequestTimedOutError())
        await producer.begin_transaction()
        await say(producer, b"whole")
        await producer.commit_transaction()
        assert 2 == held.sent
        await producer.begin_transaction()
        await say(producer, b"half")
        await held.arrive()

        assert [b"whole", b"half"] == await committed(bootstrap)


@pytest.mark.parametrize("error", [RequestTimedOutError(), KafkaConnectionError()])
async def test_an_answer_that_is_lost_ends_the_producer_and_its_late_copy_ends_nothing(
    bootstrap: str, error: KafkaError
) -> None:
    async with started(await once_producer(bootstrap, "once")) as producer:
        held = Held(producer, EndTxnRequest, error)
        await producer.begin_transaction()
        await say(producer, b"unknown")
        with pytest.raises(AnswerLost):
            await producer.commit_transaction()
        assert 1 == held.sent
        with pytest.raises(AssertionError, match="FATAL_ERROR"):
            await producer.begin_transaction()

        async with started(await once_producer(bootstrap, "once")) as successor:
            await successor.begin_transaction()
            await say(successor, b"half")
            refused = await held.arrive()
            assert [] == await committed(bootstrap)
            await successor.commit_transaction()

    assert "Epoch" in refused.__name__ or "Fenced" in refused.__name__
    async with started(await once_producer(bootstrap, "once")):
        assert [b"half"] == await committed(bootstrap)


async def test_a_batch_whose_answer_is_lost_is_not_sent_again(bootstrap: str) -> None:
    async with started(await once_producer(bootstrap, "batch")) as producer:
        held = Held(producer, ProduceRequest, KafkaConnectionError())
        await producer.begin_transaction()

        with pytest.raises(KafkaConnectionError):
            await say(producer, b"lost")
        assert 1 == held.sent


async def test_a_coordinator_that_was_not_reached_is_asked_again(bootstrap: str) -> None:
    async with started(await once_producer(bootstrap, "again")) as producer:
        await producer.begin_transaction()
        await say(producer, b"a")
        ready, refused = producer.client.ready, [True]

        async def once_not(node: int, *, group: Any = ConnectionGroup.DEFAULT) -> bool:
            if group == ConnectionGroup.COORDINATION and refused:
                return not refused.pop()
            return bool(await ready(node, group=group))

        producer._sender._coordinators[CoordinationType.TRANSACTION] = 1
        producer.client.ready = once_not
        await producer.commit_transaction()

        assert [b"a"] == await committed(bootstrap)
