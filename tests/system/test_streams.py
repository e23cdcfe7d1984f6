"""Stock from streams as people have them, on the real Kafka: bursts without keys, whole seconds, repeated messages."""

import asyncio
import random
from typing import Any

import pytest

from tests.system.site import Site, Worker
from tests.system.streams import (
    SECOND,
    counted,
    letters,
    moved,
    outcomes,
    pour,
    pour_python,
    stamp,
    stock,
    wanted,
)
from tests.system.under_way import kill_amid_work, owner_of

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(240)]

GRACE = 2  # seconds for which a gap may last before it is reported


async def test_any_number_of_facts_of_an_item_is_exact_whatever_the_partition_and_the_stamp(site: Site) -> None:
    topics = site.topics
    worker = site.add_worker()
    await site.ready()
    counts = {"burst": 3_000, "second": 2_000, "line": 65, "woven": 100}
    pour(site, topics.counted.name, (counted(item, units) for item, units in counts.items()), 0)
    await site.drained()
    whole = list(range(2_000))
    random.Random(1).shuffle(whole)
    second = (moved("second", n, timestamp=SECOND, new_quantity=1_999 - n) for n in whole)
    line = (moved("line", n, timestamp=SECOND, new_quantity=64 - n) for n in range(65))
    now = stamp(-4)
    woven = (moved("woven", n, timestamp=now + 30 * n) for first in range(6) for n in range(first, 100, 6))
    pour_python(site, topics.adjusted.name, (moved("burst", n) for n in range(3_000)))
    pour(site, topics.adjusted.name, second)
    pour(site, topics.adjusted.name, [*line, *woven], 0)
    await site.drained(90)
    pour(site, topics.created.name, [wanted(item, f"last {item}", 1) for item in counts], 0)
    await site.drained()

    assert [(0, 0)] * 4 == [await stock(worker, item) for item in counts]
    assert (0, 4, 0) == await outcomes(site)


async def test_a_burst_of_sales_of_now_that_state_what_is_left_makes_no_gap_and_publishes_no_drift(site: Site) -> None:
    topics = site.topics
    worker = site.add_worker()
    await site.ready()
    pour(site, topics.policy.name, [{"action": "SET", "policy": {"drift_grace": GRACE}}])
    counts = [counted(item, 500, stamp(-5)) for item in ("sold", "short")]  # type: ignore[arg-type]
    pour(site, topics.counted.name, counts, 0)
    await site.drained()
    pour_python(
        site, topics.adjusted.name, (moved("sold", n, timestamp=stamp(), new_quantity=499 - n) for n in range(500))
    )
    pour(site, topics.adjusted.name, [moved("short", 0, timestamp=stamp(), new_quantity=490)])  # 9 were never reported
    await site.drained()
    while not await site.read(topics.stock_drift.name):  # noqa: ASYNC110 - nothing else announces it
        await asyncio.sleep(0.2)
    await asyncio.sleep(2 * GRACE)

    assert (0, 0) == await stock(worker, "sold")
    assert [b"acme|short"] == [event.key for event in await site.read(topics.stock_drift.name)]
    assert 0 == await letters(site)


async def test_a_message_that_is_sent_again_after_hundreds_of_others_counts_once(site: Site) -> None:
    topics = site.topics
    worker = site.add_worker()
    await site.ready()
    first = {"itemId": "again", "eventId": "c1", "onHand": 400}
    small = {"itemId": "small", "eventId": "c1", "onHand": 100}
    start = {"event_id": "d0", "product_id": "deltas", "adjusted_quantity": 100}
    pour(site, topics.counted.name, [first, small], 0)
    pour(site, topics.adjusted.name, [start], 0)
    await site.drained()
    pour_python(site, topics.adjusted.name, (moved("again", n) for n in range(300)), 0)
    pour(site, topics.adjusted.name, (moved("small", n) for n in range(66)), 0)
    pour(site, topics.adjusted.name, (moved("deltas", n, 1) for n in range(70)), 0)
    await site.drained()
    pour(site, topics.counted.name, [first, small], 0)
    pour(site, topics.adjusted.name, [moved("again", 0), start], 0)
    await site.drained()
    pour(site, topics.created.name, [wanted("small", "eighty", 80)], 0)
    await site.drained()

    assert [(100, 0), (34, 0), (170, 0)] == [await stock(worker, item) for item in ("again", "small", "deltas")]
    assert [2, 1, 1] == [await duplicates(worker, item) for item in ("again", "small", "deltas")]
    assert (0, 1, 0) == await outcomes(site)


async def duplicates(worker: Worker, item: str) -> int:
    _, shown = await worker.get(f"/atp/acme/{item}")
    assert 0 == shown["facts"]["stale"]
    found: int = shown["facts"]["duplicates"]
    return found


async def test_an_item_has_any_number_of_stores_and_of_shipments_that_adjustments_report(site: Site) -> None:
    topics = site.topics
    worker = site.add_worker()
    await site.ready()
    pour(site, topics.counted.name, (counted("stores", 1, locationId=f"store {number}") for number in range(3_000)))
    pour(site, topics.counted.name, [counted("shipped", 500)], 0)
    pour(site, topics.created.name, (wanted("shipped", f"r{number}", 1) for number in range(400)), 0)
    await site.drained(90)
    pour_python(site, topics.adjusted.name, (moved("shipped", n, reservation_id=f"r{n}") for n in range(400)))
    pour(site, topics.counted.name, [counted("stores", 7, locationId="NEWSTORE")], 0)
    await site.drained(90)

    assert [(3_007, 0), (100, 0)] == [await stock(worker, item) for item in ("stores", "shipped")]
    _, shown = await worker.get("/atp/acme/shipped")
    assert (0, 0) == (shown["reserved"], await letters(site))
    stores = await explained_places(worker, "stores")
    assert {"NEWSTORE": 7, **{f"store {number}": 1 for number in range(3_000)}} == stores


async def explained_places(worker: Worker, item: str) -> dict[str, float]:
    """Return what each location holds, as all pages of the explanation tell it; a location may stand on one only."""
    pages: list[list[dict[str, Any]]] = []
    after: str | None = ""
    while after is not None:
        behind = f"?places_after={after}" if after else ""
        status, shown = await worker.get(f"/atp/acme/{item}/explain{behind}")
        assert 200 == status
        assert 3_007 == sum(term["quantity"] for term in shown["on_hand"]["terms"])
        pages.append(shown["on_hand"]["places"])
        after = shown["on_hand"]["places_next"]
    found = {place["location"]: place["quantity"] for page in pages for place in page}
    assert sum(map(len, pages)) == len(found)
    return found


async def test_a_backlog_of_a_hot_item_is_exact_though_a_worker_is_killed_in_the_midst_of_it(site: Site) -> None:
    topics = site.topics
    pour(site, topics.adjusted.name, (moved("hot", number, 1) for number in range(2_000)))
    workers = [site.add_worker(), site.add_worker()]
    await site.ready()
    owner = await owner_of(workers, "hot")
    parts = [[moved("hot", number, 1) for number in range(first, first + 50)] for first in range(2_000, 2_400, 50)]
    for part in parts[:4]:
        pour_python(site, topics.adjusted.name, part)
        await asyncio.sleep(0.5)
    await kill_amid_work(site, owner, lambda: pour(site, topics.adjusted.name, parts[4]))
    for part in parts[5:]:
        pour(site, topics.adjusted.name, part)
    await site.ready()
    await site.drained(90)

    (left,) = (worker for worker in workers if worker.running)
    assert (2_400, 0) == await stock(left, "hot")
    assert 0 == await letters(site)
