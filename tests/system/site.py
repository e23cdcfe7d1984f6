"""A whole installation for a test: topics of its own on the shared stack, and worker processes that can be killed."""

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import GroupCoordinatorNotAvailableError

from atp_stream import provision
from atp_stream.devstack.ports import free_port
from atp_stream.settings import Settings, environment_of
from atp_stream.topics import Topics
from atp_stream.web.tls import client_tls
from tests.system.behind import Behind

READY_S = 40.0
DRAIN_S = 60.0


class Worker:
    """One worker process with its own directory and port."""

    def __init__(self, settings: Settings, directory: Path) -> None:
        self.port = free_port()
        self.url = f"{settings.web_scheme}://127.0.0.1:{self.port}"
        self._ca = settings.web_ca
        self.data = directory / "data"
        self.log = directory / "worker.log"
        directory.mkdir(parents=True, exist_ok=True)
        base = {name: value for name, value in os.environ.items() if not name.startswith("ATP_")}
        own = {"ATP_DATA_DIR": str(self.data), "ATP_WEB_PORT": str(self.port), "ATP_LOG_FORMAT": "console"}
        self._environment = {**base, **environment_of(settings), **own}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, open_files: tuple[int, int] | None = None) -> None:
        """Start the process, with a soft and a hard limit of files; what it says goes to its log."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "atp_stream", "worker"],
                stdout=log,
                stderr=log,
                env=self._environment,
                preexec_fn=open_files and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, open_files)),  # noqa: PLW1509
            )

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as a crash would."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self) -> int:
        """End it in order, and return its exit code."""
        if self.running:
            self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self, seconds: float = 30.0) -> int:
        """Return the exit code once it has ended."""
        assert self.process is not None
        return self.process.wait(seconds)

    def said(self) -> str:
        """Return its log."""
        return self.log.read_text(errors="replace")

    async def get(self, path: str) -> tuple[int, Any]:
        """Return status and JSON body of a view; status 0 if nobody answers."""
        timeout = aiohttp.ClientTimeout(total=5)
        tls = True if self._ca is None else client_tls(self._ca)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(self.url + path, ssl=tls) as answer,
            ):
                return answer.status, await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, None

    async def partitions(self) -> list[int]:
        """Return the log partitions that it answers for, none while it is not ready."""
        status, body = await self.get("/health/ready")
        return list(body["partitions"]) if status == 200 else []


class Site:
    """Topics, schemas and workers of one test."""

    STOP = signal.SIGSTOP
    CONT = signal.SIGCONT

    def __init__(self, settings: Settings, directory: Path) -> None:
        self.settings = settings
        self.topics = Topics.of(settings)
        self.directory = directory
        self.workers: list[Worker] = []
        self._producer: AIOKafkaProducer | None = None
        self._behind: Behind | None = None

    async def open(self) -> None:
        """Make what must stand before a worker starts."""
        await provision.initialise(self.settings)
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self.settings.bootstrap,
            enable_idempotence=True,
            linger_ms=5,
            max_batch_size=1 << 20,  # room for what is sent while a broker is away
            request_timeout_ms=120_000,
        )
        await self._producer.start()

    async def close(self) -> None:
        """End all that was started; a worker that does not stop in order is a failure."""
        if self._producer is not None:
            await self._producer.stop()
        await self.rest()
        for worker in self.workers:
            if worker.running:
                worker.signal(signal.SIGCONT)
                worker.signal(signal.SIGTERM)
        for worker in self.workers:
            try:
                worker.wait()
            except subprocess.TimeoutExpired:
                worker.kill()
                raise

    async def rest(self) -> None:
        """Stop looking how far workers are: the loop may stand still from now on for longer than a fetch may take."""
        if self._behind is not None:
            await self._behind.close()
            self._behind = None

    def add_worker(self, open_files: tuple[int, int] | None = None) -> Worker:
        """Start one more worker; `open_files` as in its `start`."""
        worker = Worker(self.settings, self.directory / f"worker-{len(self.workers) + 1}")
        self.workers.append(worker)
        worker.start(open_files)
        return worker

    async def ready(self, seconds: float = READY_S) -> None:
        """Return once the workers that run own all partitions of the log between them."""
        began = time.monotonic()
        owned: list[int] = []
        while time.monotonic() - began < seconds:
            owned = sorted([n for worker in self.workers if worker.running for n in await worker.partitions()])
            if owned == list(range(self.topics.item_log.partitions)):
                return
            await asyncio.sleep(0.1)
        logs = "\n".join(worker.said()[-3000:] for worker in self.workers)
        raise AssertionError(f"not ready after {seconds} s, owned: {owned}\n{logs}")

    # -- input ---------------------------------------------------------------------------------

    async def send(self, topic: str, value: bytes | dict[str, Any], *, partition: int | None = None) -> ConsumerRecord:
        """Produce one record, without a key, and return where it went."""
        assert self._producer is not None
        body = value if isinstance(value, bytes) else msgspec.json.encode(value)
        return await self._producer.send_and_wait(topic, body, partition=partition)

    async def send_all(self, messages: Iterable[tuple[str, bytes | dict[str, Any]]]) -> int:
        """Produce many records and return how many."""
        assert self._producer is not None
        futures = [
            await self._producer.send(topic, value if isinstance(value, bytes) else msgspec.json.encode(value))
            for topic, value in messages
        ]
        await asyncio.gather(*futures)
        return len(futures)

    async def offer(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        """Hand a record to the producer; `flush` waits until all of them have landed."""
        assert self._producer is not None
        await self._producer.send(topic, value, key=key)

    async def flush(self) -> None:
        """Return when all that was offered has landed."""
        assert self._producer is not None
        await self._producer.flush()

    # -- output --------------------------------------------------------------------------------

    async def read(self, topic: str, *, isolation: str = "read_committed") -> list[ConsumerRecord]:
        """Return all records of a topic up to its present end, partition by partition."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.bootstrap,
            isolation_level=isolation,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=50,
        )
        await consumer.start()
        try:
            partitions = self._of([topic])
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            found: list[ConsumerRecord] = []
            while behind := [tp for tp in partitions if await consumer.position(tp) < ends[tp]]:
                for records in (await consumer.getmany(*behind, timeout_ms=200)).values():
                    found += records
        finally:
            await consumer.stop()
        return sorted(found, key=lambda record: (record.partition, record.offset))

    async def drained(self, seconds: float = DRAIN_S) -> None:
        """Return once all input is in the log or dead, and all of the log is applied."""
        began = time.monotonic()
        state: Any = None
        if self._behind is None:
            self._behind = Behind(self.settings)
            await self._behind.open()
        while time.monotonic() - began < seconds:
            with contextlib.suppress(GroupCoordinatorNotAvailableError):  # a broker that has just come back
                state = await self._behind.look()
            if state == (0, 0):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"not drained after {seconds} s: (intake, ledger) are behind by {state}")

    async def ends(self, topics: Sequence[str]) -> dict[TopicPartition, int]:
        """Return the stable ends of topics."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.settings.bootstrap, isolation_level="read_committed")
        await consumer.start()
        try:
            found: dict[TopicPartition, int] = await consumer.end_offsets(self._of(topics))
        finally:
            await consumer.stop()
        return found

    def _of(self, topics: Sequence[str]) -> list[TopicPartition]:
        counts = {topic.name: topic.partitions for topic in self.topics.every}
        return [TopicPartition(name, number) for name in topics for number in range(counts[name])]
