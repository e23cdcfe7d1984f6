"""Intake never leaves a hole: what comes later never lands before what came earlier."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from aiokafka.errors import KafkaTimeoutError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch
from faust.types import TP

from atp_stream.engine.intake import Intake, NotYet
from atp_stream.engine.runs import Run
from atp_stream.engine.sending import BATCH_BYTES, RECORD_BYTES, Output

LOG = "log"


class Record(NamedTuple):
    """The attributes of a consumed record that are read."""

    offset: int
    value: bytes
    key: bytes | None = None
    timestamp: int = 0


class Metadata(NamedTuple):
    """The answer to a batch."""

    offset: int


class Broker:
    """A producer's other end: keeps what lands, and loses the batches that it is told to lose."""

    def __init__(self, lose: Callable[[int], bool] = lambda _: False) -> None:
        self.landed: list[tuple[str, int, bytes]] = []
        self.producers = 0
        self._lose = lose
        self._batches = 0

    def producer(self) -> Any:
        self.producers += 1
        return _Producer(self)

    def receive(self, topic: str, partition: int, batch: BatchBuilder) -> Any:
        self._batches += 1
        if self._lose(self._batches):
            raise KafkaTimeoutError
        first = len(self.landed)
        for record in DefaultRecordBatch(bytes(batch._build())):
            self.landed.append((topic, partition, record.value))
        return Metadata(first)

    @property
    def values(self) -> list[bytes]:
        return [value for _, _, value in self.landed]


class _Producer:
    """The part of aiokafka's producer that is used; the batches are aiokafka's own."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(RECORD_BYTES, 0, is_transactional=False)

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> asyncio.Future[Any]:
        async def answer() -> Any:
            await asyncio.sleep(0)
            return self._broker.receive(topic, partition, batch)

        return asyncio.ensure_future(answer())


class App:
    """What intake asks of its app."""

    def __init__(self) -> None:
        self.consumer = self
        self.paused: set[TP] = set()
        self.gave_up: list[str] = []

    def on_buffer_full(self, tp: TP) -> None:
        self.paused.add(tp)

    def on_buffer_drop(self, tp: TP) -> None:
        self.paused.discard(tp)

    def give_up(self, reason: str, _: BaseException | None = None) -> None:
        self.gave_up.append(reason)


class Event:
    """A Faust event that remembers whether it was acknowledged."""

    acked = False

    def ack(self) -> None:
        self.acked = True


def run(partition: int, start: int, values: list[bytes]) -> Run:
    records: list[Any] = [Record(start + place, value) for place, value in enumerate(values)]
    return Run(TP("in", partition), start, start + len(values), records)


def to_log(record: Any) -> list[Output]:
    return [Output(LOG, 0, None, record.value, [])]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)


async def test_a_lost_batch_is_sent_again_before_anything_that_came_later() -> None:
    """A run of two batches loses the first: were both under way, the second would hide the hole for ever."""
    values = [bytes([65 + place]) * (BATCH_BYTES // 3) for place in range(5)]
    broker = Broker(lose=lambda number: number == 1)
    event = Event()
    intake = Intake(App(), translate=to_log, new_producer=broker.producer)

    intake.submit(event, run(0, 100, values))
    await until(lambda: event.acked)
    await intake.close()

    assert values == broker.values
    assert 2 == broker.producers


async def test_a_loss_in_the_middle_repeats_what_landed_and_keeps_the_order() -> None:
    values = [bytes([65 + place]) * (BATCH_BYTES // 3) for place in range(5)]
    broker = Broker(lose=lambda number: number == 2)
    event = Event()
    intake = Intake(App(), translate=to_log, new_producer=broker.producer)

    intake.submit(event, run(0, 0, values))
    await until(lambda: event.acked)
    await intake.close()

    assert values == list(dict.fromkeys(broker.values))
    first = {value: broker.values.index(value) for value in values}
    assert sorted(first.values()) == [first[value] for value in values]


async def test_nothing_is_acknowledged_before_it_is_in_the_log() -> None:
    broker = Broker(lose=lambda _: True)
    event = Event()
    intake = Intake(App(), translate=to_log, new_producer=broker.producer)

    intake.submit(event, run(0, 0, [b"a"]))
    await until(lambda: broker.producers > 1)
    await intake.close()

    assert not event.acked


async def test_only_the_partition_that_waits_for_something_outside_waits() -> None:
    known = asyncio.Event()

    async def ready() -> None:
        await known.wait()

    def translate(record: Any) -> list[Output]:
        if record.value == b"unknown" and not known.is_set():
            raise NotYet(ready)
        return to_log(record)

    broker = Broker()
    waiting, other, later = Event(), Event(), Event()
    intake = Intake(App(), translate=translate, new_producer=broker.producer)

    intake.submit(waiting, run(0, 0, [b"before", b"unknown", b"after"]))
    intake.submit(other, run(1, 0, [b"other"]))
    await until(lambda: other.acked)
    intake.submit(later, run(0, 3, [b"later"]))
    await asyncio.sleep(0.05)
    assert {b"before", b"other"} == set(broker.values)
    assert not waiting.acked

    known.set()
    await until(lambda: later.acked)
    await intake.close()

    assert [b"before", b"unknown", b"after", b"later"] == [value for value in broker.values if value != b"other"]


async def test_a_bug_in_translation_gives_up_instead_of_passing_the_record_over() -> None:
    def translate(_: Any) -> list[Output]:
        raise ZeroDivisionError

    app, event = App(), Event()
    intake = Intake(app, translate=translate, new_producer=Broker().producer)

    intake.submit(event, run(0, 0, [b"a"]))
    await until(lambda: bool(app.gave_up))
    await intake.close()

    assert ["intake failed: ZeroDivisionError()"] == app.gave_up
    assert not event.acked


async def test_fetching_pauses_when_too_much_waits_and_goes_on_when_it_is_gone() -> None:
    broker = Broker()
    app, event = App(), Event()
    intake = Intake(app, translate=lambda _: [], new_producer=broker.producer)

    intake.submit(event, run(0, 0, [b"x"] * 40_001))
    assert {TP("in", 0)} == app.paused
    await until(lambda: event.acked)
    await intake.close()

    assert set() == app.paused
