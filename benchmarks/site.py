"""Installations on the stack of a run, and worker processes whose CPU and memory are read."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiohttp
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic
from prometheus_client.parser import text_string_to_metric_families

from atp_stream import provision
from atp_stream.access import KafkaAccess
from atp_stream.demo.workers import Worker
from atp_stream.devstack import Stack
from atp_stream.settings import Settings, environment_of
from atp_stream.topics import LOG_PARTITIONS
from benchmarks import proc

TENANT: Final = "acme"
_BATCH_BYTES: Final = 200_000
_POLL_S: Final = 0.1
_DRAIN_POLL_S: Final = 0.5  # to read the metrics costs the worker some milliseconds
_ANSWER_TIMEOUT: Final = aiohttp.ClientTimeout(total=5.0)


def settings_of(stack: Stack, name: str) -> Settings:
    """Return settings that nothing else on the stack uses: app, inputs and outputs are named after `name`."""
    plain = Settings.from_environment(stack.environment())
    inputs: dict[str, Any] = {
        f.name: f"{name}.{getattr(plain, f.name)}" for f in fields(Settings) if f.name.startswith("topic_")
    }
    return replace(
        plain,
        **{**inputs, "topic_prefix": f"{name}."},
        app_id=name,
        default_tenant=TENANT,
    )


class Moment(NamedTuple):
    """A reading of the clock and of a process's CPU, both in seconds."""

    time: float
    cpu: float


class Bench:
    """A worker under measurement."""

    def __init__(self, settings: Settings, directory: Path, python: str = sys.executable) -> None:
        self._worker = Worker("worker", directory, environment_of(settings), python)
        self._session = aiohttp.ClientSession(timeout=_ANSWER_TIMEOUT)
        self.started = Moment(0.0, 0.0)  # the last reading before it was ready

    @property
    def url(self) -> str:
        """Where it answers."""
        return self._worker.url

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._worker.child.running

    def start(self) -> None:
        """Start the process."""
        self._worker.start()

    async def serves(self) -> list[int]:
        """Return the partitions that it serves, none until it is ready."""
        return self._worker.partitions if await self._worker.look(self._session) else []

    async def ready(self, seconds: float = 300.0) -> float:
        """Start the process and return how many seconds it took to serve all partitions."""
        began = time.monotonic()
        self.start()
        while True:
            self.started = self.now()
            if len(await self.serves()) == LOG_PARTITIONS:
                return time.monotonic() - began
            if self.started.time - began > seconds or not self._worker.child.running:
                raise RuntimeError(f"the worker does not get ready, see {self._worker.child.log}")
            await asyncio.sleep(_POLL_S / 2)

    async def stop(self) -> None:
        """End the process in order."""
        await asyncio.to_thread(self._worker.child.stop, grace=30.0)

    async def kill(self) -> None:
        """End the process as a crash would."""
        await asyncio.to_thread(self._worker.child.kill)

    async def close(self) -> None:
        """End whatever is left."""
        await self._session.close()
        self._worker.child.kill()

    def now(self) -> "Moment":
        """Return the time, and the CPU seconds that the process has used."""
        return Moment(time.monotonic(), proc.cpu(self._worker.child.pid))

    @property
    def memory(self) -> proc.Memory:
        """Its memory."""
        return proc.memory(self._worker.child.pid)

    async def metrics(self) -> dict[str, float]:
        """Return the sum of each of the worker's own metrics."""
        async with self._session.get(f"{self._worker.url}/metrics") as answer:
            text = await answer.text()
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found[sample.name] = found.get(sample.name, 0.0) + sample.value
        return found

    async def drained(self, *, inputs: int, records: int, seconds: float = 300.0) -> None:
        """Return once it has read so many inputs, and folded so many records of the log."""
        began = time.monotonic()
        while True:
            now = await self.metrics()
            read = now.get("atp_messages_total", 0.0)
            if read >= inputs and now.get("atp_log_records_total", 0.0) >= records and not now.get("atp_log_lag"):
                return
            if time.monotonic() - began > seconds:
                raise RuntimeError(f"not drained after {seconds:.0f} s: {read:.0f} of {inputs} inputs were read")
            await asyncio.sleep(_DRAIN_POLL_S)


async def all_serve(workers: Sequence[Bench], seconds: float) -> None:
    """Start those that do not run, and return when all serve, and all partitions between them."""
    for worker in workers:
        if not worker.running:
            worker.start()
    began = time.monotonic()
    while True:
        served = [await worker.serves() for worker in workers]
        if all(served) and sorted(n for mine in served for n in mine) == list(range(LOG_PARTITIONS)):
            return
        if time.monotonic() - began > seconds:
            raise RuntimeError(f"the workers do not get ready: they serve {served}")
        await asyncio.sleep(2 * _POLL_S)


@asynccontextmanager
async def worker(settings: Settings, directory: Path, python: str = sys.executable) -> AsyncIterator[Bench]:
    """Give a worker of the version that `python` has, not started yet; it is stopped in order afterwards."""
    bench = Bench(settings, directory, python)
    try:
        yield bench
        await bench.stop()
    finally:
        await bench.close()


async def create_topics(kafka: KafkaAccess, names: Iterable[str], partitions: int, **config: str) -> None:
    """Create topics that are not ours."""
    async with provision.administration(kafka) as admin:
        await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=config) for name in names])


Load = tuple[str, int, bytes | None, bytes, int]
"""Topic, partition, key, value and timestamp in milliseconds of a record."""


async def preload(kafka: KafkaAccess, load: Iterable[Load]) -> int:
    """Produce records in batches as large as busy producers send them, and return how many."""
    producer = AIOKafkaProducer(**kafka, max_batch_size=2 * _BATCH_BYTES, acks=1)
    await producer.start()
    batches: dict[tuple[str, int], Any] = {}
    count, sent = 0, []
    try:
        for topic, partition, key, value, stamp in load:
            batch = batches.get((topic, partition)) or producer.create_batch()
            batches[topic, partition] = batch
            batch.append(key=key, value=value, timestamp=stamp)
            count += 1
            if batch.size() > _BATCH_BYTES - 4_096:
                sent.append(await producer.send_batch(batches.pop((topic, partition)), topic, partition=partition))
        for (topic, partition), batch in batches.items():
            sent.append(await producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*sent)
    finally:
        await producer.stop()
    return count


@asynccontextmanager
async def reader(kafka: KafkaAccess) -> AsyncIterator[AIOKafkaConsumer]:
    """Give a consumer of committed records that belongs to no group."""
    consumer = AIOKafkaConsumer(
        **kafka,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def read(consumer: AIOKafkaConsumer, topic: str, partitions: int) -> AsyncIterator[Any]:
    """Yield all committed records of a topic up to its present end."""
    mine = [TopicPartition(topic, number) for number in range(partitions)]
    consumer.assign(mine)
    await consumer.seek_to_beginning(*mine)
    ends = await consumer.end_offsets(mine)
    while behind := [tp for tp in mine if await consumer.position(tp) < ends[tp]]:
        for records in (await consumer.getmany(*behind, timeout_ms=500)).values():
            for record in records:
                yield record
