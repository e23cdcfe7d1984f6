"""How long a reservation waits while a policy for a whole tenant reaches many items: `python -m benchmarks.sweep`.

ITEMS (100,000) items are counted, then reservations come in at 20 a second; in the middle of them a policy change gives
every item of the tenant another safety stock. Prints the latencies from a reservation to its committed allocation
before the change, and between the change and the last item that meets it.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

import msgspec
from aiokafka import AIOKafkaProducer

from atp_stream import provision
from atp_stream.access import KafkaAccess
from atp_stream.devstack import Stack
from atp_stream.settings import Settings
from atp_stream.topics import Topics
from benchmarks import site
from benchmarks.contenders import Probe, avro_probe, partitions_of
from benchmarks.latency import committed, percentile, producer_of, read_commits

_RATE: Final = 20  # a second
_BEFORE: Final = 200  # reservations
_STOCK: Final = 1_000
_GRACE_S: Final = 3.0  # for the last reservations
_EVENTS_EACH: Final = 4  # channels whose availability changes with the safety stock, or with a reservation


def _counts(topic: str, items: int) -> Iterator[site.Load]:
    for number in range(items):
        said = msgspec.json.encode({"itemId": f"item-{number:07d}", "onHand": _STOCK})
        yield topic, number % 6, None, said, int(time.time() * 1000)


class _Load:
    """Sends reservations at a steady rate, and a policy change in the middle of them."""

    def __init__(self, worker: site.Bench, producer: AIOKafkaProducer, topics: Topics, items: int) -> None:
        self._worker, self._producer, self._topics, self._items = worker, producer, topics, items
        self.sent: dict[Probe, float] = {}
        self.changed = self.ended = 0.0  # when the policy changed, and when the last item had met it

    async def send(self) -> None:
        """Send until all items have met the policy."""
        for number in range(_BEFORE):
            await self._reserve(number)
        events = await self._events() + _EVENTS_EACH * self._items
        change = {"action": "SET", "tenantId": site.TENANT, "policy": {"safety_stock": {"fixed": 1}}}
        await self._producer.send(self._topics.policy.name, msgspec.json.encode(change))
        self.changed = time.monotonic()
        for number in count(_BEFORE):
            await self._reserve(number)
            sent_since = number + 1 - _BEFORE
            if sent_since % _RATE == 0 and await self._events() >= events + _EVENTS_EACH * sent_since:
                self.ended = time.monotonic()
                return

    async def _reserve(self, number: int) -> None:
        item = f"item-{number * 7919 % self._items:07d}"
        said = {"itemId": item, "reservationId": f"r-{number}", "channel": "ECOM", "quantity": 1}
        self.sent[item, 1] = time.monotonic()
        await self._producer.send(self._topics.created.name, msgspec.json.encode(said))
        await asyncio.sleep(1 / _RATE)

    async def _events(self) -> float:
        return (await self._worker.metrics())["atp_events_total"]


async def measure(stack: Stack, directory: Path, items: int) -> None:
    """Run it once, and print the figures."""
    settings = site.settings_of(stack, "sweep")
    topics = Topics.of(settings)
    await provision.initialise(settings)
    worker = site.Bench(settings, directory / "worker")
    try:
        await site.preload(KafkaAccess.of(settings), _counts(topics.counted.name, items))
        await worker.ready()
        await worker.drained(inputs=items, records=items)
        output_partitions = partitions_of(topics.allocation_committed.name, topics.allocation_committed.partitions)
        kafka = KafkaAccess(stack.bootstrap)
        async with producer_of(kafka) as producer, committed(kafka, output_partitions) as consumer:
            seen: dict[Probe, float] = {}
            reading = asyncio.create_task(read_commits(consumer, avro_probe(), seen))
            load = _Load(worker, producer, topics, items)
            await load.send()
            await asyncio.sleep(_GRACE_S)
            reading.cancel()
    finally:
        await worker.close()
    _show(load, seen)
    print(f"{items:,} items met the policy in {load.ended - load.changed:.1f} s")


def _show(load: _Load, seen: dict[Probe, float]) -> None:
    late = {probe: (seen[probe] - at) * 1000 for probe, at in load.sent.items()}
    for what, begin, end in (
        ("before the change", 0.0, load.changed),
        ("while items meet it", load.changed, load.ended),
    ):
        found = sorted(late[probe] for probe, at in load.sent.items() if begin <= at < end)
        if found:
            print(
                f"{what:20} {len(found):5} reservations, p50 {percentile(found, 0.5):6.1f} ms, "
                f"p99 {percentile(found, 0.99):6.1f} ms, most {found[-1]:6.1f} ms"
            )


def main() -> None:
    """Start a stack, measure, stop it."""
    with (
        tempfile.TemporaryDirectory(prefix="atp-") as directory,
        Stack(Path(directory) / "stack", Settings().java_dir) as stack,
    ):
        asyncio.run(measure(stack, Path(directory), int(os.environ.get("ITEMS", "100000"))))


if __name__ == "__main__":
    main()
