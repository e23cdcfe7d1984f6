"""The broker of the simulation is proven against the real one: the same script, the same observations."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Protocol

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.errors import IllegalOperation, InvalidProducerEpoch, ProducerFenced

from atp_stream.access import KafkaAccess
from atp_stream.engine.batches import Batches
from atp_stream.engine.producers import make_producer
from atp_stream.provision import administration
from atp_stream.records import Output
from atp_stream.settings import Settings
from tests.engine.support import once_producer
from tests.simulation.broker import Broker
from tests.simulation.client import Network, Producer
from tests.simulation.loop import SimLoop

TOPIC = "contract"
Seen = list[tuple[str, Any]]


class Kafka(Protocol):
    """What the script needs of either."""

    async def producer(self, name: str | None = None) -> Any:
        """Return a started producer."""

    async def read(self) -> tuple[list[tuple[int, bytes]], int]:
        """Return committed records with their offsets, and the stable end."""


async def script(kafka: Kafka) -> Seen:
    """Do what the engine does, and write down what a reader of committed records sees."""
    seen: Seen = []

    async def look(what: str, *, end: int) -> None:
        for _ in range(400):
            if (await kafka.read())[1] >= end:
                break
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.1)
        seen.append((what, await kafka.read()))

    plain, one = await kafka.producer(), await kafka.producer("owner")
    await send(plain, b"a", b"b")
    await look("a batch", end=2)
    await one.begin_transaction()
    await send(one, b"c")
    await send(plain, b"d")
    await look("what is open hides itself, and what others append behind it", end=2)
    await one.commit_transaction()
    await look("a commit shows both, and its marker takes an offset", end=5)
    await one.begin_transaction()
    await send(one, b"e", b"f")
    await send(one, b"g")
    await one.abort_transaction()
    await look("what is aborted takes offsets", end=9)
    await one.begin_transaction()
    await one.commit_transaction()
    await look("an empty transaction leaves nothing", end=9)
    await fence(kafka, one, seen, look)
    return seen


async def fence(kafka: Kafka, one: Any, seen: Seen, look: Callable[..., Awaitable[None]]) -> None:
    await one.begin_transaction()
    await send(one, b"h")
    two = await kafka.producer("owner")
    await two.begin_transaction()
    await two.abort_transaction()
    await look("whoever takes an id over ends its open transaction", end=11)
    seen.append(("the one before cannot commit any more", await failed(one.commit_transaction())))
    await two.begin_transaction()
    ends = await send(two, b"i")
    seen.append(("the place of a record is returned", ends))
    await two.commit_transaction()
    seen.append(("nothing is sent outside of a transaction", await failed(send(two, b"j"))))
    await look("its successor can", end=13)
    three = await kafka.producer("owner")
    await three.begin_transaction()
    await send(three, b"k")
    await two.begin_transaction()
    seen.append(("nor can one that was fenced between two transactions send", await failed(send(two, b"l"))))
    await three.commit_transaction()
    await look("and nothing of it is to be seen", end=15)


async def send(producer: Any, *values: bytes) -> int:
    """Send one batch, as the engine does, and return the offset of its last record."""
    batches = Batches(producer)
    await batches.add_all(Output(TOPIC, 0, b"key", value, []) for value in values)
    await batches.send()
    return batches.ends[TOPIC, 0]


async def failed(doing: Awaitable[Any]) -> str:
    """Return how it failed, in the terms of the engine."""
    try:
        await doing
    except (ProducerFenced, InvalidProducerEpoch):
        return "fenced"
    except IllegalOperation:
        return "illegal"
    return "went well"


class Simulated:
    """The simulation's broker."""

    def __init__(self, loop: SimLoop) -> None:
        self._broker = Broker()
        self._broker.create(TOPIC, 1)
        self._network = Network(loop, self._broker, Random(7))

    async def producer(self, name: str | None = None) -> Producer:
        return Producer(self._network, name)

    async def read(self) -> tuple[list[tuple[int, bytes]], int]:
        records, end = self._broker.fetch(TopicPartition(TOPIC, 0), 0)
        return [(record.offset, record.value or b"") for record in records], end


class Real:
    """The real one."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self.opened: list[Any] = []

    async def producer(self, name: str | None = None) -> Any:
        producer: Any = (
            make_producer(KafkaAccess(self._bootstrap)) if name is None else await once_producer(self._bootstrap, name)
        )
        self.opened.append(producer)
        await producer.start()
        return producer

    async def read(self) -> tuple[list[tuple[int, bytes]], int]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            tp = TopicPartition(TOPIC, 0)
            consumer.assign([tp])
            end = (await consumer.end_offsets([tp]))[tp]
            found: list[tuple[int, bytes]] = []
            while await consumer.position(tp) < end:
                records = (await consumer.getmany(tp, timeout_ms=50)).get(tp, [])
                found += [(record.offset, record.value) for record in records if record.offset < end]
        finally:
            await consumer.stop()
        return found, end


@asynccontextmanager
async def real(settings: Settings) -> AsyncIterator[Real]:
    async with administration(KafkaAccess.of(settings)) as admin:
        await admin.create_topics([NewTopic(TOPIC, 1, 1)])
    kafka = Real(settings.bootstrap)
    yield kafka
    for producer in kafka.opened:
        await producer.stop()


def simulated() -> Seen:
    loop = SimLoop(Random(1))
    try:
        return loop.run_until_complete(script(Simulated(loop)))
    finally:
        loop.close()


@pytest.mark.stack
def test_the_simulated_broker_does_what_the_real_one_does(settings: Settings) -> None:
    async def on_the_real_one() -> Seen:
        async with real(settings) as kafka:
            return await script(kafka)

    assert asyncio.run(on_the_real_one()) == simulated()


def test_what_the_simulated_broker_does_is_what_a_reader_may_rely_on() -> None:
    seen = dict(simulated())

    assert ([(0, b"a"), (1, b"b")], 2) == seen["what is open hides itself, and what others append behind it"]
    assert "fenced" == seen["the one before cannot commit any more"]
    last, end = seen["and nothing of it is to be seen"]
    assert ([b"a", b"b", b"c", b"d", b"i", b"k"], 15) == ([value for _, value in last], end)
