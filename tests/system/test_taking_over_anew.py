"""A worker whose transactions the broker has ended takes over anew by itself, and says what holds it up."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from atp_stream.access import KafkaAccess
from atp_stream.devstack import Stack
from atp_stream.engine.coordination import KafkaCoordinator
from atp_stream.engine.ownership import Owner
from tests.system.site import Site, Worker

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(240)]


def adjustment(item: str, units: int) -> dict[str, Any]:
    return {"itemId": item, "adjusted_quantity": units}


async def fence(site: Site, partitions: range) -> None:
    """Do to a worker's transactions what the coordinator does when one was open for too long."""
    async with KafkaCoordinator(KafkaAccess.of(site.settings), site.topics.owners.name) as coordinator:
        rows = await coordinator.owner_rows(partitions)
        names = {name for row in rows.values() for name in msgspec.json.decode(row or b"{}", type=Owner).ids}
        for name in names:
            while await coordinator.initialise(name) is None:  # noqa: ASYNC110 - only asking tells it
                await asyncio.sleep(0.05)


async def on_hand(worker: Worker, item: str) -> int | None:
    status, body = await worker.get(f"/atp/acme/{item}")
    return int(body["on_hand"]) if status == 200 else None


async def until(worker: Worker, items: list[str], units: int, seconds: float) -> float:
    """Return how long it takes until all items have so many units."""
    began = time.monotonic()
    while [await on_hand(worker, item) for item in items] != [units] * len(items):
        assert time.monotonic() - began < seconds, worker.said()[-4000:]
        await asyncio.sleep(0.1)
    return time.monotonic() - began


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_worker_that_nobody_took_over_serves_again_without_a_restart(site: Site, workers: int) -> None:
    for _ in range(workers):
        site.add_worker()
    await site.ready()
    items = [f"item-{number}" for number in range(40)]
    await site.send_all((site.topics.adjusted.name, adjustment(item, 1)) for item in items)
    await site.drained()
    before = [worker.process.pid for worker in site.workers if worker.process]

    await fence(site, range(site.topics.item_log.partitions))
    await site.send_all((site.topics.adjusted.name, {**adjustment(item, 2), "event_id": f"{item}-2"}) for item in items)

    assert await until(site.workers[0], items, 3, seconds=30.0) < 10.0
    assert before == [worker.process.pid for worker in site.workers if worker.process and worker.running]
    assert any("taking over all partitions again" in worker.said() for worker in site.workers)


async def test_a_broker_that_stood_still_for_longer_than_a_transaction_may_last(site: Site, stack: Stack) -> None:
    worker = site.add_worker()
    await site.ready()
    items = [f"item-{number}" for number in range(40)]
    others = ((site.topics.adjusted.name, adjustment(f"other-{number}", 1)) for number in range(2_000))
    sending = asyncio.create_task(site.send_all(others))
    await until(worker, ["other-0"], 1, seconds=30.0)
    stack.broker.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(35.0)
    finally:
        stack.broker.signal(signal.SIGCONT)
    await sending
    await site.send_all((site.topics.adjusted.name, adjustment(item, 3)) for item in items)

    assert await until(worker, items, 3, seconds=40.0) < 10.0
    await site.drained()
    # Whether something was under way just then, and had to be taken over anew, is for the broker to say: here, that
    # it did stand still.
    assert "no answer from the broker" in worker.said()
    assert worker.running
    assert [1] * 2_000 == [await on_hand(worker, f"other-{number}") for number in range(2_000)]


@asynccontextmanager
async def open_transaction(site: Site) -> AsyncIterator[AIOKafkaProducer]:
    """Let a transaction of somebody else stand open in the changelog: a take-over waits for its end."""
    other = AIOKafkaProducer(bootstrap_servers=site.settings.bootstrap, transactional_id="somebody else's")
    await other.start()
    try:
        await other.begin_transaction()
        await other.send_and_wait(site.topics.state_changelog.name, b"?", key=b"|nothing", partition=4)
        yield other
    finally:
        await other.stop()


async def test_a_worker_that_is_stopped_in_the_midst_of_a_take_over_ends_in_order(site: Site) -> None:
    async with open_transaction(site):
        worker = site.add_worker()
        began = time.monotonic()
        while "taking over partitions" not in worker.said():
            assert time.monotonic() - began < 60, worker.said()[-4000:]
            await asyncio.sleep(0.05)

        assert 0 == await asyncio.to_thread(worker.stop)


async def test_a_transaction_of_others_in_the_changelog_is_reported_with_what_to_do(site: Site) -> None:
    changelog = site.topics.state_changelog.name
    async with open_transaction(site) as other:
        worker = site.add_worker()
        words = f"kafka-transactions.sh abort --topic {changelog} --partition 4 --start-offset 0"
        began = time.monotonic()
        while words not in worker.said():
            assert time.monotonic() - began < 60, worker.said()[-4000:]
            await asyncio.sleep(0.2)
        assert [] == await worker.partitions()
        await other.abort_transaction()

    await site.ready()
