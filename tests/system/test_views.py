"""Views on three workers of which one is killed and comes back: the owner's value or 503, never anything else."""

import asyncio
import random
import time
from collections import Counter, defaultdict
from typing import Any, NamedTuple

import aiohttp
import msgspec
import pytest

from atp_stream.agents.fold_adapter import Ledger
from atp_stream.domain.names import split
from atp_stream.domain.policy.rules import INITIAL
from atp_stream.domain.reservations.backorder_queue import closing
from atp_stream.domain.state.overlay import State
from atp_stream.engine.position import GENESIS_HEADER, Position, plan
from atp_stream.messages.outbound import Outbound
from atp_stream.messages.rows import reader, scanner
from atp_stream.settings import Wire
from atp_stream.web.availability import describe
from atp_stream.web.places import MAX_PLACES, page_of
from tests.agents.memory import Memory
from tests.system.site import Site, Worker

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(240)]

ITEMS = [f"item-{number}" for number in range(24)]
CHANNELS = ("ECOM", "STORE", "B2B", "MARKETPLACE")


class Said(NamedTuple):
    """What a worker said of an item, and between which moments; the body is None for 404."""

    began: float
    ended: float
    item: str
    body: Any

    @property
    def version(self) -> int:
        return 0 if self.body is None else int(self.body["version"])


class Askers:
    """Ask all workers, one item or all of them at a time, and keep what they say."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._random = random.Random(4)
        self.said: list[Said] = []
        self.statuses: dict[Worker, Counter[int]] = defaultdict(Counter)
        self.slowest = 0.0
        self.done = asyncio.Event()

    async def run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=8)
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
            for worker in self._site.workers:
                group.create_task(self._ask(session, worker, self._one))
                group.create_task(self._ask(session, worker, self._all))

    async def _ask(self, session: aiohttp.ClientSession, worker: Worker, question: Any) -> None:
        while not self.done.is_set():
            began = time.monotonic()
            try:
                await question(session, worker, began)
            except (aiohttp.ClientError, TimeoutError, OSError):
                self.statuses[worker][0] += 1
            else:
                self.slowest = max(self.slowest, time.monotonic() - began)
            await asyncio.sleep(0.02)

    async def _one(self, session: aiohttp.ClientSession, worker: Worker, began: float) -> None:
        item = self._random.choice(ITEMS)
        async with session.get(f"{worker.url}/atp/acme/{item}") as answer:
            body = await answer.json(content_type=None)
            self._keep(worker, began, item, answer.status, body)

    async def _all(self, session: aiohttp.ClientSession, worker: Worker, began: float) -> None:
        async with session.post(f"{worker.url}/atp/acme/query", json={"items": ITEMS}) as answer:
            assert 200 == answer.status
            body = await answer.json()
        for item, result in zip(ITEMS, body["results"], strict=True):
            self._keep(worker, began, item, result["status"], result.get("answer"))

    def _keep(self, worker: Worker, began: float, item: str, status: int, body: Any) -> None:
        self.statuses[worker][status] += 1
        if status in {200, 404}:
            self.said.append(Said(began, time.monotonic(), item, body if status == 200 else None))


async def test_views_are_the_owners_value_or_503_while_a_worker_is_killed_and_comes_back(site: Site) -> None:
    workers = [site.add_worker() for _ in range(3)]
    await site.ready()
    askers = Askers(site)
    asking = asyncio.create_task(askers.run())
    pouring = asyncio.create_task(pour(site, askers.done))

    await asyncio.sleep(4)
    victim = max([(len(await worker.partitions()), worker.port, worker) for worker in workers])[2]
    victim.kill()
    await site.ready(60)
    await asyncio.sleep(2)
    back = time.monotonic()
    victim.start()
    await _owns_some(victim)
    await site.ready(60)
    await asyncio.sleep(2)
    askers.done.set()
    await asyncio.gather(asking, pouring)
    await site.drained()

    known = await history(site)
    invented = [said for said in askers.said if said.body is not None and known[said.item, said.version] != said.body]
    assert [] == invented[:3]
    assert [] == stale(askers.said)[:3]
    for worker in workers:
        allowed = {200, 404, 503, 0} if worker is victim else {200, 404, 503}
        assert askers.statuses[worker].keys() <= allowed
    assert askers.slowest < 5.0  # a hop's timeout, and some for a machine that starts a worker meanwhile
    after = [said for said in askers.said if said.began > back and said.body is not None]
    assert set(ITEMS) == {said.item for said in after}
    assert len({said.version for said in after}) > 10


async def _owns_some(worker: Worker) -> None:
    while not await worker.partitions():  # noqa: ASYNC110 - another process's state
        await asyncio.sleep(0.2)


async def pour(site: Site, done: asyncio.Event) -> None:
    """Send stock and reservations until it is cancelled."""
    chance = random.Random(5)
    stock: Counter[str] = Counter()
    number = 0
    while not done.is_set():
        number += 1
        item = chance.choice(ITEMS)
        if chance.random() < 0.5:
            stock[item] += 3
            about = {"product_id": item, "adjusted_quantity": 3, "new_quantity": stock[item]}
            await site.send(site.topics.adjusted.name, about)
        else:
            channel = chance.choice(CHANNELS)
            about = {"reservationId": f"r-{number}", "itemId": item, "quantity": 1, "channel": channel}
            await site.send(site.topics.created.name, about)
        await asyncio.sleep(0.02)


async def history(site: Site) -> dict[tuple[str, int], Any]:
    """Return what each item's view says at each of its versions, from the item log alone."""
    logs = await site.read(site.topics.item_log.name)
    genesis = dict(logs[0].headers)[GENESIS_HEADER].decode()
    ledger = Ledger(Outbound(genesis, Wire.JSON, {}, site.topics.of_roles), site.topics)
    views: dict[tuple[str, int], Any] = {}
    for partition in range(site.topics.item_log.partitions):
        memory = Memory()
        fresh = plan(Position(genesis=genesis), [record for record in logs if record.partition == partition]).fresh
        unfinished = True
        while fresh or unfinished:
            answer = ledger(partition, memory, fresh[:1])
            fresh, unfinished = fresh[answer.consumed :], answer.unfinished
            memory.apply(answer)
            for name in (key.decode()[:-2] for key in answer.rows if key.endswith(b"|i")):
                shown = describe_item(memory, name)
                views[shown["item"], shown["version"]] = msgspec.json.decode(msgspec.json.encode(shown))
    return views


def describe_item(memory: Memory, name: str) -> dict[str, Any]:
    """Return the view of an item from rows alone."""
    state = State(reader(memory.read), scanner(memory.scan))
    row: Any = state.get(f"{name}|i")
    tenant, item = split(name)
    places = page_of(state, name, row.stock, "", MAX_PLACES)
    return describe(tenant, item, row, INITIAL.rules(name), places, closing(state, name, row))


def stale(said: list[Said]) -> list[tuple[Said, int]]:
    """Return the answers that were asked for after a newer one had come, with that one's version."""
    found = []
    for item in ITEMS:
        asked = sorted((one for one in said if one.item == item), key=lambda one: one.began)
        come = sorted(asked, key=lambda one: one.ended)
        newest = place = 0
        for one in asked:
            while come[place].ended < one.began:
                newest = max(newest, come[place].version)
                place += 1
            if one.version < newest:
                found.append((one, newest))
    return found
