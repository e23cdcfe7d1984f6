"""Streams as other people's programs send them: flat JSON without keys, by two clients that share no code with ours."""

import json
import random
import time
from collections.abc import Callable, Iterable
from typing import Any

from confluent_kafka import Producer
from kafka import KafkaProducer

from tests.system.site import Site, Worker

SECOND = "2026-05-01T12:00:00Z"
EARLIER = "2026-05-01T11:00:00Z"
Body = dict[str, Any]
Pour = Callable[..., None]


def pour(site: Site, topic: str, bodies: Iterable[Body], partition: int = -1) -> None:
    """Let confluent-kafka send: to one partition in order, or (-1) over all of them."""
    producer = Producer({"bootstrap.servers": site.settings.bootstrap, "linger.ms": 5})
    for body in bodies:
        producer.produce(topic, json.dumps(body), partition=partition)
        producer.poll(0)
    assert 0 == producer.flush(60)


def pour_python(site: Site, topic: str, bodies: Iterable[Body], partition: int = -1) -> None:
    """Let kafka-python send: to one partition in order, or (-1) each message to any of them."""
    whole = range(next(one.partitions for one in site.topics.inputs if one.name == topic))
    chance = random.Random(topic)  # without one it keeps to a partition until a batch is full
    producer = KafkaProducer(bootstrap_servers=site.settings.bootstrap, linger_ms=5)
    try:
        sent = [
            producer.send(
                topic, json.dumps(body).encode(), partition=chance.choice(whole) if partition < 0 else partition
            )
            for body in bodies
        ]
        producer.flush(60)
        assert [] == [one.exception for one in sent if not one.succeeded()]
    finally:
        producer.close()


def counted(item: str, units: int, at: str = EARLIER, **rest: Any) -> Body:
    return {"itemId": item, "onHand": units, "timestamp": at, "eventId": f"count {item} {rest}", **rest}


def moved(item: str, number: int, units: int = -1, **rest: Any) -> Body:
    return {"event_id": f"{item} {number}", "product_id": item, "adjusted_quantity": units, **rest}


def wanted(item: str, reservation: str, units: int, **rest: Any) -> Body:
    stated = {"itemId": item, "reservationId": reservation, "channel": "ECOM", "quantity": units}
    return {**stated, "allowBackorder": False, **rest}


def stamp(after: float = 0.0) -> int:
    """Return the moment so many seconds from now, in milliseconds as programs write it."""
    return round((time.time() + after) * 1_000)


async def stock(worker: Worker, item: str) -> tuple[float, float]:
    """Return on hand and gap."""
    status, shown = await worker.get(f"/atp/acme/{item}")
    assert 200 == status, shown
    return shown["on_hand"], shown["gap"]


async def letters(site: Site) -> int:
    return len(await site.read(site.topics.dead_letter.name))


async def outcomes(site: Site) -> tuple[int, int, int]:
    """Return how many dead letters, refusals and commits there are."""
    topics = site.topics
    answers = [await site.read(topic.name) for topic in (topics.dead_letter, topics.reservation_denied)]
    return len(answers[0]), len(answers[1]), len(await site.read(topics.allocation_committed.name))
