"""The main job on the real Kafka: streams in, tables and events out."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from tests.system.site import Site

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def seed_snippet(site: Site) -> tuple[str, dict[str, Any]]:
    """The message of the seed's producer snippet: no key, no tenant, no channel."""
    return site.topics.adjusted.name, {
        "event_id": "abc123",
        "timestamp": datetime.now(UTC).replace(tzinfo=None).isoformat() + "Z",
        "product_id": "prod987",
        "adjusted_quantity": 10,
        "new_quantity": 150,
        "adjustment_reason": "restock",
        "adjusted_by": "user123",
    }


async def test_the_seeds_example_shows_120_available_and_30_reserved_on_any_worker(site: Site) -> None:
    one, two = site.add_worker(), site.add_worker()
    await site.ready()

    await site.send(*seed_snippet(site))
    await site.drained()
    await site.send(
        site.topics.created.name, {"reservationId": "r-1", "itemId": "prod987", "quantity": 30, "channel": "ECOM"}
    )
    await site.drained()

    answers = [await worker.get("/atp/acme/prod987") for worker in (one, two)]
    assert answers[0] == answers[1]
    status, body = answers[0]
    assert status == 200
    ecom = next(row for row in body["channels"] if row["channel"] == "ECOM")
    fence = {"granted": 0, "consumed": 0}
    assert {"channel": "ECOM", "kind": "POOLED", "available": 120, "reserved": 30, "waiting": 0, **fence} == ecom
    assert (150, 30, 0) == (body["on_hand"], body["reserved"], body["gap"])
    committed = await site.read(site.topics.allocation_committed.name)
    assert [b"acme|prod987"] == [record.key for record in committed]
    assert (404, "urn:atp:problem:unknown-item") == _problem(await one.get("/atp/acme/nobody-knows-me"))


async def test_whatever_codec_upstream_picks_is_read(site: Site) -> None:
    worker = site.add_worker()
    await site.ready()

    for codec in ("gzip", "lz4", "snappy", "zstd"):
        producer = AIOKafkaProducer(bootstrap_servers=site.settings.bootstrap, compression_type=codec)
        await producer.start()
        body = {"product_id": codec, "adjusted_quantity": 3, "new_quantity": 3}
        await producer.send_and_wait(site.topics.adjusted.name, msgspec.json.encode(body))
        await producer.stop()
    await site.drained()

    answers = [await worker.get(f"/atp/acme/{codec}") for codec in ("gzip", "lz4", "snappy", "zstd")]
    assert [(200, 3)] * 4 == [(status, answer["on_hand"]) for status, answer in answers]


def _problem(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["type"]
