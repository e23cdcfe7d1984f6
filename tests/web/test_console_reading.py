"""What a person reads off the console in a real browser: sums that add up, lists that hold still, all of it at 360."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.domain.support.days import schedule, wants
from tests.domain.support.log import AT, NOON, adjust, count, reserve
from tests.web.browser import AT_NOON, opened, read_number, shut_out
from tests.web.folded import FoldedWorker

pytestmark = pytest.mark.slow

NARROW = {"viewport": {"width": 360, "height": 800}}
LETTER: dict[str, Any] = {"at": AT_NOON, "item": None, "reservation": None, "message": "{}", "bytes": 2, "headers": []}
MEANINGS = {"future": "Stamped further ahead of log time than policy allows (5 minutes)"}


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[FoldedWorker]:
    """Give a worker with items of which units are kept, short, waited for, or in doubt."""
    made = FoldedWorker(tmp_path, default_tenant="acme")
    made.say("kept", count(7_300), reserve("a", 6_100), wants("b", 1_100, 4), wants("c", 5_000, 9, "B2B"))
    made.say("kept", schedule("po", 200, 6))
    made.say("short", count(10_300), reserve("d", 10_300), count(0, AT + 1), reserve("e", 400, "STORE"))
    made.say("gap", count(2_300), adjust(5_200, 7_400, AT + 1))
    made.say(
        "shut",
        count(2_100),
        reserve("f", 1_700),
        *(reserve(f"w-{channel}", 900, channel) for channel in ("ECOM", "STORE")),
    )
    made.say("shut", reserve("w-3", 900, "MARKETPLACE"), reserve("w-4", 900, "B2B"))
    async with made.serving():
        yield made


async def with_letters(page: Any, *letters: tuple[str, str, str]) -> None:
    """Let a page have these dead letters: origin, reason and what was wrong."""
    shown = [{**LETTER, "origin": origin, "reason": reason, "detail": detail} for origin, reason, detail in letters]
    await page.route("**/dead-letters?*", lambda route: route.fulfill(json={"letters": shown, "meanings": MEANINGS}))


@pytest.mark.parametrize("item", ["kept", "short", "shut", "gap"])
async def test_the_headline_of_an_item_adds_up(browser, worker, item):
    page = await opened(browser, worker, f"item/{item}")
    words = await page.eval_on_selector_all(
        ".equation > div", "all => all.map(one => (one.querySelector('b') ?? one).textContent)"
    )
    total = read_number(words[0])
    for sign, amount in zip(words[1:-2:2], words[2:-1:2], strict=True):
        total += read_number(amount) if sign == "+" else -read_number(amount)
    assert ("=", total) == (words[-2], read_number(words[-1]))


async def test_who_waits_for_a_later_day_is_listed_with_it_and_counted_apart(browser, worker):
    page = await opened(browser, worker, "item/kept")
    row = await page.locator("section[aria-labelledby=queue] tbody tr").inner_text()
    assert ["c", "B2B", "50"] == row.split("\t")[:3]
    assert "wanted from 23 Nov 2023; closes no channel yet" in row
    assert ["50 for a later day in B2B"] == [
        one.strip("\u25d4 \n") for one in await page.locator("main > .shown > section .tag").all_inner_texts()
    ]
    await page.goto(f"{worker.url}/#/acme/reservation/kept/c")
    await page.wait_for_selector(".verdict:has-text('wanted from 23 Nov 2023; closes no channel yet')")


async def test_what_an_item_is_short_by_is_missing_for_who_waits(browser, worker):
    page = await opened(browser, worker, "item/short")
    assert "107" == await page.inner_text("section[aria-labelledby=queue] tbody td:nth-child(6)")
    await page.goto(f"{worker.url}/#/acme/reservation/short/e")
    await page.wait_for_selector(".verdict:has-text('107 must come or be freed')")
    assert 0 == await page.locator(".verdict:has-text('at least')").count()


async def test_an_item_names_its_partition_and_owner_and_workers_say_which_one_the_page_is_of(browser, worker):
    page = await opened(browser, worker, "item/kept")
    address = worker.url.removeprefix("http://")
    await page.click(f".cause a:text-is('{address}')")
    await page.wait_for_selector(".worker:has-text('this page comes from it')")


async def test_a_gap_is_worded_as_a_sum(browser, worker):
    page = await opened(browser, worker, "item/gap")
    assert "gap \u22121: 23 counted, +52 moved since: 75 expected, but 74 found" == await page.inner_text(
        "section[aria-labelledby=stock] td .hint"
    )


async def test_what_is_there_but_available_nowhere_is_drawn_as_kept(browser, worker):
    page = await opened(browser, worker, "items?prefix=shut")
    bar = page.locator("tbody tr .meter")
    assert "of 21 on hand 17 reserved, 0 available" == await bar.get_attribute("aria-label")
    assert ["0%", True] == await bar.evaluate(
        "bar => [bar.querySelector('.f').style.getPropertyValue('--w'),"
        " parseFloat(bar.querySelector('.s').style.getPropertyValue('--w')) > 18]"
    )
    assert 1 == await page.locator(".legend:has-text('there, but kept')").count()
    assert 1 == await page.locator("tbody .tag:has-text('nothing available')").count()


async def test_the_rest_of_a_list_by_risk_is_the_whole_of_that_list(browser, worker):
    for n in range(20):
        worker.say(f"wait-{n:02}", count(0), reserve(f"w-{n}", 100))
    page = await opened(browser, worker, "now?risk=waiting")
    await page.click("a:text-is('All: waiting')", timeout=10_000)
    await page.wait_for_selector("#items ~ .muted:has-text('at risk: waiting')")
    assert 23 == await page.locator("tbody tr").count()


async def test_the_list_at_risk_holds_still_while_it_is_pointed_at(browser, worker):
    page = await opened(browser, worker, "now")
    names = "section[aria-labelledby=risk] tbody td:first-child"
    before = await page.locator(names).all_inner_texts()
    await page.hover("section[aria-labelledby=risk] tbody tr >> nth=0")
    worker.say("worse", count(90_000), reserve("x", 90_000), count(0, AT + 1))
    await page.wait_for_selector(f"{names}:has-text('worse')", timeout=10_000)
    assert [*before, "worse"] == await page.locator(names).all_inner_texts()
    await page.mouse.move(5, 5)
    await page.wait_for_selector("section[aria-labelledby=risk] tbody tr:first-child:has-text('worse')", timeout=6_000)


async def test_reasons_stay_where_they_are_while_new_letters_come(browser, worker):
    page = await opened(browser, worker, "letters")
    chips = "[aria-label=Reason] button"
    one, other = ("a/0/1", "stale", "old"), ("a/0/2", "future", "stamped 3600000 ms ahead of log time; x is 300 s")
    await with_letters(page, one, other, ("a/0/3", "future", "x"))
    await page.reload()
    await page.wait_for_selector(chips)
    assert ["all 3", "future 2", "stale 1"] == await page.locator(chips).all_inner_texts()
    await with_letters(page, *(("b/0/" + str(n), "stale", "old") for n in range(5)), one, other)
    await page.wait_for_selector(f"{chips}:has-text('stale 6')", timeout=12_000)
    assert ["all 7", "future 1", "stale 6"] == await page.locator(chips).all_inner_texts()


async def test_a_letter_opens_by_its_row_and_says_what_is_meant_and_to_be_done(browser, worker):
    page = await opened(browser, worker, "letters", **NARROW)
    await with_letters(page, ("a/0/2", "future", "stamped 3600000 ms ahead of log time; `future_tolerance` is 300 s"))
    await page.reload()
    wrong = page.locator("td:has-text('stamped 1 h ahead of log time; future_tolerance is 5 min')")
    await wrong.click()
    await page.wait_for_selector(".letter:has-text('than policy allows (5 minutes)')")
    assert "Put the clock of its source right" in await page.inner_text(".letter")
    seen = await page.evaluate(
        "[...document.querySelectorAll('.letter pre, .detail, td button')].map(one => one.getBoundingClientRect())"
        ".every(box => box.left >= 0 && box.right <= innerWidth)"
    )
    assert (True, 0) == (seen, await page.evaluate("document.querySelector('.scroll').scrollLeft"))


@pytest.mark.parametrize("place", ["now", "items", "item/kept", "item/short", "letters", "reservation/kept/c"])
async def test_at_360_nothing_is_cut_and_every_page_can_be_reached(browser, worker, place):
    page = await opened(browser, worker, place, **NARROW)
    cut = await page.evaluate(
        "[...document.querySelectorAll('nav.main a, .cards td, .equation div, .equation b')]"
        ".filter(one => one.offsetParent && (one.getBoundingClientRect().right > innerWidth"
        " || one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== 'inline'))"
        ".map(one => one.textContent)"
    )
    assert [] == cut


async def test_a_word_of_the_trade_says_what_it_means_to_the_keyboard_too(browser, worker):
    page = await opened(browser, worker, "item/kept")
    for word in ("version", "Leaves", "POOLED", "step", "floor", "late", "stale", "twice"):
        if word == "POOLED":
            await page.click("section[aria-labelledby=why] button:text-is('ECOM')")
            await page.wait_for_selector("#rule:has-text('ECOM')")
        await page.focus(f".gloss[tabindex]:text-is('{word}')")
        assert 15 < len(await page.inner_text("#tip:visible")), word
    assert [] == await shut_out(page)
    await page.keyboard.press("Escape")
    assert not await page.is_visible("#tip")


async def test_open_promises_are_gone_through_page_by_page(browser, worker):
    worker.say("many", count(30_000), *(reserve(f"p-{n:03}", 100) for n in range(130)))
    page = await opened(browser, worker, "item/many")
    rows = page.locator("section[aria-labelledby=open] tbody tr")
    assert 100 == await rows.count()
    await page.click("section[aria-labelledby=open] button:text-is('Next page')")
    await page.wait_for_selector("section[aria-labelledby=open] a:text-is('p-129')")
    assert 30 == await rows.count()


async def test_the_dead_letters_of_now_are_in_sight_however_many_events_come(browser, worker):
    page = await opened(browser, worker, "now")
    worker.say("few", count(0), *(reserve(f"q-{n}", 100, at=AT + 9) for n in range(60)), log_time=NOON + 9)
    await page.wait_for_selector(".feed li:nth-child(30)")
    box = await page.locator("section[aria-labelledby=refused] tbody tr >> nth=0").bounding_box()
    assert box["y"] + box["height"] < 900


async def test_the_feed_holds_still_while_somebody_points_at_it(browser, worker):
    page = await opened(browser, worker, "now")
    await page.wait_for_selector("#live ~ .muted:has-text('at most')")
    worker.say("tent", reserve("h-1", 100, at=AT + 9), log_time=NOON + 9)
    await page.wait_for_selector(".feed a:text-is('tent')")
    await page.hover(".feed")
    await page.wait_for_selector("#live ~ .muted:has-text('held still')")
    worker.say("few", count(0), reserve("h-2", 100, at=AT + 9), log_time=NOON + 9)
    await page.wait_for_timeout(2_500)  # longer than a round of asking
    assert 0 == await page.locator(".feed a:text-is('few')").count()

    await page.mouse.move(0, 0)
    await page.wait_for_selector(".feed a:text-is('few')", timeout=6_000)


async def test_the_heads_of_the_table_of_workers_stand_over_their_cells(browser, worker):
    page = await opened(browser, worker, "workers")
    middles = await page.evaluate(
        "['.map th:nth-child(2)', '.map td:nth-child(2) .own'].map(one => { const range = document.createRange();"
        " range.selectNodeContents(document.querySelector(one)); const box = range.getBoundingClientRect();"
        " return box.left + box.width / 2; })"
    )
    assert abs(middles[0] - middles[1]) < 2


async def test_the_search_finds_a_reservation_by_its_id_and_says_what_can_be_found(browser, worker):
    page = await opened(browser, worker, "now")
    await page.fill("#find", "e")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("dd a:text-is('short')")
    await page.fill("#find", "nobody-knows-me")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=orders by their references, and reservations by their ids")
