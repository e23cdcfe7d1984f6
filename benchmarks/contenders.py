"""The contenders in latency, each in a process of its own: our worker, and Kafka Streams with the same work."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from aiokafka import TopicPartition
from fastavro import parse_schema, schemaless_reader

from atp_stream import provision
from atp_stream.access import KafkaAccess
from atp_stream.devstack import Stack
from atp_stream.devstack.child import Child
from atp_stream.messages import schema_files
from atp_stream.settings import Settings
from atp_stream.topics import Topics
from benchmarks import comparison, proc, site
from benchmarks.traffic import CHANNELS

COMMIT_MS: Final = 100  # the commit interval of Kafka Streams, its default when it is exactly once
_FRAME: Final = 5  # bytes before the Avro data
_LIMIT_S: Final = 120.0  # for a peer to start and take in the first stock
_POLL_MS: Final = 500
_INPUTS: Final = ("adjusted", "created", "released", "fulfilled")
_OUTPUTS: Final = ("available", "committed", "released", "denied")

Probe = tuple[str, int]
"""Item and units: the event names no reservation, so each reservation of an item has a different quantity."""


class Contender(NamedTuple):
    """A running process: the topics that it reads, the partitions of its commits, and how it is measured."""

    adjusted: str
    created: str
    committed: list[TopicPartition]
    probe: Callable[[bytes], Probe]
    stocked: Callable[[int], Awaitable[None]]
    """Return when it has published the first stock of so many items."""
    cpu: Callable[[], float]


def partitions_of(topic: str, partitions: int) -> list[TopicPartition]:
    """Return all partitions of a topic."""
    return [TopicPartition(topic, number) for number in range(partitions)]


@asynccontextmanager
async def ours(stack: Stack, directory: Path, run: str) -> AsyncIterator[Contender]:
    """Give a worker that serves all partitions."""
    settings = site.settings_of(stack, run)
    await provision.initialise(settings)
    async with site.worker(settings, directory / run) as worker:
        await worker.ready()
        yield of_worker(settings, worker)


def of_worker(settings: Settings, worker: site.Bench) -> Contender:
    """Return a worker that is ready as a contender."""
    topics = Topics.of(settings)
    allocations = topics.allocation_committed
    return Contender(
        topics.adjusted.name,
        topics.created.name,
        partitions_of(allocations.name, allocations.partitions),
        avro_probe(),
        lambda items: worker.drained(inputs=items, records=items),
        lambda: worker.now().cpu,
    )


def avro_probe() -> Callable[[bytes], Probe]:
    """Return a function that reads a committed allocation of ours."""
    plan = parse_schema({**schema_files.schema("AllocationCommittedEvent"), "name": "Committed"})

    def read(value: bytes) -> Probe:
        event: Any = schemaless_reader(BytesIO(value[_FRAME:]), plan, None)
        return event["itemId"], int(event["quantity"])

    return read


@asynccontextmanager
async def streams(stack: Stack, directory: Path, run: str) -> AsyncIterator[Contender]:
    """Give the program of Kafka Streams that does the same work; it has started, and serves once it is stocked."""
    inputs = Topics.of(site.settings_of(stack, run))
    for kind in _INPUTS:
        await site.create_topics(KafkaAccess(stack.bootstrap), [f"{run}.in.{kind}"], getattr(inputs, kind).partitions)
    outputs = [f"{run}.{name}" for name in ("repartition", *_OUTPUTS)]
    await site.create_topics(KafkaAccess(stack.bootstrap), outputs, comparison.PARTITIONS)
    (directory / run).mkdir()
    child = Child(directory / run, "streams")
    child.start([*comparison.JAVA, "peers.Equal", stack.bootstrap, run, str(directory / run / "state"), str(COMMIT_MS)])
    try:
        yield Contender(
            f"{run}.in.adjusted",
            f"{run}.in.created",
            partitions_of(f"{run}.committed", comparison.PARTITIONS),
            json_probe,
            lambda items: _published(stack, child, f"{run}.available", items * len(CHANNELS)),
            lambda: proc.cpu(child.pid),
        )
    finally:
        child.kill()


class _Allocation(msgspec.Struct):
    itemId: str  # noqa: N815 - the wire's name
    quantity: int


def json_probe(value: bytes) -> Probe:
    """Read a committed allocation of the peer's."""
    allocation = msgspec.json.decode(value, type=_Allocation)
    return allocation.itemId, allocation.quantity


async def _published(stack: Stack, child: Child, topic: str, count: int) -> None:
    """Return when so many committed records are in a topic."""
    deadline = time.monotonic() + _LIMIT_S
    found = 0
    async with site.reader(KafkaAccess(stack.bootstrap)) as consumer:
        consumer.assign(partitions_of(topic, comparison.PARTITIONS))
        while found < count:
            if not child.running or time.monotonic() > deadline:
                last = child.log.read_text(errors="replace")[-1_000:]
                raise RuntimeError(
                    f"the peer published {found} of {count} records, then it ended or the time was over: {last}"
                )
            found += sum(map(len, (await consumer.getmany(timeout_ms=_POLL_MS)).values()))


CONTENDERS: Final = {"atp": ours, "streams": streams}
