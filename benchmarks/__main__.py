"""`make bench`: measure, and write the table of benchmarks/README.md again.

Variables of make or of the environment say what to run, with their defaults in brackets:

- PARTS: some of throughput, peers, latency, recovery, takeover (these five), first_load, security, pages, dates, lists;
  dates and lists need no Kafka
- N: events of each workload (200,000), items of the first load (500,000)
- WORKLOADS (zipf uniform)
- REPEAT: runs of throughput, peers and latency (2); the table has their median, but the sum of losses and the greatest
  maximum
- RATES of latency (10 200 2000), and DURATION, the seconds of each rate (15)
- ROWS of recovery (100000 1000000), ROUNDS of takeover and of pages (5), ITEMS of lists (1,000,000)
- CHECK: events of the run whose outputs are counted again (30,000; 0 for none)
- BEFORE: for pages, a Python with another version installed to compare with (none)

What a run does not measure stays as it was; `benchmarks/results.json` holds the figures behind the table.
"""

import asyncio
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

from atp_stream import __version__
from atp_stream.devstack import Stack
from atp_stream.settings import Settings
from benchmarks import comparison, dates, first_load, latency, lists, pages, recovery, table, takeover, throughput
from benchmarks.contenders import CONTENDERS
from benchmarks.traffic import WORKLOADS

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "results.json"
README: Final = HERE / "README.md"
_PATTERN_EVENTS: Final = 30_000  # whose rows recovery copies

_NO_MEDIAN: Final[dict[str, Callable[[list[float]], float]]] = {"lost": sum, "max_ms": max, "undecided": sum}


class Knobs(NamedTuple):
    """What is to be run."""

    events: int
    items: int
    parts: list[str]
    workloads: list[str]
    repeat: int
    rates: list[int]
    seconds: float
    rows: list[int]
    rounds: int
    check: int
    listed: int
    before: str

    @classmethod
    def read(cls) -> "Knobs":
        """Return what the environment says."""
        said: Callable[[str, str], str] = lambda name, default: os.environ.get(name) or default  # noqa: E731
        return cls(
            events=int(said("N", "200000")),
            items=int(said("N", "500000")),
            parts=said("PARTS", "throughput peers latency recovery takeover").split(),
            workloads=said("WORKLOADS", "zipf uniform").split(),
            repeat=int(said("REPEAT", "2")),
            rates=[int(rate) for rate in said("RATES", "10 200 2000").split()],
            seconds=float(said("DURATION", "15")),
            rows=[int(rows) for rows in said("ROWS", "100000 1000000").split()],
            rounds=int(said("ROUNDS", "5")),
            check=int(said("CHECK", "30000")),
            listed=int(said("ITEMS", "1000000")),
            before=said("BEFORE", ""),
        )


class Run:
    """A run: the stack, a directory, and the figures that are collected."""

    def __init__(self, knobs: Knobs, stack: Stack, directory: Path, results: dict[str, Any]) -> None:
        self.knobs, self.stack, self.directory, self.results = knobs, stack, directory, results

    async def everything(self) -> None:
        """Run all parts that are wanted, and write down the figures after each."""
        for workload in self.knobs.workloads:
            if "throughput" in self.knobs.parts:
                await self._throughput(workload)
            if "peers" in self.knobs.parts:
                await self._peers(workload)
        if "latency" in self.knobs.parts:
            for rate in self.knobs.rates:
                await self._latency(rate)
        others = {
            "recovery": self._recovery,
            "takeover": self._takeover,
            "first_load": self._first_load,
            "security": self._security,
            "pages": self._pages,
        }
        for part, run in others.items():
            if part in self.knobs.parts:
                await run()

    async def _takeover(self) -> None:
        """Stop one of two workers, in each way."""
        for way, found in (await takeover.measure(self.stack, self.directory, self.knobs.rounds)).items():
            self._keep(("takeover", way), [found])

    async def _first_load(self) -> None:
        found = await first_load.measure(self.stack, self.directory, self.knobs.items)
        self._keep(("first_load", str(self.knobs.items)), [found])

    async def _pages(self) -> None:
        """Open pages on a worker in turn, and none; load a worker of another version, if there is one; post orders."""
        runs = {"now": (pages.KINDS, sys.executable)}
        if self.knobs.before:
            runs["before"] = ({pages.NOBODY: pages.KINDS[pages.NOBODY]}, self.knobs.before)
        rounds, seconds = self.knobs.rounds, self.knobs.seconds
        for run, (kinds, python) in runs.items():
            found = await pages.measure(self.stack, self.directory, f"pages-{run}", rounds, seconds, kinds, python)
            for name, measured in found.items():
                self._keep(("pages", name if run == "now" else f"{name}, before"), measured)
        orders = [
            await pages.checkout(self.stack, self.directory, f"checkout-{turn}", self.knobs.seconds)
            for turn in range(self.knobs.repeat)
        ]
        self._keep(("checkout", str(pages.ORDERS)), orders)

    async def _security(self) -> None:
        """Run a workload in turn on this stack and on one with TLS and passwords."""
        with _stack(secure=True) as (other, directory):
            places = {"PLAINTEXT": (self.stack, self.directory), "SASL_SSL": (other, directory)}
            runs: dict[str, list[dict[str, Any]]] = {name: [] for name in places}
            for turn in range(self.knobs.repeat):
                for name, (stack, place) in places.items():
                    run = throughput.measure(stack, place, f"security-{turn}", WORKLOADS["zipf"], self.knobs.events)
                    runs[name].append(await run)
        for name, found in runs.items():
            self._keep(("security", name), found)

    async def _throughput(self, workload: str) -> None:
        runs = [
            await throughput.measure(
                self.stack, self.directory, f"{workload}-{turn}", WORKLOADS[workload], self.knobs.events
            )
            for turn in range(self.knobs.repeat)
        ]
        if self.knobs.check:
            runs[0]["check"] = await throughput.checked(
                self.stack, self.directory, f"{workload}-check", WORKLOADS[workload], self.knobs.check
            )
        self._keep(("throughput", workload), runs)

    async def _peers(self, workload: str) -> None:
        count = self.knobs.events
        await comparison.preload(self.stack, workload, count)
        wanted = comparison.expected(WORKLOADS[workload], count)
        for peer in comparison.PEERS:
            turns = 1 if peer == "faust" else self.knobs.repeat  # it takes longer than all the others together
            runs = [
                await comparison.measure(self.stack, self.directory, peer, workload, count, turn, wanted)
                for turn in range(turns)
            ]
            self._keep(("peers", workload, peer), runs)

    async def _latency(self, rate: int) -> None:
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
        for turn in range(self.knobs.repeat):
            for name, contend in CONTENDERS.items():
                async with contend(self.stack, self.directory, f"latency-{name}-{rate}-{turn}") as contender:
                    runs[name].append(await latency.measure(self.stack, contender, rate, self.knobs.seconds))
        for name in CONTENDERS:
            self._keep(("latency", name, str(rate)), runs[name])

    async def _recovery(self) -> None:
        pattern = await throughput.fill(self.stack, self.directory, "pattern", WORKLOADS["uniform"], _PATTERN_EVENTS)
        for rows in self.knobs.rows:
            found = await recovery.measure(self.stack, self.directory, pattern, rows)
            self._keep(("recovery", str(rows)), [found])

    def _keep(self, path: tuple[str, ...], runs: list[dict[str, Any]]) -> None:
        keep(self.results, path, runs)


def keep(results: dict[str, Any], path: tuple[str, ...], runs: list[dict[str, Any]]) -> None:
    """Write down what runs found."""
    figures, place = middle(runs), results
    for part in path[:-1]:
        place = place.setdefault(part, {})
    place[path[-1]] = {**figures, "runs": len(runs), "date": f"{datetime.now(UTC):%Y-%m-%d}"}
    RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    print(*path, json.dumps(table.rounded(figures)), flush=True)


def measure_dates(results: dict[str, Any]) -> None:
    """Measure what each kind of event costs on an item that is full of dates: the fold alone."""
    with tempfile.TemporaryDirectory(prefix="atp-bench-") as name:
        directory = Path(name)
        full = dates.Shop(directory / "full")
        full.fill()
        for event in dates.EVENTS:
            keep(results, ("dates", event), [dates.measure(full.copied(directory / event), event)])


def measure_lists(results: dict[str, Any], items: int) -> None:
    """Measure what lists cost over so many items."""
    with tempfile.TemporaryDirectory(prefix="atp-bench-") as directory:
        for name, found in lists.measure(Path(directory), items).items():
            keep(results, ("lists", str(items), name), [found])


def middle(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each figure, but the sum of what was lost and the greatest maximum; else the first."""
    found: dict[str, Any] = {}
    for name, first in runs[0].items():
        said = [run[name] for run in runs if name in run]
        if isinstance(first, dict):
            found[name] = middle(said)
        else:
            found[name] = _NO_MEDIAN.get(name, median)(said) if isinstance(first, float | int) else first
    return found


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), ":")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    names = ("faust-streaming", "aiokafka", "rocksdict", "msgspec", "confluent-kafka")
    return {
        "cpu": f"{os.cpu_count()} x {cpu.partition(':')[2].strip() or platform.machine()}",
        "memory": f"{memory:.0f} GiB",
        "system": f"Linux {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "versions": {"atp-stream": __version__, **{name: version(name) for name in names}, "Kafka": "4.1.2"},
    }


@contextmanager
def _stack(*, secure: bool = False) -> Iterator[tuple[Stack, Path]]:
    """Give a stack that is made to run fast, and its directory; both are removed afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="atp-bench-"))
    # Detached, as one that stays: otherwise its JVMs start quickly, but their code is slower.
    stack = Stack(directory / "stack", Settings().java_dir, secure=secure, detached=True)
    try:
        with stack:
            yield stack, directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def main() -> None:
    """Run what is wanted and write the table."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    knobs = Knobs.read()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    began = time.monotonic()
    results["machine"] = machine()
    if "dates" in knobs.parts:
        measure_dates(results)
    if "lists" in knobs.parts:
        measure_lists(results, knobs.listed)
    if {*knobs.parts} - {"dates", "lists"}:
        with _stack() as (stack, directory):
            asyncio.run(Run(knobs, stack, directory, results).everything())
    README.write_text(table.rewritten(README.read_text(), results))
    print(f"done in {time.monotonic() - began:.0f} s; see benchmarks/README.md")


if __name__ == "__main__":
    main()
