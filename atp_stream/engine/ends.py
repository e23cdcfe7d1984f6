"""Where partitions end, asked in ways that aiokafka's consumer does not offer."""

import copy
from collections.abc import Collection, Sequence
from typing import Any

from aiokafka.cluster import ClusterMetadata
from aiokafka.consumer.fetcher import READ_UNCOMMITTED
from aiokafka.errors import KafkaConnectionError, UnknownTopicOrPartitionError
from faust.types import TP


async def written_ends(consumer: Any, tps: Collection[TP]) -> dict[TP, int]:
    """Return the ends of all that was written, also what stands behind an open transaction."""
    fetcher = copy.copy(consumer._fetcher)
    fetcher._isolation_level = READ_UNCOMMITTED
    ends = await fetcher.end_offsets(list(tps), consumer._request_timeout_ms)
    return {TP(*tp): end for tp, end in ends.items()}


async def partitions_now(consumer: Any, topics: Sequence[str]) -> set[TP]:
    """Return the partitions of the topics that a broker tells of now, and those that the group knows."""
    client = consumer._client
    # What the group knows may be minutes old, and what was said in a partition that was added since was said in time.
    # Its view stays as it is, for each change of it is a rebalance, also one by a broker that lags or has a topic in
    # error. aiokafka renews it by itself when it is asked where a partition ends that it does not know.
    now = ClusterMetadata()
    if not await client._metadata_update(now, topics):
        raise KafkaConnectionError("no broker says which partitions there are")
    there = {topic: now.partitions_for_topic(topic) for topic in topics}
    if unknown := [topic for topic, numbers in there.items() if not numbers]:
        raise UnknownTopicOrPartitionError(unknown[0])
    known = {topic: consumer.partitions_for_topic(topic) or set() for topic in topics}
    return {TP(topic, number) for topic, numbers in there.items() for number in numbers | known[topic]}
