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
from pathlib import Path
from typing import Final

import msgspec

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
_EVENTS_EACH: Final = 4  # channels whose availability changes with the safety stock, or with a reservation


def _counts(topic: str, items: int) -> Iterator[site.Load]:
    for number in range(items):
        said = msgspec.json.encode({"itemId": f"item-{number:07d}", "onHand": _STOCK})
        yield topic, number % 6, None, said, int(time.time() * 1000)


async def measure(stack: Stack, directory: Path, items: int) -> None:
    """Run it once, and print what came of it."""
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
            sent: dict[Probe, float] = {}
            ordered = ended = events = 0.0
            number = 0
            while not ended:
                if number == _BEFORE:
                    order = {"action": "SET", "tenantId": site.TENANT, "policy": {"safety_stock": {"fixed": 1}}}
                    events = (await worker.metrics())["atp_events_total"]
                    await producer.send(topics.policy.name, msgspec.json.encode(order))
                    ordered = time.monotonic()
                item = f"item-{number * 7919 % items:07d}"
                said = {"itemId": item, "reservationId": f"r-{number}", "channel": "ECOM", "quantity": 1}
                sent[item, 1] = time.monotonic()
                await producer.send(topics.created.name, msgspec.json.encode(said))
                number += 1
                await asyncio.sleep(1 / _RATE)
                if ordered and number % _RATE == 0:
                    events_since = (await worker.metrics())["atp_events_total"] - events
                    if events_since >= _EVENTS_EACH * (items + number - _BEFORE):
                        ended = time.monotonic()
            await asyncio.sleep(3.0)
            reading.cancel()
    finally:
        await worker.close()
    late = {probe: (seen[probe] - at) * 1000 for probe, at in sent.items()}
    for what, begin, end in (("before the order", 0.0, ordered), ("while items meet it", ordered, ended)):
        found = sorted(late[probe] for probe, at in sent.items() if begin <= at < end)
        if found:
            print(
                f"{what:20} {len(found):5} reservations, p50 {percentile(found, 0.5):6.1f} ms, "
                f"p99 {percentile(found, 0.99):6.1f} ms, most {found[-1]:6.1f} ms"
            )
    print(f"{items:,} items met the policy in {ended - ordered:.1f} s")


def main() -> None:
    """Start a stack, measure, stop it."""
    with (
        tempfile.TemporaryDirectory(prefix="atp-") as directory,
        Stack(Path(directory) / "stack", Settings().java_dir) as stack,
    ):
        asyncio.run(measure(stack, Path(directory), int(os.environ.get("ITEMS", "100000"))))


if __name__ == "__main__":
    main()
