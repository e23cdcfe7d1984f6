"""The console in a real browser, over rows that were folded in memory: what it shows, and what it must never do."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from tests.domain.support.days import schedule, wants
from tests.domain.support.log import AT, NOON, adjust, confirm, count, fulfil, grant, policy, reserve
from tests.web.browser import opened, read_number, shut_out
from tests.web.folded import FoldedWorker

pytestmark = pytest.mark.slow

HOSTILE = '<img src=x onerror="window.hit=1">|%&"'
DOCUMENT = {
    "tenants": {
        "*": {
            "channels": {
                "ECOM": {},
                "STORE": {"buffer": 2},
                "B2B": {"kind": "QUOTA", "rank": 1, "min": 10, "overflow": True},
                "MARKETPLACE": {"kind": "SHARE", "weight": 0.25, "floor": 10},
            },
            "items": {"lamp": {"channels": {"MARKETPLACE": {"kind": "SHARE", "weight": 0.1}}}},
        }
    }
}


def fill(worker: FoldedWorker) -> None:
    """Give a worker a lamp that has all kinds of numbers, and items at risk."""
    worker.change_policy(policy(DOCUMENT))
    worker.say("lamp", count(31_050, location="north"), count(17_025, location="east"), grant("B2B", 10_000))
    worker.say(
        "lamp", reserve("r-1", 4_800, "B2B"), confirm("r-1"), reserve("r-2", 7_300), reserve("r-3", 21_400, "STORE")
    )
    worker.say("lamp", fulfil("r-2", 1_000, AT + 5, location="north"), adjust(-600, at=AT + 6, location="east"))
    worker.say("lamp", reserve("r-4", 14_025, "STORE"), reserve("r-5", 800, "STORE", priority=3))
    worker.say("tent", count(6_000), reserve("r-6", 5_800), count(4_100, AT + 1))
    worker.say(HOSTILE, count(500), reserve("<b>r</b>", 700))
    worker.say("chair", count(2_000), reserve("r-7", 300), schedule("po-1", 1_000, 2), wants("r-8", 2_500, 3))
    for number in range(60):
        worker.say(f"sku-{number:03}", count(100 * number))


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[FoldedWorker]:
    """Give such a worker."""
    made = FoldedWorker(tmp_path, default_tenant="acme")
    fill(made)
    async with made.serving():
        yield made


async def asked(worker: FoldedWorker, path: str) -> Any:
    async with aiohttp.request("GET", worker.url + path) as answer:
        return await answer.json()


async def test_every_number_on_the_page_of_an_item_is_that_of_its_explanation(browser, worker):
    explained = await asked(worker, "/atp/acme/lamp/explain")
    page = await opened(browser, worker, "item/lamp")
    for channel in explained["channels"]:
        await page.click(f"section[aria-labelledby=why] button:text-is('{channel['channel']}')")
        await page.wait_for_selector(f"#why:has-text('in {channel['channel']}')")
        rows = await page.eval_on_selector_all(
            "[data-term]",
            "all => all.map(row => [row.dataset.term, row.cells[1].textContent, row.cells[2].textContent])",
        )
        terms = [(t["what"], t["quantity"]) for n, t in enumerate(channel["terms"]) if n < 3 or t["quantity"]]
        assert terms == [(what, read_number(quantity)) for what, quantity, _ in rows]
        assert channel["available"] == read_number(await page.inner_text("#available"))
        assert channel["available"] == read_number(rows[-1][2])
    shown = await page.eval_on_selector_all(
        "[data-channel]", "all => all.map(row => [row.dataset.channel, ...[1, 2, 3].map(n => row.cells[n].innerText)])"
    )
    waiting = [
        [name, read_number(a), read_number(r), read_number(w.replace("◔", "").strip())] for name, a, r, w in shown
    ]
    expected = [[one["channel"], one["available"], one["reserved"], one["waiting"]] for one in explained["channels"]]
    assert expected == waiting
    equation = [
        read_number(text)
        for text in await page.eval_on_selector_all(".equation b", "all => all.map(b => b.textContent)")
    ]
    reserved = sum(one["reserved"] for one in explained["channels"])
    assert [explained["on_hand"]["quantity"], explained["safety_stock"]["quantity"], reserved] == equation[:3]
    assert [explained["free"]["quantity"], explained["pool"]] == [equation[3], equation[-1]]


@pytest.mark.parametrize(
    "place", ["now", "items", "item/" + "%3Cimg%20src%3Dx%20onerror%3D%22window.hit%3D1%22%3E%7C%25%26%22"]
)
async def test_the_name_of_an_item_is_text_whatever_it_is(browser, worker, place):
    page = await opened(browser, worker, place)
    assert await page.get_by_text(HOSTILE).count() >= 1
    assert (0, None) == (await page.locator("main img").count(), await page.evaluate("window.hit ?? null"))
    assert 0 == await page.locator("main td > b:text-is('r'), main a > b").count()


PLACES = [
    "now", "items", "item/lamp", "item/chair", "item/nobody-knows-me", "reservation/lamp/r-4", "letters",
    "letters?open=stock%2F1%2F9",
    "policy?item=lamp", "rehearse", "workers",
]  # fmt: skip


@pytest.mark.parametrize("width", [1440, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_breaks_its_rules_asks_elsewhere_scrolls_sideways_or_shuts_anybody_out(
    browser, worker, width, scheme
):
    wrong: dict[str, list[str]] = {}
    for place in PLACES:
        options = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
        page = await opened(browser, worker, place, **options)
        found = [one for one in page.seen.faults if "404" not in one]  # of the unknown item: the browser notes it
        found += page.seen.foreign + await shut_out(page)
        if await page.evaluate("document.documentElement.scrollWidth") > width:
            found.append("it scrolls sideways")
        if found:
            wrong[place] = found
        await page.context.close()
    assert {} == wrong


async def test_numbers_that_cannot_be_asked_for_any_more_are_shown_with_their_age_and_come_back(browser, worker):
    page = await opened(browser, worker, "item/lamp")
    worker.app.moving = True
    await page.wait_for_selector("[role=alert]:has-text('These numbers are')", timeout=6_000)
    assert 1 == await page.locator(".shown.old").count()
    assert "partitions are moving between workers" in await page.inner_text("[role=alert]")
    worker.app.moving = False
    await page.wait_for_selector(".shown:not(.old)", timeout=6_000)
    assert 0 == await page.locator("[role=alert]").count()


async def test_an_event_shows_within_two_seconds_and_a_stream_that_is_lost_says_so_and_comes_back(
    browser, worker, tmp_path
):
    page = await opened(browser, worker, "now")
    await page.wait_for_selector("#live ~ .muted:has-text('at most')")
    worker.say("tent", reserve("r-9", 100, at=AT + 9), log_time=NOON + 9)
    await page.wait_for_selector(".feed a:text-is('tent')", timeout=2_000)
    began = time.monotonic()
    await worker.stop()
    assert time.monotonic() - began < 3  # a page that is open keeps no worker from its end
    await page.wait_for_selector("#stream:has-text('The stream was lost')", timeout=6_000)
    await page.wait_for_selector(".shown.old", timeout=6_000)
    successor = FoldedWorker(tmp_path / "successor", web_port=worker.app.conf.web_port)
    async with successor.serving():
        await page.wait_for_selector("#stream", state="detached", timeout=10_000)


async def test_all_can_be_done_with_the_keyboard(browser, worker):
    page = await opened(browser, worker, "now")
    await page.keyboard.press("Tab")
    assert "To the content" == await page.evaluate("document.activeElement.textContent")
    await page.keyboard.press("/")
    await page.keyboard.type("lamp")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("h1:has-text('lamp')")
    await page.focus("section[aria-labelledby=channels] button.link >> nth=0")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#why:has-text('in B2B')")
    focused = await page.evaluate("document.activeElement.textContent")
    await asyncio.sleep(2.5)  # the page has been brought up to date meanwhile
    assert ("B2B", "B2B") == (focused, await page.evaluate("document.activeElement.textContent"))


async def test_a_list_is_gone_through_page_by_page_and_by_prefix(browser, worker):
    playwright = pytest.importorskip("playwright.async_api")
    page = await opened(browser, worker, "items")
    assert 50 == await page.locator("tbody tr").count()
    await page.click("text=Next page")
    await playwright.expect(page.locator("tbody tr")).to_have_count(14)
    await page.fill("[name=prefix]", "sku-05")
    await page.click("text=Show")
    await playwright.expect(page.locator("tbody tr")).to_have_count(10)


async def test_a_rehearsal_is_opened_in_the_browser_and_told_in_words(browser, worker):
    counted = {"committed": {"events": 1, "units": 10}, "rejected": {"events": 0, "units": 0}}
    would = {"committed": {"events": 1, "units": 7.5}, "rejected": {"events": 1, "units": 2.5}}
    found = {
        "partitions": [{"partition": 0, "after": -1, "applied": 9}],
        "channels": [{"tenant": "acme", "channel": "ECOM", "was": counted, "would": would}],
    }
    page = await opened(browser, worker, "rehearse")
    content = msgspec.json.encode(found)
    await page.set_input_files(
        "input[type=file]", {"name": "r.json", "mimeType": "application/json", "buffer": content}
    )
    await page.wait_for_selector("td:has-text('\u22122.5 worse')")
    assert 1 == await page.locator("td:has-text('+2.5 worse')").count()


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[FoldedWorker]:
    """Give a worker that asks who asks, and knows one who may read for acme."""
    tokens = tmp_path / "tokens.toml"
    digest = hashlib.sha256(b"secret").hexdigest()
    tokens.write_text(f'[[callers]]\nname = "shop"\ntenants = ["acme"]\nroles = ["read"]\nsha256 = "{digest}"\n')
    made = FoldedWorker(tmp_path, web_tokens_file=tokens)
    fill(made)
    async with made.serving():
        yield made


async def test_who_signs_in_sees_what_he_may_and_his_token_is_kept_nowhere(browser, guarded):
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(guarded.url)
    await page.fill("#token", "wrong")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=the token is not known")
    assert [] == await shut_out(page)
    await page.fill("#token", "secret")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#verdict:has-text('All 6 partitions answer')")
    await page.wait_for_selector("#live ~ .muted:has-text('at most')")  # the stream, too, shows the token
    assert (["acme"], 0) == (
        await page.locator("header select option").all_inner_texts(),
        await page.locator("#map").count(),
    )
    await page.evaluate("location.hash = '#/acme/item/lamp'")
    cause = await page.inner_text(".cause:has-text('partition ')")
    assert "owned by" not in cause  # which worker has it is for those who may read for all tenants
    kept = await page.evaluate(
        "[localStorage.length, sessionStorage.length, document.cookie, location.href.includes('secret')]"
    )
    assert [0, 0, "", False] == kept


async def test_a_program_gets_what_it_got_before_and_only_a_browser_the_page(guarded):
    async with aiohttp.ClientSession() as session:
        async with session.get(guarded.url) as answer:
            assert (401, "application/problem+json") == (answer.status, answer.content_type)
        async with session.get(guarded.url, headers={"Authorization": "Bearer secret"}) as answer:
            assert ("atp_stream", "Accept") == ((await answer.json())["name"], answer.headers["Vary"])
        async with session.get(guarded.url, headers={"Accept": "text/html,*/*;q=0.8"}) as answer:
            assert (200, "text/html") == (answer.status, answer.content_type)
            policy_told = answer.headers["Content-Security-Policy"]
        async with session.get(f"{guarded.url}/console/main.js") as answer:
            assert (200, "text/javascript") == (answer.status, answer.content_type)
            tag = answer.headers["ETag"]
        async with session.get(f"{guarded.url}/console/main.js", headers={"If-None-Match": tag}) as answer:
            assert 304 == answer.status
        async with session.get(f"{guarded.url}/console/..%2Fsite.py") as answer:
            assert 404 == answer.status
    assert "unsafe" not in policy_told
    assert policy_told.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
