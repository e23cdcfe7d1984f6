"""The streams of `test_streams` in their full length, by each of two foreign clients: for the night."""

import asyncio
import random
import time
from typing import Any

import pytest

from tests.system.site import Site
from tests.system.streams import (
    SECOND,
    Pour,
    counted,
    letters,
    moved,
    outcomes,
    pour,
    pour_python,
    stock,
    wanted,
)
from tests.system.under_way import kill_amid_work, owner_of

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.nightly, pytest.mark.timeout(420)]

MAX_BYTES = 64 * 1024
clients = pytest.mark.parametrize("send", [pour, pour_python], ids=["confluent-kafka", "kafka-python"])


@clients
async def test_a_burst_of_three_thousand_sales_of_all_there_is_leaves_nothing(site: Site, send: Pour) -> None:
    topics = site.topics
    worker = site.add_worker()
    await site.ready()
    send(site, topics.counted.name, [counted("burst", 3_000)])
    await site.drained()
    send(site, topics.adjusted.name, (moved("burst", number) for number in range(3_000)))
    await site.drained(120)
    send(site, topics.created.name, [wanted("burst", "last", 1)])
    await site.drained()

    assert (0, 0) == await stock(worker, "burst")
    assert (0, 1, 0) == await outcomes(site)


@clients
async def test_ten_thousand_sales_of_one_second_leave_nothing(site: Site, send: Pour) -> None:
    topics = site.topics
    worker = site.add_worker()
    await site.ready()
    send(site, topics.counted.name, [counted("second", 10_000)])
    await site.drained()
    whole = list(range(10_000))
    random.Random(2).shuffle(whole)
    sales = (moved("second", n, timestamp=SECOND, new_quantity=9_999 - n) for n in whole)
    send(site, topics.adjusted.name, sales)
    await site.drained(120)
    send(site, topics.created.name, [wanted("second", "last", 1)])
    await site.drained()

    assert (0, 0) == await stock(worker, "second")
    assert (0, 1, 0) == await outcomes(site)


@clients
async def test_two_thousand_deltas_that_come_while_both_workers_are_down_all_count(site: Site, send: Pour) -> None:
    topics = site.topics
    workers = [site.add_worker(), site.add_worker()]
    await site.ready()
    send(site, topics.adjusted.name, [moved("backlog", 0, 1)])
    await site.drained()
    for worker in workers:
        worker.kill()
    began = time.monotonic()
    for first in range(1, 2_000, 200):  # 200 a second
        send(site, topics.adjusted.name, (moved("backlog", n, 1) for n in range(first, min(first + 200, 2_000))))
        await asyncio.sleep(max(0.0, began + (first + 199) / 200 - time.monotonic()))
    for worker in workers:
        worker.start()
    await site.ready(90)
    await site.drained(120)

    assert (2_000, 0) == await stock(workers[0], "backlog")
    assert 0 == await letters(site)


@clients
async def test_sixteen_hundred_deltas_at_forty_a_second_all_count_though_a_worker_is_killed(
    site: Site, send: Pour
) -> None:
    topics = site.topics
    workers = [site.add_worker(), site.add_worker()]
    await site.ready()
    owner = await owner_of(workers, "hot")
    began = time.monotonic()
    for first in range(0, 1_600, 10):  # 40 a second
        sales = [moved("hot", number, 1) for number in range(first, first + 10)]
        if first == 800:
            await kill_amid_work(site, owner, lambda sales=sales: send(site, topics.adjusted.name, sales))  # type: ignore[misc]
        else:
            send(site, topics.adjusted.name, sales)
        await asyncio.sleep(max(0.0, began + (first + 10) / 40 - time.monotonic()))
    await site.ready(90)
    await site.drained(120)

    (left,) = (worker for worker in workers if worker.running)
    assert (1_600, 0) == await stock(left, "hot")
    assert 0 == await letters(site)


async def test_an_item_with_20000_events_3000_shipments_in_no_count_and_6000_who_wait_is_exact(site: Site) -> None:
    topics = site.topics
    worker = site.add_worker()
    await site.ready()
    pour(site, topics.counted.name, [counted("big", 20_000, locationId="central")])
    await site.drained()
    pour(site, topics.created.name, (wanted("big", f"s{n}", 1) for n in range(3_000)))
    await site.drained(120)
    shipped = ({"itemId": "big", "reservationId": f"s{n}", "quantity": 1, "timestamp": SECOND} for n in range(3_000))
    pour_python(site, topics.fulfilled.name, shipped)  # of no location: they are in no count of one
    await site.drained(120)
    # 18,500 sold and 1,500 received: all that was left. Half of them are of one second, half of their own moments.
    chance = random.Random(3)
    units = [-1] * 18_500 + [1] * 1_500
    chance.shuffle(units)
    events = [
        moved("big", n, one, locationId="central", **({"timestamp": SECOND} if n % 2 else {}))
        for n, one in enumerate(units)
    ]
    pour(site, topics.adjusted.name, events[:10_000])
    pour_python(site, topics.adjusted.name, events[10_000:])
    await site.drained(180)
    assert (0, 0) == await stock(worker, "big")
    pour_python(site, topics.created.name, (wanted("big", f"w{n}", 1, allowBackorder=True) for n in range(6_000)))
    await site.drained(180)
    assert (0, 6_000) == await claimed(worker, "big")
    pour(site, topics.adjusted.name, [*events[:100], moved("big", 20_000, 2_500, locationId="central")])
    await site.drained(120)

    assert (2_500, 0) == await stock(worker, "big")
    assert (2_500, 3_500) == await claimed(worker, "big")
    assert (0, 6_000, 5_500) == await outcomes(site)  # each backorder was reported
    rows = await site.read(topics.state_changelog.name)
    assert MAX_BYTES > max(len(row.value or b"") for row in rows)


async def claimed(worker: Any, item: str) -> tuple[float, float]:
    """Return how many units are reserved, and for how many somebody waits."""
    status, shown = await worker.get(f"/atp/acme/{item}")
    assert 200 == status, shown
    return shown["reserved"], sum(channel["waiting"] for channel in shown["channels"])
