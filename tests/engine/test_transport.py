"""Runs as they leave the consumer's thread."""

import contextlib
from types import SimpleNamespace
from typing import Any

from aiokafka.structs import ConsumerRecord, TopicPartition
from faust.types import TP

from atp_stream.engine.transport import RunThread


def record(offset: int) -> ConsumerRecord[bytes, bytes]:
    return ConsumerRecord("in", 0, offset, 0, 0, None, b"x", None, 0, 1, ())


async def fetched(records: list[Any], position: int) -> dict[Any, Any]:
    """Return what a thread makes of records that aiokafka fetched of `in/0`, up to a position."""

    async def fetched_records(*_: Any, **__: Any) -> Any:
        return {TopicPartition("in", 0): records}

    state = SimpleNamespace(has_valid_position=True, position=position)
    assignment = SimpleNamespace(tps={TP("in", 0)}, state_value=lambda _: state)
    subscription = SimpleNamespace(
        subscription=SimpleNamespace(assignment=assignment), fetch_context=contextlib.nullcontext
    )
    consumer = SimpleNamespace(
        _closed=False,
        _subscription=subscription,
        _fetcher=SimpleNamespace(_closed=False, _subscriptions=subscription, fetched_records=fetched_records),
    )
    thread: Any = RunThread.__new__(RunThread)
    thread.app = SimpleNamespace(rebalancing=False, moving=False)
    thread.consumer = SimpleNamespace(flow_active=True, _is_changelog_tp=lambda _: False)
    thread._next = {TP("in", 0): records[0].offset}
    found: dict[Any, Any] = await thread._fetch_records(consumer, {TP("in", 0)}, timeout=0.1, max_records=5_000)
    return found


async def test_all_that_was_fetched_of_a_partition_is_one_run() -> None:
    runs = await fetched([record(3), record(4)], 6)

    assert [(3, 6, [3, 4])] == [
        (run.start, run.end, [one.offset for one in run.records])
        for (carrier,) in runs.values()
        for run in [carrier.value]
    ]


async def test_a_run_names_its_partition_in_fausts_own_type() -> None:
    """Faust refuses aiokafka's, which equals it, once a partition has been paused for too much that waits."""
    runs = await fetched([record(3)], 4)

    assert [TP, TP] == [kind for tp, (carrier,) in runs.items() for kind in (type(tp), type(carrier.value.tp))]
