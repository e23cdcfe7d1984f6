"""What open pages cost a worker, and how long a checkout in one call takes.

One worker is under a steady load. In turn no page is open, eight streams of events, and eight pages, each of which
also asks every two seconds for what the page *Now* shows. Each round goes through them in the other direction than
the one before, so that what changes slowly on a machine cancels out in the means that are compared.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any, Final, NamedTuple

import aiohttp
import msgspec
from aiokafka import AIOKafkaProducer

from atp_stream import provision
from atp_stream.access import KafkaAccess
from atp_stream.devstack import Stack
from atp_stream.topics import Topics
from atp_stream.web.survey import OF_PAGES
from benchmarks import latency, site
from benchmarks.contenders import Contender, of_worker
from benchmarks.latency import Usage

RATE: Final = 2_000
ORDERS: Final = 100
"""Orders that are posted in a second."""
_PAGES: Final = 8
_ASKED_S: Final = 2.0
_WARM_UP_S: Final = 5.0
_SETTLE_S: Final = 2.0  # after pages were opened
_NOW: Final = (
    f"/totals/{site.TENANT}", f"/items/{site.TENANT}?risk=any&limit=15", "/workers",
)  # fmt: skip
_ITEMS: Final = 200
_STOCK: Final = 1_000_000


class Kind(NamedTuple):
    """What is open: how many streams of events, and how many pages that ask for the views of *Now*."""

    streams: int
    pages: int


NOBODY: Final = "no page"
KINDS: Final = {NOBODY: Kind(0, 0), "eight streams": Kind(_PAGES, 0), "eight pages": Kind(_PAGES, _PAGES)}


async def measure(
    stack: Stack, directory: Path, run: str, rounds: int, seconds: float, kinds: Mapping[str, Kind], python: str
) -> dict[str, list[dict[str, Any]]]:
    """Return the figures of a worker with such pages open, of each kind and round; `python` is what runs it."""
    settings = site.settings_of(stack, run)
    await provision.initialise(settings)
    names, turns = list(kinds), list[_Turn]()
    async with site.worker(settings, directory / run, python) as worker:
        await worker.ready()
        contender = of_worker(settings, worker)
        async with latency.flowing(stack, contender, RATE) as flow:
            await flow.send(_WARM_UP_S)
            for number in range(rounds):
                for name in reversed(names) if number % 2 else names:
                    if turns and kinds[turns[-1].name].pages and not kinds[name].pages:
                        await flow.send(OF_PAGES.asked_s)  # so long the worker goes on to count for pages
                    async with looking_on(worker.url, kinds[name]) as counts:
                        turns.append(await _turn(name, stack, worker, contender, flow, seconds))
                    turns[-1].figures.update(counts)
            await flow.seen_all()
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in kinds}
    cpu = {name: fmean(turn.cpu for turn in turns if turn.name == name) for name in kinds}
    for turn in turns:
        sent = {probe: at for probe, at in flow.sent.items() if turn.before.time <= at <= turn.after.time}
        late = latency.figures(sent, flow.seen, turn.before, turn.after)
        us, ratio = turn.cpu / RATE * 1e6, cpu[turn.name] / cpu[NOBODY]
        found[turn.name].append({**late, **turn.figures, "us": us, "of_nobody": ratio})
    return found


class _Turn(NamedTuple):
    """A stretch of time with the same pages open: what was read at its ends, and what else was found."""

    name: str
    before: Usage
    after: Usage
    figures: dict[str, Any]

    @property
    def cpu(self) -> float:
        """The part of a core that the worker used."""
        return (self.after.contender - self.before.contender) / (self.after.time - self.before.time)


async def _turn(
    name: str, stack: Stack, worker: site.Bench, contender: Contender, flow: latency.Flow, seconds: float
) -> _Turn:
    """Measure the worker for so long, once the pages that are open have settled."""
    await flow.send(_SETTLE_S)
    before, steps = Usage.now(contender, stack), await worker.metrics()
    await flow.send(seconds)
    after, now = Usage.now(contender, stack), await worker.metrics()
    taken, number = (now[what] - steps[what] for what in ("atp_step_seconds_sum", "atp_step_seconds_count"))
    return _Turn(name, before, after, {"step_ms": taken / number * 1e3})


@asynccontextmanager
async def looking_on(url: str, kind: Kind) -> AsyncIterator[dict[str, int]]:
    """Keep pages open; yield the counts of what they receive."""
    counts = {"told": 0, "unseen": 0, "answers": 0}
    timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
        tasks = [asyncio.create_task(_follow(session, url, counts)) for _ in range(kind.streams)]
        tasks += [asyncio.create_task(_ask(session, url, counts)) for _ in range(kind.pages)]
        try:
            yield counts
        finally:
            ended = [task for task in tasks if task.done()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    if ended:
        raise RuntimeError(f"{len(ended)} of {len(tasks)} pages did not stay open")


async def _follow(session: aiohttp.ClientSession, url: str, counts: dict[str, int]) -> None:
    async with session.get(f"{url}/events/{site.TENANT}") as stream:
        stream.raise_for_status()
        lost = False
        async for line in stream.content:
            if line.startswith(b"event: lost"):
                lost = True
            elif line.startswith(b"data: "):
                if lost:
                    counts["unseen"] += msgspec.json.decode(line[6:])["lost"] or 0
                counts["told"] += not lost
                lost = False


async def _ask(session: aiohttp.ClientSession, url: str, counts: dict[str, int]) -> None:
    while True:
        for view in _NOW:
            async with session.get(url + view) as answer:
                answer.raise_for_status()
                await answer.read()
                counts["answers"] += 1
        await asyncio.sleep(_ASKED_S)


async def checkout(stack: Stack, directory: Path, run: str, seconds: float) -> dict[str, Any]:
    """Post orders at a steady rate, each waiting for its decision; return how long the answers took."""
    settings = replace(site.settings_of(stack, run), web_checkout=1)
    await provision.initialise(settings)
    async with site.worker(settings, directory / run) as worker:
        await worker.ready()
        async with latency.producer_of(KafkaAccess(stack.bootstrap)) as producer:
            await _stock(producer, Topics.of(settings))
        await worker.drained(inputs=_ITEMS, records=_ITEMS)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            shop = _Shop(session, worker.url)
            await shop.order(_WARM_UP_S)
            warm, before = len(shop.taken), worker.now()
            await shop.order(seconds)
            after = worker.now()
    late = sorted(shop.taken[warm:])
    return {
        "orders": len(late),
        "undecided": shop.undecided,
        "p50_ms": latency.percentile(late, 0.50),
        "p99_ms": latency.percentile(late, 0.99),
        "max_ms": late[-1],
        "cpu_share": (after.cpu - before.cpu) / (after.time - before.time),
    }


async def _stock(producer: AIOKafkaProducer, topics: Topics) -> None:
    for number in range(_ITEMS):
        said = {"itemId": _item(number), "onHand": _STOCK, "timestamp": _now()}
        await producer.send(topics.counted.name, msgspec.json.encode(said), key=_item(number).encode())
    await producer.flush()


class _Shop:
    """Posts orders, and notes how long each answer took, in milliseconds."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, url
        self._number = 0
        self.taken: list[float] = []
        self.undecided = 0

    async def order(self, seconds: float) -> None:
        """Post orders at a steady rate, however long the earlier ones take."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for turn in range(int(ORDERS * seconds)):
                await asyncio.sleep(max(0.0, began + turn / ORDERS - time.monotonic()))
                group.create_task(self._post(self._number))
                self._number += 1

    async def _post(self, number: int) -> None:
        said = {
            "reservationId": f"order-{number}", "itemId": _item(number), "quantity": 1, "channel": "ECOM",
            "tenantId": site.TENANT, "timestamp": _now(),
        }  # fmt: skip
        began = time.perf_counter()
        async with self._session.post(f"{self._url}/reservations?wait=5", json=said) as answer:
            body = await answer.json(content_type=None)
        self.taken.append((time.perf_counter() - began) * 1e3)
        self.undecided += body.get("status") != "COMMITTED"


def _item(number: int) -> str:
    return f"item-{number % _ITEMS:04d}"


def _now() -> str:
    return datetime.now(UTC).isoformat()
