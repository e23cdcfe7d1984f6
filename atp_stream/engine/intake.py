"""Hole-free intake: every input record reaches the item log at least once, and never behind a later one.

The ledger keeps, per source partition, only the newest offset that it has seen. That is sound only if the log
never has a hole below it: so a round sends at most one batch per log partition, waits for all of them, and
when anything fails sends the whole round again with a new producer. What was sent twice is skipped by offset.

A round merges the partitions by time, and reaches no further than the backlog of the whole group lets it.
"""

import asyncio
import contextlib
import time
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import chain, islice
from operator import itemgetter
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from faust.types import TP
from mode import get_logger

from atp_stream.engine.backlog import FOREVER, SLACK_MS, SLOWEST_LOOK_S, Backlog
from atp_stream.engine.batches import Batches
from atp_stream.engine.host import Host
from atp_stream.engine.producers import ProducerOnDemand
from atp_stream.engine.repetitions import REPEAT_S, Repetitions
from atp_stream.engine.runs import Run
from atp_stream.engine.source_place import Place
from atp_stream.records import Output

log = get_logger(__name__)

#: Records sent in one round: the retry of a failed round sends as many again.
ROUND_RECORDS = 4_000
#: A partition's fetching pauses above this many waiting records, and goes on below a quarter of it: more than its share
#: of a round, or what it has still to bring would be overtaken.
WAITING_RECORDS = 2_000
RETRY_DELAY_S = 0.5


class NotYet(Exception):
    """A record cannot be translated before `ready` is done; its source partition waits, and what a backlog holds."""

    def __init__(self, ready: Callable[[], Awaitable[None]]) -> None:
        super().__init__("waits for something outside")
        self.ready = ready


Translate = Callable[[Any], Sequence[Output]]
_time = itemgetter(0)


class Intake:
    """Carries runs of all source partitions into the item log, a round at a time."""

    def __init__(self, host: Host, *, translate: Translate, new_producer: Callable[[], AIOKafkaProducer]) -> None:
        self._host = host
        self._translate = translate
        self._producer = ProducerOnDemand(new_producer)
        self._queues: dict[TP, deque[tuple[Any, Run]]] = defaultdict(deque)  # runs, with the events that they came in
        self._begun: dict[TP, int] = {}  # of the first run in a queue, how many records earlier rounds have sent
        self._waiting: dict[TP, int] = defaultdict(int)
        self._paused: set[TP] = set()
        self._parked: dict[TP, asyncio.Task[None]] = {}
        self._faults = Repetitions(REPEAT_S)
        self._wake = asyncio.Event()
        self._backlog = Backlog(host, on_look=self._wake.set)
        self._task: asyncio.Task[None] | None = None

    def begin(self, places: Mapping[TP, Place]) -> None:
        """Begin with the source partitions of a new assignment, at the places where they go on."""
        self._backlog.begin(places)

    def place(self, tp: TP) -> Place | None:
        """Return how far a source partition is in the log, as far as this worker knows."""
        return self._backlog.places.get(tp)

    def waiting(self, tp: TP) -> int:
        """Return how many records of a source partition were fetched and are not in the log yet."""
        return self._waiting.get(tp, 0)

    def held(self) -> list[TP]:
        """Return the source partitions that wait for something outside, such as a schema."""
        return sorted(self._parked)

    async def close(self) -> None:
        """Drop what waits; whoever gets the source partitions next reads it again."""
        await self._backlog.close()
        tasks = [*self._parked.values(), *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._task = None
        self._parked.clear()
        self._queues.clear()
        self._begun.clear()
        self._waiting.clear()
        self._paused.clear()
        await self._producer.drop()

    def submit(self, event: Any, run: Run) -> None:
        """Queue a run behind the earlier ones of its partition."""
        if run.records and not self._waiting[run.tp]:
            self._backlog.move(run.tp, Place(run.records[0].offset, run.records[0].timestamp))
        self._queues[run.tp].append((event, run))
        self._waiting[run.tp] += len(run.records)
        if self._waiting[run.tp] > WAITING_RECORDS and run.tp not in self._paused:
            self._paused.add(run.tp)
            self._host.consumer.on_buffer_full(run.tp)  # what is being fetched still arrives
        self._wake.set()
        if self._task is None:
            self._task = asyncio.create_task(self._rounds(), name="intake")

    async def _rounds(self) -> None:
        try:
            while True:
                self._wake.clear()
                if not await self._round():
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(SLOWEST_LOOK_S if self._backlog.behind else None):
                            await self._wake.wait()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug: the input is still there for the next start
            self._host.give_up(f"intake failed: {error!r}", error)

    async def _round(self) -> bool:
        """Send a round; False when there was nothing that could be sent."""
        ready = [tp for tp in self._queues if tp not in self._parked]
        if not ready:
            return False
        records = self._next(ready)
        waiting = [self._backlog.places[tp].time_ms for tp in ready if self._waiting[tp]]
        if waiting and not records:
            for tp in ready:
                self._settle(tp, 0)  # runs that hold nothing but the marks of transactions hold nobody up
            self._backlog.hold(min(waiting))
            return False
        self._backlog.release()
        try:
            sent = await self._send(await self._producer.started(), records)
        except Exception as error:
            if not _is_transport(error):
                raise
            if self._faults.passed_over(type(error).__name__, time.monotonic()) is not None:
                log.warning("cannot append to the item log (%r); retrying", error, extra={"event": "intake_waits"})
            await self._producer.drop()
            await asyncio.sleep(RETRY_DELAY_S)
            self._wake.set()
            return True
        for tp in ready:
            self._settle(tp, sent[tp])
        return True

    async def _send(self, producer: AIOKafkaProducer, records: list[tuple[int, TP, Any]]) -> Counter[TP]:
        """Translate the records of a round and send them; return how many of each partition were sent."""
        sent: Counter[TP] = Counter()
        halted: set[TP] = set()
        limit = FOREVER
        batches = Batches(producer)
        for at, tp, record in records:
            if at > limit:
                break
            if tp in halted:
                continue
            try:
                outputs = self._translate(record)
            except NotYet as wait:
                halted.add(tp)
                self._parked[tp] = asyncio.create_task(self._park(tp, wait))
                if record.offset < self._backlog.end_of(tp):
                    limit = min(limit, at + SLACK_MS)
                continue
            await batches.add_all(outputs)
            sent[tp] += 1
        await batches.send()
        return sent

    def _next(self, ready: list[TP]) -> list[tuple[int, TP, Any]]:
        """Return the records of a round, each partition's in their order, the partitions' merged by time.

        What happened to an item lies in many partitions: read one after the other, most of a backlog's facts would
        come late, and orders before the stock that would have served them. So nothing goes further than where a
        partition that has more must stop, and than the backlog of the group lets it.
        """
        share = max(1, ROUND_RECORDS // len(ready))
        limit = self._backlog.limit_ms(ready)
        parts: list[list[tuple[int, TP, Any]]] = []
        for tp in ready:
            newest = 0 if self._waiting[tp] else self._backlog.places[tp].time_ms
            part = []
            waiting, begun = chain.from_iterable(run.records for _, run in self._queues[tp]), self._begun.get(tp, 0)
            for record in islice(waiting, begun, begun + share):
                newest = max(newest, record.timestamp)
                part.append((newest, tp, record))
            if self._waiting[tp] > share or self._queues[tp][-1][1].end < self._backlog.end_of(tp):
                limit = min(limit, newest)
            parts.append(part)
        found = [one for part in parts for one in part if one[0] <= limit]
        found.sort(key=_time)
        return found

    async def _park(self, tp: TP, wait: NotYet) -> None:
        try:
            await wait.ready()
        except Exception as error:  # noqa: BLE001 - else the partition would stay parked for ever
            self._host.give_up(f"intake of {tp.topic}/{tp.partition} failed: {error!r}", error)
        del self._parked[tp]
        self._wake.set()

    def _settle(self, tp: TP, sent: int) -> None:
        """Acknowledge the runs that are in the log as a whole, and take note of where the next one goes on."""
        queue = self._queues[tp]
        self._waiting[tp] -= sent
        sent += self._begun.pop(tp, 0)
        place = self._backlog.places.get(tp, Place(0))
        while queue:
            event, run = queue[0]
            if sent < len(run.records):
                self._begun[tp] = sent
                place = Place(run.records[sent].offset, run.records[sent].timestamp)
                break
            sent -= len(run.records)
            place = Place(run.end, run.records[-1].timestamp if run.records else place.time_ms)
            queue.popleft()
            event.ack()
        self._backlog.move(tp, place)
        if not queue:
            del self._queues[tp]
        if tp in self._paused and self._waiting[tp] < WAITING_RECORDS // 4:
            self._paused.discard(tp)
            self._host.consumer.on_buffer_drop(tp)


def _is_transport(error: BaseException) -> bool:
    """Whether sending failed, rather than our own code or a topic that is not as we made it."""
    return isinstance(error, KafkaError | OSError | TimeoutError) and not isinstance(error, MessageSizeTooLargeError)
