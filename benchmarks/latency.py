"""How long it takes from a reservation that is produced to its allocation that a reader of committed records gets."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from fastavro import parse_schema, schemaless_reader

from atp_stream import provision
from atp_stream.access import KafkaAccess
from atp_stream.devstack import Stack
from atp_stream.messages import schema_files
from atp_stream.settings import Settings
from atp_stream.topics import Topics
from benchmarks import proc, site, wire

_ITEMS: Final = 1_000
_STOCK: Final = 10_000_000
_FRAME: Final = 5  # bytes in front of Avro
_GRACE: Final = 10.0  # seconds after the last message
_WARM_UP: Final = 2.0  # seconds whose latencies are not counted
Probe = tuple[str, int]
"""Item and hundredths: the event names no reservation, so each one asks an item for an amount of its own."""


async def measure(stack: Stack, directory: Path, rate: int, seconds: float) -> dict[str, Any]:
    """Send half adjustments, half reservations at `rate` events a second; return percentiles in milliseconds."""
    settings = site.settings_of(stack, f"latency-{rate}")
    await provision.initialise(settings)
    worker = site.Bench(settings, directory / settings.app_id)
    try:
        await worker.ready()
        async with producer_of(settings) as producer, committed(settings) as consumer:
            await _stock_up(settings, producer, worker)
            began = worker.now()
            broker = proc.cpu(stack.broker.pid)
            seen: dict[Probe, float] = {}
            reading = asyncio.create_task(read_commits(consumer, seen))
            sent = await _send(settings, producer, rate, seconds + _WARM_UP)
            deadline = time.monotonic() + _GRACE
            while len(seen) < len(sent) and time.monotonic() < deadline:  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.05)
            reading.cancel()
        ended = worker.now()
        broker = proc.cpu(stack.broker.pid) - broker
        await worker.stop()
    finally:
        await worker.close()
    first = min(sent.values()) + _WARM_UP
    late = sorted((seen[probe] - at) * 1000 for probe, at in sent.items() if probe in seen and at >= first)
    spent = ended.time - began.time
    return {
        "rate": rate,
        "reservations": len(late),
        "lost": len(sent) - len(seen),
        "p50_ms": percentile(late, 0.50),
        "p99_ms": percentile(late, 0.99),
        "max_ms": late[-1],
        "cpu_share": (ended.cpu - began.cpu) / spent,
        "broker_share": broker / spent,
    }


def percentile(ordered: list[float], part: float) -> float:
    """Return the least value that at least so great a part does not exceed; `ordered` is not empty."""
    return ordered[min(len(ordered) - 1, max(0, -int(-len(ordered) * part // 1) - 1))]


@contextlib.asynccontextmanager
async def producer_of(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(**KafkaAccess.of(settings), acks="all", linger_ms=0)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@contextlib.asynccontextmanager
async def committed(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    topic = Topics.of(settings).allocation_committed
    async with site.reader(KafkaAccess.of(settings)) as consumer:
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_end(*partitions)
        yield consumer


async def _stock_up(settings: Settings, producer: AIOKafkaProducer, worker: site.Bench) -> None:
    for number in range(_ITEMS):
        await producer.send(Topics.of(settings).counted.name, _count(number))
    await producer.flush()
    await worker.drained(inputs=_ITEMS, records=_ITEMS)


def _count(number: int) -> bytes:
    return msgspec.json.encode({"itemId": f"item-{number:06d}", "onHand": _STOCK})


async def _send(settings: Settings, producer: AIOKafkaProducer, rate: int, seconds: float) -> dict[Probe, float]:
    """Send at a steady rate; return when each reservation was handed to the producer."""
    topics = Topics.of(settings)
    sent: dict[Probe, float] = {}
    began = time.monotonic()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        item = f"item-{number // 2 % _ITEMS:06d}"
        if number % 2:
            probe = item, number // 2 // _ITEMS + 1
            said = {"itemId": item, "reservationId": f"r-{number}", "channel": "ECOM", "quantity": probe[1] / 100}
            sent[probe] = time.monotonic()
            await producer.send(topics.created.name, msgspec.json.encode(said))
        else:
            stamp = wire.instant(int(time.time() * 1_000_000))
            moved = {"event_id": f"e-{number}", "timestamp": stamp, "product_id": item, "adjusted_quantity": 1}
            await producer.send(topics.adjusted.name, msgspec.json.encode(moved))
    return sent


async def read_commits(consumer: AIOKafkaConsumer, seen: dict[Probe, float]) -> None:
    schema = {**schema_files.schema("AllocationCommittedEvent"), "name": "Committed"}
    plan = parse_schema(schema)
    async for record in consumer:
        now = time.monotonic()
        event: Any = schemaless_reader(BytesIO(record.value[_FRAME:]), plan, None)
        seen[event["itemId"], int(event["quantity"] * 100)] = now
