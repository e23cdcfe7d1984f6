"""Whatever is killed: nothing is lost, nothing counts twice, nothing is published twice."""

import asyncio
import random
import time
from collections import Counter

import pytest

from atp_stream.devstack import Stack
from tests.system.load import POISON, Load
from tests.system.replay import objections
from tests.system.site import Site, Worker

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(300)]


async def pour(site: Site, load: Load, *, seconds: float, rate: int) -> int:
    """Send load for a while and return how many messages that was."""
    sent = 0
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        due = int(elapsed * rate) - sent
        sent += await site.send_all(load.messages(max(1, due)))
        await asyncio.sleep(0.05)
    return sent


async def test_two_workers_of_which_one_is_killed_five_times_balance_exactly(site: Site) -> None:
    workers = [site.add_worker(), site.add_worker()]
    await site.ready()
    chance = random.Random(20261122)

    pouring = asyncio.create_task(pour(site, Load(site.topics, seed=1), seconds=45, rate=250))
    for _ in range(5):
        await asyncio.sleep(chance.uniform(3, 9))
        victim = chance.choice(workers)
        victim.kill()
        victim.start()
    sent = await pouring
    await site.ready()
    await site.drained()

    assert 5_000 < sent
    assert [] == await objections(site)


async def test_a_broker_killed_in_the_middle_of_commits_loses_and_doubles_nothing(site: Site, stack: Stack) -> None:
    workers = [site.add_worker(), site.add_worker()]
    await site.ready()

    load = Load(site.topics, seed=2)
    await pour(site, load, seconds=5, rate=250)
    stack.kill_broker()
    await asyncio.sleep(10)
    stack.start_broker()  # not in a thread: what dies with its parent dies with the thread that started it
    for worker in workers:
        if not worker.running:
            worker.start()
    await site.ready(60)
    await pour(site, load, seconds=5, rate=250)
    await site.drained()

    assert [] == await objections(site)


async def test_poison_ends_in_the_dead_letters_and_delays_nobody(site: Site) -> None:
    worker = site.add_worker()
    await site.ready()
    load = Load(site.topics, seed=3, poison=0.01)
    await pour(site, load, seconds=10, rate=200)
    await site.send_all([(site.topics.created.name, poison) for poison in POISON])

    began = time.monotonic()
    await site.send(site.topics.adjusted.name, {"product_id": "after", "adjusted_quantity": 1, "new_quantity": 1})
    while (await worker.get("/atp/acme/after"))[0] != 200:  # noqa: ASYNC110 - asked as a user would
        await asyncio.sleep(0.05)
    waited = time.monotonic() - began
    await site.drained()

    letters = await site.read(site.topics.dead_letter.name)
    reasons = Counter(dict(letter.headers)["atp-reason"].decode() for letter in letters)
    assert load.poisoned + len(POISON) == len({dict(letter.headers)["atp-origin"] for letter in letters})
    quantities = {"quantity_too_fine", "quantity_too_large", "not_positive"}
    assert {"undecodable", "missing_reservation", "unknown_schema", *quantities} == set(reasons)
    assert worker.running
    assert waited < 5.0  # what stock Faust waits for a single bad message; the true figure is in the benchmarks
    assert [] == await objections(site)


async def test_a_worker_frozen_past_its_session_answers_nothing_old_and_writes_nothing(site: Site) -> None:
    frozen, other = site.add_worker(), site.add_worker()
    await site.ready()
    load = Load(site.topics, seed=4)
    await pour(site, load, seconds=4, rate=200)

    frozen.signal(site.STOP)
    await _owns_all(other)
    await pour(site, load, seconds=4, rate=200)
    frozen.signal(site.CONT)
    status, _ = await frozen.get("/atp/acme/item-1")
    if not frozen.running:
        frozen.start()
    await site.ready(60)
    await site.drained()

    assert status in {0, 503}
    assert [] == await objections(site)


async def _owns_all(worker: Worker) -> None:
    while len(await worker.partitions()) < 6:  # noqa: ASYNC110 - another process's state
        await asyncio.sleep(0.2)
