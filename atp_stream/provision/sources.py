"""Source topics that were deleted and made anew on purpose: forget how far the old ones were read."""

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from atp_stream.provision import item_log
from atp_stream.provision.report import ProvisionError
from atp_stream.provision.topics import administration, partition_replicas
from atp_stream.settings import Settings
from atp_stream.topics import Topics


async def reset_source(settings: Settings, topic: str) -> None:
    """Let intake read `topic` from its beginning, as a topic that was never read.

    Raises:
        ProvisionError: it is no source topic, does not exist, or workers are still running.
    """
    if topic not in {source.name for source in Topics.of(settings).inputs}:
        raise ProvisionError(f"{topic} is no source topic; these are: {_known(settings)}")
    async with administration(settings.bootstrap) as admin:
        replicas = (await partition_replicas(admin)).get(topic)
        groups = await admin.describe_consumer_groups([settings.app_id])
    if replicas is None:
        raise ProvisionError(f"the topic {topic} does not exist: run `atp init`")
    if _members(groups):
        raise ProvisionError("workers are running: stop them all first, they hold the positions")
    # The ledger forgets before intake may read again: in the other order what is read could count as known.
    await item_log.forget_source(settings, topic)
    await _rewind(settings, [TopicPartition(topic, number) for number in range(len(replicas))])


def _known(settings: Settings) -> str:
    return ", ".join(source.name for source in Topics.of(settings).inputs)


def _members(responses: list[object]) -> int:
    groups = [group for response in responses for group in getattr(response, "groups", ())]
    return sum(len(group[5]) for group in groups)  # error, group, state, protocol type, protocol, members


async def _rewind(settings: Settings, partitions: list[TopicPartition]) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap, group_id=settings.app_id, enable_auto_commit=False
    )
    try:
        await consumer.start()
        consumer.assign(partitions)
        await consumer.commit(dict.fromkeys(partitions, 0))
    except KafkaError as error:
        raise ProvisionError(f"the positions cannot be written: {error!r}") from error
    finally:
        await consumer.stop()
