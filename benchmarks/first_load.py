"""The first load of a running shop, as docs/integrate.md says: a count of each item, then the open orders.

A foreign producer (confluent-kafka, idempotent, acks=all) sends them keyed by item while two workers run. The time is
from its first message until both workers have folded all. Then the view of each item is compared with what was sent.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiohttp
from confluent_kafka import Producer

from atp_stream import provision
from atp_stream.devstack import Stack
from atp_stream.settings import Settings
from atp_stream.topics import Topics
from atp_stream.web.query import MAX_ITEMS
from benchmarks import site
from benchmarks.throughput import rows_of

WORKERS: Final = 2
ITEMS_PER_ORDER: Final = 10  # one item in ten has an open order
_LIMIT_S: Final = 1_200.0
_QUEUE_WAIT_S: Final = 1.0  # how long to wait when the producer's queue is full
_ANSWER_TIMEOUT: Final = aiohttp.ClientTimeout(total=30.0)
Figures = dict[str, Any]


class Sent(NamedTuple):
    """A message of the load: which input it goes to, its key and its value."""

    kind: str
    item: str
    value: bytes


def item_name(number: int) -> str:
    """Return the id of an item."""
    return f"item-{number:07d}"


def on_hand(number: int) -> int:
    """Return the quantity that is counted of an item."""
    return number % 40  # some have nothing


def ordered(number: int) -> int:
    """Return what is still open of an order for an item, 0 without one."""
    return number // ITEMS_PER_ORDER % 3 + 1 if number % ITEMS_PER_ORDER == 0 else 0


def load(items: int, began_ms: int) -> Iterator[Sent]:
    """Yield the counts, then the open orders, oldest first."""
    for number in range(items):
        item = item_name(number)
        said = {"eventId": f"first-load-{item}", "timestamp": began_ms, "itemId": item, "onHand": on_hand(number)}
        yield Sent("counted", item, json.dumps(said).encode())
    for number in range(0, items, ITEMS_PER_ORDER):
        item = item_name(number)
        yield Sent(
            "created",
            item,
            json.dumps(
                {
                    "eventId": f"first-load-order-{number}",
                    "timestamp": began_ms - items + number,
                    "reservationId": f"order-{number}",
                    "itemId": item,
                    "quantity": ordered(number),
                }
            ).encode(),
        )


def differences(results: list[Figures], first: int) -> list[str]:
    """Return how the views of items from number `first` on differ from what was sent."""
    found = []
    for number, result in enumerate(results, first):
        asked = ordered(number)
        reserved = asked if asked <= on_hand(number) else 0  # no order asks to be served in part
        wanted = (item_name(number), on_hand(number), reserved)
        answer = result.get("answer", {})
        said = (result["item"], answer.get("on_hand"), answer.get("reserved"))
        if said != wanted:
            found.append(f"sent {wanted}, but {said} is shown")
    return found


async def measure(stack: Stack, directory: Path, items: int) -> Figures:
    """Bring in the load and return what it took.

    Raises:
        RuntimeError: an item is not as it was sent, or a message was refused.
    """
    settings = site.settings_of(stack, "first-load")
    await provision.initialise(settings)
    workers = [site.Bench(settings, directory / f"first-load-{number}") for number in range(WORKERS)]
    try:
        await site.all_serve(workers, _LIMIT_S)
        messages = items + len(range(0, items, ITEMS_PER_ORDER))
        cpu = sum(worker.now().cpu for worker in workers)
        began = time.monotonic()
        sending = asyncio.create_task(asyncio.to_thread(_send, settings, items))
        await _drained(workers, messages, sending)
        seconds = time.monotonic() - began
        cpu = sum(worker.now().cpu for worker in workers) - cpu
        refused = sum([(await worker.metrics()).get("atp_dead_letters_total", 0.0) for worker in workers])
        compared = await _compare(workers[0].url, items)
        if refused or compared:
            raise RuntimeError(f"{refused:.0f} messages were refused; {len(compared)} differ: {compared[:3]}")
        return {
            "items": items,
            "orders": messages - items,
            "seconds": seconds,
            "sending_s": await sending,
            "items_per_s": items / seconds,
            "worker_us": cpu / messages * 1e6,
            "rows": await rows_of(settings),
            "disk_bytes": [_size(directory / f"first-load-{number}") for number in range(WORKERS)],
            "resident_bytes": [worker.memory.now for worker in workers],
            "peak_bytes": [worker.memory.peak for worker in workers],
        }
    finally:
        for worker in workers:
            await worker.close()


def _send(settings: Settings, items: int) -> float:
    """Produce the load and return how many seconds it took until the broker had all of it. Blocking."""
    topics = Topics.of(settings)
    producer = Producer({"bootstrap.servers": settings.bootstrap, "enable.idempotence": True, "linger.ms": 50})
    failed: list[str] = []
    began = time.monotonic()
    for sent in load(items, int(time.time() * 1000)):
        while True:
            try:
                producer.produce(
                    getattr(topics, sent.kind).name,
                    key=sent.item.encode(),
                    value=sent.value,
                    on_delivery=lambda error, _: failed.append(str(error)) if error else None,
                )
                break
            except BufferError:
                producer.poll(_QUEUE_WAIT_S)
        producer.poll(0)
    producer.flush()
    if failed:
        raise RuntimeError(f"{len(failed)} messages were not delivered: {failed[0]}")
    return time.monotonic() - began


async def _drained(workers: list[site.Bench], messages: int, sending: "asyncio.Task[float]") -> None:
    began = time.monotonic()
    while True:
        found = [await worker.metrics() for worker in workers]
        read = sum(one.get("atp_messages_total", 0.0) for one in found)
        folded = sum(one.get("atp_log_records_total", 0.0) for one in found)
        if sending.done() and min(read, folded) >= messages and not any(one.get("atp_log_lag") for one in found):
            return
        if time.monotonic() - began > _LIMIT_S:
            raise RuntimeError(f"not done after {_LIMIT_S:.0f} s: {read:.0f} of {messages} messages were read")
        await asyncio.sleep(0.5)


async def _compare(url: str, items: int) -> list[str]:
    found: list[str] = []
    async with aiohttp.ClientSession(timeout=_ANSWER_TIMEOUT) as session:
        for first in range(0, items, MAX_ITEMS):
            wanted = [item_name(number) for number in range(first, min(items, first + MAX_ITEMS))]
            async with session.post(f"{url}/atp/{site.TENANT}/query", json={"items": wanted}) as answer:
                found += differences((await answer.json())["results"], first)
    return found


def _size(directory: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in directory.rglob("*") if path.is_file())
