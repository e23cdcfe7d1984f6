"""What time alone changes, on the real Kafka: on time when nothing is behind, never what was confirmed in time."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewPartitions

from atp_stream import provision
from atp_stream.access import KafkaAccess, RegistryAccess
from atp_stream.devstack import Stack
from atp_stream.messages.output_reader import OutputReader
from atp_stream.messages.registry import SchemaCache
from tests.system.site import Site, Worker

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def stamp(seconds: float = 0.0) -> str:
    """Return the moment so many seconds from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def stock(site: Site, item: str) -> None:
    await site.send(site.topics.counted.name, {"itemId": item, "onHand": 10})


async def reserve(site: Site, item: str, reservation: str, limit: str) -> None:
    await site.send(
        site.topics.created.name,
        {"itemId": item, "reservationId": reservation, "quantity": 4, "timestamp": stamp(), "expiresAt": limit},
    )


async def confirm(site: Site, item: str, reservation: str) -> None:
    await site.send(site.topics.confirmed.name, {"itemId": item, "reservationId": reservation, "timestamp": stamp()})


async def status(worker: Worker, item: str, reservation: str) -> str:
    """Return the status of a reservation, "" while nobody can tell."""
    code, body = await worker.get(f"/reservations/acme/{item}/{reservation}")
    return str(body["status"]) if code == 200 else ""


async def until_status(worker: Worker, item: str, reservation: str, wanted: str, seconds: float = 20.0) -> None:
    """Return once a reservation has a status."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if await status(worker, item, reservation) == wanted:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{item} {reservation} is not {wanted} after {seconds} s")


async def ticks(site: Site) -> int:
    """Return the number of ticks in the log."""
    return sum(b'"command":"tick"' in record.value for record in await site.read(site.topics.item_log.name))


async def shown(site: Site, topic: str) -> list[Any]:
    """Return the events of a topic as envelopes."""
    schemas = SchemaCache(RegistryAccess.of(site.settings))
    reader = OutputReader(schemas)
    try:
        return [msgspec.json.decode(await reader.envelope(record.value)) for record in await site.read(topic)]
    finally:
        schemas.close()


async def released(site: Site) -> list[Any]:
    """Return what the released events say."""
    return [event["payload"] for event in await shown(site, site.topics.allocation_released.name)]


async def test_a_limit_ends_within_two_seconds_while_the_rest_of_the_traffic_flows(site: Site) -> None:
    worker = site.add_worker()
    site.add_worker()
    await site.ready()
    items = [f"lamp-{number}" for number in range(8)]
    for item in items:
        await stock(site, item)
    await site.drained()

    limit = time.time() + 6.0
    for item in items:
        await reserve(site, item, "r-1", datetime.fromtimestamp(limit, UTC).isoformat())
    flowing = asyncio.create_task(_traffic(site, seconds=9.0))
    for item in items:
        await until_status(worker, item, "r-1", "COMMITTED")
    assert time.time() < limit
    for item in items:
        await until_status(worker, item, "r-1", "EXPIRED")
    await flowing

    times = [record.timestamp / 1000 for record in await site.read(site.topics.allocation_released.name)]
    assert len(items) == len(times)
    assert min(times) >= limit
    assert max(times) < limit + 3  # two, and one for a machine that does a dozen other things
    _, view = await worker.get("/atp/acme/lamp-0/ECOM")
    assert (10, 0) == (view["available"], view["reserved"])
    assert {("EXPIRED", 4)} == {(event["reason"], event["quantity"]) for event in await released(site)}


async def _traffic(site: Site, seconds: float) -> None:
    until = time.monotonic() + seconds
    number = 0
    while time.monotonic() < until:
        await stock(site, f"other-{number % 50}")
        number += 1
        await asyncio.sleep(0.02)


async def test_a_confirmation_takes_the_limit_away_and_an_idle_system_is_told_nothing(site: Site) -> None:
    worker = site.add_worker()
    await site.ready()
    await stock(site, "lamp")
    await site.drained()
    await reserve(site, "lamp", "r-1", stamp(4.0))
    await confirm(site, "lamp", "r-1")
    await until_status(worker, "lamp", "r-1", "CONFIRMED")

    await asyncio.sleep(6.0)
    times = await ticks(site)
    await asyncio.sleep(3.0)

    assert "CONFIRMED" == await status(worker, "lamp", "r-1")
    assert [] == await released(site)
    assert times == await ticks(site)
    assert times <= 2  # the broker was asked what time it is, and the item was due once: it had nothing to end


async def two_with_a_limit(site: Site, seconds: float) -> Worker:
    """Return a worker that has promised a lamp, to be confirmed in time, and a chair, which never is."""
    worker = site.add_worker()
    await site.ready()
    await stock(site, "lamp")
    await stock(site, "chair")
    await site.drained()
    await reserve(site, "lamp", "in-time", stamp(seconds))
    await reserve(site, "chair", "never", stamp(seconds))
    await until_status(worker, "lamp", "in-time", "COMMITTED")
    await until_status(worker, "chair", "never", "COMMITTED")
    return worker


async def time_is_held(worker: Worker) -> None:
    """Fail unless both still stand, and the worker says that it holds time back."""
    assert ["COMMITTED", "COMMITTED"] == [
        await status(worker, "lamp", "in-time"),
        await status(worker, "chair", "never"),
    ]
    assert await _held(worker) > 1


async def only_the_chair_ends(site: Site, worker: Worker, *, seconds: float = 20.0) -> None:
    """Fail unless the chair expires, and the lamp, confirmed in time, does not."""
    await until_status(worker, "chair", "never", "EXPIRED", seconds)
    assert "CONFIRMED" == await status(worker, "lamp", "in-time")
    assert ["chair"] == [event["itemId"] for event in await released(site)]


async def test_an_outage_across_a_limit_that_was_confirmed_in_time_ends_nothing(site: Site) -> None:
    worker = await two_with_a_limit(site, 5.0)
    worker.kill()
    await confirm(site, "lamp", "in-time")
    await asyncio.sleep(7.0)

    worker.start()
    await site.ready()

    await only_the_chair_ends(site, worker)


async def test_a_source_partition_that_waits_holds_time_back(site: Site, stack: Stack) -> None:
    worker = await two_with_a_limit(site, 6.0)
    stack.stop_registry()
    try:
        # Nobody can tell what this is while the registry is away, so what stands behind it waits.
        await site.send(site.topics.confirmed.name, b"\0\0\x0f\xff\xffx", partition=0)
        held = {"itemId": "lamp", "reservationId": "in-time", "timestamp": stamp()}
        await site.send(site.topics.confirmed.name, held, partition=0)
        await asyncio.sleep(9.0)
        await time_is_held(worker)
    finally:
        stack.start_registry()

    await only_the_chair_ends(site, worker)


async def test_what_was_said_behind_an_open_transaction_is_waited_for(site: Site) -> None:
    worker = await two_with_a_limit(site, 6.0)
    other = AIOKafkaProducer(bootstrap_servers=site.settings.bootstrap, transactional_id="somebody else")
    await other.start()
    try:
        async with other.transaction():
            await other.send_and_wait(site.topics.confirmed.name, b'{"eventType": "AnotherEvent"}', partition=0)
            said = {"itemId": "lamp", "reservationId": "in-time", "timestamp": stamp()}
            await site.send(site.topics.confirmed.name, said, partition=0)
            await asyncio.sleep(12.0)
            await time_is_held(worker)
            (warning,) = (await worker.get("/health/ready"))[1]["warnings"]
            assert warning.startswith(f"{site.topics.confirmed.name}/0 holds time limits back: ")
            assert "behind a transaction that is open from offset 0 on" in warning
    finally:
        await other.stop()

    await until_status(worker, "chair", "never", "EXPIRED")
    assert "CONFIRMED" == await status(worker, "lamp", "in-time")
    assert [] == (await worker.get("/health/ready"))[1]["warnings"]


async def test_a_limit_waits_half_a_minute_for_stock_behind_an_open_transaction_and_then_ends(site: Site) -> None:
    worker = await two_with_a_limit(site, 2.0)
    other = AIOKafkaProducer(
        bootstrap_servers=site.settings.bootstrap, transactional_id="hangs", transaction_timeout_ms=120_000
    )
    await other.start()
    try:
        async with other.transaction():
            await other.send_and_wait(site.topics.adjusted.name, b'{"eventType": "AnotherEvent"}', partition=0)
            await asyncio.sleep(9.0)
            await time_is_held(worker)
            await until_status(worker, "chair", "never", "EXPIRED", seconds=60.0)
    finally:
        await other.stop()


async def test_what_was_said_in_a_partition_that_was_added_meanwhile_is_read_before_time_goes_on(site: Site) -> None:
    worker = await two_with_a_limit(site, 4.0)

    topic = site.topics.confirmed
    async with provision.administration(KafkaAccess.of(site.settings)) as admin:
        await admin.create_partitions({topic.name: NewPartitions(topic.partitions + 1)})
    said = {"itemId": "lamp", "reservationId": "in-time", "timestamp": stamp()}
    async with AIOKafkaProducer(bootstrap_servers=site.settings.bootstrap) as other:  # it knows the new partition
        await other.send_and_wait(topic.name, msgspec.json.encode(said), partition=topic.partitions)

    await only_the_chair_ends(site, worker, seconds=40.0)


async def _held(worker: Worker) -> float:
    async with aiohttp.request("GET", worker.url + "/metrics") as answer:
        lines = (await answer.text()).splitlines()
    (line,) = [line for line in lines if line.startswith("atp_time_held_seconds ")]
    return float(line.partition(" ")[2])


async def test_a_gap_is_reported_after_its_grace_and_once_more_when_it_is_closed(site: Site) -> None:
    worker = site.add_worker()
    await site.ready()
    await site.send(site.topics.policy.name, {"action": "SET", "policy": {"drift_grace": 2}})
    await site.drained()
    lost = {"event_id": "lost", "product_id": "lamp", "adjusted_quantity": 3, "timestamp": stamp(-5.0)}

    await site.send(site.topics.counted.name, {"itemId": "lamp", "onHand": 10, "timestamp": stamp(-10.0)})
    await site.drained()
    await site.send(site.topics.adjusted.name, {"product_id": "lamp", "adjusted_quantity": 1, "new_quantity": 14})
    await until_drift(site, 1)
    _, view = await worker.get("/atp/acme/lamp")
    assert (3, 3) == (view["gap"], view["drift"]["told"])
    await site.send(site.topics.adjusted.name, lost)
    await until_drift(site, 2)

    detected, resolved = await drifts(site)
    assert ("StockDriftDetectedEvent", "lamp", 3, 14) == (
        detected["eventType"], *(detected["payload"][name] for name in ("itemId", "gap", "onHand"))
    )  # fmt: skip
    assert ("StockDriftResolvedEvent", detected["payload"]["since"]) == (
        resolved["eventType"], resolved["payload"]["since"]
    )  # fmt: skip
    assert detected["timestamp"] - detected["payload"]["since"] >= 2000
    _, view = await worker.get("/atp/acme/lamp")
    assert (0, None, 1) == (view["gap"], view["drift"], view["facts"]["late"])


async def until_drift(site: Site, count: int) -> None:
    """Return once so many events tell of drift."""
    for _ in range(60):
        if len(await site.read(site.topics.stock_drift.name)) >= count:
            return
        await asyncio.sleep(0.3)
    raise AssertionError(f"not {count} events of drift")


async def drifts(site: Site) -> list[Any]:
    """Return the events that tell of drift."""
    return await shown(site, site.topics.stock_drift.name)
