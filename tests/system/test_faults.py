"""Whatever is killed: nothing is lost, nothing counts twice, nothing is published twice.

Two judges: the oracle, which recounts everything apart from our code, and a fold of the item log in one piece, which
says what every row and every output must be, bit for bit.
"""

import asyncio
import random
import time
from heapq import heappop, heappush

import pytest

from atp_stream.demo.traffic import Traffic
from atp_stream.devstack import Stack
from atp_stream.oracle import check
from chaos import refold
from chaos.judge import history
from tests.system.site import Site, Worker

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(300)]

POISON: dict[bytes, bytes] = {
    b"\xff\xfe not json": b"undecodable",
    b"[]": b"undecodable",
    b'{"reservationId": "p-1", "itemId": "poison", "quantity": NaN}': b"undecodable",
    b'{"reservationId": "p-2", "itemId": "poison", "quantity": 1.505}': b"quantity_too_fine",
    b'{"reservationId": "p-3", "itemId": "poison", "quantity": 100000000000000000000}': b"quantity_too_large",
    b'{"reservationId": "p-4", "itemId": "poison", "quantity": -1}': b"not_positive",
    b'{"reservationId": "p-5", "itemId": "poison", "quantity": "NaN"}': b"quantity_not_finite",
    b'{"itemId": "poison", "quantity": 1}': b"missing_reservation",
    b"\x00\x00\x01\x86\x9f\x02a": b"unknown_schema",  # framed Avro whose id the registry does not know
}


def now() -> int:
    """Return the time in microseconds."""
    return time.time_ns() // 1000


async def pour(site: Site, traffic: Traffic, *, seconds: float, rate: int) -> int:
    """Send the demo's traffic (duplicates, late ones and poison among it) and return how many messages that was."""
    waiting: list[tuple[float, int, str, bytes | None, bytes | None]] = []
    made = sent = 0
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds or waiting:
        while elapsed < seconds and made < elapsed * rate:
            for kind, key, value, delay in traffic.step(now()):
                made += 1
                heappush(waiting, (elapsed + delay, made, getattr(site.topics, kind).name, key, value))
        while waiting and waiting[0][0] <= time.monotonic() - began:
            _, _, topic, key, value = heappop(waiting)
            await site.offer(topic, key, value)
            sent += 1
        await asyncio.sleep(0.02)
    await site.flush()
    return sent


async def judge(site: Site) -> None:
    """Fail with the words of both judges."""
    past = await history(site.settings)
    report = check(past)
    assert [] == report.objections
    assert (0, 0, 0) == (report.lost, report.doubled, report.oversold)
    assert report.balanced
    assert [] == await refold.differences(site.settings, past)


async def test_two_workers_of_which_one_is_killed_five_times_balance_exactly(site: Site) -> None:
    workers = [site.add_worker(), site.add_worker()]
    await site.ready()
    chance = random.Random(20261122)

    pouring = asyncio.create_task(pour(site, Traffic(seed=1), seconds=38, rate=250))
    for _ in range(5):
        await asyncio.sleep(chance.uniform(3, 9))
        victim = chance.choice(workers)
        victim.kill()
        victim.start()
    sent = await pouring
    await site.ready()
    await site.drained()

    assert 5_000 < sent
    await judge(site)


async def test_a_broker_killed_in_the_middle_of_commits_loses_and_doubles_nothing(alone: Stack, lonely: Site) -> None:
    site = lonely
    workers = [site.add_worker(), site.add_worker()]
    await site.ready()

    traffic = Traffic(seed=2)
    pouring = asyncio.create_task(pour(site, traffic, seconds=20, rate=150))
    await asyncio.sleep(5)
    alone.kill_broker()
    await asyncio.sleep(10)
    alone.start_broker()  # not in a thread: what dies with its parent dies with the thread that started it
    await pouring
    await site.ready(60)
    await site.drained()

    assert [True, True] == [worker.running for worker in workers]  # both carried on: no supervisor was needed
    await judge(site)


async def test_poison_ends_in_the_dead_letters_and_delays_nobody(site: Site) -> None:
    worker = site.add_worker()
    await site.ready()
    await pour(site, Traffic(seed=3), seconds=5, rate=200)
    await site.drained()
    places = [await site.send(site.topics.created.name, poison) for poison in POISON]

    began = time.monotonic()
    await site.send(site.topics.adjusted.name, {"product_id": "after", "adjusted_quantity": 1, "new_quantity": 1})
    while (await worker.get("/atp/acme/after"))[0] != 200:  # noqa: ASYNC110 - asked as a user would
        await asyncio.sleep(0.05)
    waited = time.monotonic() - began
    await site.drained()

    letters = {
        dict(letter.headers)["atp-origin"].decode(): (letter.value, dict(letter.headers)["atp-reason"])
        for letter in await site.read(site.topics.dead_letter.name)
    }
    found = [letters.get(f"{place.topic}/{place.partition}/{place.offset}") for place in places]
    assert list(POISON.items()) == found
    assert worker.running
    assert waited < 5.0  # what stock Faust waits for a single bad message
    await judge(site)


async def test_a_worker_frozen_past_its_session_answers_nothing_old_and_writes_nothing(site: Site) -> None:
    frozen, other = site.add_worker(), site.add_worker()
    await site.ready()
    traffic = Traffic(seed=4)
    await pour(site, traffic, seconds=4, rate=150)

    frozen.signal(site.STOP)
    await _owns_all(other)
    await pour(site, traffic, seconds=4, rate=150)
    frozen.signal(site.CONT)
    status, _ = await frozen.get("/atp/demo/sku-001")
    if not frozen.running:
        frozen.start()
    await site.ready(60)
    await site.drained()

    assert status in {0, 503}
    await judge(site)


async def _owns_all(worker: Worker) -> None:
    while len(await worker.partitions()) < 6:  # noqa: ASYNC110 - another process's state
        await asyncio.sleep(0.2)
