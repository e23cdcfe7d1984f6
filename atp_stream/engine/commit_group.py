"""Lanes that commit together: their steps go into one transaction.

A round folds the lanes that have something to do, one after the other, and commits what they all answer. So the
broker is asked once for all partitions of a worker, and not once for each. No lane waits for long for the others: when
folding has taken as long as it may, the round commits what it has, and the next one begins with those that are left.

The first record after a silence is folded at once. Then a round begins no sooner than `pace_s` after the one before
began, and what comes meanwhile shares its transaction: the more there is to do, the fewer transactions a record pays.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import IllegalOperation, KafkaError
from mode import get_logger

from atp_stream.engine.batches import Batches
from atp_stream.engine.pace import LONGEST_PACE_S, SHORTEST_PACE_S, pace_s
from atp_stream.engine.partition_state import Lane, Store
from atp_stream.engine.position import POSITION_KEY, LogRecord, Position, advance, encode_position, plan
from atp_stream.engine.tables import StateTable
from atp_stream.records import Headers, Output

log = get_logger(__name__)

#: So many records in a round let the next one begin at the longest pace.
FULL_ROUND: Final = 20
#: How long a round may fold before it commits what it has: so much longer may a lane wait for the others.
FOLD_S: Final = 0.08
_NO_HEADERS: Final[Headers] = []


class Answer(NamedTuple):
    """What one call of the fold leaves behind: `consumed` of the records it was given, rows and outputs.

    `counted` says how often what happened that is neither, for the figures.
    """

    consumed: int
    rows: Mapping[bytes, bytes | None]
    outputs: Sequence[Output]
    unfinished: bool
    counted: Mapping[str, int] = MappingProxyType({})


Fold = Callable[[int, Store, Sequence[LogRecord]], Answer]


class _Step(NamedTuple):
    """A lane's part of a round: what its fold answered, and where that brings it."""

    lane: Lane
    answer: Answer
    reached: Position
    covered: int
    began_s: float
    rows: Mapping[bytes, bytes | None]  # to write, the position among them; none if nothing has changed


def _now_s() -> float:
    return asyncio.get_running_loop().time()


class CommitGroup:
    """Some lanes, and the producer under whose transactional id all of their steps commit."""

    def __init__(self, producer: AIOKafkaProducer, lanes: Sequence[Lane], table: StateTable, fold: Fold) -> None:
        self.producer = producer
        self.lanes = {lane.partition: lane for lane in lanes}
        self.on_step: Callable[[int, int, Answer, float], None] = lambda *_: None
        self.on_taken: Callable[[Lane, Sequence[Any]], None] = lambda *_: None
        self._table = table
        self._fold = fold
        self._wake = asyncio.Event()
        self._next = 0  # the place among the lanes at which the next round begins
        self._began_s = 0.0  # when the last round did
        self._pace_s = SHORTEST_PACE_S  # from then on
        self._closing = False

    def wake(self) -> None:
        """Take note that a lane may have something to do."""
        self._wake.set()

    def close(self) -> None:
        """Begin no more rounds."""
        self._closing = True
        self._wake.set()

    async def work(self) -> None:
        """Take rounds until the group is closed.

        Raises:
            KafkaError: a commit was refused, or nobody knows whether it was done.
            WrongGenesis: a record belongs to another log.
        """
        while not self._closing:
            if not any(lane.ready for lane in self.lanes.values()):
                self._wake.clear()
                await self._wake.wait()
                continue
            pause = self._began_s + self._pace_s - _now_s()
            if pause > 0:
                await asyncio.sleep(pause)
            if not self._closing:
                await self._round()

    async def _round(self) -> None:
        """Fold lanes that are ready, commit what they answer in one transaction, then apply it."""
        self._began_s = _now_s()
        steps: list[_Step] = []
        fault: Exception | None = None
        for lane in self._in_turn():
            if steps:
                await asyncio.sleep(0)  # what keeps the worker in its group must not wait for the whole round
            try:
                steps.append(self._step(lane))
            except Exception as error:  # noqa: BLE001 - whatever it is: what the others have folded is committed first
                fault = fault or error
            if _now_s() - self._began_s > FOLD_S:
                break
        has_more = any(step.answer.unfinished for step in steps)
        self._pace_s = LONGEST_PACE_S if has_more else pace_s(sum(step.covered for step in steps), FULL_ROUND)
        changes = [step for step in steps if step.rows]
        ends = await self._commit(changes) if changes else {}
        for step in steps:
            number = step.lane.partition
            if step.rows:
                self._table.apply(number, step.rows.items(), ends[number])
            step.lane.move(step.reached, step.covered, unfinished=step.answer.unfinished)
            self.on_step(number, step.covered, step.answer, _now_s() - step.began_s)
        if fault is not None:
            raise fault

    def _in_turn(self) -> Iterator[Lane]:
        """Yield the lanes that have something to do, beginning behind the last one that was yielded."""
        lanes = list(self.lanes.values())
        begin = self._next
        for place in [*range(begin, len(lanes)), *range(begin)]:
            if lanes[place].ready:
                self._next = (place + 1) % len(lanes)
                yield lanes[place]

    def _step(self, lane: Lane) -> _Step:
        """Fold the next records of a lane, or a slice of its unfinished work."""
        began = _now_s()
        position = lane.known
        records, end = lane.part()
        self.on_taken(lane, records)
        planned = plan(position, records)
        answer = self._fold(lane.partition, lane.store, planned.fresh)
        if lane.partition in self._table.spoiled:  # the fold may have taken the disk's fault for its own
            raise RuntimeError("folded over a database that cannot be read")
        reached, covered = advance(position, records, planned, answer.consumed, end)
        if answer.rows or reached.applied > position.applied:
            rows = {**answer.rows, POSITION_KEY: encode_position(reached)}
        elif records or answer.unfinished:
            raise RuntimeError(f"the fold of partition {lane.partition} neither consumed a record nor changed a row")
        else:
            rows = {}
        return _Step(lane, answer, reached, covered, began, rows)

    async def _commit(self, steps: Sequence[_Step]) -> dict[int, int]:
        """Commit steps; return the changelog offset that the rows of each partition reach up to."""
        changelog = self._table.changelog_topic_name
        batches = Batches(self.producer)  # what fails on the way is ended by whoever takes the partitions over
        try:
            await self.producer.begin_transaction()
            for step in steps:
                partition, rows = step.lane.partition, step.rows.items()
                await batches.add_all(Output(changelog, partition, key, row, _NO_HEADERS) for key, row in rows)
                await batches.add_all(step.answer.outputs)
            await batches.send()
            await self.producer.commit_transaction()
        except (AssertionError, IllegalOperation) as error:  # so aiokafka says that it is at an end already
            raise KafkaError(f"the transaction is over already: {error!r}") from error
        return {step.lane.partition: batches.ends[changelog, step.lane.partition] for step in steps}
