"""The clock tells the time where something is due, up to where all input is read, and nothing else."""

import asyncio
import logging
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import msgspec
import pytest
from faust.types import TP

from atp_stream.agents.clock import Clock
from atp_stream.domain.commands import Tick
from atp_stream.domain.row_keys import item_timer_key
from atp_stream.engine.position import Position
from atp_stream.engine.watermark import Holder
from atp_stream.settings import Settings
from atp_stream.topics import Topic, Topics
from tests.agents.memory import Memory

TOPICS = Topics.of(Settings())
NOON = 1_714_564_800_000_000  # microseconds
SECOND = 1_000_000


class Sent(NamedTuple):
    """The broker's answer."""

    offset: int
    timestamp: int


class Worker:
    """A worker that owns partitions 0 and 1 of the log, and the sources that its group reads."""

    def __init__(self) -> None:
        self.consumer = self.steps = self.table = self
        self.settled = True
        self.now = NOON
        self.broker_ahead = 0
        self.read = 1
        self.unread: set[str] = set()  # topics that hold something back
        self.open_from: dict[TP, int] = {}
        self.stores = {0: Memory(), 1: Memory()}
        self.busy: set[int] = set()
        self.positions = {number: Position(genesis="g", applied=9, log_time_ms=NOON // 1000) for number in (0, 1)}
        self.ticks: list[tuple[int, int]] = []  # (partition, moment)
        self.asked: list[tuple[int, int]] = []  # the same, of ticks that only ask what time it is

    def owned(self) -> set[int]:
        return set(self.stores)

    def position(self, number: int) -> Position:
        return self.positions[number]

    def unfinished(self, number: int) -> bool:
        return number in self.busy

    def scan(self, number: int, start: bytes) -> Any:
        return self.stores[number].scan(start)

    async def progress(self, topics: tuple[str, ...]) -> tuple[dict[TP, int], dict[TP, int]]:
        tps = [TP(topic, 0) for topic in topics]
        return dict.fromkeys(tps, 1), {tp: 0 if tp.topic in self.unread else self.read for tp in tps}

    async def undecided(self, tps: Collection[TP]) -> dict[TP, int]:
        return {tp: self.open_from[tp] for tp in tps if tp in self.open_from}

    async def earliest_offsets(self, *tps: TP) -> Mapping[TP, int]:
        return dict.fromkeys(tps, 0)

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send_and_wait(self, topic: str, value: bytes, *, key: bytes, partition: int, headers: Any) -> Sent:
        assert (TOPICS.item_log.name, b"|", [("atp-genesis", b"g")]) == (topic, key, headers)
        moment = msgspec.json.decode(value, type=Tick).at_us
        (self.ticks if moment else self.asked).append((partition, moment))
        return Sent(10 + len(self.ticks), self.broker_time // 1000)

    @property
    def broker_time(self) -> int:
        return self.now + self.broker_ahead

    def timer(self, number: int, moment: int, name: str = "acme|lamp") -> bytes:
        key = item_timer_key(name, moment).encode()
        self.stores[number].rows[key] = b"{}"
        return key

    def applied(self, number: int) -> None:
        """Let all ticks be applied."""
        self.positions[number] = Position(genesis="g", applied=10 + len(self.ticks), log_time_ms=self.now // 1000)


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
def clock(worker: Worker) -> Clock:
    app: Any = worker
    return Clock(app, TOPICS, "g", new_producer=lambda: app, count=lambda: worker.now, wall=lambda: worker.now)


async def later(worker: Worker, clock: Clock, seconds: float) -> None:
    worker.now += int(seconds * SECOND)
    await clock.round()


async def test_while_nothing_is_due_no_tick_is_appended(worker: Worker, clock: Clock) -> None:
    worker.timer(0, NOON + 1)
    worker.stores[1].rows[b"acme|lamp|i"] = b"{}"
    worker.stores[1].rows[b"|work|acme|lamp"] = b"{}"
    await clock.round()
    assert [] == worker.ticks


async def test_what_is_due_gives_a_tick_to_its_partition_alone(worker: Worker, clock: Clock) -> None:
    worker.timer(1, NOON - 1)
    worker.timer(0, NOON + SECOND)
    await clock.round()
    assert [(1, NOON)] == worker.ticks


async def test_input_that_is_not_read_yet_holds_time_back_and_is_counted(worker: Worker, clock: Clock) -> None:
    worker.timer(0, NOON)
    worker.read = 0
    for _ in range(5):
        await later(worker, clock, 1)
    assert ([], 4.0) == (worker.ticks, clock.held())
    worker.read = 1
    await later(worker, clock, 1)
    assert ([(0, NOON + 6 * SECOND)], 0.0) == (worker.ticks, clock.held())


async def test_stock_that_is_not_read_holds_time_back_for_half_a_minute(worker: Worker, clock: Clock) -> None:
    worker.timer(0, NOON)
    worker.unread = {TOPICS.adjusted.name}
    for _ in range(29):
        await later(worker, clock, 1)
    assert ([], 28.0) == (worker.ticks, clock.held())
    await later(worker, clock, 1)
    assert ([(0, NOON)], 0.0) == (worker.ticks, clock.held())


@pytest.mark.parametrize("topic", [TOPICS.created, TOPICS.confirmed, TOPICS.released, TOPICS.fulfilled])
async def test_what_may_confirm_a_reservation_is_waited_for_however_long(
    worker: Worker, clock: Clock, topic: Topic
) -> None:
    worker.timer(0, NOON)
    worker.unread = {topic.name}
    for _ in range(600):
        await later(worker, clock, 1)
    assert ([], 599.0) == (worker.ticks, clock.held())


async def test_who_holds_time_back_is_known_and_since_when_and_by_whose_transaction(
    worker: Worker, clock: Clock
) -> None:
    worker.timer(0, NOON)
    held = TP(TOPICS.created.name, 0)
    worker.unread = {held.topic}
    await later(worker, clock, 1)
    assert [] == clock.holders()
    worker.open_from = {held: 17}
    await later(worker, clock, 5)
    assert [Holder(held, NOON + SECOND, 5.0, 17)] == clock.holders()
    worker.unread = set()
    await later(worker, clock, 1)
    assert [] == clock.holders()


async def test_a_horizon_in_front_of_what_is_due_gives_no_tick(worker: Worker, clock: Clock) -> None:
    worker.timer(0, NOON)
    worker.read = 0
    await clock.round()
    worker.timer(1, NOON + SECOND)
    worker.read = 1
    await later(worker, clock, 0.5)
    assert [(0, NOON + SECOND // 2)] == worker.ticks


async def test_no_second_tick_is_appended_before_the_first_has_come_through(worker: Worker, clock: Clock) -> None:
    worker.timer(0, NOON)
    for _ in range(8):
        await later(worker, clock, 0.25)
    assert 1 == len(worker.ticks)


async def test_what_a_tick_leaves_gives_another_one_once_a_second(worker: Worker, clock: Clock) -> None:
    worker.timer(0, NOON)
    for _ in range(12):
        await later(worker, clock, 0.25)
        worker.applied(0)
    assert 3 == len(worker.ticks)


async def test_what_becomes_due_after_a_tick_gives_another_one_at_once(worker: Worker, clock: Clock) -> None:
    first = worker.timer(0, NOON)
    worker.timer(0, NOON + SECOND // 4)
    await clock.round()
    worker.applied(0)
    del worker.stores[0].rows[first]
    await later(worker, clock, 0.25)
    assert [(0, NOON), (0, NOON + SECOND // 4)] == worker.ticks


async def test_what_a_wrong_clock_thinks_is_due_gives_a_tick_when_it_is_due_at_the_broker(
    worker: Worker, clock: Clock
) -> None:
    worker.broker_ahead = -3 * SECOND
    worker.timer(0, NOON)
    for _ in range(16):
        await later(worker, clock, 0.25)
        worker.applied(0)
    assert (0, NOON) == worker.ticks[0]


@pytest.mark.parametrize("wrong", [-3_600, -60, 60, 3_600])
async def test_no_tick_names_a_moment_after_the_look_by_the_brokers_clock(
    worker: Worker, clock: Clock, wrong: int
) -> None:
    worker.broker_ahead = wrong * SECOND
    worker.timer(0, worker.broker_time)
    worker.read = 0
    await clock.round()
    looked = worker.broker_time
    worker.timer(1, looked)
    worker.consumer.progress = behind(worker)  # type: ignore[method-assign]
    await later(worker, clock, 30)
    assert [(0, looked), (1, looked)] == worker.ticks


def behind(worker: Worker) -> Any:
    """Return how a group stands that has read what the first look saw, and nothing that came since."""

    async def progress(topics: tuple[str, ...]) -> tuple[dict[TP, int], dict[TP, int]]:
        tps = [TP(topic, 0) for topic in topics]
        return dict.fromkeys(tps, 2), dict.fromkeys(tps, 1)

    return progress


async def test_the_broker_is_asked_once_and_again_only_before_what_is_due(worker: Worker, clock: Clock) -> None:
    worker.timer(0, NOON + 90 * SECOND)
    for _ in range(80):
        await later(worker, clock, 1)
    assert ([(0, 0)], []) == (worker.asked, worker.ticks)
    for _ in range(10):
        await later(worker, clock, 1)
    assert ([(0, 0), (0, 0)], [(0, NOON + 90 * SECOND)]) == (worker.asked, worker.ticks)


async def test_nobody_is_asked_for_what_is_due_in_days(worker: Worker, clock: Clock) -> None:
    worker.timer(0, NOON + 7 * 86_400 * SECOND)
    await later(worker, clock, 1)
    assert [] == worker.asked


async def test_an_old_timer_that_comes_back_is_found(worker: Worker, clock: Clock) -> None:
    worker.timer(0, NOON + 60 * SECOND)
    await clock.round()
    worker.timer(0, NOON - 60 * SECOND, "acme|resumed")
    for _ in range(11):
        await later(worker, clock, 1)
    assert [0] == [partition for partition, _ in worker.ticks]


async def test_a_timer_of_a_command_that_was_kept_while_log_time_went_on_is_found_at_once(
    worker: Worker, clock: Clock
) -> None:
    worker.timer(0, NOON + 60 * SECOND)
    worker.positions[0] = Position(genesis="g", applied=9, log_time_ms=NOON // 1000 - 5_000)
    worker.busy.add(0)
    await clock.round()
    worker.positions[0] = Position(genesis="g", applied=19, log_time_ms=NOON // 1000)
    await clock.round()
    worker.busy.clear()
    worker.timer(0, NOON - 4 * SECOND, "acme|kept")
    await later(worker, clock, 0.25)
    assert [(0, NOON + SECOND // 4)] == worker.ticks


async def test_while_partitions_move_no_tick_is_appended(worker: Worker, clock: Clock) -> None:
    worker.timer(0, NOON)
    worker.settled = False
    await clock.round()
    assert [] == worker.ticks


async def test_a_fault_that_lasts_is_one_line_and_its_end_another(
    clock: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    rounds = iter([OSError("gone")] * 10 + [None] * 3 + [asyncio.CancelledError()])

    async def round_() -> None:
        if (fault := next(rounds)) is not None:
            raise fault

    monkeypatch.setattr("atp_stream.agents.clock.INTERVAL_S", 0)
    monkeypatch.setattr(clock, "round", round_)
    with pytest.raises(asyncio.CancelledError):
        await clock.run()

    assert [
        "cannot read from the broker how far the inputs are (OSError('gone')); retrying: until then no time limit ends",
        "time limits end again",
    ] == caplog.messages
