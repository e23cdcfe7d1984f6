"""What each principal may do in Kafka, and no more: docs/security.md has it as a table, and tests run on it.

Transactions need Write on their id (which implies Describe), idempotent producers need nothing of their own.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest, CreateAclsRequest_v1

from atp_stream.access import KafkaAccess
from atp_stream.provision.report import ProvisionError
from atp_stream.provision.topics import administration
from atp_stream.settings import Settings
from atp_stream.topics import Topics

_ALLOW = 3
_LITERAL, _PREFIXED = 3, 4  # Kafka's numbers, as those below


class Resource(IntEnum):
    """What is protected."""

    TOPIC = 2
    GROUP = 3
    TRANSACTIONAL_ID = 5


class Operation(IntEnum):
    """What is done with it; Read and Write imply Describe."""

    READ = 3
    WRITE = 4
    CREATE = 5
    DESCRIBE = 8
    DESCRIBE_CONFIGS = 10


class Grant(NamedTuple):
    """What is allowed on a resource, or on all whose names begin with `name`."""

    resource: Resource
    name: str
    operations: tuple[Operation, ...]
    prefixed: bool = False


_READ, _WRITE = (Operation.READ,), (Operation.WRITE,)
_BOTH = (Operation.READ, Operation.WRITE)
_MAKE = (Operation.CREATE, Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS)


def minimal(settings: Settings) -> dict[str, list[Grant]]:
    """Return what each principal needs, by the names that the principals of a secured stack have."""
    topics, app = Topics.of(settings), settings.app_id
    inputs = [topic.name for topic in topics.inputs]
    outputs = [topic.name for topic in topics.outputs]
    log, tables, letters = topics.item_log.name, topics.state_changelog.name, topics.dead_letter.name
    owners = topics.owners.name
    every = [topic.name for topic in topics.every]
    return {
        "init": [
            *_on(every, _MAKE),
            *_on([log, owners], _BOTH),
            Grant(Resource.TRANSACTIONAL_ID, f"{app}-init", _WRITE),
        ],
        "worker": [
            *_on(inputs, (Operation.READ, Operation.DESCRIBE_CONFIGS)),
            *_on([log, tables, owners, letters], _BOTH),
            *_on([*outputs, *_appended(settings, topics)], _WRITE),
            Grant(Resource.GROUP, app, _READ),
            Grant(Resource.TRANSACTIONAL_ID, f"{app}-", _WRITE, prefixed=True),
        ],
        "upstream": _on([topic.name for topic in topics.inputs if not topic.ours], _WRITE),
        "downstream": _on(outputs, _READ),
        "policy": [*_on([topics.policy.name], _WRITE), *_on([letters], _READ)],
        "auditor": _on(every, _READ),
        "dead-letters": [*_on([letters], _READ), *_on(inputs, _WRITE)],
        "operator": [
            *_on(every, _READ),
            *_on([log, tables, topics.availability_calculated.name], _WRITE),
            Grant(Resource.GROUP, app, (Operation.DESCRIBE, Operation.READ)),
            Grant(Resource.TRANSACTIONAL_ID, f"{app}-", _WRITE, prefixed=True),
        ],
    }


def _appended(settings: Settings, topics: Topics) -> list[str]:
    """Return the inputs that workers write to: none, unless they take orders over HTTP."""
    taken = (topics.created, topics.confirmed, topics.released)
    return [topic.name for topic in taken] if settings.web_checkout else []


def _on(names: Sequence[str], operations: tuple[Operation, ...]) -> list[Grant]:
    return [Grant(Resource.TOPIC, name, operations) for name in names]


async def admit(kafka: KafkaAccess, settings: Settings) -> None:
    """Let each principal do what it needs, with the topics and the app of these settings.

    Raises:
        ProvisionError: Kafka refuses it.
    """
    async with administration(kafka) as admin:
        for principal, grants in minimal(settings).items():
            await allow(admin, principal, grants)


async def allow(admin: AIOKafkaAdminClient, principal: str, grants: Sequence[Grant]) -> None:
    """Let a principal do what it is granted; what it may do already, it may go on to do.

    Raises:
        ProvisionError: Kafka refuses it.
    """
    answer = await admin._send_to_controller(_CreateAcls(principal, grants))  # noqa: SLF001 - aiokafka has no call for it
    for code, message in answer.creation_responses:
        if code:
            raise ProvisionError(f"{principal} cannot be let in: {message or f'Kafka error {code}'}")


class _CreateAcls(CreateAclsRequest):  # type: ignore[misc] # aiokafka has no types
    """All grants in one request; aiokafka's own has one."""

    def __init__(self, principal: str, grants: Sequence[Grant]) -> None:
        self._rows = [
            (
                grant.resource, grant.name, _PREFIXED if grant.prefixed else _LITERAL,
                f"User:{principal}", "*", operation, _ALLOW,
            )
            for grant in grants
            for operation in grant.operations
        ]  # fmt: skip

    def build(self, request_struct_class: type[CreateAclsRequest_v1]) -> CreateAclsRequest_v1:
        return request_struct_class(self._rows)
