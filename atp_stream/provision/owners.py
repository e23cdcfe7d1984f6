"""The first owner record of each log partition: nobody has owned it yet.

A partition without a record cannot be taken over: who may still write to it would not be known.
"""

from aiokafka.errors import KafkaError

from atp_stream.access import KafkaAccess, trouble
from atp_stream.engine.coordination import KafkaCoordinator
from atp_stream.engine.ownership import NOBODY, encode_owner, owner_key
from atp_stream.provision.item_log import writer
from atp_stream.provision.report import Finding, ProvisionError, Verdict
from atp_stream.settings import Settings
from atp_stream.topics import Topics


async def provide(settings: Settings) -> list[Finding]:
    """Write the records that are missing.

    Raises:
        ProvisionError: they cannot be read or written.
    """
    kafka, topic = KafkaAccess.of(settings), Topics.of(settings).owners
    async with writer(settings, "init") as producer:  # another run that looks at the same time is fenced, or fences us
        try:
            async with KafkaCoordinator(kafka, topic.name) as coordinator:
                rows = await coordinator.owner_rows(range(topic.partitions))
        except KafkaError as error:
            raise ProvisionError(
                trouble.describe_error(kafka, error, f"the owner records {topic.name} cannot be read")
            ) from error
        missing = [number for number, row in rows.items() if row is None]
        if missing:
            async with producer.transaction():
                for number in missing:
                    await producer.send(topic.name, key=owner_key(number), value=encode_owner(NOBODY), partition=number)
    verdict = Verdict.CREATED if missing else Verdict.PRESENT
    return [Finding(kind="owners", name=topic.name, verdict=verdict)]
