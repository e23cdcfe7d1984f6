"""The demo's own ends of the topics: what it sends, and what it sees come out."""

import asyncio
import contextlib
import heapq
import itertools
import json
import time
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from atp_stream.access import KafkaAccess, RegistryAccess
from atp_stream.demo import wire
from atp_stream.demo.show import Show
from atp_stream.demo.traffic import EVENT_TYPES, Frame, Message, Traffic, snippet
from atp_stream.messages import schema_files
from atp_stream.messages.output_reader import OutputReader
from atp_stream.messages.registry import SchemaCache, register
from atp_stream.settings import Settings
from atp_stream.topics import Topics

_TICK_S = 0.05
_REPEAT_AFTER_S = 5.0  # after so long the seed's snippet runs a second time


def avro_writer(settings: Settings) -> Frame:
    """Return what frames an event in Avro, with the ids that the registry gave our schemas. Blocking."""
    topics = Topics.of(settings)
    schemas = {event: schema_files.schema(event) for event in EVENT_TYPES.values()}
    subjects = {f"{getattr(topics, kind).name}-value": schemas[event] for kind, event in EVENT_TYPES.items()}
    known = register(RegistryAccess.of(settings), subjects)
    ids = {event: found.schema_id for event, found in zip(EVENT_TYPES.values(), known, strict=True)}
    return lambda event_type, event: wire.framed(schemas[event_type], ids[event_type], event)


class Sender:
    """Sends traffic at a rate; late messages and duplicates when they are due."""

    def __init__(self, settings: Settings, show: Show) -> None:
        topics = Topics.of(settings)
        self._topics = {kind: getattr(topics, kind).name for kind in EVENT_TYPES}
        self._producer = AIOKafkaProducer(**KafkaAccess.of(settings), acks="all", enable_idempotence=True, linger_ms=10)
        self._show = show
        self._later: list[tuple[float, int, Message]] = []
        self._numbers = itertools.count()
        self._opened = False

    async def __aenter__(self) -> Self:
        await self._producer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()

    async def run(self, traffic: Traffic, *, rate: float, seconds: float | None) -> None:
        """Send for so long, then what is still due; None: until cancelled."""
        began = time.monotonic()
        if not self._opened:
            self._opened = True
            for message in traffic.opening(_now()):
                await self._send(message)
            self._plan(snippet(_now())._replace(delay=_REPEAT_AFTER_S))
        sent = 0
        while seconds is None or time.monotonic() - began < seconds:
            await self._send_due()
            while sent < (time.monotonic() - began) * rate:
                for message in traffic.step(_now()):
                    sent += 1
                    self._plan(message)
            self._show.tick()
            await asyncio.sleep(_TICK_S)
        while self._later:
            await self._send_due()
            await asyncio.sleep(_TICK_S)
        await self._producer.flush()

    def _plan(self, message: Message) -> None:
        heapq.heappush(self._later, (time.monotonic() + message.delay, next(self._numbers), message))

    async def _send_due(self) -> None:
        while self._later and self._later[0][0] <= time.monotonic():
            await self._send(heapq.heappop(self._later)[2])

    async def _send(self, message: Message) -> None:
        await self._producer.send(self._topics[message.kind], message.value, key=message.key)
        self._show.sent.add()


class Outputs:
    """Watches the output topics, for the screen."""

    def __init__(self, settings: Settings, show: Show) -> None:
        self._settings = settings
        self._show = show
        self._schemas = SchemaCache(RegistryAccess.of(settings))
        self._reader = OutputReader(self._schemas)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._schemas.close()

    async def _watch(self) -> None:
        topics = Topics.of(self._settings)
        consumer = AIOKafkaConsumer(
            **KafkaAccess.of(self._settings),
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            shown = [*topics.outputs, topics.dead_letter]
            consumer.assign([TopicPartition(t.name, n) for t in shown for n in range(t.partitions)])
            while True:
                for partition, records in (await consumer.getmany(timeout_ms=300)).items():
                    self._show.out.add(len(records))
                    if partition.topic == topics.dead_letter.name:
                        self._show.counts["DeadLetter"] += len(records)
                        continue
                    for record in records:
                        self._note(
                            json.loads(await self._reader.envelope(record.value), parse_float=str, parse_int=str)
                        )
        finally:
            await consumer.stop()

    def _note(self, event: dict[str, Any]) -> None:
        self._show.counts[event["eventType"]] += 1
        body = event["payload"]
        if "lines" in body:
            self._show.by_day[body["reason"]] += 1
        if "available" in body:
            self._show.rows[body["itemId"], body["channel"]] = (body["available"], body["reserved"])


def _now() -> int:
    return time.time_ns() // 1000
