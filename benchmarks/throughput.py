"""The throughput of our worker and its cost: intake and ledger together, then the ledger alone."""

import time
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from atp_stream import provision
from atp_stream.access import KafkaAccess, RegistryAccess
from atp_stream.devstack import Stack
from atp_stream.messages import schema_files
from atp_stream.messages.registry import register
from atp_stream.oracle import Names, audit
from atp_stream.settings import Settings
from atp_stream.topics import Topics
from benchmarks import proc, site, wire
from benchmarks.traffic import Workload, happenings

_EVENTS = {
    "created": "ReservationCreatedEvent",
    "released": "ReservationReleasedEvent",
    "fulfilled": "ReservationFulfilledEvent",
}
Figures = dict[str, Any]


async def measure(stack: Stack, directory: Path, name: str, workload: Workload, count: int) -> Figures:
    """Run a workload and return its figures: CPU is in microseconds per input event."""
    idle = await _start_up(stack, directory, f"{name}-idle")
    settings = await _preloaded(stack, name, workload, count)
    async with site.worker(settings, directory / f"{name}-both") as worker:
        both = await _run(stack, worker, idle, inputs=count, count=count)
    found: Figures = {"events": count, "both": both, "rows": await rows_of(settings)}
    again = _without_inputs(settings)
    await provision.initialise(again)
    async with site.worker(again, directory / f"{name}-ledger") as worker:
        found["ledger"] = await _run(stack, worker, idle, inputs=0, count=count)
    found["intake_us"] = both["us"] - found["ledger"]["us"]
    found["same_outputs"] = both["outputs"] == found["ledger"]["outputs"] or "differ by what steps conflate"
    return found


async def fill(stack: Stack, directory: Path, name: str, workload: Workload, count: int) -> Settings:
    """Run a workload for the rows that it leaves, and return the settings of the installation."""
    settings = await _preloaded(stack, name, workload, count)
    async with site.worker(settings, directory / name) as worker:
        await worker.ready()
        await worker.drained(inputs=count, records=count)
    return settings


async def checked(stack: Stack, directory: Path, name: str, workload: Workload, count: int) -> str:
    """Run fewer events of a workload and count the outputs again: the oracle is naive, and slow."""
    return (
        f"of the first {count:,} events, recounted: {await _check(await fill(stack, directory, name, workload, count))}"
    )


async def _preloaded(stack: Stack, name: str, workload: Workload, count: int) -> Settings:
    settings = site.settings_of(stack, name)
    await provision.initialise(settings)
    await site.preload(KafkaAccess.of(settings), _load(settings, workload, count))
    return settings


async def _start_up(stack: Stack, directory: Path, name: str) -> site.Moment:
    """Return what a start takes that finds nothing to do: seconds until it is ready, and CPU seconds."""
    settings = site.settings_of(stack, name)
    await provision.initialise(settings)
    async with site.worker(settings, directory / name) as worker:
        ready = await worker.ready()
        return site.Moment(ready, worker.now().cpu)


async def _run(stack: Stack, worker: site.Bench, idle: site.Moment, *, inputs: int, count: int) -> Figures:
    """Run to the end of the input; the cost of a start without work is subtracted."""
    broker_before = proc.cpu(stack.broker.pid)
    began = time.monotonic()
    ready = await worker.ready()
    await worker.drained(inputs=inputs, records=count)
    end = worker.now()
    metrics = await worker.metrics()
    return {
        "ready_s": ready,
        "us": (end.cpu - idle.cpu) / count * 1e6,
        "events_per_s": count / (end.time - began - idle.time),
        "broker_us": (proc.cpu(stack.broker.pid) - broker_before) / count * 1e6,
        "peak_bytes": worker.memory.peak,
        "steps": metrics["atp_steps_total"],
        "outputs": metrics["atp_events_total"],
    }


def _load(settings: Settings, workload: Workload, count: int) -> Iterator[site.Load]:
    """Yield the input records; none has a key, each topic is filled partition by partition in turn."""
    topics, frame = Topics.of(settings), framing(settings)
    begins = (int(time.time() * 1000) - count) * 1000
    turns = dict.fromkeys(("adjusted", *_EVENTS), 0)
    for happening in happenings(workload, count):
        sent = wire.message(happening, begins, frame)
        topic = getattr(topics, sent.kind)
        turns[sent.kind] += 1
        yield topic.name, turns[sent.kind] % topic.partitions, None, sent.value, sent.at // 1000


def framing(settings: Settings) -> wire.Frame:
    """Return what frames our events, with the ids that the registry gave our schemas. Blocking."""
    topics = Topics.of(settings)
    schemas = {event: schema_files.schema(event) for event in _EVENTS.values()}
    known = register(
        RegistryAccess.of(settings),
        {f"{getattr(topics, kind).name}-value": schemas[event] for kind, event in _EVENTS.items()},
    )
    return wire.framing(schemas, {event: one.schema_id for event, one in zip(schemas, known, strict=True)})


async def rows_of(settings: Settings) -> int:
    """Return how many rows the state has, counted in the changelog."""
    changelog = Topics.of(settings).state_changelog
    alive: dict[bytes, bool] = {}
    async with site.reader(KafkaAccess.of(settings)) as consumer:
        async for record in site.read(consumer, changelog.name, changelog.partitions):
            alive[record.key] = record.value is not None
    return sum(alive.values())


async def _check(settings: Settings) -> str:
    """Check all topics with the oracle, which shares no code with the worker."""
    topics = Topics.of(settings)
    names = {f.name: getattr(topics, f.name).name for f in fields(Names) if f.name != "tenant"}
    with RegistryAccess.of(settings).client() as registry:
        report = await audit(KafkaAccess.of(settings), Names(**names, tenant=site.TENANT), registry=registry)
    if not report.balanced:
        raise RuntimeError("; ".join(report.verdict() + report.objections[:5]))
    waiting = report.reservations.get("BACKORDERED", 0)
    stale = report.refused.get("stale", 0)
    return f"balanced; {waiting} reservations wait; {report.refused.total()} refused, {stale} of them stale"


def _without_inputs(settings: Settings) -> Settings:
    """Return another application on the same item log, whose own input topics are empty."""
    inputs: dict[str, Any] = {
        f.name: f"again.{getattr(settings, f.name)}"
        for f in fields(Settings)
        if f.name.startswith("topic_") and f.name != "topic_prefix"
    }
    return replace(settings, app_id=f"{settings.app_id}-again", **inputs)
