"""The clock: appends ticks to the item log when a timer is due, so that the log decides what has run out.

A tick says that all input up to its moment is in the log, so it is appended only up to the group's horizon: an outage,
or a source partition that waits, holds time back, and never ends what was confirmed in time. What says nothing of
reservations cannot have confirmed any: it is waited for as well, but not for longer than `PATIENCE_US`, and then comes
late. A partition of the log gets no tick while nothing in it is due. Source: docs/rules/time.md#ticks.

What time it is, only the broker says, in the answer to each append: from then on time is counted from there. A worker's
own clock decides no more than when to ask for the first time, so it may be wrong. What is noted at a look is therefore
never later than the moment of the look, by the clock that stamps the log.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer
from faust.types import TP
from mode import get_logger

from atp_stream.access import KafkaAccess
from atp_stream.domain.commands import Tick
from atp_stream.domain.row_keys import TIMER, item_timer_of
from atp_stream.domain.time_units import US_PER_MS, US_PER_S
from atp_stream.engine.app import EngineApp
from atp_stream.engine.position import GENESIS_HEADER
from atp_stream.engine.producers import ProducerOnDemand, make_producer
from atp_stream.engine.repetitions import REPEAT_S, Repetitions
from atp_stream.engine.watermark import Holder, Horizon
from atp_stream.messages.rows import encode_command
from atp_stream.topics import WHOLE_PARTITION, Topics

log = get_logger(__name__)

INTERVAL_S: Final = 0.25
_AGAIN_US: Final = 1_000_000  # until what one tick has left is asked for again
_TIMERS: Final = TIMER.encode()
_DIGITS: Final = 16
#: In between, what lies before the last earliest timer is passed over.
_WHOLE_SCAN_US: Final = 10_000_000
#: For so long an answer of the broker is relied on: clocks run unequally.
_TRUSTED_US: Final = 60_000_000
#: By so much the clock of a worker may be behind, and what is due is still found in time.
_WRONG_US: Final = 2 * 3_600_000_000
#: For so long a tick waits for input that can confirm nothing.
PATIENCE_US: Final = 30_000_000
#: What is not read for so long holds time back, and is not only on its way.
_HELD_US: Final = 3_000_000
_LOOK_US: Final = 5_000_000  # between questions for what transactions are open on what holds time back
_RESERVATIONS, _ALL = "reservations", "all"  # the groups of topics that have horizons
_FAULT: Final = "time stands still"
_NO_TIME: Final = 0  # a tick that ends nothing: it is appended for the answer


class _LastTick(NamedTuple):
    """The last tick of a partition: its place, the moment that it reaches, and when it was appended."""

    offset: int
    until_us: int
    at_us: int


class _BrokerTime(NamedTuple):
    """What time it was at the broker, at the least, when this worker's count was `at_us`."""

    time_us: int
    at_us: int


class Clock:
    """Appends ticks to the log partitions that this worker owns; all times are in microseconds.

    `count` counts evenly from anywhere; `wall` is the clock of this machine, right or wrong.
    """

    def __init__(
        self,
        app: EngineApp,
        topics: Topics,
        genesis: str,
        *,
        new_producer: Callable[[], AIOKafkaProducer],
        count: Callable[[], int] = lambda: time.monotonic_ns() // 1000,
        wall: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._app = app
        self._log = topics.item_log.name
        self._headers = [(GENESIS_HEADER, genesis.encode())]
        self._producer = ProducerOnDemand(new_producer)
        self._now = count
        self._wall = wall
        of_reservations = (topics.created, topics.confirmed, topics.released, topics.fulfilled)
        groups = {_RESERVATIONS: of_reservations, _ALL: topics.inputs}
        self._horizon = Horizon(app, {group: [one.name for one in found] for group, found in groups.items()})
        self._open_from: Mapping[TP, int] = {}
        self._looked_at = 0
        self._last_ticks: dict[int, _LastTick] = {}
        self._lowest: dict[int, int] = {}  # no timer of the partition is earlier
        self._scanned_at = 0
        self._broker_time: _BrokerTime | None = None
        self._held_since: int | None = None
        self._faults = Repetitions(REPEAT_S)

    def held(self) -> float:
        """For how many seconds what is due has waited for input to be read."""
        return 0.0 if self._held_since is None else (self._now() - self._held_since) / US_PER_S

    def holders(self) -> list[Holder]:
        """Return what has kept time back for some seconds while something was due."""
        known, found = self._broker_time, self._horizon.holders()
        if known is None or not found:
            return []
        now = known.time_us + self._now() - known.at_us
        late = sorted((tp, since) for tp, since in found.items() if now - since > _HELD_US)
        return [Holder(tp, since, (now - since) / US_PER_S, self._open_from.get(tp)) for tp, since in late]

    async def run(self) -> None:
        """Append ticks when they are due, until cancelled."""
        try:
            while True:
                await asyncio.sleep(INTERVAL_S)
                try:
                    await self.round()
                except Exception as error:  # noqa: BLE001 - whatever it is: time stands still, and goes on
                    self._log_fault(error)
                    await self._producer.drop()
                else:
                    self._log_end_of_fault()
        finally:
            await self._producer.drop()

    def _log_fault(self, error: Exception) -> None:
        if self._faults.passed_over(_FAULT, self._now() / US_PER_S) is not None:
            log.warning(
                "cannot read from the broker how far the inputs are (%r); retrying: until then no time limit ends",
                error,
                extra={"event": "time_stopped", "reason": repr(error)},
            )

    def _log_end_of_fault(self) -> None:
        if self._faults.forget(_FAULT):
            log.info("time limits end again", extra={"event": "time_goes_on"})

    async def round(self) -> None:
        """Append a tick to each partition that has something due, as far as all input has been read."""
        timers = dict(self._first_timers())
        now = await self._time(timers) if timers else None
        due = {} if now is None else {number: first for number, first in timers.items() if first <= now}
        if now is None or not due:
            self._horizon.forget()
            self._held_since = None
            return
        until_us = _least_sure(await self._horizon.look(now))
        await self._look_for_open_transactions()
        ready = [] if until_us is None else [number for number, first in due.items() if first <= until_us]
        if ready:
            self._held_since = None
        elif self._held_since is None:
            self._held_since = self._now()
        news = [number for number in ready if self._is_news(number, due[number])]
        if news and until_us is not None:
            producer = await self._producer.started()
            await asyncio.gather(*(self._append_tick(producer, number, until_us) for number in news))

    async def _look_for_open_transactions(self) -> None:
        """Find out, now and then, on which of the partitions that hold time back somebody has a transaction open."""
        held = [holder.tp for holder in self.holders()]
        if not held:
            self._open_from = {}
        elif self._now() - self._looked_at > _LOOK_US:
            self._looked_at = self._now()
            self._open_from = await self._app.consumer.undecided(held)

    async def _time(self, timers: Mapping[int, int]) -> int | None:
        """Return what time it is at the broker, at the least; None while it is too early to ask."""
        number = min(timers, key=timers.__getitem__)
        known, now = self._broker_time, self._now()
        if known is None:
            ask = timers[number] <= self._wall() + _WRONG_US
        else:
            ask = now - known.at_us > _TRUSTED_US and timers[number] <= known.time_us + now - known.at_us
        if ask:
            await self._append(await self._producer.started(), number, _NO_TIME)
        known = self._broker_time
        return None if known is None else known.time_us + self._now() - known.at_us

    def _first_timers(self) -> Iterator[tuple[int, int]]:
        """Yield the earliest timer of each owned partition that has one.

        A timer is set behind the log time of its cause, so what is earlier than both the last one found and log time
        need not be looked at again: deleted rows lie there, and to step over them is what costs. While there is work to
        finish, causes may still be folded that lie behind log time. Only an item that is resumed brings an old one
        back.
        """
        if not self._app.settled:
            self._lowest.clear()
            return
        if self._now() - self._scanned_at > _WHOLE_SCAN_US:
            self._lowest.clear()
            self._scanned_at = self._now()
        for number in self._app.steps.owned():
            position = self._app.steps.position(number)
            lowest = self._lowest.get(number, 0)
            key, _ = next(self._app.table.scan(number, _TIMERS + b"%016x" % lowest), (b"", b""))
            found = item_timer_of(key.decode())[0] if key.startswith(_TIMERS) else None
            if position is not None and not self._app.steps.unfinished(number):
                log_time_us = position.log_time_ms * US_PER_MS
                self._lowest[number] = log_time_us if found is None else min(found, log_time_us)
            if found is not None:
                yield number, found

    def _is_news(self, number: int, first: int) -> bool:
        last, position = self._last_ticks.get(number), self._app.steps.position(number)
        if last is None or position is None:
            return True
        if position.applied < last.offset:
            return False
        return first > last.until_us or self._now() - last.at_us > _AGAIN_US  # else it is being worked off

    async def _append_tick(self, producer: AIOKafkaProducer, number: int, until_us: int) -> None:
        offset = await self._append(producer, number, until_us)
        self._last_ticks[number] = _LastTick(offset, until_us, self._now())

    async def _append(self, producer: AIOKafkaProducer, number: int, until_us: int) -> int:
        """Append a tick, take note of the time in the answer, and return the tick's offset."""
        tick = encode_command(Tick(event_id=f"tick-{until_us}", at_us=until_us))
        sent: Any = await producer.send_and_wait(
            self._log, tick, key=WHOLE_PARTITION, partition=number, headers=self._headers
        )
        self._broker_time = _BrokerTime(sent.timestamp * US_PER_MS, self._now())
        return int(sent.offset)


def _least_sure(passed: Mapping[str, int | None]) -> int | None:
    """Return the moment up to which a tick may reach, given up to when each group of topics is read."""
    reservations, everything = passed[_RESERVATIONS], passed[_ALL]
    if reservations is None:
        return everything
    waited = reservations - PATIENCE_US
    return waited if everything is None else max(everything, waited)


def add_clock(app: EngineApp, topics: Topics, genesis: str, kafka: KafkaAccess) -> Clock:
    """Let the app append ticks once it has its first partitions."""
    clock = Clock(app, topics, genesis, new_producer=lambda: make_producer(kafka))

    @app.task  # type: ignore[untyped-decorator] # its types know no plain coroutine function
    async def tell_time() -> None:
        await clock.run()

    return clock
