"""Where a record goes, and how records become batches."""

import asyncio
from typing import Any, NamedTuple

import pytest
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch
from hypothesis import given
from hypothesis import strategies as st

from atp_stream.engine.batches import BATCH_BYTES, RECORD_BYTES, Batches, TooLarge
from atp_stream.engine.partitioner import partition_of
from atp_stream.records import Output


class Metadata(NamedTuple):
    offset: int


class Producer:
    """Keeps what is sent, batch by batch, as (topic, partition, values)."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int, list[bytes]]] = []

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(BATCH_BYTES, 0, is_transactional=True)

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> asyncio.Future[Metadata]:
        records = list(DefaultRecordBatch(bytes(batch._build())))
        self.sent.append((topic, partition, [record.value for record in records]))
        answer: asyncio.Future[Metadata] = asyncio.get_running_loop().create_future()
        answer.set_result(Metadata(100))
        return answer


def batches(producer: Any) -> Batches:
    return Batches(producer)


def output(value: bytes, partition: int = 0) -> Output:
    return Output("out", partition, b"k", value, [("h", b"1")])


@given(st.binary(max_size=40))
def test_a_key_has_the_partition_that_kafkas_own_producers_give_it(key: bytes) -> None:
    assert (murmur2(key) & 0x7FFFFFFF) % 6 == partition_of(key, 6)


async def test_records_of_a_partition_go_in_one_batch_in_their_order() -> None:
    producer = Producer()
    collected = batches(producer)

    await collected.add_all([output(b"a"), output(b"x", partition=1), output(b"b")])
    await collected.send()

    assert [("out", 0, [b"a", b"b"]), ("out", 1, [b"x"])] == producer.sent
    assert {("out", 0): 101, ("out", 1): 100} == collected.ends


async def test_a_full_batch_is_sent_before_the_next_one_begins() -> None:
    producer = Producer()
    collected = batches(producer)
    half = b"x" * (BATCH_BYTES * 2 // 3)

    await collected.add_all(
        [Output("out", 0, b"1", half, []), Output("out", 0, b"2", half, []), Output("out", 0, b"3", None, [])]
    )
    await collected.send()

    assert [("out", 0, [half]), ("out", 0, [half, None])] == producer.sent


async def test_a_record_alone_may_be_larger_than_a_batch() -> None:
    producer = Producer()
    collected = batches(producer)
    large = b"x" * (2 * BATCH_BYTES)

    await collected.add_all([output(b"a"), output(large), output(b"b")])
    await collected.send()

    assert [[b"a"], [large], [b"b"]] == [values for _, _, values in producer.sent]


async def test_a_record_that_no_topic_takes_is_refused() -> None:
    with pytest.raises(TooLarge):
        await batches(Producer()).add(output(b"x" * RECORD_BYTES))
