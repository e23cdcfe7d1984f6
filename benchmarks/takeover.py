"""How long events wait when one of two workers goes: killed, so that its session must end first, or in order.

A light load covers all source and log partitions, and each reservation is timed from the producer until a reader of
committed records gets its allocation. The figure is the time from the signal until the reservation that waited longest
is committed: then all partitions of that worker are served again.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from atp_stream import provision
from atp_stream.access import KafkaAccess
from atp_stream.devstack import Stack
from atp_stream.domain.names import join
from atp_stream.engine.partitioner import partition_of
from atp_stream.messages.outbound import RESERVATION_HEADER
from atp_stream.topics import LOG_PARTITIONS, Topics
from benchmarks import site, wire
from benchmarks.contenders import partitions_of
from benchmarks.latency import committed, producer_of

RATE: Final = 100  # reservations a second
_STOCK: Final = 10_000_000
_SETTLED_S: Final = 5.0  # both serve before one goes
_CALM_S: Final = 1.0  # all is served when nothing waits that was sent longer ago
_PATIENCE_S: Final = 60.0  # for a take-over
_START_S: Final = 300.0
_GRACE_S: Final = 10.0  # for the last ones
AIMS_S: Final[Mapping[str, Callable[[float], float]]] = {
    "kill -9": lambda session_s: session_s + 2.0,
    "SIGTERM": lambda _: 1.0,
}


class Wait(NamedTuple):
    """The longest wait after a signal: when it ended, seconds after the signal, and how long it was."""

    served_s: float
    waited_s: float


def longest_wait(sent: Mapping[str, float], seen: Mapping[str, float], since: float) -> Wait:
    """Return the longest wait of what was sent from a moment on, and of what had not arrived by then."""
    waits = [(seen[name] - at, seen[name]) for name, at in sent.items() if name in seen and seen[name] >= since]
    waited, ended = max(waits)
    return Wait(ended - since, waited)


class Load:
    """Sends one reservation after the other, and notes when each one is committed."""

    def __init__(self, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer, topics: Topics) -> None:
        self._producer, self._consumer, self._topics = producer, consumer, topics
        self._items = _one_item_each()
        self.sent: dict[str, float] = {}
        self.seen: dict[str, float] = {}
        self.commits: Counter[str] = Counter()

    async def stock(self) -> None:
        """Bring in more of each item than will be asked for."""
        for item in self._items:
            said = {"event_id": f"stock-{item}", "product_id": item, "adjusted_quantity": _STOCK}
            await self._producer.send_and_wait(self._topics.adjusted.name, _message(said))

    async def send(self) -> None:
        """Send until cancelled, to each source partition for each log partition in turn."""
        created, began, number = self._topics.created, time.monotonic(), 0
        while True:
            await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))
            name, turn = f"r-{number}", number // len(self._items)
            said = {"eventId": name, "reservationId": name, "itemId": self._items[number % len(self._items)]}
            message = _message({**said, "channel": "ECOM", "quantity": 1})
            self.sent[name] = time.monotonic()
            await self._producer.send(created.name, message, partition=turn % created.partitions)
            number += 1

    async def read(self) -> None:
        """Note what is committed, until cancelled."""
        async for record in self._consumer:
            name = dict(record.headers)[RESERVATION_HEADER].decode()
            self.commits[name] += 1
            self.seen.setdefault(name, time.monotonic())

    async def calm(self, since: float) -> None:
        """Return when nothing waits any more after a signal.

        Raises:
            RuntimeError: something waits for too long.
        """
        while True:
            await asyncio.sleep(0.1)
            now = time.monotonic()
            waiting = [at for name, at in self.sent.items() if name not in self.seen and at < now - _CALM_S]
            if not waiting and now - since > 2 * _CALM_S:
                return
            if now - since > _PATIENCE_S:
                raise RuntimeError(f"{len(waiting)} reservations still wait, {_PATIENCE_S:.0f} s after a worker went")


async def measure(stack: Stack, directory: Path, rounds: int) -> dict[str, dict[str, Any]]:
    """Stop a worker in each way, `rounds` times, and return the figures of each way."""
    settings = site.settings_of(stack, "takeover")
    await provision.initialise(settings)
    topics, kafka = Topics.of(settings), KafkaAccess.of(settings)
    committed_to = topics.allocation_committed
    async with AsyncExitStack() as places:
        workers = [site.Bench(settings, directory / f"takeover-{number}") for number in range(2)]
        for worker in workers:
            places.push_async_callback(worker.close)
        await site.all_serve(workers, _START_S)
        producer = await places.enter_async_context(producer_of(kafka))
        consumer = await places.enter_async_context(
            committed(kafka, partitions_of(committed_to.name, committed_to.partitions))
        )
        load = Load(producer, consumer, topics)
        await load.stock()
        reading, sending = asyncio.create_task(load.read()), asyncio.create_task(load.send())
        try:
            ways: dict[str, Callable[[], Awaitable[None]]] = {"kill -9": workers[0].kill, "SIGTERM": workers[1].stop}
            waits: dict[str, list[Wait]] = {way: [] for way in ways}
            for _ in range(rounds):
                for way, go in ways.items():
                    waits[way].append(await _gone(load, workers, go))
            sending.cancel()
            await _all_seen(load)
        finally:
            sending.cancel()
            reading.cancel()
    return {
        way: {**figures(found), "aim_s": AIMS_S[way](settings.session_timeout), **_balance(load)}
        for way, found in waits.items()
    }


def figures(waits: list[Wait]) -> dict[str, float]:
    """Return the median and the worst of some rounds."""
    served = [wait.served_s for wait in waits]
    return {"rounds": len(waits), "median_s": median(served), "worst_s": max(served)}


async def _gone(load: Load, workers: list[site.Bench], go: Callable[[], Awaitable[None]]) -> Wait:
    """Stop a worker, wait until its partitions are served, and start it again."""
    await asyncio.sleep(_SETTLED_S)
    since = time.monotonic()
    going = asyncio.ensure_future(go())
    await load.calm(since)
    await going
    wait = longest_wait(load.sent, load.seen, since)
    await site.all_serve(workers, _START_S)
    return wait


def _balance(load: Load) -> dict[str, int]:
    """Return how many reservations were not committed, and how many more than once."""
    return {
        "reservations": len(load.sent),
        "lost": len(load.sent.keys() - load.seen.keys()),
        "doubled": sum(count > 1 for count in load.commits.values()),
    }


async def _all_seen(load: Load) -> None:
    deadline = time.monotonic() + _GRACE_S
    while len(load.seen) < len(load.sent) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.1)


def _one_item_each() -> list[str]:
    """Return an item of each log partition."""
    found: dict[int, str] = {}
    number = 0
    while len(found) < LOG_PARTITIONS:
        name = f"item-{number:06d}"
        found.setdefault(partition_of(join(site.TENANT, name).encode(), LOG_PARTITIONS), name)
        number += 1
    return list(found.values())


def _message(said: Mapping[str, Any]) -> bytes:
    return json.dumps({"timestamp": wire.instant(time.time_ns() // 1000), **said}).encode()
