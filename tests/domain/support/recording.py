"""Recorded logs: what was said to a partition, kept as bytes, and what its rows and outputs were.

`python -m tests.domain.support.recording` records them anew: only when the fold is meant to give other numbers, or to
write its rows otherwise. A change of layout or of names gives the same bytes.
"""

import gzip
import json
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from msgspec.structs import replace

from atp_stream.domain.commands import OF_PARTITION, AnyCommand, Entry
from atp_stream.domain.events import AnyEvent, CommandRefused
from atp_stream.messages.outbound import Outbound, Role
from atp_stream.messages.rows import decode_command, encode_command
from atp_stream.settings import Wire
from tests.domain.support.histories import FEW, LONG, NAMES, PASSED, change_of_policy, command, opening, tick_at
from tests.domain.support.log import NOON, Log, resume

SAMPLES = Path(__file__).parent.parent / "samples"
SEEDS = (1, 2, 3)
LENGTH = 1_500
ITEMS = 20
FIRST = 1_000
"""The offset of a log's first entry: the old rows were written by entries in front of it."""

_OUTBOUND = Outbound("recorded", Wire.JSON, {}, {role: (role.value, 6) for role in Role})


def recorded(seed: int) -> dict[str, Any]:
    """Return a recorded log."""
    with gzip.open(SAMPLES / f"log_{seed}.json.gz", "rt") as file:
        found: dict[str, Any] = json.load(file)
    return found


def replayed(log: dict[str, Any]) -> dict[str, Any]:
    """Fold a recorded log, and return what came of it: digests of all rows and of all outputs, and how many."""
    partition = Log()
    partition.rows = {key: row.encode() for key, row in log["old_rows"].items()}  # the fold upgrades them
    partition.breaks = set(log["breaks"])
    entries = [
        Entry(0, offset, log_time, name, decode_command(said.encode()))
        for offset, (name, log_time, said) in enumerate(log["entries"], FIRST)
    ]
    cuts = Random(log["seed"])
    while entries:
        part = cuts.randint(1, 30)
        partition.run(entries[:part])
        del entries[:part]
    rows = [f"{key} {row.decode()}" for key, row in sorted(partition.rows.items())]
    outputs = [_output(event) for event in partition.events]
    return {
        "rows": [len(rows), _digest(rows)],
        "outputs": [len(outputs), _digest(outputs)],
        "events": sorted({type(event).__name__ for event in partition.events}),
        "faults": len(partition.faults),
    }


def record(seed: int) -> dict[str, Any]:
    """Make up a log with everything in it, and fold it."""
    r = Random(seed)
    entries = _entries(r)
    said = [[entry.name, entry.log_time_ms, encode_command(entry.command).decode()] for entry in entries]
    to_items = [entry.offset for entry in entries if not isinstance(entry.command, OF_PARTITION)]
    old: list[dict[str, Any]] = json.loads((SAMPLES / "old_items.json").read_text())
    log = {"seed": seed, "breaks": r.sample(to_items, 12), "old_rows": r.choice(old)["rows"], "entries": said}
    return {**log, "expected": replayed(log)}


def _entries(r: Random) -> list[Entry]:
    entries = [replace(entry, offset=FIRST + entry.offset) for entry in opening(r, forgets=True)]
    log_time, names = NOON, [*NAMES, *(f"acme|item {number}" for number in range(ITEMS))]
    while len(entries) < LENGTH:
        log_time += LONG if r.random() < FEW / 100 else r.choice(PASSED)
        name, said = _said(r, r.choice(names), entries, log_time)
        entries.append(Entry(0, FIRST + len(entries), log_time, name, said))
    return entries


def _said(r: Random, name: str, before: list[Entry], log_time: int) -> tuple[str, AnyCommand]:
    match r.choice([*["command"] * 14, "tick", "tick", "again", "again", "policy", "resume"]):
        case "tick":
            return "|", tick_at(r, log_time)
        case "policy":
            return "|", change_of_policy(r)
        case "resume":
            return name, resume()
        case "again":
            again = r.choice(before[-100:])
            return again.name, again.command
        case _:
            said: Any = command(r)
            return name, replace(said, at_us=said.at_us + (log_time - NOON) * 1_000)


def _output(event: AnyEvent) -> str:
    """Return what is published, but for the detail of a refusal: it is for people, and may change."""
    if isinstance(event, CommandRefused):
        return f"{event.name} {event.version} {event.log_time_ms} {event.offset} {event.ordinal} {event.reason}"
    made = _OUTBOUND.encode(event, 0)
    return f"{made.topic} {made.key!r} {made.value!r} {made.headers!r}"


def _digest(lines: list[str]) -> str:
    return sha256("\n".join(lines).encode()).hexdigest()


if __name__ == "__main__":
    for number in SEEDS:
        made = record(number)
        (SAMPLES / f"log_{number}.json.gz").write_bytes(gzip.compress(json.dumps(made).encode(), mtime=0))
        print(number, made["expected"])  # noqa: T201
