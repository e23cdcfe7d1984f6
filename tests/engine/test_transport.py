"""Runs as they leave the consumer's thread, and what it tells of the group's progress."""

import contextlib
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import NoError, UnknownTopicOrPartitionError
from aiokafka.structs import ConsumerRecord, TopicPartition
from faust.transport.consumer import Consumer
from faust.types import TP

from atp_stream.engine.consumer_thread import RunThread
from atp_stream.engine.runs import Run
from atp_stream.engine.transport import RunConsumer

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
    thread.app = SimpleNamespace(rebalancing=False, moving=False, epoch=2)
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


def answer(*topics: tuple[str, int], error: int = NoError.errno) -> Any:
    """Return a broker's answer: so many partitions of each topic, or an error of each."""
    rows = [(error, name, False, [(0, number, 1, [1], [1]) for number in range(count)]) for name, count in topics]
    return SimpleNamespace(API_VERSION=1, brokers=[(1, "broker", 9092, None)], controller_id=1, topics=rows)


class Group:
    """A consumer whose broker answers with `metadata`; `changes` are those of the group's view of the topics."""

    _request_timeout_ms = 1000

    def __init__(self, known: Any, metadata: Any) -> None:
        self._client = AIOKafkaClient(bootstrap_servers="broker:9092")
        self._client.set_topics([name for _, name, *_ in known.topics])
        self._client.cluster.update_metadata(known)
        self.changes: list[Any] = []
        self._client.cluster.add_listener(self.changes.append)
        self._client._get_conn = self._connection
        self._metadata = metadata
        self._fetcher = self._coordinator = self  # all that is asked of those stands here

    async def _connection(self, _: int) -> Any:
        return SimpleNamespace(send=self._send)

    async def _send(self, _: Any) -> Any:
        return self._metadata

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        known: set[int] | None = self._client.cluster.partitions_for_topic(topic)
        return known

    async def end_offsets(self, tps: list[TopicPartition], _: int) -> dict[TopicPartition, int]:
        return dict.fromkeys(tps, 5)

    async def fetch_committed_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, Any]:
        return {tp: SimpleNamespace(offset=-1 if tp.partition else 3, metadata="") for tp in tps}

    async def progress(self) -> Any:
        thread: Any = RunThread.__new__(RunThread)
        thread._ensure_consumer = lambda: self
        return await thread._progress(["in"])


async def test_the_progress_is_that_of_partitions_that_the_group_does_not_know_yet_too() -> None:
    group = Group(known=answer(("in", 1)), metadata=answer(("in", 2)))

    assert ({IN: 5, OTHER: 5}, {IN: 3, OTHER: 0}) == await group.progress()


async def test_a_broker_that_lags_takes_no_partition_away_and_makes_no_rebalance() -> None:
    group = Group(known=answer(("in", 2), ("log", 6)), metadata=answer(("in", 1)))

    assert ({IN: 5, OTHER: 5}, {IN: 3, OTHER: 0}) == await group.progress()
    assert ([], {0, 1}) == (group.changes, group.partitions_for_topic("in"))


async def test_a_broker_that_cannot_name_the_partitions_holds_time_back_and_makes_no_rebalance() -> None:
    group = Group(known=answer(("in", 2)), metadata=answer(("in", 0), error=UnknownTopicOrPartitionError.errno))

    with pytest.raises(UnknownTopicOrPartitionError):
        await group.progress()
    assert ([], {0, 1}) == (group.changes, group.partitions_for_topic("in"))


async def test_faust_is_not_asked_which_partitions_are_stuck_for_it_reports_healthy_ones() -> None:
    reported: list[TP] = []

    class Idle(RunConsumer):
        should_stop = False

        def __init__(self) -> None:
            """Leave out all that wants an app."""

        def assignment(self) -> set[TP]:
            return {IN}

        def verify_event_path(self, _: float, tp: TP) -> None:
            reported.append(tp)

        async def sleep(self, *_: Any, **__: Any) -> None:
            """Not at all."""

    consumer = Idle()
    await consumer.verify_all_partitions_active()
    assert [] == reported
    await Consumer.verify_all_partitions_active(consumer)  # what Faust's detector would do
    assert [IN] == reported
