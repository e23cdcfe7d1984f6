"""Chromium for tests of the console: the system's own, for Playwright's would have to be downloaded from elsewhere."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

AT_NOON = "2026-01-01T12:00:00.000+00:00"
LETTERS = {
    "meanings": {"missing_item": "No item id", "undecodable": "Neither JSON nor framed Avro"},
    "letters": [
        {"origin": "reservations/0/7", "reason": "missing_item", "detail": "itemId is missing", "at": AT_NOON,
         "item": None, "reservation": "r-1", "message": '{"reservationId": "r-1"}', "bytes": 24, "headers": ["id"]},
        {"origin": "stock/1/9", "reason": "undecodable", "detail": "no JSON", "at": AT_NOON,
         "item": None, "reservation": None, "messageBase64": "AAECAwT/", "bytes": 90_000, "headers": []},
    ]
}  # fmt: skip

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@asynccontextmanager
async def chromium() -> AsyncIterator[Any]:
    """Give a browser, or skip the test where there is none."""
    driver = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: `apt install chromium`")
    async with driver.async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


async def shut_out(page: Any) -> list[str]:
    """Return what axe finds on a page that some people cannot read or use: the rule and where."""
    axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe-playwright-python is not installed")
    found = await axe.Axe().run(page)
    return [f"{one['id']}: {node['target'][0]}" for one in found.response["violations"] for node in one["nodes"]]


class Seen:
    """What a page did that nobody should see: faults, and requests that are not its own."""

    def __init__(self, page: Any, base: str) -> None:
        self.faults: list[str] = []
        self.requests: list[tuple[str, str]] = []
        self._base = base
        page.on("console", lambda said: self.faults.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self.requests.append((request.method, request.url)))

    @property
    def foreign(self) -> list[str]:
        """Requests that do more than read, or that go elsewhere."""
        own = (self._base, "data:")
        return [f"{method} {url}" for method, url in self.requests if method != "GET" or not url.startswith(own)]


async def opened(browser: Any, worker: Any, place: str, **options: Any) -> Any:
    """Return a page at a place of the console, once it shows something."""
    context = await browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
    page = await context.new_page()
    page.seen = Seen(page, worker.url)
    await page.route("**/dead-letters?*", lambda route: route.fulfill(json=LETTERS))  # they would come from Kafka
    await page.goto(f"{worker.url}/#/acme/{place}")
    await page.wait_for_selector("main .shown section, main .shown form, main .shown h1")
    return page


def read_number(text: str) -> float:
    """Return a number as the page writes it."""
    return float(text.replace("\u2212", "-").replace(",", "").replace("+", "").replace("\u2013", "nan"))
