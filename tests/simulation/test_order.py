"""A backlog goes into the log in the order of time, whichever workers read it, and whatever becomes of them."""

import asyncio
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from aiokafka.structs import TopicPartition

from atp_stream.engine.backlog import FOREVER, Backlog
from atp_stream.engine.position import SOURCE_HEADER
from tests.simulation import toy
from tests.simulation.client import USUAL, Fate
from tests.simulation.group import SESSION
from tests.simulation.loop import Process
from tests.simulation.story import Story, small_and_patched

SEEDS = 12
RECORDS = 400


@pytest.fixture(autouse=True)
def small() -> Iterator[None]:
    with small_and_patched():
        yield


class UnfinishedWork(Story):
    """All workers were down while records came in; then two start together."""

    def fill(self) -> None:
        """Let half an hour's records stand in the sources: in bursts and alone, and partitions of unequal fill."""
        chance, now = self.random, self.broker.now
        moment = 0.0
        for number in range(RECORDS):
            moment += chance.choice((0.0, 0.01, 0.3, 2.0, 20.0))
            self.broker.now = lambda: moment  # noqa: B023 - asked at once
            self.broker.append(self.source(chance.choice((0, 0, 0, 1, 1, 2))), [(None, b"%d" % number, ())])
        self.broker.now = now

    @staticmethod
    def source(number: int) -> TopicPartition:
        return TopicPartition(toy.SOURCE, number)

    async def _plot(self) -> None:
        self.fill()
        for name in ("w0", "w1"):
            self._start(name)
        self.trouble()
        while not self._done():
            await asyncio.sleep(0.1)
            if self.loop.time() > 100:
                self.outcome.objections.append("not done")
                return
        self.outcome.objections += [f"{late} ms late" for late in self.lateness() if late > 1_000]

    def trouble(self) -> None: ...

    def lateness(self) -> Iterator[int]:
        """Yield by how much each record of the log comes behind a newer one of its log partition."""
        for number in range(toy.PARTITIONS):
            newest = 0
            seen: set[str] = set()
            for record in self.broker.fetch(TopicPartition(toy.LOG, number), 0)[0]:
                source = dict(record.headers)[SOURCE_HEADER].decode()
                if source in seen:
                    continue  # sent again, and passed over
                seen.add(source)
                topic, partition, offset = source.split("/")
                stored = self.broker.partitions[TopicPartition(topic, int(partition))][int(offset)].record
                stamp = stored.timestamp if stored else 0
                yield newest - stamp
                newest = max(newest, stamp)


class WithoutAnOwner(UnfinishedWork):
    """One of the two is killed in the midst of it; nobody takes its place at once."""

    def trouble(self) -> None:
        self.network.later(self.random.uniform(0.1, 1.0), self.workers["w1"].kill)

    def _ended(self, worker: Any) -> None: ...


class FirstFetchLate(UnfinishedWork):
    """What one of the two reads comes seconds later than what the other reads."""

    def trouble(self) -> None:
        late = {"w0": True}

        def fate(process: Process, kind: str) -> Fate:
            return Fate(late=4.0) if kind == "fetch" and late.pop(process.name, False) else USUAL

        self.network.fate = fate


class Frozen(UnfinishedWork):
    """One of the two stands still for a while, and goes on before the group misses it."""

    def trouble(self) -> None:
        def set_frozen(*, frozen: bool) -> None:
            self.workers["w1"].process.frozen = frozen

        began = self.random.uniform(0.1, 1.0)
        self.network.later(began, lambda: set_frozen(frozen=True))
        self.network.later(began + SESSION / 2, lambda: set_frozen(frozen=False))


@pytest.mark.parametrize("kind", [UnfinishedWork, WithoutAnOwner, FirstFetchLate, Frozen])
def test_nothing_is_more_than_a_second_late(kind: type[UnfinishedWork]) -> None:
    assert [] == [(seed, outcome.objections) for seed in range(SEEDS) if (outcome := kind(seed).play()).objections]


@pytest.mark.parametrize("kind", [UnfinishedWork, WithoutAnOwner, FirstFetchLate, Frozen])
def test_without_the_limit_it_is(kind: type[UnfinishedWork]) -> None:
    with patch.object(Backlog, "limit_ms", lambda *_: FOREVER):
        assert any("late" in str(kind(seed).play().objections) for seed in range(SEEDS))
