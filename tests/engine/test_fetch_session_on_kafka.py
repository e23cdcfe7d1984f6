"""Fetch sessions on the real broker: what is paused, sought, forgotten by the broker is read all the same, in order."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic

from atp_stream.access import KafkaAccess
from atp_stream.devstack import Stack
from atp_stream.engine import fetch_session
from atp_stream.engine.fetch_session import fetch_in_sessions
from atp_stream.provision import administration

pytestmark = pytest.mark.stack

TOPIC, PARTITIONS, RECORDS = "sessions", 4, 400


async def fill(stack: Stack, topic: str) -> None:
    async with AIOKafkaProducer(**KafkaAccess(stack.bootstrap)) as producer:
        for number in range(RECORDS):
            await producer.send(topic, b"%d" % number, partition=number % PARTITIONS)


async def read(consumer: AIOKafkaConsumer, seen: dict[int, list[int]], disturb: Any) -> None:
    """Read until all of each partition was seen, and do `disturb` between fetches."""
    async with asyncio.timeout(30):
        while sum(map(len, seen.values())) < RECORDS:
            for tp, records in (await consumer.getmany(timeout_ms=100, max_records=7)).items():
                for record in records:
                    if not seen[tp.partition] or record.offset > seen[tp.partition][-1]:
                        seen[tp.partition].append(record.offset)
                    else:
                        assert record.offset in seen[tp.partition]  # read again after a seek
            await disturb()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Give the requests that sessions are made of, as they go."""
    requests: list[Any] = []
    plain = fetch_session.FetchSession.next

    def noted(self: Any, full: Any) -> Any:
        requests.append(plain(self, full))
        return requests[-1]

    monkeypatch.setattr(fetch_session.FetchSession, "next", noted)
    return requests


@pytest.fixture
async def topic(stack: Stack) -> AsyncIterator[str]:
    async with administration(KafkaAccess(stack.bootstrap)) as admin:
        await admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])
        yield TOPIC
        await admin.delete_topics([TOPIC])


async def test_all_is_read_in_order_while_partitions_pause_seek_and_the_broker_forgets(
    stack: Stack, topic: str, sent: list[Any]
) -> None:
    luck = random.Random(7)
    tps = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    seen: dict[int, list[int]] = defaultdict(list)
    async with AIOKafkaConsumer(**KafkaAccess(stack.bootstrap), fetch_max_wait_ms=50) as consumer:
        fetch_in_sessions(consumer)
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        filling = asyncio.create_task(fill(stack, topic))

        async def disturb() -> None:
            consumer.resume(*consumer.paused())
            consumer.pause(*luck.sample(tps, 2))
            number = luck.randrange(PARTITIONS)
            if seen[number] and luck.random() < 0.2:
                consumer.seek(tps[number], luck.randrange(len(seen[number])))
            if sent and luck.random() < 0.1:
                sent[-1]._session = 99  # no such session, if it is not on its way yet

        await read(consumer, seen, disturb)
        await filling

    assert {number: list(range(RECORDS // PARTITIONS)) for number in range(PARTITIONS)} == seen
    assert max(request._epoch for request in sent) > 3  # else it was no session


async def test_a_session_that_the_broker_does_not_know_costs_one_fetch(
    stack: Stack, topic: str, monkeypatch: pytest.MonkeyPatch, sent: list[Any]
) -> None:
    answered = fetch_session.FetchSession.answered
    answers: list[int] = []

    def lied(self: Any, response: Any) -> None:
        answered(self, response)
        answers.append(response.error_code)
        if len(answers) == 3:
            self._id += 1

    monkeypatch.setattr(fetch_session.FetchSession, "answered", lied)
    seen: dict[int, list[int]] = defaultdict(list)
    async with AIOKafkaConsumer(**KafkaAccess(stack.bootstrap), fetch_max_wait_ms=50) as consumer:
        fetch_in_sessions(consumer)
        consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
        await consumer.seek_to_beginning()
        while len(answers) < 3:
            await consumer.getmany(timeout_ms=50)
        await fill(stack, topic)
        await read(consumer, seen, lambda: asyncio.sleep(0))

    assert [70] == [error for error in answers if error]  # FETCH_SESSION_ID_NOT_FOUND
    assert {number: list(range(RECORDS // PARTITIONS)) for number in range(PARTITIONS)} == seen
