"""Checkout in one call on two workers, one of which is killed in the middle: the answer is that of the log, or none."""

import asyncio
import math
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from atp_stream.devstack import Stack
from atp_stream.messages.outbound import RESERVATION_HEADER
from tests.conftest import settings_on
from tests.system.site import Site, Worker

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(300)]
live = pytest.mark.asyncio(loop_scope="module")
AT = "2026-01-01T12:00:00Z"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """Give two workers that take orders: of each of 40 items there are 1000."""
    directory = tmp_path_factory.mktemp("shop")
    settings = replace(settings_on(stack, directory), default_tenant="acme", session_timeout=6.0, web_checkout=1)
    site = Site(settings, directory)
    await site.open()
    site.add_worker()
    site.add_worker()
    await site.ready()
    await site.send(
        site.topics.policy.name, {"action": "SET", "policy": {"tenants": {"*": {"channels": {"ECOM": {}}}}}}
    )
    await site.drained()
    for number in range(40):
        await site.send(site.topics.counted.name, {"itemId": f"item-{number}", "onHand": 1000})
    await site.drained()
    await site.rest()
    yield site
    await site.close()


def create(reservation: str, item: str = "item-1", quantity: int = 1, at: str = AT, **more: Any) -> dict[str, Any]:
    return {"reservationId": reservation, "itemId": item, "quantity": quantity, "timestamp": at, **more}


async def post(worker: Worker, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    """Return the status and the JSON body of an answer; status 0 if there is none."""
    try:
        async with aiohttp.request(
            "POST", worker.url + path, json=body, headers=headers, timeout=aiohttp.ClientTimeout(total=20)
        ) as answer:
            return answer.status, await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, OSError):
        return 0, None


def summary(answer: tuple[int, Any]) -> tuple[int, Any, Any, Any]:
    status, body = answer
    return status, body.get("status"), body.get("requested"), body.get("reserved")


@live
async def test_an_order_is_answered_as_soon_as_it_is_decided_on_either_worker(shop: Site) -> None:
    for number, worker in enumerate(shop.workers):
        for item in ("item-2", "item-3", "item-4", "item-5"):
            began = time.monotonic()
            answer = await post(worker, "/reservations?wait=8", create(f"quick-{number}", item, 3))
            assert (200, "COMMITTED", 3, 3) == summary(answer)
            assert time.monotonic() - began < 4


@live
async def test_the_same_order_again_is_the_same_reservation(shop: Site) -> None:
    one, two = shop.workers
    answers = [await post(worker, "/reservations?wait=8", create("again", "item-6", 4)) for worker in (one, two, one)]
    assert 3 * [(200, "COMMITTED", 4, 4)] == [summary(answer) for answer in answers]
    assert 1 == len({one["allocation"] for _, body in answers for one in body["allocations"]})
    assert (200, 4) == await reserved(one, "item-6")


@live
async def test_what_cannot_be_served_is_in_the_same_answer(shop: Site) -> None:
    body = create("greedy", "item-7", 5000, allowBackorder=False)
    assert (200, "REJECTED", 5000, 0) == summary(await post(shop.workers[0], "/reservations?wait=8", body))


@live
async def test_a_confirmation_and_a_release_are_answered_likewise(shop: Site) -> None:
    worker = shop.workers[0]
    await post(worker, "/reservations?wait=8", create("steps", "item-8", 5))
    about = {"reservationId": "steps", "itemId": "item-8", "timestamp": AT}
    assert (200, "CONFIRMED", 5, 5) == summary(await post(worker, "/confirmations?wait=8", about))
    part = {**about, "quantity": 2, "eventId": "part"}
    assert 2 * [(200, "CONFIRMED", 5, 3)] == [summary(await post(worker, "/releases?wait=8", part)) for _ in range(2)]
    assert (200, "RELEASED", 5, 0) == summary(await post(worker, "/releases?wait=8", about))


@live
async def test_without_a_wait_the_place_of_the_message_is_the_answer(shop: Site) -> None:
    status, body = await post(shop.workers[0], "/reservations", create("later", "item-9"))
    place, _, offset = body["sent"].rpartition("/")
    assert (202, "acme", "item-9", "later") == (status, body["tenant"], body["item"], body["reservation"])
    assert place.rpartition("/")[0] == shop.topics.created.name
    assert offset.isdigit()


@live
async def test_a_message_is_where_a_producer_that_keys_by_item_puts_it(shop: Site) -> None:
    await post(shop.workers[0], "/reservations?wait=8", create("keyed", "item-10"))
    found = [record for record in await shop.read(shop.topics.created.name) if b'"keyed"' in record.value]
    assert [(b"item-10", create("keyed", "item-10"))] == [(one.key, msgspec.json.decode(one.value)) for one in found]


@live
async def test_what_the_ledger_refuses_is_refused_in_the_answer_with_its_reason(shop: Site) -> None:
    answer = await post(shop.workers[0], "/reservations?wait=8", create("future", "item-11", at="2036-01-01T00:00:00Z"))
    assert (409, "urn:atp:problem:refused") == (answer[0], answer[1]["type"])
    assert answer[1]["detail"].endswith("(future)")


@live
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"timestamp": None}, "bad_timestamp"),
        ({"quantity": None}, "missing_quantity"),
        ({"quantity": 1.234}, "quantity_too_fine"),
        ({"reservationId": ""}, "missing_reservation"),
        ({"itemId": None}, "missing_item"),
    ],
)
async def test_what_workers_would_refuse_is_not_sent(shop: Site, change: dict[str, Any], reason: str) -> None:
    before = len(await shop.read(shop.topics.created.name))
    status, body = await post(shop.workers[0], "/reservations?wait=8", {**create("bad"), **change})
    assert (400, "urn:atp:problem:bad-message") == (status, body["type"])
    assert body["detail"].endswith(f"({reason})")
    assert before == len(await shop.read(shop.topics.created.name))


@live
async def test_a_form_that_a_foreign_page_could_send_unasked_is_not_taken(shop: Site) -> None:
    async with aiohttp.request(
        "POST", shop.workers[0].url + "/reservations", data=msgspec.json.encode(create("forged")),
        headers={"Content-Type": "text/plain"},
    ) as answer:  # fmt: skip
        assert (415, "urn:atp:problem:not-json") == (answer.status, (await answer.json(content_type=None))["type"])


@live
async def test_who_waits_for_an_order_is_answered_by_the_step_that_decides_it(shop: Site) -> None:
    async def ask(worker: Worker) -> tuple[int, float]:
        async with aiohttp.request("GET", worker.url + "/reservations/acme/item-12/awaited?wait=8") as answer:
            await answer.read()
            return answer.status, time.monotonic()

    asked = [asyncio.create_task(ask(worker)) for worker in (*shop.workers, *shop.workers)]
    await asyncio.sleep(1)
    assert [] == [task for task in asked if task.done()]
    sent = time.monotonic()
    await shop.send(shop.topics.created.name, create("awaited", "item-12"))
    answers = await asyncio.gather(*asked)
    assert {200} == {status for status, _ in answers}
    assert max(at for _, at in answers) - sent < 4


@live
async def test_an_order_that_does_not_come_is_unknown_after_the_wait(shop: Site) -> None:
    for worker in shop.workers:
        began = time.monotonic()
        status, body = await worker.get("/reservations/acme/item-1/nobody?wait=1.5")
        assert (404, "urn:atp:problem:unknown-reservation") == (status, body["type"])
        assert 1.4 < time.monotonic() - began < 4


@live
async def test_a_worker_that_is_ended_lets_those_who_wait_go(shop: Site) -> None:
    extra = shop.add_worker()
    async with asyncio.timeout(60):
        while (await extra.get("/health/ready"))[0] != 200:  # noqa: ASYNC110 - that is asked over HTTP
            await asyncio.sleep(0.1)
    asked = [asyncio.create_task(extra.get(f"/reservations/acme/item-{number}/nobody?wait=10")) for number in range(8)]
    await asyncio.sleep(0.5)
    began = time.monotonic()
    assert 0 == await asyncio.to_thread(extra.stop)
    assert time.monotonic() - began < 9
    await asyncio.gather(*asked)
    await shop.ready()


@live
async def test_orders_at_a_steady_rate_are_answered_each_with_what_the_log_decided(
    shop: Site, record_property: Any
) -> None:
    rate, seconds = 100, 8
    taken: list[float] = []

    async with aiohttp.ClientSession() as session:

        async def order(number: int) -> None:
            worker = shop.workers[number % 2]
            body = create(f"rate-{number}", f"item-{number % 20 + 20}")
            began = time.perf_counter()
            async with session.post(worker.url + "/reservations?wait=8", json=body) as answer:
                assert (200, "COMMITTED") == (answer.status, (await answer.json())["status"])
            taken.append(time.perf_counter() - began)

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(rate * seconds):
                await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
                group.create_task(order(number))
    taken.sort()
    half, most = (1000 * taken[math.ceil(len(taken) * share) - 1] for share in (0.5, 0.99))
    load = os.getloadavg()[0]
    for name, value in (("p50_ms", half), ("p99_ms", most), ("load", load)):
        record_property(name, round(value, 1))
    assert rate * seconds == len(taken)
    assert most < 4_000  # on a quiet machine: 100


@live
async def test_an_order_that_is_sent_again_after_a_kill_is_one_reservation(shop: Site) -> None:
    names = [(f"kill-{number}", f"item-{number % 20}") for number in range(200)]
    before = sum([(await reserved(shop.workers[0], f"item-{number}"))[1] for number in range(20)])
    statuses: Counter[int] = Counter()

    async def buy(number: int) -> None:
        """Send an order until it is decided, each time to another worker, as a shop behind a balancer would."""
        name, item = names[number]
        for attempt in range(60):
            status, body = await post(
                shop.workers[(number + attempt) % 2], "/reservations?wait=2", create(name, item, 2)
            )
            statuses[status] += 1
            if status == 200:
                assert ("COMMITTED", 2, 2) == (body["status"], body["requested"], body["reserved"])
                return
            assert status in {0, 202, 503}
            await asyncio.sleep(0.5)
        raise AssertionError(f"{name} was never decided: {statuses}")

    async def kill() -> None:
        await asyncio.sleep(0.4)
        await asyncio.to_thread(shop.workers[0].kill)
        await asyncio.sleep(3)
        shop.workers[0].start()

    async def at(number: int) -> None:
        await asyncio.sleep(number / 100)
        await buy(number)

    async with asyncio.TaskGroup() as group:
        group.create_task(kill())
        for number in range(len(names)):
            group.create_task(at(number))
    await shop.ready()
    assert statuses[0] or statuses[503]  # else nobody noticed the kill
    sent = Counter(msgspec.json.decode(one.value)["reservationId"] for one in await shop.read(shop.topics.created.name))
    assert max(sent[name] for name, _ in names) > 1  # some were sent twice, and nothing came of it
    committed = Counter(
        dict(one.headers)[RESERVATION_HEADER].decode() for one in await shop.read(shop.topics.allocation_committed.name)
    )
    assert {1} == {committed[name] for name, _ in names}
    after = sum([(await reserved(shop.workers[0], f"item-{number}"))[1] for number in range(20)])
    assert 2 * len(names) == after - before


async def reserved(worker: Worker, item: str) -> tuple[int, int]:
    async with asyncio.timeout(30):
        while True:
            status, body = await worker.get(f"/atp/acme/{item}")
            if status == 200:
                return status, body["reserved"]
            await asyncio.sleep(0.1)  # whoever owns it is being started
