"""What must not grow: the cost of an event with queues, limits and items, and the state with time.

It measures the fold alone, over a real RocksDB, in one process, without Kafka: `python -m benchmarks.growth`. Each line
of the table it prints says what grows, and beside it what must not.
"""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from atp_stream.domain.commands import (
    AdjustStock,
    AnyCommand,
    Confirm,
    CountStock,
    EditPolicy,
    Entry,
    Fulfil,
    Release,
    Reserve,
    SetPolicy,
    Tick,
)
from atp_stream.domain.fold.ledger import fold
from atp_stream.domain.state.overlay import State
from atp_stream.engine.databases import DatabaseOptions
from atp_stream.engine.write_batch import batch_of
from atp_stream.messages.rows import encode_row, reader, scanner

NOON = 1_700_000_000_000
MINUTE = 60_000
DAY = 24 * 60 * MINUTE
LAMP = "acme|lamp"


class Partition:
    """One log partition: entries go in, rows are in RocksDB, and what each step costs is noted."""

    def __init__(self, directory: Path, clock: Callable[[], float] = time.perf_counter) -> None:
        self.clock = clock
        self.rows = DatabaseOptions().open(directory / "rows")
        self.offset = 0
        self.longest = 0.0
        self.steps = 0
        self.reads = 0
        self.unfinished = False

    def read(self, key: bytes) -> bytes | None:
        self.reads += 1
        row: bytes | None = self.rows.get(key)
        return row

    def scan(self, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        for key, row in rows_in(self.rows, start):
            self.reads += 1
            yield key, row

    def write(self, rows: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Write rows in one batch (None deletes)."""
        self.rows.write(batch_of(rows))

    def say(self, commands: Iterable[tuple[str, int, AnyCommand]], *, finish: bool = True) -> float:
        """Fold (item, log time, command); return the CPU seconds that it took."""
        entries = []
        for name, log_time, command in commands:
            self.offset += 1
            entries.append(Entry(0, self.offset, log_time, name, command))
        began = time.process_time()
        while entries or (finish and self.unfinished):
            entries = entries[self.step(entries[:1_000]) :]
        return time.process_time() - began

    def step(self, entries: list[Entry]) -> int:
        began = self.clock()
        state = State(reader(self.read), scanner(self.scan))
        folded = fold(state, entries)
        self.write((key.encode(), None if row is None else encode_row(row)) for key, row in state.changed.items())
        self.unfinished = folded.unfinished
        self.longest = max(self.longest, self.clock() - began)
        self.steps += 1
        return folded.consumed

    def size(self) -> int:
        return sum(1 for _ in rows_in(self.rows))


def rows_in(database: Any, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
    """Yield rows in key order, as a worker reads them."""
    rows = database.iter()
    rows.seek(start)
    while rows.valid():
        yield rows.key(), rows.value()
        rows.next()
    rows.status()


def count(on_hand: int, at: int, event: str) -> CountStock:
    return CountStock(event_id=event, at_us=at * 1000, on_hand=on_hand)


def reserve(name: str, at: int, **rest: Any) -> Reserve:
    return Reserve(event_id=name, at_us=at * 1000, reservation=name, quantity=100, channel="ECOM", **rest)


def queue(directory: Path, waiting: int) -> str:
    """Events on one hot item with `waiting` backorders: each count serves one of them."""
    partition = Partition(directory)
    partition.say((LAMP, NOON, reserve(f"w{number}", NOON)) for number in range(waiting))
    partition.reads = 0
    events = 500
    seconds = partition.say(
        (LAMP, NOON + number, command)
        for number in range(events)
        for command in (count((number + 1) * 100, NOON + number, f"c{number}"), reserve(f"n{number}", NOON + number))
    )
    return f"{seconds / events / 2 * 1e6:8.0f} µs an event, {partition.reads / events / 2:6.1f} rows read"


def limits(directory: Path, still_open: int) -> str:
    """Events and ticks while `still_open` reservations of many items have a limit that is not over."""
    partition = Partition(directory)
    items = [f"acme|item {number}" for number in range(1_000)]
    partition.say((name, NOON, count(10**9, NOON, "first")) for name in items)
    late = (NOON + 60 * MINUTE) * 1000
    partition.say(
        (items[number % len(items)], NOON, reserve(f"r{number}", NOON, expires_at_us=late))
        for number in range(still_open)
    )
    partition.reads = 0
    rounds = 300
    seconds = partition.say(
        entry
        for number in range(rounds)
        for entry in (
            (items[number], NOON + number, reserve("x", NOON, expires_at_us=(NOON + number) * 1000 + 1)),
            ("|", NOON + number + 1, Tick(event_id="", at_us=(NOON + number + 1) * 1000)),
        )
    )
    return f"{seconds / rounds * 1e6:8.0f} µs a reservation with its expiry, {partition.reads / rounds:6.1f} rows read"


def sweep(directory: Path, items: int) -> str:
    """A policy for a whole tenant while other commands come in: how long is one of them held up at most?"""
    partition = Partition(directory)
    names = [f"acme|item {number:07d}" for number in range(items)]
    partition.say((name, NOON, count(10_000, NOON, "first")) for name in names)
    partition.longest, partition.steps = 0.0, 0
    patch = msgspec.Raw(b'{"safety_stock": {"fixed": 1}}')
    partition.say([("|", NOON, EditPolicy(event_id="p", at_us=NOON * 1000, tenant="acme", patch=patch))], finish=False)
    probes, began = 0, time.perf_counter()
    while partition.unfinished:
        partition.say([(names[-1 - probes % items], NOON, reserve(f"p{probes}", NOON))], finish=False)
        probes += 1
    whole = time.perf_counter() - began
    return f"{whole:8.1f} s in all, a command in between waits {partition.longest * 1000:5.0f} ms at the most"


def steady(directory: Path, rounds: int) -> str:
    """Steady traffic whose reservations all end, with a retention of ten minutes of log time."""
    partition = Partition(directory)
    document = msgspec.Raw(b'{"retention": 600, "tenants": {"*": {"channels": {"ECOM": {}}}}}')
    partition.say([("|", NOON, SetPolicy(event_id="p", at_us=NOON * 1000, document=document))])
    names = [f"acme|item {number}" for number in range(100)]
    for minute in range(rounds):
        now = NOON + minute * MINUTE
        partition.say(
            entry
            for place, name in enumerate(names)
            for entry in (
                (name, now, count(10**6, now, f"c{minute}")),
                (name, now, reserve(f"r{minute}", now, expires_at_us=(now + MINUTE) * 1000)),
                (name, now, Confirm(event_id=f"f{minute}", at_us=now * 1000, reservation=f"r{minute}")),
                (
                    name,
                    now,
                    (Fulfil if place % 2 else Release)(
                        event_id=f"e{minute}", at_us=now * 1000, reservation=f"r{minute}"
                    ),
                ),
                ("|", now, Tick(event_id="", at_us=now * 1000)),
            )
        )
    return f"{partition.size():8,} rows"


def late_count(directory: Path, stamps: int) -> str:
    """A count comes late, with so many deltas of later stamps: they must be added up."""
    partition = Partition(directory)
    partition.say(
        (LAMP, NOON, AdjustStock(event_id=f"d{number}", at_us=NOON * 1_000 + 10 * number, delta=1))
        for number in range(1, stamps)
    )
    return one(partition, count(10**6, NOON, "late"))


def first_count(directory: Path, shipments: int) -> str:
    """A location gets its first count after so many shipments, half of them in the generation before."""
    partition = Partition(directory)
    partition.say([(LAMP, NOON, CountStock(event_id="c", at_us=NOON * 1_000, on_hand=10**9, location="north"))])
    now = NOON
    for half in range(2):
        for _ in range(8):  # in stock time, a silence counts for only a quarter of the window
            now += DAY // 8 - MINUTE
            partition.say([("|", now, Tick(event_id="", at_us=now * 1_000))])
        partition.say((LAMP, now, left(f"r{half} {number}", now, number)) for number in range(shipments // 2))
    return one(partition, CountStock(event_id="f", at_us=now * 1_000, on_hand=10**6, location="south"), now)


def left(reservation: str, now: int, number: int) -> Fulfil:
    at = (now - 10 * MINUTE) * 1_000 + 10 * number
    return Fulfil(event_id=reservation, at_us=at, reservation=reservation, quantity=100, location="south")


def one(partition: Partition, command: AnyCommand, log_time: int = NOON) -> str:
    """Fold one command to its end and return the cost: nothing else runs within a step."""
    partition.steps = partition.reads = 0
    seconds = partition.say([(LAMP, log_time, command)])
    return f"{seconds * 1e3:8.0f} ms in {partition.steps} steps, {partition.reads:6,} rows read"


TABLE = (
    ("waiting on one hot item", queue, (100, 10_000, 100_000)),
    ("open limits", limits, (1_000, 10_000, 100_000)),
    ("items of the tenant", sweep, (1_000, 10_000, 100_000)),
    ("minutes of steady traffic", steady, (15, 60, 240)),
    ("stamps behind a late count", late_count, (3_000, 30_000, 100_000)),
    ("shipments before a count", first_count, (3_000, 15_000, 30_000)),
)


def main() -> None:
    for what, scenario, sizes in TABLE:
        for size in sizes:
            with tempfile.TemporaryDirectory() as directory:
                print(f"{what:26} {size:8,}  {scenario(Path(directory), size)}", flush=True)


if __name__ == "__main__":
    main()
