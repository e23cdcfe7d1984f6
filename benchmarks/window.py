"""What the window of stock costs: rows, disk, memory, restore and snapshot at a steady rate of facts, for days.

It folds one log partition of six, with its share of the facts, over a RocksDB as a worker opens it. The clock is
simulated and there is no Kafka, so a day takes minutes: `RATE=200 WINDOW_H=24 HOURS=48 python -m benchmarks.window`.
RATE is that of all six partitions, which share it equally. Prints a line for each eighth of the time.
"""

import asyncio
import gzip
import json
import os
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import accumulate
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from atp_stream.audit import snapshot
from atp_stream.domain.commands import AdjustStock, AnyCommand, CountStock, SetPolicy, Tick
from atp_stream.domain.row_keys import GENERATIONS, STOCK_TIME, generation_of, kind_of
from atp_stream.engine.position import POSITION_KEY, Position, encode_position
from atp_stream.messages.rows import decode_row
from atp_stream.topics import LOG_PARTITIONS
from benchmarks.growth import MINUTE, NOON, Partition, rows_in
from benchmarks.proc import memory

ITEMS = 20_000
SKEW = 1.1
ROWS_OF_A_STEP = 500
STEP_MS = 3_000  # the time in which the records of one step come in
HOUR = 60 * MINUTE
BUCKETS = 64
LATE, REPEATED = 0.02, 0.01  # parts of all facts; a late one comes a step later
COUNTS, STATING = 0.05, 0.8  # parts that are counts, and that state an absolute
Command = tuple[str, int, AnyCommand]
Row = tuple[bytes, bytes]


class Knobs(NamedTuple):
    """What is to be run."""

    rate: float
    window_h: float
    hours: float

    @classmethod
    def read(cls) -> "Knobs":
        """Return what the environment says."""
        return cls(*(float(os.environ.get(name) or default) for name, default in
                     (("RATE", "200"), ("WINDOW_H", "24"), ("HOURS", "48"))))  # fmt: skip


class Shop:
    """Facts of the items of one partition: sales, deliveries and counts; a few are late, a few come twice."""

    def __init__(self, knobs: Knobs) -> None:
        self.random = random.Random(20_261_128)
        self.apart = 1_000 / (knobs.rate / LOG_PARTITIONS)
        count = ITEMS // LOG_PARTITIONS
        self.items = [f"acme|item-{number:06d}" for number in range(count)]
        self.random.shuffle(self.items)
        self.weights = list(accumulate(rank**-SKEW for rank in range(1, count + 1)))
        self.levels: Counter[str] = Counter()
        self.said = 0
        self.late: list[Command] = []

    def step(self, now: int) -> list[Command]:
        """Return what comes in one step's time from `now` on."""
        count = round((now + STEP_MS - NOON) / self.apart) - self.said
        found, self.late = self.late, []
        for place, name in enumerate(self.random.choices(self.items, cum_weights=self.weights, k=count)):
            one = name, now, self._fact(name, now + int(place * self.apart))
            luck = self.random.random()
            if luck < LATE:
                self.late.append(one)
                continue
            found.append(one)
            if luck > 1 - REPEATED:
                self.late.append(one)
        return [(name, now, fact) for name, _, fact in found]

    def _fact(self, name: str, at_ms: int) -> AnyCommand:
        self.said += 1
        stated: dict[str, Any] = {"event_id": f"erp-{self.said:012d}", "at_us": at_ms * 1_000, "location": "central"}
        luck, units = self.random.random(), self.random.choice((-3, -2, -1, -1, -1, -1, 2, 7)) * 100
        if luck < COUNTS or name not in self.levels:
            self.levels[name] = self.levels[name] or 10**6
            return CountStock(on_hand=self.levels[name], **stated)
        self.levels[name] += units
        return AdjustStock(delta=units, absolute=self.levels[name] if luck < STATING else None, **stated)


def held(partition: Partition) -> dict[str, Any]:
    """Return the rows of a partition by kind, those that wait for the purge, and what they take."""
    kinds: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    forgotten = 0
    row = partition.rows.get(STOCK_TIME.encode())
    generation = decode_row(STOCK_TIME, row).generation
    for key, value in rows_in(partition.rows):
        name = key.decode()
        kind = kind_of(name)
        kinds[kind] += 1
        sizes[kind] += len(key) + len(value)
        forgotten += name.startswith(GENERATIONS) and generation_of(name) < generation - 1
    return {
        "generation": generation,
        "rows": sum(kinds.values()),
        "forgotten": forgotten,
        "by_kind": dict(kinds.most_common()),
        "bytes_by_kind": dict(sizes.most_common()),
    }


def used(directory: Path) -> int:
    """Return the bytes that a directory takes on disk."""
    return sum(path.stat().st_blocks * 512 for path in directory.rglob("*") if path.is_file())


def folded(knobs: Knobs, directory: Path) -> Partition:
    """Fold all hours, and print what there is after each eighth of them."""
    partition, shop = Partition(directory), Shop(knobs)
    document = msgspec.json.encode({"stock": {"window": round(knobs.window_h * 3_600)}})
    partition.say([("|", NOON, SetPolicy(event_id="p", at_us=NOON * 1_000, document=msgspec.Raw(document)))])
    spent, facts, next_tick, now = 0.0, 0, NOON, NOON
    for part in range(1, 9):
        while now < NOON + part * knobs.hours * HOUR / 8:
            said = shop.step(now)
            facts += len(said)
            now += STEP_MS
            if now >= next_tick:
                said.append(("|", now, Tick(event_id="", at_us=now * 1_000)))
                next_tick = now + MINUTE
            spent += partition.say(said)
        figures = {
            "hours": part * knobs.hours / 8,
            "facts": facts,
            "cpu_us_per_fact": round(spent / facts * 1e6, 1),
            "longest_step_ms": round(partition.longest * 1_000),
            "disk_mib": round(used(directory) / 2**20),
            "rss_mib": round(memory(os.getpid()).now / 2**20),
            **held(partition),
        }
        spent, facts, partition.longest = 0.0, 0, 0.0
        print(json.dumps(figures), flush=True)
    return partition


# What a start without a disk costs with these rows, and a snapshot


def scatter(rows: Iterator[Row], directory: Path) -> list[Path]:
    """Write rows to files in another order than that of their keys: a changelog is in order of time."""
    paths = [directory / f"bucket-{number}" for number in range(BUCKETS)]
    chance = random.Random(1)
    files = [path.open("wb") for path in paths]
    for key, value in rows:
        chance.choice(files).write(msgspec.json.encode((key.decode(), value.decode())) + b"\n")
    for file in files:
        file.close()
    return paths


def scattered(paths: list[Path]) -> Iterator[list[Row]]:
    """Yield these rows in batches of a step."""
    decode = msgspec.json.Decoder(tuple[str, str]).decode
    chance = random.Random(2)
    for path in paths:
        rows = [(key.encode(), value.encode()) for key, value in map(decode, path.read_bytes().splitlines())]
        chance.shuffle(rows)
        for start in range(0, len(rows), ROWS_OF_A_STEP):
            yield rows[start : start + ROWS_OF_A_STEP]


def restore(paths: list[Path], directory: Path) -> dict[str, Any]:
    """Write the rows into an empty RocksDB as a worker that has lost its disk does."""
    directory.mkdir()
    partition = Partition(directory)
    spent, began, count = 0.0, time.perf_counter(), 0
    for rows in scattered(paths):
        at = time.perf_counter()
        partition.write(rows)
        spent += time.perf_counter() - at
        count += len(rows)
    whole = time.perf_counter() - began
    return {
        "restored_rows": count,
        "writing_s": round(spent, 1),
        "with_reading_s": round(whole, 1),
        "peak_mib": round(memory(os.getpid()).peak / 2**20),
        "disk_mib": round(used(directory) / 2**20),
    }


class _Record(NamedTuple):
    key: bytes
    value: bytes | None
    offset: int
    timestamp: int = 0


class _Changelog:
    """A reader of a changelog that holds the rows, and the position first."""

    def __init__(self, paths: list[Path], rows: int) -> None:
        self._paths, self._rows = paths, rows

    async def begin(self, *_: Any) -> int:
        return 0

    async def end(self, *_: Any) -> int:
        return self._rows + 1

    async def stretch(self, *_: Any) -> AsyncIterator[list[_Record]]:
        yield [_Record(POSITION_KEY, encode_position(Position(genesis="g", applied=1)), 0)]
        offset = 0
        for rows in scattered(self._paths):
            yield [_Record(key, value, offset := offset + 1) for key, value in rows]


def take_snapshot(paths: list[Path], directory: Path, rows: int) -> dict[str, Any]:
    """Write a snapshot of the partition, as `atp snapshot` does."""
    file, began = directory / "snapshot.atp", time.perf_counter()
    reader: Any = _Changelog(paths, rows)
    head = snapshot.Head(snapshot=snapshot.FORMAT, genesis="g", app="bench")
    asyncio.run(snapshot.write(file, head, reader, "changelog", 1, lambda _: None))
    seconds = time.perf_counter() - began
    with gzip.open(file) as written:
        lines = sum(1 for _ in written)
    assert lines == rows + 4, (lines, rows)
    return {
        "snapshot_s": round(seconds, 1),
        "snapshot_mib": round(file.stat().st_size / 2**20),
        "snapshot_peak_mib": round(memory(os.getpid()).peak / 2**20),
    }


def main() -> None:
    knobs = Knobs.read()
    print(json.dumps(knobs._asdict()), flush=True)
    directory = Path(tempfile.mkdtemp(prefix="atp-window-"))
    try:
        (directory / "live").mkdir()
        partition = folded(knobs, directory / "live")
        paths = scatter(rows_in(partition.rows), directory)
        rows = sum(1 for _ in rows_in(partition.rows))
        # Each in a process of its own, so that its memory is its own.
        for job in ((restore, paths, directory / "restored"), (take_snapshot, paths, directory, rows)):
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
                print(json.dumps(alone.submit(*job).result()), flush=True)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
