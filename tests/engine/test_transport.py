"""Runs as they leave the consumer's thread."""

import contextlib
from types import SimpleNamespace
from typing import Any

from aiokafka.structs import ConsumerRecord, TopicPartition
from faust.types import TP

from atp_stream.engine.runs import Run
from atp_stream.engine.transport import RunThread

IN, OTHER = TP("in", 0), TP("in", 1)


def record(offset: int) -> ConsumerRecord[bytes, bytes]:
    return ConsumerRecord("in", 0, offset, 0, 0, None, b"x", None, 0, 1, ())


class Fetcher:
    """aiokafka's fetcher: what it has of each partition, handed out one partition after the other."""

    _closed = False

    def __init__(self, held: dict[TP, list[Any]], end: int) -> None:
        self._records = {TopicPartition(*tp): list(records) for tp, records in held.items()}
        self._end = end
        self.positions = {tp: records[0].offset for tp, records in held.items()}
        self._subscriptions = self.subscription = self  # all that is asked of those stands here
        self.fetch_context = contextlib.nullcontext
        self.assignment = SimpleNamespace(tps=set(held), state_value=self._state)

    def _state(self, tp: TP) -> Any:
        return SimpleNamespace(has_valid_position=True, position=self.positions[tp])

    async def fetched_records(self, partitions: set[TP], *, max_records: int, **_: Any) -> Any:
        found = {}
        for tp in [tp for tp in self._records if tp in partitions]:
            found[tp], rest = self._records[tp][:max_records], self._records.pop(tp)[max_records:]
            self.positions[TP(*tp)] = rest[0].offset if rest else self._end
            max_records -= len(found[tp])
            if rest:
                self._records[tp] = rest
            if not max_records:
                break
        return found


async def fetched(held: dict[TP, list[Any]], *, end: int, most: int = 5_000) -> list[Run]:
    """Return the runs that a thread makes of what aiokafka holds, each partition up to the position `end`."""
    fetcher = Fetcher(held, end)
    consumer = SimpleNamespace(_closed=False, _subscription=fetcher, _fetcher=fetcher)
    thread: Any = RunThread.__new__(RunThread)
    thread.app = SimpleNamespace(rebalancing=False, moving=False)
    thread.consumer = SimpleNamespace(flow_active=True, _is_changelog_tp=lambda _: False)
    thread._next = {tp: records[0].offset for tp, records in held.items()}
    found = await thread._fetch_records(consumer, set(held), timeout=0.1, max_records=most)
    assert {TP} == {type(tp) for tp in found}
    return sorted(carrier.value for (carrier,) in found.values())


async def test_all_that_was_fetched_of_a_partition_is_one_run() -> None:
    (run,) = await fetched({IN: [record(3), record(4)]}, end=6)

    assert (3, 6, [3, 4]) == (run.start, run.end, [one.offset for one in run.records])


async def test_every_partition_has_an_equal_share_of_what_is_taken_at_once() -> None:
    runs = await fetched({IN: [record(n) for n in range(90)], OTHER: [record(n) for n in range(90)]}, end=90, most=100)

    assert [(IN, 0, 50), (OTHER, 0, 50)] == [(run.tp, run.start, run.end) for run in runs]


async def test_a_run_names_its_partition_in_fausts_own_type() -> None:
    """Faust refuses aiokafka's, which equals it, once a partition has been paused for too much that waits."""
    (run,) = await fetched({IN: [record(3)]}, end=4)

    assert type(run.tp) is TP
