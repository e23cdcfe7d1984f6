"""What lists cost over many items: a page by name, a page of what is at risk, and the count that it stands on.

The code of the views over a real RocksDB with the rows of a worker's six partitions, one process, no Kafka. Times are
of the processor, so that other work on the machine does not count: that of a whole page, and the longest stretch for
which nothing else of a worker had a turn.
"""

import random
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any, Final

import msgspec

from atp_stream.domain.commands import AnyCommand, CountStock, Reserve, SetPolicy
from atp_stream.domain.names import join
from atp_stream.engine.partitioner import partition_of
from atp_stream.topics import LOG_PARTITIONS
from atp_stream.web.gathering import Partitions
from atp_stream.web.items import Page, Wanted, by_name, by_risk, joined, own_totals
from atp_stream.web.summaries import Risk
from atp_stream.web.survey import OF_METRICS, OF_PAGES, OfPartition, Pace, Survey, Surveys
from atp_stream.worker import collect_rarely
from benchmarks.growth import NOON, Partition

TENANT: Final = "acme"
_PAGES: Final = 200
_BATCH: Final = 2_000  # items
_EVERY: Final = list(range(LOG_PARTITIONS))
_RISKS: Final = tuple(Risk)
_CHANNELS: Final = ("ECOM", "STORE", "B2B", "MARKETPLACE")
Rows = list[tuple[str, bytes]]


class Worker:
    """What views need of a worker that owns all partitions: rows, and what it owns."""

    def __init__(self, directory: Path, items: int) -> None:
        self.partitions = []
        for number in _EVERY:
            (directory / str(number)).mkdir(parents=True)
            self.partitions.append(Partition(directory / str(number)))
        self._fill(directory / "patterns", items)
        table = SimpleNamespace(read=self._read, scan=self._scan)
        self.app: Any = SimpleNamespace(table=table, steps=SimpleNamespace(owned=lambda: {*_EVERY}))

    def _read(self, number: int, key: bytes) -> bytes | None:
        return self.partitions[number].read(key)

    def _scan(self, number: int, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        return self.partitions[number].scan(start)

    def _fill(self, directory: Path, items: int) -> None:
        """Give each item the rows of one that was folded: one of a hundred is short, one of fifty has who waits."""
        directory.mkdir()
        patterns = folded(directory)
        waiting: dict[int, list[tuple[bytes, bytes | None]]] = {number: [] for number in _EVERY}
        for number in range(items):
            name = join(TENANT, f"item-{number:07d}")
            rows = patterns[number % len(patterns)]
            batch = waiting[partition_of(name.encode(), LOG_PARTITIONS)]
            batch += [(f"{name}|{rest}".encode(), row) for rest, row in rows]
            if len(batch) > _BATCH * len(rows):
                self.partitions[partition_of(name.encode(), LOG_PARTITIONS)].write(batch)
                batch.clear()
        for partition, batch in waiting.items():
            self.partitions[partition].write(batch)


def folded(directory: Path) -> list[Rows]:
    """Return the rows of a hundred items, each as what follows the item in its key, and the row."""
    shop = Partition(directory)
    document = msgspec.Raw(msgspec.json.encode({"tenants": {"*": {"channels": {name: {} for name in _CHANNELS}}}}))
    shop.say([("|", NOON, SetPolicy(event_id="policy", at_us=NOON * 1_000, document=document))])
    found = []
    for number in range(100):
        name = f"{TENANT}|pattern-{number}"
        shop.say((name, NOON, command) for command in _said(number))
        prefix = f"{name}|"
        rows = [(key.decode(), row) for key, row in shop.scan(prefix.encode()) if key.startswith(prefix.encode())]
        found.append([(key.removeprefix(prefix), row) for key, row in rows])
    return found


def _said(number: int) -> Iterator[AnyCommand]:
    def at(turn: int) -> dict[str, Any]:
        return {"event_id": f"{number}-{turn}", "at_us": NOON * 1_000 + turn}

    yield CountStock(**at(0), on_hand=10_000, location="north")
    yield CountStock(**at(1), on_hand=5_000, location="east")
    for order in range(3):
        yield Reserve(
            **at(2 + order), reservation=f"order {order}", quantity=200, channel=_CHANNELS[(number + order) % 4]
        )
    if number % 100 == 0:
        yield CountStock(**at(9), on_hand=0, location="north")
        yield CountStock(**at(10), on_hand=100, location="east")
    if number % 50 == 1:
        yield Reserve(**at(11), reservation="large", quantity=90_000, channel="ECOM")


class Stretches:
    """Runs what views do as the event loop would, and notes how long each stretch takes."""

    def __init__(self) -> None:
        self.whole: list[float] = []
        self.longest = 0.0

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Return what it returns; it may only ever wait for its next turn."""
        took = 0.0
        while True:
            began = time.thread_time()
            try:
                work.send(None)
            except StopIteration as done:
                took += self._note(time.thread_time() - began)
                self.whole.append(took)
                return done.value
            took += self._note(time.thread_time() - began)

    def _note(self, seconds: float) -> float:
        self.longest = max(self.longest, seconds)
        return seconds

    def figures(self) -> dict[str, Any]:
        """Return them in milliseconds."""
        return {
            "first_ms": self.whole[0] * 1e3,
            "ms": median(self.whole) * 1e3,
            "max_ms": max(self.whole) * 1e3,
            "longest_stretch_ms": self.longest * 1e3,
            "pages": len(self.whole),
        }


def measure(directory: Path, items: int) -> dict[str, dict[str, Any]]:
    """Return what each list costs over so many items."""
    worker = Worker(directory, items)
    collect_rarely()
    counted = {name: survey(worker, pace) for name, pace in (("pages", OF_PAGES), ("metrics", OF_METRICS))}
    known: Any = SimpleNamespace(of=_known(counted["pages"][0]))
    found = {"by name": by_names(worker, items), "at risk": at_risk(worker, known), "totals": totals(worker, known)}
    return {**found, **{f"count for {name}": figures for name, (_, figures) in counted.items()}}


def by_names(worker: Worker, items: int) -> dict[str, Any]:
    """Return what a page of 50 by name costs: the first one, and some behind any item."""
    stretches, luck = Stretches(), random.Random(20_261_128)
    for turn in range(_PAGES):
        after = f"item-{luck.randrange(items):07d}" if turn else ""
        wanted = Wanted("", after, 50, ())

        async def page(wanted: Wanted = wanted) -> bytes:
            return _answered(await by_name(worker.app, _EVERY, TENANT, wanted), wanted)

        assert stretches.run(page())
    return stretches.figures()


def at_risk(worker: Worker, known: Any) -> dict[str, Any]:
    """Return what a page of the 50 items with the gravest risks costs."""
    stretches, wanted = Stretches(), Wanted("", "", 50, _RISKS)

    async def page() -> bytes:
        return _answered(await by_risk(worker.app, known, _EVERY, TENANT, wanted), wanted)

    for _ in range(_PAGES):
        stretches.run(page())
    return stretches.figures()


def totals(worker: Worker, known: Any) -> dict[str, Any]:
    """Return what the sums over all items cost."""
    stretches = Stretches()
    for _ in range(_PAGES):
        stretches.run(own_totals(known, _EVERY, TENANT))
    return stretches.figures()


def _answered(page: Page, wanted: Wanted) -> bytes:
    return msgspec.json.encode(joined([page], wanted, TENANT, Partitions(_EVERY, [])))


def _known(survey: Survey) -> Callable[[str], Coroutine[Any, Any, Survey]]:
    async def of(_: str) -> Survey:
        return survey

    return of


def survey(worker: Worker, pace: Pace) -> tuple[Survey, dict[str, Any]]:
    """Count all items once, without a rest; return what was found, and how long it takes a worker that rests."""
    surveys, made = Surveys(worker.app, pace), Survey()
    tenant = TENANT if pace.kept else ""
    cpu, longest = time.thread_time(), 0.0
    for number in _EVERY:
        sums = surveys.sums()
        began = time.thread_time()
        for _ in surveys.count(tenant, number, sums):
            longest = max(longest, time.thread_time() - began)
            began = time.thread_time()
        made.sums[number] = OfPartition(sums, complete=True, since_s=time.time())
    cpu = time.thread_time() - cpu
    items = sum(one.sums.items for one in made.sums.values())
    return made, {
        "cpu_s": cpu,
        "us": cpu / items * 1e6,
        "complete_s": cpu * (1 + pace.rest),
        "longest_stretch_ms": longest * 1e3,
        "items": items,
    }
