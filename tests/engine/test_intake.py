"""Intake never leaves a hole: what comes later never lands before what came earlier."""

import asyncio
from collections.abc import Callable, Collection
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from aiokafka.errors import KafkaTimeoutError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch
from faust.types import TP

from atp_stream.engine.batches import BATCH_BYTES
from atp_stream.engine.intake import Intake, NotYet
from atp_stream.engine.runs import Run
from atp_stream.engine.source_place import Place
from atp_stream.records import Output

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
    """A producer's other end: keeps what lands, and loses the batches that a test names."""

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
        return BatchBuilder(BATCH_BYTES, 0, is_transactional=False)

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> asyncio.Future[Any]:
        async def answer() -> Any:
            await asyncio.sleep(0)
            return self._broker.receive(topic, partition, batch)

        return asyncio.ensure_future(answer())


class App:
    """What intake asks of its app."""

    def __init__(self) -> None:
        self.consumer = self
        self.conf = SimpleNamespace(broker_session_timeout=0.0)
        self.paused: set[TP] = set()
        self.gave_up: list[str] = []
        self.read: dict[TP, Place] = {}
        self.ends: dict[TP, int] = {}
        self.reported: list[dict[TP, int]] = []

    def on_buffer_full(self, tp: TP) -> None:
        self.paused.add(tp)

    def on_buffer_drop(self, tp: TP) -> None:
        self.paused.discard(tp)

    async def places(self, without: Collection[TP]) -> dict[TP, Place]:
        return {tp: place for tp, place in self.read.items() if tp not in without}

    async def source_ends(self) -> dict[TP, int]:
        return self.ends

    async def commit_places(self, offsets: dict[TP, int]) -> bool:
        self.reported.append(offsets)
        return True

    def give_up(self, reason: str, _: BaseException | None = None) -> None:
        self.gave_up.append(reason)


def make_app() -> Any:
    """Return one, as anything that intake may ask."""
    return App()


class Event:
    """A Faust event that remembers whether it was acknowledged."""

    acked = False

    def ack(self) -> None:
        self.acked = True


def run(partition: int, start: int, values: list[bytes], stamps: list[int] | None = None) -> Run:
    stamps = [0] * len(values) if stamps is None else stamps
    both = enumerate(zip(values, stamps, strict=True))
    records: list[Any] = [Record(start + place, value, timestamp=stamp) for place, (value, stamp) in both]
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
    intake = Intake(make_app(), translate=to_log, new_producer=broker.producer)

    intake.submit(event, run(0, 100, values))
    await until(lambda: event.acked)
    await intake.close()

    assert values == broker.values
    assert 2 == broker.producers


async def test_a_loss_in_the_middle_repeats_what_landed_and_keeps_the_order() -> None:
    values = [bytes([65 + place]) * (BATCH_BYTES // 3) for place in range(5)]
    broker = Broker(lose=lambda number: number == 2)
    event = Event()
    intake = Intake(make_app(), translate=to_log, new_producer=broker.producer)

    intake.submit(event, run(0, 0, values))
    await until(lambda: event.acked)
    await intake.close()

    assert values == list(dict.fromkeys(broker.values))
    first = {value: broker.values.index(value) for value in values}
    assert sorted(first.values()) == [first[value] for value in values]


async def test_nothing_is_acknowledged_before_it_is_in_the_log() -> None:
    broker = Broker(lose=lambda _: True)
    event = Event()
    intake = Intake(make_app(), translate=to_log, new_producer=broker.producer)

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
    intake = Intake(make_app(), translate=translate, new_producer=broker.producer)

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

    app, event = make_app(), Event()
    intake = Intake(app, translate=translate, new_producer=Broker().producer)

    intake.submit(event, run(0, 0, [b"a"]))
    await until(lambda: bool(app.gave_up))
    await intake.close()

    assert ["intake failed: ZeroDivisionError()"] == app.gave_up
    assert not event.acked


async def test_a_run_may_arrive_while_a_round_of_its_partition_is_being_sent() -> None:
    values = [bytes([65 + place]) * (BATCH_BYTES // 3) for place in range(4)]
    app, first, second = make_app(), Event(), Event()

    def arrive(batch: int) -> bool:
        if batch == 1:  # the round goes on behind it
            intake.submit(second, run(0, 4, [b"later"]))
        return False

    broker = Broker(lose=arrive)
    intake = Intake(app, translate=to_log, new_producer=broker.producer)

    intake.submit(first, run(0, 0, values))
    await until(lambda: second.acked or bool(app.gave_up))
    await intake.close()

    assert [] == app.gave_up
    assert [*values, b"later"] == broker.values


async def test_fetching_pauses_when_too_much_waits_and_goes_on_when_it_is_gone() -> None:
    broker = Broker()
    app, event = make_app(), Event()
    intake = Intake(app, translate=lambda _: [], new_producer=broker.producer)

    intake.submit(event, run(0, 0, [b"x"] * 2_001))
    assert {TP("in", 0)} == app.paused
    await until(lambda: event.acked)
    await intake.close()

    assert set() == app.paused


async def test_what_waits_in_several_partitions_lands_in_the_order_of_its_stamps() -> None:
    broker = Broker()
    events = [Event(), Event()]
    intake = Intake(make_app(), translate=to_log, new_producer=broker.producer)

    intake.submit(events[0], run(0, 0, [b"1", b"4", b"5"], [1, 4, 5]))
    intake.submit(events[1], run(1, 0, [b"2", b"3", b"6"], [2, 3, 6]))
    await until(lambda: all(event.acked for event in events))
    await intake.close()

    assert [b"1", b"2", b"3", b"4", b"5", b"6"] == broker.values


async def test_a_partition_keeps_its_own_order_whatever_its_stamps() -> None:
    broker = Broker()
    events = [Event(), Event()]
    intake = Intake(make_app(), translate=to_log, new_producer=broker.producer)

    intake.submit(events[0], run(0, 0, [b"a", b"b", b"c"], [9, 1, 3]))
    intake.submit(events[1], run(1, 0, [b"x", b"y"], [2, 4]))
    await until(lambda: all(event.acked for event in events))
    await intake.close()

    assert [b"a", b"b", b"c"] == [value for value in broker.values if value in b"abc"]


async def test_a_partition_does_not_run_ahead_of_one_that_has_more() -> None:
    """A backlog in two partitions, the second with few records: they are spread over the rounds of the first."""
    broker = Broker()
    events = [Event(), Event()]
    intake = Intake(make_app(), translate=to_log, new_producer=broker.producer)

    intake.submit(events[0], run(0, 0, [b"dense"] * 6_000, list(range(6_000))))
    intake.submit(events[1], run(1, 0, [b"sparse"] * 1_000, list(range(0, 6_000, 6))))
    await until(lambda: all(event.acked for event in events))
    await intake.close()

    assert 500 == broker.values[:3_500].count(b"sparse")


OURS, ALSO_OURS, THEIRS = TP("in", 0), TP("in", 1), TP("in", 2)
START = {OURS: Place(0), ALSO_OURS: Place(0)}


async def test_a_backlog_waits_for_a_partition_whose_first_records_are_being_fetched() -> None:
    broker, app = Broker(), make_app()
    app.ends = {OURS: 600, ALSO_OURS: 1}
    events = [Event(), Event()]
    intake = Intake(app, translate=to_log, new_producer=broker.producer)

    intake.begin(START)
    intake.submit(events[0], run(0, 0, [b"late"] * 600, [5_000] * 600))
    await asyncio.sleep(0.1)
    assert [] == broker.values
    intake.submit(events[1], run(1, 0, [b"early"], [1]))
    await until(lambda: all(event.acked for event in events))
    await intake.close()

    assert b"early" == broker.values[0]


async def test_a_backlog_goes_no_further_than_a_second_ahead_of_what_another_worker_still_has_to_read() -> None:
    broker, app, event = Broker(), make_app(), Event()
    app.ends, app.read = {OURS: 4, THEIRS: 9}, {THEIRS: Place(3, 10_000)}
    intake = Intake(app, translate=to_log, new_producer=broker.producer)

    intake.begin({OURS: Place(0)})
    intake.submit(event, run(0, 0, [b"a", b"b", b"c", b"d"], [1, 11_000, 11_001, 90_000]))
    await asyncio.sleep(0.1)
    assert [b"a", b"b"] == broker.values
    assert {OURS: 2} == app.reported[-1]
    assert Place(2, 11_001) == intake.place(OURS)

    app.read = {THEIRS: Place(8, 12_000)}
    await until(lambda: broker.values == [b"a", b"b", b"c"])
    app.read = {THEIRS: Place(9, 12_000)}
    await until(lambda: event.acked)
    await intake.close()


async def test_when_nothing_lags_nothing_waits() -> None:
    broker, app, event = Broker(), make_app(), Event()
    app.ends, app.read = {OURS: 0, THEIRS: 3}, {THEIRS: Place(3, 10)}
    intake = Intake(app, translate=to_log, new_producer=broker.producer)

    intake.begin({OURS: Place(0)})
    await asyncio.sleep(0.05)
    app.read = {}
    intake.submit(event, run(0, 0, [b"new"], [90_000]))
    await asyncio.sleep(0.05)
    await intake.close()

    assert event.acked


async def test_what_waits_for_something_outside_holds_what_is_newer_of_the_backlog() -> None:
    known = asyncio.Event()

    async def ready() -> None:
        await known.wait()

    def translate(record: Any) -> list[Output]:
        if record.value == b"unknown" and not known.is_set():
            raise NotYet(ready)
        return to_log(record)

    broker, app = Broker(), make_app()
    app.ends = {OURS: 1, ALSO_OURS: 3}
    events = [Event(), Event()]
    intake = Intake(app, translate=translate, new_producer=broker.producer)

    intake.begin(START)
    intake.submit(events[0], run(0, 0, [b"unknown"], [1_000]))
    intake.submit(events[1], run(1, 0, [b"before", b"beside", b"behind"], [900, 2_000, 2_001]))
    await asyncio.sleep(0.2)
    assert [b"before", b"beside"] == broker.values

    known.set()
    await until(lambda: all(event.acked for event in events))
    await intake.close()

    assert [b"before", b"beside", b"unknown", b"behind"] == broker.values


async def test_what_stands_still_does_not_hold_the_others_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atp_stream.engine.backlog.TAKE_OVER_S", 0.3)
    broker, app, event = Broker(), make_app(), Event()
    app.ends, app.read = {OURS: 10_000, THEIRS: 9}, {THEIRS: Place(3, 0)}
    intake = Intake(app, translate=to_log, new_producer=broker.producer)

    intake.begin({OURS: Place(0)})
    intake.submit(event, run(0, 0, [b"x"] * 10_000, list(range(2_000, 12_000))))
    await asyncio.sleep(0.2)
    assert [] == broker.values
    async with asyncio.timeout(10):
        await until(lambda: event.acked)
    await intake.close()

    assert 10_000 == len(broker.landed)


async def test_runs_that_hold_only_marks_of_transactions_hold_nobody_up() -> None:
    broker, app = Broker(), make_app()
    app.ends, app.read = {OURS: 3, ALSO_OURS: 2, THEIRS: 9}, {THEIRS: Place(3, 0)}
    marks, held = Event(), Event()
    intake = Intake(app, translate=to_log, new_producer=broker.producer)

    intake.begin(START)
    intake.submit(held, run(1, 0, [b"x", b"y"], [7_000, 7_000]))
    intake.submit(marks, Run(OURS, 0, 3, []))
    await until(lambda: marks.acked)
    await intake.close()

    assert (Place(3, 0), False) == (intake.place(OURS), held.acked)
