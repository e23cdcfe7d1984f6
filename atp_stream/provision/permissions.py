"""What Kafka lets us do: asked before a worker starts, which would otherwise wait without a word."""

from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.coordination import FindCoordinatorRequest
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String

from atp_stream.access import KafkaAccess
from atp_stream.access.trouble import denied
from atp_stream.provision.acls import Grant, Operation, Resource, minimal
from atp_stream.provision.report import ProvisionError
from atp_stream.settings import Settings

_COORDINATORS: Final = {Resource.GROUP: 0, Resource.TRANSACTIONAL_ID: 1}  # Kafka's numbers for their kinds


class _Metadata(Response):  # type: ignore[misc] # aiokafka has no types
    """The oldest answer that says what one may do; aiokafka's own are older."""

    API_KEY = 3
    API_VERSION = 8
    _PARTITION = Array(
        ("error_code", Int16), ("partition", Int32), ("leader", Int32), ("leader_epoch", Int32),
        ("replicas", Array(Int32)), ("isr", Array(Int32)), ("offline_replicas", Array(Int32)),
    )  # fmt: skip
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            Array(("node_id", Int32), ("host", String("utf-8")), ("port", Int32), ("rack", String("utf-8"))),
        ),
        ("cluster_id", String("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16), ("topic", String("utf-8")), ("is_internal", Boolean), ("partitions", _PARTITION),
                ("authorized_operations", Int32),
            ),
        ),
        ("authorized_operations", Int32),
    )  # fmt: skip


class _AskMetadata(RequestStruct):  # type: ignore[misc] # aiokafka has no types
    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = _Metadata
    SCHEMA = Schema(
        ("topics", Array(String("utf-8"))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class _TopicsRequest(Request[_AskMetadata]):  # type: ignore[misc] # aiokafka has no types
    API_KEY = 3

    def __init__(self, topics: list[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_AskMetadata]) -> _AskMetadata:
        return request_struct_class(self._topics, False, False, True)


async def check_worker(admin: AIOKafkaAdminClient, kafka: KafkaAccess, settings: Settings) -> None:
    """Refuse to start a worker that Kafka would not let work.

    Raises:
        ProvisionError: it may not do what it needs; the text says what is missing.
    """
    grants = minimal(settings)["worker"]
    for grant in grants:
        if grant.resource in _COORDINATORS:
            await _check_coordinated(admin, kafka, grant)
    needed = {grant.name: grant.operations for grant in grants if grant.resource is Resource.TOPIC}
    may = await _allowed(admin, list(needed))
    lacking = [
        f"{operation.name.capitalize()} on {name}"
        for name, operations in needed.items()
        for operation in operations
        if operation is not Operation.DESCRIBE_CONFIGS and not may.get(name, 0) >> operation & 1
    ]
    if lacking:
        raise ProvisionError(
            f"Kafka does not let {kafka.who} work: add an ACL for {', '.join(lacking)} (docs/security.md has all)"
        )


async def _allowed(admin: AIOKafkaAdminClient, topics: list[str]) -> dict[str, int]:
    """Return the operations that we may do on each topic, a bit for each."""
    answer = await admin._send_request(_TopicsRequest(topics))  # noqa: SLF001 - aiokafka has no call for it
    return {topic: operations for _, topic, _, _, operations in answer.topics}


async def _check_coordinated(admin: AIOKafkaAdminClient, kafka: KafkaAccess, grant: Grant) -> None:
    """Refuse a group or transactional ids that we may not even look at."""
    request = FindCoordinatorRequest(grant.name, _COORDINATORS[grant.resource])
    error = for_code((await admin._send_request(request)).error_code)  # noqa: SLF001 - the call is for groups alone
    line = denied(kafka, error(grant.name)) if issubclass(error, KafkaError) else ""
    if line:
        raise ProvisionError(line)
