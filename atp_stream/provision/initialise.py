"""`atp init`: everything that must exist, made once."""

from atp_stream.access import KafkaAccess, RegistryAccess
from atp_stream.provision import item_log, owners, schemas, topics
from atp_stream.provision.report import Report
from atp_stream.settings import Settings
from atp_stream.topics import Topics


async def initialise(settings: Settings) -> Report:
    """Make what is missing, leave what exists, report what differs.

    A log with the wrong partitions gets no first records: it must be replaced first.

    Raises:
        ProvisionError: the broker does not answer, or refuses.
        RegistryUnavailable: the registry does not.
    """
    wanted = Topics.of(settings)
    async with topics.administration(KafkaAccess.of(settings)) as admin:
        existing = await topics.partition_replicas(admin)
        findings = await topics.provide(admin, wanted.every, existing, settings.replication_factor)
    findings += await schemas.provide(RegistryAccess.of(settings), wanted)
    log = wanted.item_log
    if log.name not in existing or len(existing[log.name]) == log.partitions:
        findings += await item_log.provide(settings)
    findings += await owners.provide(settings)
    return Report(tuple(findings))
