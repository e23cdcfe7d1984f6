"""Topics: the missing ones are created, the others are compared."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, NodeNotReadyError, TopicAuthorizationFailedError

from atp_stream.access import KafkaAccess
from atp_stream.access.trouble import describe_error, start
from atp_stream.provision.report import Finding, ProvisionError, Verdict
from atp_stream.topics import Topic

_ANSWER_S = 8.0  # a wrong address is reported within ten seconds, start of Python included
_AGAIN_S = 0.2
_TOPIC_EXISTS = 36  # Kafka's error code


class Administrator(AIOKafkaAdminClient):  # type: ignore[misc] # aiokafka is untyped
    """An admin client that passes over a broker that has gone: what any broker may answer, it asks another one."""

    async def _send_request(self, request: Any, node_id: int | None = None) -> Any:
        until = time.monotonic() + _ANSWER_S
        while True:
            try:
                return await super()._send_request(request, node_id)
            except NodeNotReadyError:  # nothing was sent
                if node_id is not None or time.monotonic() > until:
                    raise
            await asyncio.sleep(_AGAIN_S)
            await self._client.force_metadata_update()


@asynccontextmanager
async def administration(kafka: KafkaAccess) -> AsyncIterator[AIOKafkaAdminClient]:
    """Give a connected admin client.

    Raises:
        ProvisionError: no broker lets us in in time, or it ceases to answer.
    """
    admin = Administrator(**kafka, request_timeout_ms=int(_ANSWER_S * 1000))
    try:
        await start(kafka, admin, _ANSWER_S, ProvisionError)
        try:
            yield admin
        except (TimeoutError, OSError, KafkaError) as error:
            otherwise = f"the Kafka broker at {kafka} does not answer as it should"
            raise ProvisionError(describe_error(kafka, error, otherwise)) from error
    finally:
        await admin.close()


async def provide(
    admin: AIOKafkaAdminClient, topics: Sequence[Topic], existing: Mapping[str, Sequence[int]], replication_factor: int
) -> list[Finding]:
    """Create the topics that are not among the `existing` ones (see `partition_replicas`), compare the others.

    Raises:
        ProvisionError: the broker refuses to create one.
    """
    missing = [topic for topic in topics if topic.name not in existing]
    created = await _create(admin, missing, replication_factor)
    found = await configs(admin, [topic.name for topic in topics if topic.ours and topic.name in existing])
    findings = []
    for topic in topics:
        if topic.name in created:
            count = f"{topic.partitions} partition{'' if topic.partitions == 1 else 's'}"
            findings.append(_finding(topic, Verdict.CREATED, count))
        elif topic.ours and topic.name in existing:
            findings.append(_compared(topic, existing[topic.name], found[topic.name], replication_factor))
        else:  # upstream's own, or made by another `atp init` in this moment
            findings.append(_finding(topic, Verdict.PRESENT))
    return findings


def _finding(topic: Topic, verdict: Verdict, detail: str = "") -> Finding:
    return Finding(kind="topic", name=topic.name, verdict=verdict, detail=detail)


def _compared(topic: Topic, partitions: Sequence[int], config: Mapping[str, str], replication_factor: int) -> Finding:
    differences = []
    if len(partitions) != topic.partitions:
        differences.append(f"{len(partitions)} partitions, not {topic.partitions}")
    if min(partitions) < replication_factor:
        differences.append(f"replication factor {min(partitions)}, not {replication_factor}")
    if not config:
        differences.append("its configuration may not be seen: allow DescribeConfigs")
    differences += [
        f"{name}={config.get(name)}, not {wanted}"
        for name, wanted in topic.config.items()
        if config and config.get(name) != wanted
    ]
    return _finding(topic, Verdict.DIFFERS if differences else Verdict.PRESENT, "; ".join(differences))


async def partition_replicas(admin: AIOKafkaAdminClient) -> dict[str, list[int]]:
    """Return, for each topic of the cluster, how many replicas each of its partitions has."""
    # All topics are listed: asking for one by name may create it, where the broker is set up so.
    described: list[dict[str, Any]] = await admin.describe_topics()
    return {topic["topic"]: [len(part["replicas"]) for part in topic["partitions"]] for topic in described}


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[Topic], replication_factor: int) -> set[str]:
    if not topics:
        return set()
    wanted = [NewTopic(t.name, t.partitions, replication_factor, topic_configs=dict(t.config)) for t in topics]
    response = await admin.create_topics(wanted)
    created = set()
    for name, code, message, *_ in response.topic_errors:
        if code == 0:
            created.add(name)
        elif code != _TOPIC_EXISTS:
            advice = ": add an ACL (docs/security.md)" if code == TopicAuthorizationFailedError.errno else ""
            raise ProvisionError(
                f"topic {name} cannot be created: {(message or f'Kafka error {code}').rstrip('.')}{advice}"
            )
    return created


async def configs(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the configuration of topics that exist; an empty one where it may not be seen."""
    if not names:
        return {}
    responses = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for response in responses
        for _code, _message, _kind, name, entries in response.resources
    }
