"""How long the way of a quantity is, from the record that was fetched to the rows and events that are committed.

One reservation passes the whole worker, without a broker. A function is on the way if it gets the quantity, in whatever
form, and hands it on: returns it, keeps it, or calls another function that is on the way.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import ItemsView, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import msgspec
import pytest
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.structs import ConsumerRecord, TopicPartition
from faust.types import TP
from faust.types.tuples import Message

from atp_stream import app as composition
from atp_stream.access import RegistryAccess
from atp_stream.agents import translation
from atp_stream.engine.batches import BATCH_BYTES
from atp_stream.engine.commit_group import CommitGroup
from atp_stream.engine.consumer_thread import RunThread
from atp_stream.engine.partition_state import Lane, PartitionStore
from atp_stream.engine.position import Position
from atp_stream.engine.source_place import Place
from atp_stream.messages.registry import SchemaCache
from atp_stream.settings import Settings, Wire
from atp_stream.topics import Topics
from tests.messages.happened import IDS

MAX_WAY = {Wire.AVRO: 49, Wire.JSON: 50}
FORMS = (b"31337", b"313.37", b"\x7a\x69")  # hundredths, JSON, Avro's decimal
KEEP = {
    "Intake.submit", "Lane.submit", "Batches.add_all", "State.put", "OpenItem.commit", "publish", "_state",
    "batch_of",
}  # fmt: skip
HELD = {
    "Stream": ("event",),
    "OpenItem": ("row", "events"),
    "State": ("changed",),
    "Message": ("value",),
    "Event": ("value",),
}
PACKAGE = str(Path(composition.__file__).parent)


def carries(thing: Any, depth: int = 5) -> bool:
    """Return whether the quantity is in something."""
    if isinstance(thing, int):
        return thing == 31337
    if isinstance(thing, bytes | str | msgspec.Raw):
        text = thing.encode() if isinstance(thing, str) else bytes(thing)
        return any(form in text for form in FORMS)
    if not depth:
        return False
    parts: Any = ()
    if isinstance(thing, dict):
        parts = [*thing.values()]
    elif isinstance(thing, ConsumerRecord):
        parts = [thing.value]
    elif isinstance(thing, list | tuple | ItemsView):
        parts = [*thing]
    elif isinstance(thing, msgspec.Struct):
        parts = [getattr(thing, name, None) for name in thing.__struct_fields__]
    elif type(thing).__name__ in HELD:
        parts = [getattr(thing, name, None) for name in HELD[type(thing).__name__]]
    return any(carries(part, depth - 1) for part in parts)


class Call:
    """A call of one of our functions: who called it, and whether the quantity went in, and out."""

    def __init__(self, frame: FrameType, caller: "Call | None") -> None:
        self.name = frame.f_code.co_qualname
        self.frame = frame  # kept, so that no other has its id
        self.within = self.name.endswith("comp>") or self.name.endswith("genexpr>")  # a part of its caller
        self.caller = caller
        count = frame.f_code.co_argcount + frame.f_code.co_kwonlyargcount
        self.gets = any(carries(frame.f_locals.get(name)) for name in frame.f_code.co_varnames[:count])
        self.returns = self.obtains = self.hands_on = False


class Trace:
    """The calls of our functions, in their order."""

    def __init__(self) -> None:
        self.calls: dict[int, Call] = {}

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return
        if event == "call" and id(frame) not in self.calls:  # a coroutine that goes on is no new call
            above = frame.f_back
            while above is not None and id(above) not in self.calls:
                above = above.f_back
            self.calls[id(frame)] = Call(frame, None if above is None else self.calls[id(above)])
        elif event == "return" and id(frame) in self.calls:
            self.calls[id(frame)].returns |= carries(argument)

    def way(self) -> list[str]:
        """Return the functions that are on the way, in the order of their first call."""
        on_the_way: set[str] = set()
        for call in reversed(self.calls.values()):  # whom a function calls comes behind it
            has_it = call.gets or call.returns or call.obtains
            if has_it and (call.returns or call.hands_on or call.name in KEEP):
                on_the_way.add(call.name)
                if call.caller is not None:
                    call.caller.hands_on = True
                    call.caller.obtains |= call.returns or (call.within and call.obtains)
        calls = [call.name for call in self.calls.values() if call.name in on_the_way and not call.within]
        return [*dict.fromkeys(calls)]


class Producer:
    """aiokafka's, whose broker takes all; the batches are aiokafka's own."""

    def __init__(self) -> None:
        self.landed: list[tuple[str, int, Any]] = []

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def begin_transaction(self) -> None: ...

    async def commit_transaction(self) -> None: ...

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(BATCH_BYTES, 0, is_transactional=False)

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> asyncio.Future[Any]:
        answer = asyncio.get_running_loop().create_future()
        answer.set_result(SimpleNamespace(offset=len(self.landed)))
        self.landed += [(topic, partition, record) for record in DefaultRecordBatch(bytes(batch._build()))]
        return answer


class Consumer:
    """aiokafka's consumer, which has fetched one record; what it is asked for its parts, it answers itself."""

    _closed = False
    fetch_context = nullcontext
    has_valid_position = True

    def __init__(self, record: Any) -> None:
        self._record = record
        self.tp = TP(record.topic, record.partition)
        self.position = record.offset + 1
        self.tps = {self.tp}
        self._records: dict[TP, Any] = {}
        self._subscription = self._fetcher = self._subscriptions = self.subscription = self.assignment = self

    def state_value(self, _: TP) -> Any:
        return self

    async def fetched_records(self, *_: Any, **__: Any) -> Any:
        return {TopicPartition(*self.tp): [self._record]}


class Stream:
    """Faust's, with one event."""

    def __init__(self, event: Any) -> None:
        self.event = event
        self.channel = SimpleNamespace(queue=asyncio.Queue())

    def noack(self) -> "Stream":
        return self

    async def events(self) -> Any:
        yield self.event


class Worker:
    """A worker without a broker: what intake appends is handed to the ledger."""

    def __init__(self, directory: Path, wire: Wire) -> None:
        settings = Settings(default_tenant="acme", data_dir=directory, wire=wire)
        schemas = SchemaCache(RegistryAccess("http://127.0.0.1:1"))
        schemas.output_ids = dict(IDS)
        self.topics = Topics.of(settings)
        self.app: Any = composition.create_app(settings, genesis="g", schemas=schemas)
        self.app.moving = False
        self.producer = Producer()
        self.app.intake._producer._new_producer = lambda: self.producer
        self._offsets: Counter[TP] = Counter()

    async def send(self, topic: str, **event: Any) -> list[tuple[str, int, Any]]:
        """Let a message pass; return what the ledger has published."""
        began = len(self.producer.landed)
        await self._hand("intake", topic, 0, json.dumps({"itemId": "lamp", **event}).encode())
        ((topic, partition, record),) = self.producer.landed[began:]
        await self._hand("ledger", topic, partition, record.value, record.key, tuple(record.headers))
        return self.producer.landed[began + 1 :]

    async def _hand(
        self, agent: str, topic: str, partition: int, value: bytes, key: Any = None, headers: Any = ()
    ) -> None:
        app, tp = self.app, TP(topic, partition)
        offset, self._offsets[tp] = self._offsets[tp], self._offsets[tp] + 1
        record = ConsumerRecord(*tp, offset, 1_700_000_000_000, 0, key, value, None, 0, 1, headers)
        thread: Any = RunThread.__new__(RunThread)
        thread.app, thread._next = app, {tp: offset}
        thread.consumer = SimpleNamespace(flow_active=True, _is_changelog_tp=lambda _: False)
        ((run,),) = (await thread._fetch_records(Consumer(record), {tp}, timeout=0.1)).values()
        if agent == "ledger":
            self._own(partition)
        else:
            app.intake._backlog.places[tp] = Place(offset, 0)
        (found,) = [one for name, one in app.agents.items() if agent in name]
        message = Message(*tp, run.offset, 0.0, 0, [], None, run.value, None, tp=tp)
        event = await found.channel.schema.compile(app)(message)
        event.ack = lambda: True
        landed = len(self.producer.landed)
        await found.fun(Stream(event))
        while len(self.producer.landed) == landed:  # noqa: ASYNC110 - nobody tells when a round is done
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)

    def _own(self, partition: int) -> None:
        steps = self.app.steps
        if steps._group is None:
            lane = Lane(partition, PartitionStore(self.app.table, partition))
            lane.position, lane.unfinished, steps._open = Position(genesis="g"), False, True
            steps._group = CommitGroup(self.producer, [lane], self.app.table, steps._fold)
            steps._task = asyncio.create_task(steps._work(steps._group))


@contextmanager
def traced() -> Iterator[Trace]:
    trace = Trace()
    sys.setprofile(trace)
    try:
        yield trace
    finally:
        sys.setprofile(None)


@pytest.mark.parametrize("wire", Wire)
async def test_a_quantity_is_handed_on_by_few_functions(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translation, "is_looked_at", lambda _: False)  # one message in a thousand has a longer way
    worker = Worker(tmp_path, wire)
    await worker.send(worker.topics.counted.name, onHand=1_000)
    await worker.send(worker.topics.created.name, reservationId="r0", quantity=5)

    with traced() as trace:
        published = await worker.send(worker.topics.created.name, reservationId="r1", quantity=313.37, eventId="e")

    await worker.app.steps.close()
    assert worker.topics.allocation_committed.name in [topic for topic, _, _ in published]
    way = trace.way()
    assert len(way) <= MAX_WAY[wire], f"{len(way)} functions, {len(trace.calls)} calls: {way}"
