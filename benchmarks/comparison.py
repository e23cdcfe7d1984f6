"""The peers: other programs that do comparable work, each in a process of its own, on the same events."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from aiokafka.partitioner import murmur2

from atp_stream.access import KafkaAccess
from atp_stream.devstack import Stack
from benchmarks import proc, site, wire
from benchmarks.peers.model import Event, Shelf
from benchmarks.traffic import WORKLOADS, Workload, happenings

ROOT: Final = Path(__file__).parent.parent
BUILT: Final = ROOT / ".atp" / "peers" / "kafka_streams"
PARTITIONS: Final = 6
_LIMIT_S: Final = 240.0  # for one run


class Peer(NamedTuple):
    """A peer: how it is called in the table, and what its guarantee is."""

    name: str
    guarantee: str
    argv: Sequence[str]


_PYTHON: Final = (sys.executable, "-m")
JAVA: Final = (
    "java", "-Xmx1g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
    "-cp", f"{BUILT}/peer-kafka-streams-1.jar:{BUILT}/lib/*",
)  # fmt: skip
PEERS: Final = {
    "streams": Peer("Kafka Streams, default", "exactly once", (*JAVA, "peers.Shelves", "{}", "default")),
    "tuned": Peer("Kafka Streams, tuned", "exactly once", (*JAVA, "peers.Shelves", "{}", "tuned")),
    "faust": Peer("plain Faust", "at least once, and loses", (*_PYTHON, "benchmarks.peers.faust_plain", "{}")),
    "floor": Peer("floor: confluent-kafka and a dict", "none", (*_PYTHON, "benchmarks.peers.floor", "{}")),
}
_DIRECTORY: Final = {"faust", "streams", "tuned"}  # those that have a state on disk


class Expected(NamedTuple):
    """The outputs that there must be: commits, changes in all, and the last availability of each item."""

    committed: int
    changed: int
    last: dict[str, int]


def expected(workload: Workload, count: int) -> Expected:
    """Return what a peer must publish; it follows from the events, because those of an item are in one partition."""
    shelves: dict[str, Shelf] = {}
    committed = changed = 0
    last: dict[str, int] = {}
    for happening in happenings(workload, count):
        event = msgspec.json.decode(wire.for_peers(happening), type=Event)
        shelf = shelves.setdefault(event.itemId, Shelf())
        took, moved = shelf.take(event)
        committed += took
        changed += moved
        if moved:
            last[event.itemId] = shelf.on_hand - sum(shelf.reserved.values())
    return Expected(committed, changed, last)


def topic_of(workload: str) -> str:
    """Return the topic that all peers read."""
    return f"peers.{workload}"


async def preload(stack: Stack, workload: str, count: int) -> None:
    """Fill the peers' topic."""
    await site.create_topics(KafkaAccess(stack.bootstrap), [topic_of(workload)], PARTITIONS)
    await site.preload(KafkaAccess(stack.bootstrap), _load(workload, count))


def _load(workload: str, count: int) -> Iterator[site.Load]:
    stamp = int(time.time() * 1000) - count
    for happening in happenings(WORKLOADS[workload], count):
        key = happening.item.encode()
        partition = int((murmur2(key) & 0x7FFFFFFF) % PARTITIONS)
        yield topic_of(workload), partition, key, wire.for_peers(happening), stamp + happening.number


async def measure(
    stack: Stack, directory: Path, peer: str, workload: str, count: int, turn: int, wanted: Expected
) -> dict[str, Any]:
    """Run a peer over the whole topic, and return its figures from its first event to its last flush and commit."""
    run = f"peer-{peer}-{workload}-{turn}"
    await site.create_topics(KafkaAccess(stack.bootstrap), [f"{run}.committed", f"{run}.available"], PARTITIONS)
    argv = _argv(stack, directory, peer, run, topic_of(workload), count)
    with (directory / f"{run}.log").open("wb") as log:
        child = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log, cwd=ROOT
        )
    try:
        async with asyncio.timeout(_LIMIT_S):
            first = await _reading(child, stack, b"first")
            done = await _reading(child, stack, b"done")
        peak = proc.memory(child.pid).peak
    finally:
        child.kill()
        await child.wait()
    return {
        "us": (done.cpu - first.cpu) / count * 1e6,
        "events_per_s": count / (done.time - first.time),
        "broker_us": (done.broker - first.broker) / count * 1e6,
        "peak_bytes": peak,
        "outputs": await _check(stack, run, wanted),
    }


def _argv(stack: Stack, directory: Path, peer: str, run: str, topic: str, count: int) -> list[str]:
    own = [stack.bootstrap, run, topic, str(count)]
    if peer in _DIRECTORY:
        own.append(str(directory / run))
    found: list[str] = []
    for part in PEERS[peer].argv:
        found += own if part == "{}" else [part]
    return found


class _Reading(NamedTuple):
    time: float
    cpu: float
    broker: float


async def _reading(child: asyncio.subprocess.Process, stack: Stack, word: bytes) -> _Reading:
    """Wait until the peer prints a word, and read the clocks."""
    assert child.stdout is not None
    async for line in child.stdout:
        if line.strip().endswith(word):
            return _Reading(time.monotonic(), proc.cpu(child.pid), proc.cpu(stack.broker.pid))
    raise RuntimeError(f"the peer ended before it printed {word.decode()!r}")


async def _check(stack: Stack, run: str, wanted: Expected) -> int:
    """Compare what came out with what must; return how many records that were."""
    counts: Counter[str] = Counter()
    last: dict[str, int] = {}
    async with site.reader(KafkaAccess(stack.bootstrap)) as consumer:
        for topic in (f"{run}.committed", f"{run}.available"):
            async for record in site.read(consumer, topic, PARTITIONS):
                counts[topic] += 1
                if topic.endswith("available"):
                    calculated = msgspec.json.decode(record.value)
                    last[calculated["itemId"]] = calculated["available"]
    found = counts[f"{run}.committed"], counts[f"{run}.available"]
    if found != (wanted.committed, wanted.changed) or last != wanted.last:
        raise RuntimeError(f"{run} published {found}, expected {wanted[:2]}")
    return sum(found)
