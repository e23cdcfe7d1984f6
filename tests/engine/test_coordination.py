"""What a take-over reads and ends, on the real Kafka."""

from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaTimeoutError

from atp_stream.access import KafkaAccess
from atp_stream.devstack import Stack
from atp_stream.engine import coordination
from atp_stream.engine.coordination import KafkaCoordinator
from atp_stream.provision import administration
from tests.engine.support import once_producer

pytestmark = pytest.mark.stack
OWNERS = "owners-of-a-test"


@pytest.fixture
async def kafka(stack: Stack) -> AsyncIterator[KafkaAccess]:
    access = KafkaAccess(stack.bootstrap)
    async with administration(access) as admin:
        await admin.create_topics([NewTopic(OWNERS, 2, 1)])
        yield access
        await admin.delete_topics([OWNERS])


async def write(producer: AIOKafkaProducer, value: bytes, *, committed: bool) -> None:
    await producer.begin_transaction()
    await producer.send_and_wait(OWNERS, value, key=b"0", partition=0)
    await (producer.commit_transaction() if committed else producer.abort_transaction())


async def test_the_owner_is_the_newest_one_that_was_committed(kafka: KafkaAccess) -> None:
    async with AIOKafkaProducer(**kafka, transactional_id="writes-owners") as producer:
        await write(producer, b"first", committed=True)
        await write(producer, b"second", committed=True)
        await write(producer, b"third", committed=False)

        async with KafkaCoordinator(kafka, OWNERS) as coordinator:
            assert {0: b"second", 1: None} == await coordinator.owner_rows([0, 1])


async def test_who_the_owner_is_is_not_known_while_somebody_writes(
    kafka: KafkaAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coordination, "REQUEST_TIMEOUT_S", 1.0)
    async with AIOKafkaProducer(**kafka, transactional_id="writes-owners") as producer:
        await write(producer, b"first", committed=True)
        await producer.begin_transaction()
        await producer.send_and_wait(OWNERS, b"second", key=b"0", partition=0)

        async with KafkaCoordinator(kafka, OWNERS) as coordinator:
            with pytest.raises(KafkaTimeoutError):
                await coordinator.owner_rows([0])
        await producer.abort_transaction()


async def test_whoever_initialises_an_id_ends_what_was_open_under_it(kafka: KafkaAccess) -> None:
    async with AIOKafkaProducer(**kafka, transactional_id="is-ended") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(OWNERS, b"half", key=b"0", partition=0)
        successor = await once_producer(kafka["bootstrap_servers"], "is-ended")

        async with KafkaCoordinator(kafka, OWNERS) as coordinator:
            assert {0: None} == await coordinator.owner_rows([0])
        await successor.stop()
