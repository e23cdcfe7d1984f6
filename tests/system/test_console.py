"""The console of two live workers: what is of the other one is there, and when that one dies, it is said."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from atp_stream.devstack import Stack
from tests.conftest import settings_on
from tests.system.site import Site, Worker
from tests.web.browser import chromium

pytestmark = [pytest.mark.stack, pytest.mark.slow]
live = pytest.mark.asyncio(loop_scope="module")
ITEMS = [f"item-{number:02}" for number in range(24)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """Give two workers and 24 items, of which one is short and one has somebody who waits."""
    directory = tmp_path_factory.mktemp("console")
    made = Site(replace(settings_on(stack, directory), default_tenant="acme", session_timeout=6.0), directory)
    await made.open()
    made.add_worker()
    made.add_worker()
    await made.ready()
    await made.send_all([(made.topics.counted.name, {"itemId": item, "onHand": 10}) for item in ITEMS])
    await made.drained()
    await made.send(made.topics.created.name, {"reservationId": "r-1", "itemId": ITEMS[3], "quantity": 12})
    await made.send(made.topics.created.name, {"reservationId": "r-2", "itemId": ITEMS[5], "quantity": 8})
    await made.drained()
    await made.send(made.topics.counted.name, {"itemId": ITEMS[5], "onHand": 6})
    await made.send(made.topics.counted.name, b"no JSON")
    await made.drained()
    await made.rest()
    yield made
    await made.close()


async def ask(worker: Worker, path: str) -> Any:
    status, body = await worker.get(path)
    assert 200 == status, body
    return body


@live
async def test_either_worker_lists_the_items_of_both_in_the_order_of_their_names(site):
    for worker in site.workers:
        found, after = [], ""
        while True:
            page = await ask(worker, f"/items/acme?limit=10{after}")
            found += [one["item"] for one in page["items"]]
            assert ([0, 1, 2, 3, 4, 5], []) == (page["partitions"]["answered"], page["partitions"]["missing"])
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert ITEMS == found


@live
async def test_either_worker_knows_the_sums_and_what_is_at_risk_of_both(site):
    for worker in site.workers:
        totals = await complete(worker, "/totals/acme")
        assert (24, 236, 8) == tuple(totals[name] for name in ("items", "on_hand", "reserved"))
        counted = {risk: (one["items"], one["quantity"]) for risk, one in totals["risks"].items() if one["items"]}
        assert {"short": (1, 2), "waiting": (1, 12), "sold_out": (1, 0)} == counted
        risky = await complete(worker, "/items/acme?risk=any&limit=2")
        assert [ITEMS[5], ITEMS[3]] == [one["item"] for one in risky["items"]]


async def complete(worker: Worker, path: str) -> Any:
    """Return an answer for which all items were looked at."""
    for _ in range(50):
        found = await ask(worker, path)
        if found["complete"]:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"{path} does not become complete")


@live
async def test_a_letter_is_read_from_the_end_of_its_topic(site):
    (letter,) = (await ask(site.workers[0], "/dead-letters?last=5"))["letters"]
    assert ("no JSON", 7) == (letter["message"], letter["bytes"])


@live
async def test_all_workers_are_shown_by_either(site):
    for worker in site.workers:
        shown = (await ask(worker, "/workers"))["workers"]
        assert (2, {"serving"}) == (len(shown), {one["state"] for one in shown})
        assert list(range(6)) == sorted(p["partition"] for one in shown for p in one["partitions"])


@live
async def test_events_of_both_workers_come_on_the_stream_of_one(site):
    wanted = {f"s-{number}" for number in range(12)}
    timeout = aiohttp.ClientTimeout(total=15)
    url = f"{site.workers[0].url}/events/acme?type=AllocationCommittedEvent"
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
        await asyncio.sleep(1.5)  # the other worker's stream is being opened
        items = ITEMS[6:18]
        await site.send_all(
            [
                (site.topics.created.name, {"reservationId": one, "itemId": item, "quantity": 1})
                for one, item in zip(sorted(wanted), items, strict=True)
            ]
        )
        seen: set[str] = set()
        async for line in answer.content:
            if line.startswith(b"data: "):
                seen |= {item for item in items if f'"itemId":"{item}"'.encode() in line}
                if seen == set(items):
                    break
    assert set(items) == seen


@live
async def test_the_seventeenth_stream_is_refused_and_a_place_comes_free_when_one_goes(site):
    worker = site.workers[0]
    await asyncio.sleep(2)  # until it is noticed that the readers of other tests have gone
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        opened = [await session.get(f"{worker.url}/events/acme") for _ in range(16)]
        assert {200} == {one.status for one in opened}
        async with session.get(f"{worker.url}/events/acme") as refused:
            assert (503, "urn:atp:problem:too-many-streams") == (refused.status, (await refused.json())["type"])
        opened[0].close()
        status = 503
        for _ in range(40):
            await asyncio.sleep(0.1)
            async with session.get(f"{worker.url}/events/acme") as again:
                status = again.status
            if status == 200:
                break
        assert 200 == status
        for one in opened:
            one.close()


@live
async def test_the_death_of_the_other_worker_changes_the_verdict_and_its_return_changes_it_back(site):
    stays, dies = site.workers
    async with chromium() as browser:
        page = await browser.new_page()
        await page.goto(stays.url)
        await page.wait_for_selector("#verdict:has-text('All 6 partitions answer.')", timeout=15_000)
        assert 2 == await page.locator("table.map th:has-text('127.0.0.1')").count()
        began = time.monotonic()
        await asyncio.to_thread(dies.kill)
        await page.wait_for_selector("#verdict.warn", timeout=10_000)
        assert time.monotonic() - began < site.settings.session_timeout + 2
        await page.wait_for_selector("#verdict:not(.warn):has-text('All 6 partitions answer.')", timeout=40_000)
        dies.start()
        await page.wait_for_selector(
            "table.map:has(th:nth-of-type(3):has-text('127.0.0.1')) .own >> nth=5", timeout=40_000
        )


@live
async def test_a_worker_with_pages_open_stops_in_time(site):
    await site.ready()
    worker = site.workers[0]
    async with chromium() as browser:
        pages = [await browser.new_page() for _ in range(3)]
        for page in pages:
            await page.goto(worker.url)
            await page.wait_for_selector("#live ~ .muted:has-text('at most')", timeout=15_000)
        began = time.monotonic()
        code = await asyncio.to_thread(worker.stop)
        assert (0, True) == (code, time.monotonic() - began < 10)
        await pages[0].wait_for_selector("#stream:has-text('The stream was lost')", timeout=10_000)
