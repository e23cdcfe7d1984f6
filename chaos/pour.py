"""Sends the load in a thread of its own, so that slow faults do not hold it up."""

import asyncio
import heapq
import itertools
import threading
import time
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaProducer

from atp_stream.access import KafkaAccess
from atp_stream.demo.traffic import EVENT_TYPES, Message
from atp_stream.settings import Settings
from atp_stream.topics import Topics
from chaos import midnight

_TICK_S: Final = 0.05


class Source(Protocol):
    """What makes messages; `now` is in microseconds."""

    def opening(self, now: int) -> list[Message]: ...
    def step(self, now: int) -> list[Message]: ...


class Pour(threading.Thread):
    """Sends at a rate for so many seconds; what waited for a broker that was away is sent afterwards."""

    def __init__(self, settings: Settings, source: Source, *, rate: float, seconds: float) -> None:
        super().__init__(name="pour", daemon=True)
        topics = Topics.of(settings)
        self._kafka = KafkaAccess.of(settings)
        self._names = {kind: getattr(topics, kind).name for kind in EVENT_TYPES}
        self._source = source
        self._rate = rate
        self._seconds = seconds
        self._later: list[tuple[float, int, Message]] = []
        self._numbers = itertools.count()
        self.sent = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        """Send all of it."""
        try:
            asyncio.run(self._pour())
        except BaseException as error:  # noqa: BLE001 - raised by whoever joins
            self.error = error

    async def _pour(self) -> None:
        # Room for what is sent while the broker is away, and patience until it is back.
        producer = AIOKafkaProducer(
            **self._kafka,
            acks="all",
            enable_idempotence=True,
            linger_ms=10,
            max_batch_size=1 << 20,
            request_timeout_ms=180_000,
        )
        await producer.start()
        try:
            for message in self._source.opening(int(midnight.now() * 1_000_000)):
                await self._send(producer, message)
            began = time.monotonic()
            steps = 0
            while self._later or time.monotonic() - began < self._seconds:
                elapsed = min(self._seconds, time.monotonic() - began)
                while steps < elapsed * self._rate:
                    steps += 1
                    for message in self._source.step(int(midnight.now() * 1_000_000)):
                        due = time.monotonic() + message.delay
                        heapq.heappush(self._later, (due, next(self._numbers), message))
                while self._later and self._later[0][0] <= time.monotonic():
                    await self._send(producer, heapq.heappop(self._later)[2])
                await asyncio.sleep(_TICK_S)
            await producer.flush()
        finally:
            await producer.stop()

    async def _send(self, producer: Any, message: Message) -> None:
        stamp = int(
            midnight.now() * 1_000
        )  # the client would take it from the true clock, which is not that of the run
        await producer.send(self._names[message.kind], message.value, key=message.key, timestamp_ms=stamp)
        self.sent += 1
