"""A backlog on the real Kafka: an order finds the stock that was there before it, whichever workers read the two."""

import asyncio
import random
import time
from datetime import UTC, datetime

import msgspec
import pytest
from confluent_kafka import Producer

from tests.system.site import Site

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(240)]

PAIRS = 3_000
APART_MS = 200
BEHIND_MS = 1_500  # an order comes so long after the stock that serves it
Message = tuple[int, str, int, dict[str, object]]  # time in ms, topic, partition, body


def backlog(site: Site) -> list[Message]:
    """Return stock for thousands of items, and for each an order that takes all of it, over minutes of the past."""
    chance = random.Random(1)
    topics = site.topics
    began = round(time.time() * 1000) - PAIRS * APART_MS - 60_000
    found: list[Message] = []
    for number in range(PAIRS):
        at, item = began + number * APART_MS, f"item-{number}"
        stock = chance.choice((topics.adjusted, topics.counted))
        units = {"adjusted_quantity": 2} if stock == topics.adjusted else {"onHand": 2}
        fact = {"event_id": f"e-{number}", "itemId": item, "timestamp": stamp(at), **units}
        found.append((at, stock.name, chance.randrange(stock.partitions), fact))
        order = {"itemId": item, "reservationId": f"r-{number}", "quantity": 2, "allowBackorder": False}
        at += BEHIND_MS
        order = {**order, "timestamp": stamp(at)}
        found.append((at, topics.created.name, chance.randrange(topics.created.partitions), order))
    return sorted(found, key=lambda one: one[0])


def stamp(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()


def pour(site: Site, messages: list[Message]) -> None:
    """Let another client produce them, without keys, each with its own timestamp."""
    producer = Producer({"bootstrap.servers": site.settings.bootstrap, "linger.ms": 5})
    for at, topic, partition, body in messages:
        producer.produce(topic, msgspec.json.encode(body), partition=partition, timestamp=at)
    assert 0 == producer.flush(30)


async def verdict(site: Site) -> tuple[int, int]:
    """Return how many orders were committed, and how many were refused, once nothing is behind."""
    await site.ready(90)
    await site.drained(120)
    return (
        len(await site.read(site.topics.allocation_committed.name)),
        len(await site.read(site.topics.reservation_denied.name)),
    )


async def test_two_workers_that_start_together_refuse_no_order_whose_stock_was_there(site: Site) -> None:
    pour(site, backlog(site))
    site.add_worker()
    site.add_worker()

    assert (PAIRS, 0) == await verdict(site)


async def test_nor_does_one_that_starts_later_than_the_other(site: Site) -> None:
    pour(site, backlog(site))
    site.add_worker()
    await asyncio.sleep(3.0)
    site.add_worker()

    assert (PAIRS, 0) == await verdict(site)


async def test_nor_does_the_other_when_one_is_killed_in_the_midst_of_it(site: Site) -> None:
    pour(site, backlog(site))
    site.add_worker()
    dying = site.add_worker()
    while len(await site.read(site.topics.allocation_committed.name)) < 100:  # noqa: ASYNC110 - nothing announces it
        await asyncio.sleep(0.1)
    dying.kill()
    assert len(await site.read(site.topics.allocation_committed.name)) < PAIRS

    assert (PAIRS, 0) == await verdict(site)
