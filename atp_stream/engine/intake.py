"""Hole-free intake: every input record reaches the item log at least once, and never behind a later one.

The ledger keeps, per source partition, only the newest offset that it has seen. That is sound only if the log
never has a hole below it: so a round sends at most one batch per log partition, waits for all of them, and
when anything fails sends the whole round again with a new producer. What was sent twice is skipped by offset.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from faust.types import TP
from mode import get_logger

from atp_stream.engine.runs import Run
from atp_stream.engine.sending import Batches, Output

log = get_logger(__name__)

#: Records sent in one round: the retry of a failed round sends as many again.
ROUND_RECORDS = 4_000
WAITING_RECORDS = 40_000
RETRY_DELAY = 0.5


class NotYet(Exception):
    """A record cannot be translated before `ready` is done; only its source partition waits."""

    def __init__(self, ready: Callable[[], Awaitable[None]]) -> None:
        super().__init__("waits for something outside")
        self.ready = ready


Translate = Callable[[Any], Sequence[Output]]


class _Pending:
    """A run on its way, and how many of its records earlier rounds have sent."""

    __slots__ = ("event", "run", "sent")

    def __init__(self, event: Any, run: Run) -> None:
        self.event = event
        self.run = run
        self.sent = 0


class Intake:
    """Carries runs of all source partitions into the item log, a round at a time."""

    def __init__(self, app: Any, *, translate: Translate, new_producer: Callable[[], AIOKafkaProducer]) -> None:
        self._app = app
        self._translate = translate
        self._new_producer = new_producer
        self._queues: dict[TP, deque[_Pending]] = defaultdict(deque)
        self._waiting: dict[TP, int] = defaultdict(int)
        self._paused: set[TP] = set()
        self._parked: dict[TP, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._producer: AIOKafkaProducer | None = None
        self._task: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Drop what waits; whoever gets the source partitions next reads it again."""
        tasks = [*self._parked.values(), *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._task = None
        self._parked.clear()
        self._queues.clear()
        self._waiting.clear()
        self._paused.clear()
        await self._drop_producer()

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                await asyncio.wait_for(producer.stop(), timeout=5.0)
            except Exception as error:  # noqa: BLE001 - its records are sent again by the next one
                log.info("producer did not stop in order: %r", error)
                await producer._sender.close()  # else it would try for ever
                await producer.client.close()

    def submit(self, event: Any, run: Run) -> None:
        """Queue a run behind the earlier ones of its partition."""
        self._queues[run.tp].append(_Pending(event, run))
        self._waiting[run.tp] += len(run.records)
        if self._waiting[run.tp] > WAITING_RECORDS and run.tp not in self._paused:
            self._paused.add(run.tp)
            self._app.consumer.on_buffer_full(run.tp)  # what is being fetched still arrives
        self._wake.set()
        if self._task is None:
            self._task = asyncio.create_task(self._rounds(), name="intake")

    @property
    def backlog(self) -> int:
        """How many fetched records are not in the log yet."""
        return sum(self._waiting.values())

    async def _rounds(self) -> None:
        try:
            while True:
                self._wake.clear()
                if not await self._round():
                    await self._wake.wait()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug: the input is still there for the next start
            self._app.give_up(f"intake failed: {error!r}", error)

    async def _round(self) -> bool:
        """Send a round; False when there was nothing to send."""
        moved: dict[TP, list[tuple[_Pending, int]]] = {}
        try:
            if self._producer is None:
                self._producer = self._new_producer()
                await self._producer.start()
            batches = Batches(self._producer)
            ready = [tp for tp in self._queues if tp not in self._parked]
            for tp in ready:  # each has its share: a backlog in one must not hold up the others
                moved[tp] = await self._collect(tp, batches, max(1, ROUND_RECORDS // len(ready)))
            await batches.send()
        except Exception as error:
            if not _is_transport(error):
                raise
            log.warning("intake could not send, tries again: %r", error)
            await self._drop_producer()
            await asyncio.sleep(RETRY_DELAY)
            self._wake.set()
            return True
        for tp, steps in moved.items():
            self._settle(tp, steps)
        return any(moved.values())

    async def _collect(self, tp: TP, batches: Batches, budget: int) -> list[tuple[_Pending, int]]:
        """Translate records of one partition into open batches; return how far each run has come."""
        steps: list[tuple[_Pending, int]] = []
        count = 0
        for pending in self._queues[tp]:
            records = pending.run.records
            sent = pending.sent
            try:
                while sent < len(records) and count < budget:
                    await batches.add_all(self._translate(records[sent]))
                    sent += 1
                    count += 1
            except NotYet as wait:
                steps.append((pending, sent))
                self._parked[tp] = asyncio.create_task(self._park(tp, wait))
                break
            steps.append((pending, sent))
            if sent < len(records):
                break
        return steps

    async def _park(self, tp: TP, wait: NotYet) -> None:
        try:
            await wait.ready()
        except Exception as error:  # noqa: BLE001 - else the partition would stay parked for ever
            self._app.give_up(f"intake of {tp.topic}/{tp.partition} failed: {error!r}", error)
        del self._parked[tp]
        self._wake.set()

    def _settle(self, tp: TP, steps: list[tuple[_Pending, int]]) -> None:
        """Acknowledge the runs that are in the log as a whole."""
        queue = self._queues[tp]
        for pending, sent in steps:
            self._waiting[tp] -= sent - pending.sent
            pending.sent = sent
            if sent == len(pending.run.records):
                queue.popleft()
                pending.event.ack()
        if not queue:
            del self._queues[tp]
        if tp in self._paused and self._waiting[tp] < WAITING_RECORDS // 4:
            self._paused.discard(tp)
            self._app.consumer.on_buffer_drop(tp)


def _is_transport(error: BaseException) -> bool:
    """Whether sending failed, rather than our own code or a topic that is not as we made it."""
    return isinstance(error, KafkaError | OSError | TimeoutError) and not isinstance(error, MessageSizeTooLargeError)
