"""Source topics that were deleted and made anew on purpose: forget how far the old ones were read."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError

from atp_stream.access import KafkaAccess
from atp_stream.access.trouble import describe_error
from atp_stream.provision import item_log
from atp_stream.provision.report import ProvisionError
from atp_stream.provision.topics import administration, partition_replicas
from atp_stream.settings import Settings
from atp_stream.topics import Topics

_COORDINATOR_S = 10.0
_POLL_S = 0.2


async def reset_source(settings: Settings, topic: str) -> None:
    """Let intake read `topic` from its beginning, as a topic that was never read.

    Raises:
        ProvisionError: it is no source topic, does not exist, or workers are still running.
    """
    if topic not in {source.name for source in Topics.of(settings).inputs}:
        raise ProvisionError(f"{topic} is no source topic; these are: {_known(settings)}")
    kafka = KafkaAccess.of(settings)
    async with administration(kafka) as admin:
        replicas = (await partition_replicas(admin)).get(topic)
        members = await _members(kafka, admin, settings.app_id)
    if replicas is None:
        raise ProvisionError(f"the topic {topic} does not exist: run `atp init`")
    if members:
        raise ProvisionError("workers are running: stop them all first, they hold the positions")
    # The ledger forgets before intake may read again: in the other order what is read could count as known.
    await item_log.forget_source(settings, topic)
    await _rewind(settings, [TopicPartition(topic, number) for number in range(len(replicas))])


def _known(settings: Settings) -> str:
    return ", ".join(source.name for source in Topics.of(settings).inputs)


async def _members(kafka: KafkaAccess, admin: AIOKafkaAdminClient, group: str) -> int:
    """Return how many workers are in the group."""
    try:
        async with asyncio.timeout(_COORDINATOR_S):
            responses = await _described(admin, group)
    except (TimeoutError, KafkaError) as error:
        raise ProvisionError(describe_error(kafka, error, f"the group {group} cannot be looked at")) from error
    groups = [found for response in responses for found in response.groups]
    return sum(len(found[5]) for found in groups)  # error, group, state, protocol type, protocol, members


async def _described(admin: AIOKafkaAdminClient, group: str) -> list[Any]:
    while True:
        try:
            return list(await admin.describe_consumer_groups([group]))
        except GroupCoordinatorNotAvailableError:  # a new cluster has to make the topic of the groups first
            await asyncio.sleep(_POLL_S)


async def _rewind(settings: Settings, partitions: list[TopicPartition]) -> None:
    kafka = KafkaAccess.of(settings)
    consumer = AIOKafkaConsumer(**kafka, group_id=settings.app_id, enable_auto_commit=False)
    try:
        await consumer.start()
        consumer.assign(partitions)
        await consumer.commit(dict.fromkeys(partitions, 0))
    except KafkaError as error:
        raise ProvisionError(describe_error(kafka, error, "the positions cannot be written")) from error
    finally:
        await consumer.stop()
