"""Stock from streams as people have them, on the real Kafka: bursts without keys, whole seconds, repeated messages."""

import asyncio
import json
import random
import time
from collections.abc import Iterable
from typing import Any

import pytest
from confluent_kafka import Producer

from atp_stream.engine.sending import partition_of
from atp_stream.topics import LOG_PARTITIONS
from tests.system.site import Site, Worker

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(240)]

SECOND = "2026-05-01T12:00:00Z"
EARLIER = "2026-05-01T11:00:00Z"


def pour(site: Site, topic: str, bodies: Iterable[dict[str, Any]], partition: int = -1) -> None:
    """Let another client send flat JSON without keys: to one partition in order, or (-1) over all of them."""
    producer = Producer({"bootstrap.servers": site.settings.bootstrap, "linger.ms": 5})
    for body in bodies:
        producer.produce(topic, json.dumps(body), partition=partition)
        producer.poll(0)
    assert 0 == producer.flush(30)


def counted(item: str, units: int, at: str = EARLIER, **rest: Any) -> dict[str, Any]:
    return {"itemId": item, "onHand": units, "timestamp": at, "eventId": f"count {item} {rest}", **rest}


def moved(item: str, number: int, units: int = -1, **rest: Any) -> dict[str, Any]:
    return {"event_id": f"{item} {number}", "product_id": item, "adjusted_quantity": units, **rest}


def wanted(item: str, reservation: str, units: int) -> dict[str, Any]:
    return {"itemId": item, "reservationId": reservation, "channel": "ECOM", "quantity": units, "allowBackorder": False}


async def stock(worker: Worker, item: str) -> tuple[float, float]:
    """Return on hand and gap."""
    status, shown = await worker.get(f"/atp/acme/{item}")
    assert 200 == status, shown
    return shown["on_hand"], shown["gap"]


async def letters(site: Site) -> int:
    return len(await site.read(site.topics.dead_letter.name))


async def test_any_number_of_facts_of_an_item_is_exact_whatever_the_partition_and_the_stamp(site: Site) -> None:
    topics = site.topics
    worker = site.add_worker()
    await site.ready()
    whole = list(range(2_000))
    random.Random(1).shuffle(whole)
    pour(site, topics.counted.name, [counted("burst", 3_000), counted("second", 2_000), counted("line", 65)], 0)
    await site.drained()
    pour(site, topics.adjusted.name, (moved("burst", number) for number in range(3_000)))
    pour(
        site,
        topics.adjusted.name,
        (moved("second", number, timestamp=SECOND, new_quantity=1_999 - number) for number in whole),
    )
    pour(
        site,
        topics.adjusted.name,
        (moved("line", number, timestamp=SECOND, new_quantity=64 - number) for number in range(65)),
        0,
    )
    await site.drained(90)
    pour(site, topics.created.name, [wanted(item, f"last {item}", 1) for item in ("burst", "second", "line")], 0)
    await site.drained()

    assert [(0, 0)] * 3 == [await stock(worker, item) for item in ("burst", "second", "line")]
    assert (0, 3) == (await letters(site), len(await site.read(topics.reservation_denied.name)))
    assert [] == await site.read(topics.allocation_committed.name)


async def test_a_message_that_is_sent_again_after_hundreds_of_others_counts_once(site: Site) -> None:
    topics = site.topics
    worker = site.add_worker()
    await site.ready()
    first = {"itemId": "again", "eventId": "c1", "onHand": 400}
    pour(site, topics.counted.name, [first], 0)
    await site.drained()
    pour(site, topics.adjusted.name, (moved("again", number) for number in range(300)), 0)
    await site.drained()
    pour(site, topics.counted.name, [first], 0)
    pour(site, topics.adjusted.name, [moved("again", 0)], 0)
    await site.drained()

    assert (100, 0) == await stock(worker, "again")
    _, shown = await worker.get("/atp/acme/again")
    assert (2, 0, 0) == (shown["facts"]["duplicates"], shown["facts"]["stale"], await letters(site))


async def test_an_item_has_any_number_of_stores_and_of_shipments_that_adjustments_tell(site: Site) -> None:
    topics = site.topics
    worker = site.add_worker()
    await site.ready()
    pour(site, topics.counted.name, (counted("stores", 1, locationId=f"store {number}") for number in range(3_000)))
    pour(site, topics.counted.name, [counted("shipped", 500)], 0)
    pour(site, topics.created.name, (wanted("shipped", f"r{number}", 1) for number in range(400)), 0)
    await site.drained(90)
    pour(site, topics.adjusted.name, (moved("shipped", n, reservation_id=f"r{n}") for n in range(400)))
    pour(site, topics.counted.name, [counted("stores", 7, locationId="NEWSTORE")], 0)
    await site.drained(90)

    assert [(3_007, 0), (100, 0)] == [await stock(worker, item) for item in ("stores", "shipped")]
    _, shown = await worker.get("/atp/acme/shipped")
    assert (0, 0) == (shown["reserved"], await letters(site))


async def test_a_backlog_of_a_hot_item_is_exact_though_a_worker_is_killed_in_the_midst_of_it(site: Site) -> None:
    topics = site.topics
    pour(site, topics.adjusted.name, (moved("hot", number, 1) for number in range(2_000)))
    workers = [site.add_worker(), site.add_worker()]
    await site.ready()
    owner, left = workers
    if partition_of(b"acme|hot", LOG_PARTITIONS) not in await owner.partitions():
        owner, left = left, owner
    began = time.monotonic()
    for number in range(2_000, 2_400):  # 40 a second
        pour(site, topics.adjusted.name, [moved("hot", number, 1)])
        if number == 2_200:
            owner.kill()
        await asyncio.sleep(max(0.0, began + (number - 2_000) / 40 - time.monotonic()))
    await site.ready()
    await site.drained(90)

    assert (2_400, 0) == await stock(left, "hot")
    assert 0 == await letters(site)
