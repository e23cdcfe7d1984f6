"""Lists of items, sums, queues and streams of one worker, over rows that were folded in memory."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
import pytest

from atp_stream.domain.policy.rules import Level, parse
from atp_stream.domain.reservations.balances import Status
from atp_stream.domain.state.rows import Item
from atp_stream.engine.partitioner import partition_of
from atp_stream.topics import LOG_PARTITIONS
from atp_stream.web import feed
from atp_stream.web.summaries import Risk
from atp_stream.web.survey import OF_METRICS, OF_PAGES, REPEATED_AFTER, Sums, Surveys
from tests.domain.support.days import schedule, wants
from tests.domain.support.log import AT, Log, adjust, confirm, count, policy, release, reserve
from tests.web.folded import FoldedWorker


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[FoldedWorker]:
    made = FoldedWorker(tmp_path)
    async with made.serving():
        yield made


async def ask(worker: FoldedWorker, path: str, status: int = 200) -> Any:
    async with aiohttp.request("GET", worker.url + path) as answer:
        assert status == answer.status
        return await answer.json()


async def names(worker: FoldedWorker, query: str) -> tuple[list[str], str | None]:
    page = await ask(worker, f"/items/acme?{query}")
    return [one["item"] for one in page["items"]], page["next"]


async def test_items_come_in_the_order_of_their_keys_page_by_page_without_one_twice_or_missing(worker):
    every = ["a", "a b", "a%", "a|b", "b", "ä", "z}", "z~", *(f"sku-{number}" for number in range(20))]
    for item in every:
        worker.say(item, count(100))
    worker.say("other", count(100), tenant="acme2")
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        more = f"&after={quote(after, safe='')}" if after else ""
        shown, after = await names(worker, f"limit=3{more}")
        found += shown
    assert sorted(every) == sorted(found)
    assert sorted(found, key=lambda item: item.replace("%", "%25").replace("|", "%7C") + "|") == found


async def test_a_prefix_is_of_the_name_as_it_is_whatever_signs_it_has(worker):
    for item in ("a|b", "a|c", "a%7Cb", "ab"):
        worker.say(item, count(100))
    assert (["a|b", "a|c"], None) == await names(worker, "prefix=a%7C")


async def test_a_list_by_risk_has_the_gravest_first_and_each_as_it_is_now(worker):
    worker.say("fine", count(500))
    worker.say("waits", count(500), reserve("w", 700))
    worker.say("short", count(500), reserve("s", 400), count(100, AT + 1))
    worker.say("shorter", count(5000), reserve("t", 4000), count(100, AT + 1))
    worker.say("gone", count(0))
    found, _ = await names(worker, "risk=any")
    assert ["shorter", "short", "waits", "gone"] == found
    assert ["waits"] == (await names(worker, "risk=waiting"))[0]
    worker.say("shorter", count(9000, AT + 2))  # before the next survey
    assert ["short", "waits", "gone"] == (await names(worker, "risk=any"))[0]


async def test_sums_are_exact_and_over_all_items(worker):
    for number in range(30):
        worker.say(f"sku-{number}", count(1_001 * number), reserve("r", 10 * number) if number else count(0))
    totals = await ask(worker, "/totals/acme")
    assert totals["complete"]
    assert (30, 4354.35, 43.5) == (totals["items"], totals["on_hand"], totals["reserved"])
    assert {"items": 1, "quantity": 0} == totals["risks"]["sold_out"]


async def test_whoever_owns_only_some_partitions_says_of_which_nobody_speaks(worker):
    worker.say("lamp", count(100))
    worker.own([0, 1, 2])
    page = await ask(worker, "/items/acme")
    assert {"answered": [0, 1, 2], "missing": [3, 4, 5]} == page["partitions"]


def surveys() -> int:
    return len([task for task in asyncio.all_tasks() if task.get_name() == "survey"])


async def test_while_nobody_asks_nothing_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("atp_stream.web.items.OF_PAGES", OF_PAGES._replace(asked_s=0.3))
    made = FoldedWorker(tmp_path)
    async with made.serving():
        made.say("lamp", count(100))
        await ask(made, "/totals/acme")
        assert 1 == surveys()
        await asyncio.sleep(0.8)
        assert 0 == surveys()


async def figures(worker: FoldedWorker, counted: int = 6) -> dict[str, float]:
    """Return the figures about items once so many partitions were counted."""
    async with asyncio.timeout(10):
        while True:
            async with aiohttp.request("GET", worker.url + "/metrics") as answer:
                lines = [line.rpartition(" ") for line in (await answer.text()).splitlines() if line.startswith("atp_")]
            found = {name: float(value) for name, _, value in lines}
            if found["atp_partitions_counted"] == counted:
                return found
            await asyncio.sleep(0.05)


async def test_metrics_show_what_is_at_risk_over_all_tenants(worker):
    worker.say("waits", count(500), reserve("w", 700))
    worker.say("short", count(500), reserve("s", 400), count(100, AT + 1), tenant="other")
    worker.say("shorter", count(5000), reserve("t", 4000), count(100, AT + 1), tenant="~")
    worker.say("gap", count(1000), adjust(-200, 900, AT + 1))
    worker.change_policy(policy({"tenants": {}}))  # rows of the partition itself are no items
    found = await figures(worker)
    assert 4 == found["atp_items"]
    at_risk = {risk: found[f'atp_items_at_risk{{risk="{risk}"}}'] for risk in Risk}
    assert {"quarantine": 0, "short": 2, "waiting": 1, "gap": 1, "sold_out": 3} == at_risk
    assert (42, 7, 1) == tuple(found[f'atp_units_at_risk{{risk="{risk}"}}'] for risk in ("short", "waiting", "gap"))


async def test_a_partition_that_was_given_away_is_no_longer_in_the_metrics(worker):
    for number in range(60):
        worker.say(f"sku-{number}", count(100))
    assert 60 == (await figures(worker))["atp_items"]
    worker.own([0, 1, 2])
    assert 0 < (await figures(worker, 3))["atp_items"] < 60


def risky(number: int) -> Item:
    """Return an item of which more is reserved than there is: a unit for each number, and one more."""
    log = Log()
    log.say(count(100_000), reserve("r", 100 * (number + 2)), count(100, AT + 1))
    return log.item()


def test_of_what_is_at_risk_the_gravest_are_kept_and_all_are_counted():
    sums = Sums(kept=3)
    for number in range(10):
        sums.add(f"acme|{number}", risky(number))
    assert (10, 10, 10) == (sums.found(None), sums.found(Risk.SHORT), sums.found(Risk.SOLD_OUT))
    for risk in (None, Risk.SHORT):
        assert ["acme|9", "acme|8", "acme|7"] == [one.name for one in sorted(sums.gravest[risk])[:3]]
        assert len(sums.gravest[risk]) <= 6


def test_counting_for_metrics_rests_longer_than_for_pages_and_keeps_no_names():
    assert OF_METRICS.rest >= 5 * OF_PAGES.rest
    sums = Sums(OF_METRICS.kept)
    sums.add("acme|lamp", risky(0))
    assert (1, []) == (sums.counts[Risk.SHORT], [one for kept in sums.gravest.values() for one in kept])


async def test_a_queue_says_how_much_is_ahead_of_each_and_missing_for_it(worker):
    worker.say(
        "lamp",
        count(1_000),
        reserve("a", 1_400),
        reserve("b", 300),
        reserve("c", 100, priority=5),
        reserve("d", 2_000, "STORE"),
    )
    found = {one["channel"]: one for one in (await ask(worker, "/atp/acme/lamp/queue"))["channels"]}
    parts = [(p["place"], p["reservation"], p["waiting"], p["ahead"], p["missing"]) for p in found["ECOM"]["parts"]]
    assert [(1, "a", 14, 0, 5), (2, "b", 3, 14, 8)] == parts  # c was served from the 10
    assert ("d", 11) == (found["STORE"]["parts"][0]["reservation"], found["STORE"]["parts"][0]["missing"])
    only = (await ask(worker, "/atp/acme/lamp/queue?channel=STORE&limit=1"))["channels"]
    assert ["STORE"] == [one["channel"] for one in only]


async def test_what_waits_for_a_later_day_is_counted_apart_in_lists_sums_and_explanations(worker):
    worker.say("lamp", count(0), reserve("now", 200, "B2B"), schedule("po", 100, 20), wants("later", 500, 3, "B2B"))
    worker.say("tent", count(0), reserve("tent", 100))
    channels = (await ask(worker, "/items/acme?prefix=lamp"))["items"][0]["channels"]
    assert [("B2B", 7, 5)] == [(o["channel"], o["waiting"], o["waiting_later"]) for o in channels if o["waiting"]]
    totals = await ask(worker, "/totals/acme")
    assert (8, 5) == (totals["risks"]["waiting"]["quantity"], totals["waiting_later"])
    explained = (await ask(worker, "/atp/acme/lamp/explain"))["channels"]
    assert [(7, 5)] == [(o["waiting"], o["waiting_later"]) for o in explained if o["waiting"]]


async def reservations(worker: FoldedWorker, query: str) -> tuple[list[str], str | None]:
    page = await ask(worker, f"/reservations/acme/lamp?{query}")
    return [one["reservation"] for one in page["reservations"]], page["next"]


async def test_the_reservations_of_an_item_are_listed_by_status_and_each_as_its_own_view_shows_it(worker):
    worker.say("lamp", count(1_000), reserve("a|1", 300), reserve("b", 300), reserve("c", 300), reserve("d", 2_000))
    worker.say("lamp", confirm("b"), release("c"))
    worker.say("lamps", reserve("other", 100))
    assert (["a|1", "b", "c", "d"], None) == await reservations(worker, "")
    found = {status: (await reservations(worker, f"status={status}"))[0] for status in Status}
    assert {"COMMITTED": ["a|1"], "CONFIRMED": ["b"], "RELEASED": ["c"], "BACKORDERED": ["d"]} == {
        status: names for status, names in found.items() if names
    }
    (shown,) = (await ask(worker, "/reservations/acme/lamp?status=CONFIRMED"))["reservations"]
    assert shown == await ask(worker, "/reservations/acme/lamp/b")


async def test_they_come_page_by_page_without_one_twice_or_missing_however_few_have_the_status(worker, monkeypatch):
    monkeypatch.setattr("atp_stream.web.reservations.MAX_ROWS_READ", 4)
    worker.say("lamp", count(100_000), *(reserve(f"r{number}|", 100) for number in range(20)))
    worker.say("lamp", *(confirm(f"r{number}|") for number in (3, 11, 19)))
    for query, expected in (("limit=3", 20), ("limit=1&status=CONFIRMED", 3), ("status=EXPIRED", 0)):
        found, after = await reservations(worker, query)
        while after is not None:
            more, after = await reservations(worker, f"{query}&after={quote(after, safe='')}")
            found += more
        assert (expected, expected) == (len(found), len(set(found)))


async def test_a_reservation_is_found_by_its_id_whatever_item_has_it(worker):
    for number in range(40):
        worker.say(f"sku-{number:02}", count(1_000), reserve("every-" + "ab"[number % 2], 100))
    worker.say("sku-17", reserve("order|2972", 100))
    found = await ask(worker, "/find/acme?reservation=order%7C2972")
    assert ([{"item": "sku-17", "reservation": "order|2972"}], True) == (found["reservations"], found["complete"])
    assert 20 == len((await ask(worker, "/find/acme?reservation=every-a"))["reservations"])
    assert [] == (await ask(worker, "/find/other?reservation=every-a"))["reservations"]
    await ask(worker, "/find/acme", 400)


async def test_a_search_that_would_take_long_ends_and_says_that_it_is_not_complete(worker, monkeypatch):
    monkeypatch.setattr("atp_stream.web.finding.MOST_S", 0.0)
    worker.say("lamp", count(1_000))
    worker.say("tent", count(1_000))
    assert not (await ask(worker, "/find/acme?reservation=r"))["complete"]


async def test_a_survey_rests_after_each_partition_however_few_items_it_has(worker):
    worker.say("lamp", count(1_000))
    surveys = Surveys(worker.app, OF_PAGES)
    sums = surveys.sums()
    took = list(surveys.count("acme", partition_of(b"acme|lamp", LOG_PARTITIONS), sums))
    assert (1, 1, True) == (sums.items, len(took), took[0] > 0)


async def test_what_was_much_work_to_count_is_counted_anew_later(worker, monkeypatch):
    monkeypatch.setattr(Surveys, "count", lambda *_: iter([0.002]))
    surveys = Surveys(worker.app, OF_PAGES)
    began = time.monotonic()
    survey = await surveys.of("acme")
    assert 0.002 * LOG_PARTITIONS * REPEATED_AFTER == pytest.approx(survey.due_at - began, abs=0.2)


async def test_a_survey_that_fails_waits_for_its_turn_as_others_do(worker, monkeypatch):
    def fail(*_: Any) -> None:
        raise RuntimeError("cannot count")

    monkeypatch.setattr(Surveys, "count", fail)
    surveys, began = Surveys(worker.app, OF_PAGES), time.monotonic()
    survey = await surveys.of("acme")
    assert OF_PAGES.every_s == pytest.approx(survey.due_at - began, abs=0.2)


def test_the_level_at_which_a_rule_is_written_is_the_one_that_counts():
    written = parse(
        b'{"tenants":{"*":{"rule":{"buffer":1},"channels":{"ECOM":{"buffer":2},"STORE":{},"B2B":{"buffer":3}},'
        b'"items":{"lamp":{"channels":{"ECOM":{"buffer":4}}},"tent":{"rule":{"buffer":5}}}},"bare":{}}}'
    )
    of_lamp, other = written.levels("acme|lamp")
    assert {"ECOM": Level.ITEM_CHANNEL, "STORE": Level.TENANT, "B2B": Level.CHANNEL} == of_lamp
    assert (Level.TENANT, Level.DEFAULT) == (other, written.levels("bare|lamp")[1])
    assert {Level.ITEM} == set(written.levels("acme|tent")[0].values())
    own = '{"channels":{"STORE":{"floor":1}}}'
    assert Level.ITEM_CHANNEL is written.levels("acme|lamp", own)[0]["STORE"]
    buffers = {1: Level.TENANT, 2: Level.CHANNEL, 3: Level.CHANNEL, 4: Level.ITEM_CHANNEL, 5: Level.ITEM}
    for name in ("acme|lamp", "acme|tent", "acme|chair"):
        rules, (levels, _) = written.rules(name), written.levels(name)
        assert {one: buffers[rule.buffer // 100] for one, rule in rules.channels.items()} == levels


async def test_who_reads_nothing_is_told_what_he_lost_when_he_reads_again(worker):
    worker.change_policy(policy({"tenants": {"*": {"channels": {"ECOM": {}}}}}))
    async with aiohttp.request("GET", f"{worker.url}/events/acme?type=AllocationCommittedEvent") as stream:
        await stream.content.readuntil(b"\n\n")
        worker.say("lamp", count(10_000_000), *(reserve(f"r-{number}", 100) for number in range(feed.MAX_WAITING + 90)))
        seen = lost = 0
        async with asyncio.timeout(60):
            while seen + lost < feed.MAX_WAITING + 90:
                block = await stream.content.readuntil(b"\n\n")
                if block.startswith(b"event: lost"):
                    lost += msgspec.json.decode(block.rpartition(b"data: ")[2])["lost"]
                else:
                    seen += block.startswith(b"data: ")
    assert (90, feed.MAX_WAITING) == (lost, seen)


async def test_a_page_of_two_hundred_never_holds_the_loop_for_long(worker):
    for number in range(400):
        worker.say(f"sku-{number:03}", count(100 * number), reserve("r", 50))
    longest, ends = 0.0, False

    async def watch() -> None:
        nonlocal longest
        while not ends:
            began = time.thread_time()  # of the processor: what others do on this machine is not measured
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - began)

    watching = asyncio.create_task(watch())
    shown, following = await names(worker, "limit=200")
    ends = True
    await watching
    assert (200, "sku-199") == (len(shown), following)
    assert longest < 0.05  # on a quiet machine it is a tenth of that
