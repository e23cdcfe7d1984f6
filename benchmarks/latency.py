"""Latency from the moment when a reservation is produced until a reader of committed records gets its allocation.

Our worker and its peer are measured alike: with the same messages, the same producer and the same kind of reader.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from atp_stream.access import KafkaAccess
from atp_stream.devstack import Stack
from benchmarks import proc, site, wire
from benchmarks.contenders import Contender, Probe

_ITEMS: Final = 1_000
_STOCK: Final = 10_000_000
_GRACE_S: Final = 10.0  # after the last message
_WARM_UP_S: Final = 5.0  # not counted: a JVM compiles what it runs often


class Input(NamedTuple):
    """A message and, if it is a reservation, by what its allocation is recognised."""

    value: bytes
    probe: Probe | None = None


class Usage(NamedTuple):
    """The clock, and the CPU seconds that the contender and the broker have used."""

    time: float
    contender: float
    broker: float

    @classmethod
    def now(cls, contender: Contender, stack: Stack) -> "Usage":
        """Return it as it is now."""
        return cls(time.monotonic(), contender.cpu(), proc.cpu(stack.broker.pid))


async def measure(stack: Stack, contender: Contender, rate: int, seconds: float) -> dict[str, Any]:
    """Send half adjustments, half reservations at `rate` events a second; return percentiles in milliseconds."""
    async with flowing(stack, contender, rate) as flow:
        await flow.send(_WARM_UP_S)
        before = Usage.now(contender, stack)
        await flow.send(seconds)
        after = Usage.now(contender, stack)
        await flow.seen_all()
    return {"rate": rate, **figures(flow.sent, flow.seen, before, after)}


@contextlib.asynccontextmanager
async def flowing(stack: Stack, contender: Contender, rate: int) -> AsyncIterator["Flow"]:
    """Give a flow of events whose commits are read, once every item has its stock."""
    seen: dict[Probe, float] = {}
    async with producer_of(KafkaAccess(stack.bootstrap)) as producer:
        for number in range(_ITEMS):
            await producer.send(contender.adjusted, first_stock(number, _micros()))
        await producer.flush()
        await contender.stocked(_ITEMS)
        async with committed(KafkaAccess(stack.bootstrap), contender.committed) as consumer:
            reading = asyncio.create_task(read_commits(consumer, contender.probe, seen))
            try:
                yield Flow(producer, contender, rate, seen)
                if reading.done():
                    await reading  # it ends only with an error
            finally:
                reading.cancel()


def figures(sent: Mapping[Probe, float], seen: Mapping[Probe, float], before: Usage, after: Usage) -> dict[str, Any]:
    """Return the figures of a run: latencies of what was sent after the warm-up, losses of all that was sent."""
    late = sorted((seen[probe] - at) * 1000 for probe, at in sent.items() if probe in seen and at >= before.time)
    if not late:
        raise RuntimeError(f"no allocation of {len(sent)} reservations was read")
    spent = after.time - before.time
    return {
        "reservations": len(late),
        "lost": sum(probe not in seen for probe in sent),
        "p50_ms": percentile(late, 0.50),
        "p99_ms": percentile(late, 0.99),
        "max_ms": late[-1],
        "cpu_share": (after.contender - before.contender) / spent,
        "broker_share": (after.broker - before.broker) / spent,
    }


def percentile(ordered: Sequence[float], part: float) -> float:
    """Return the least value that a part of `ordered` (0 to 1) does not exceed; there is at least one."""
    return ordered[min(len(ordered) - 1, max(0, -int(-len(ordered) * part // 1) - 1))]


@contextlib.asynccontextmanager
async def producer_of(kafka: KafkaAccess) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(**kafka, acks="all", linger_ms=0)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@contextlib.asynccontextmanager
async def committed(kafka: KafkaAccess, partitions: list[TopicPartition]) -> AsyncIterator[AIOKafkaConsumer]:
    async with site.reader(kafka) as consumer:
        consumer.assign(partitions)
        await consumer.seek_to_end(*partitions)
        yield consumer


async def read_commits(consumer: AIOKafkaConsumer, probe: Callable[[bytes], Probe], seen: dict[Probe, float]) -> None:
    """Note when each allocation is first read, until cancelled."""
    async for record in consumer:
        now = time.monotonic()
        seen.setdefault(probe(record.value), now)


class Flow:
    """Sends at a steady rate, and knows when each reservation was handed to the producer, and when it was seen."""

    def __init__(
        self, producer: AIOKafkaProducer, contender: Contender, rate: int, seen: Mapping[Probe, float]
    ) -> None:
        self._producer, self._contender, self._rate = producer, contender, rate
        self._number = 0
        self.sent: dict[Probe, float] = {}
        self.seen = seen

    async def seen_all(self) -> None:
        """Return once the commit of all that was sent was seen, or will not be seen any more."""
        deadline = time.monotonic() + _GRACE_S
        while len(self.seen) < len(self.sent) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    async def send(self, seconds: float) -> None:
        """Send for so long."""
        began = time.monotonic()
        for turn in range(int(self._rate * seconds)):
            await asyncio.sleep(max(0.0, began + turn / self._rate - time.monotonic()))
            message = message_of(self._number, _micros())
            self._number += 1
            if message.probe is None:
                await self._producer.send(self._contender.adjusted, message.value)
            else:
                self.sent[message.probe] = time.monotonic()
                await self._producer.send(self._contender.created, message.value)


def first_stock(number: int, at_us: int) -> bytes:
    """Return the message that brings the first stock of an item."""
    return _adjustment(f"stock-{number}", number, _STOCK, _STOCK, at_us)


def message_of(number: int, at_us: int) -> Input:
    """Return message `number`: in turn an adjustment by one unit and a reservation, one unit larger in every round."""
    item, turn = number // 2 % _ITEMS, number // 2 // _ITEMS + 1
    if number % 2 == 0:
        return Input(_adjustment(f"adjusted-{number}", item, 1, _STOCK + turn, at_us))
    said = {
        "eventId": f"created-{number}",
        "timestamp": wire.instant(at_us),
        "itemId": _name(item),
        "reservationId": f"r-{number}",
        "channel": "ECOM",
        "quantity": turn,
    }
    return Input(msgspec.json.encode(said), (_name(item), turn))


def _adjustment(event_id: str, item: int, moved: int, level: int, at_us: int) -> bytes:
    said = {
        "event_id": event_id,
        "timestamp": wire.instant(at_us),
        "product_id": _name(item),
        "adjusted_quantity": moved,
        "new_quantity": level,
    }
    return msgspec.json.encode(said)


def _name(item: int) -> str:
    return f"item-{item:06d}"


def _micros() -> int:
    return int(time.time() * 1_000_000)
