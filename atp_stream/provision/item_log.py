"""The item log's first records: the genesis that names the log, and behind it the policy that holds from the start.

Both go to every partition in one transaction, so that either all partitions have them or none. Two runs at once use
the same transactional id: the later one fences the earlier one before it looks, so it sees all of it or nothing.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced

from atp_stream.access import KafkaAccess
from atp_stream.access.trouble import describe_error, missing
from atp_stream.domain import names
from atp_stream.domain.commands import ResumeItem, SetPolicy
from atp_stream.domain.policy import rules
from atp_stream.engine.partitioner import partition_of
from atp_stream.engine.position import CONTROL_GENESIS, CONTROL_HEADER, CONTROL_RESET, GENESIS_HEADER
from atp_stream.provision.report import Finding, ProvisionError, Verdict
from atp_stream.settings import Settings
from atp_stream.topics import WHOLE_PARTITION, Topic, Topics

GENESIS_FORMAT = 1
_START_S = 20.0
_READ_S = 10.0
_EXPIRED = "expired"  # retention has removed all that a partition held
_TRANSACTION_MS = 10_000


class Genesis(msgspec.Struct, frozen=True):
    """The value of a partition's first record."""

    format: int
    genesis: str


class _Record(NamedTuple):
    """A record of the log; without a key of an item it goes to every partition."""

    value: bytes
    headers: list[tuple[str, bytes]]
    key: bytes = WHOLE_PARTITION


async def provide(settings: Settings) -> list[Finding]:
    """Write genesis and default policy if the log is empty; otherwise compare.

    Raises:
        ProvisionError: the log cannot be read or written.
    """
    log = Topics.of(settings).item_log
    async with writer(settings, "init") as producer:
        found = await _heads(settings, log)
        if any(head is not None for head in found):
            genesis_found = _compared(log.name, found)
            policy_found = Finding(kind="policy", name=log.name, verdict=Verdict.PRESENT)  # it came with the genesis
            return [genesis_found, policy_found] if genesis_found.verdict is Verdict.PRESENT else [genesis_found]
        genesis = secrets.token_hex(8)
        await _append(
            producer, log, [_genesis_record(genesis), _policy_record(genesis, rules.text(rules.INITIAL).encode())]
        )
    return [
        Finding(kind="genesis", name=log.name, verdict=Verdict.CREATED, detail=genesis),
        Finding(kind="policy", name=log.name, verdict=Verdict.CREATED, detail="the default policy"),
    ]


async def apply_policy(settings: Settings, document: bytes) -> str:
    """Append the whole policy `document` to every partition of the log itself, and return the log's genesis.

    It needs no worker, but has no order with what comes by the topic of orders: for a system that stands still.

    Raises:
        ProvisionError: there is no log that `atp init` made, or it cannot be written.
    """
    return await append(settings, "policy", lambda genesis: [_policy_record(genesis, document)])


async def resume_item(settings: Settings, tenant: str, item: str) -> str:
    """Append the command that ends the quarantine of an item, and return the log's genesis.

    Raises:
        ProvisionError: there is no log that `atp init` made, or it cannot be written.
    """
    at = time.time_ns() // 1000
    command = msgspec.json.encode(ResumeItem(event_id=f"resume-{at}", at_us=at))
    key = names.join(tenant, item).encode()
    return await append(settings, "resume", lambda genesis: [_Record(command, [_named(genesis)], key)])


async def forget_source(settings: Settings, topic: str) -> str:
    """Append the command that forgets how far `topic` was read, and return the log's genesis.

    Raises:
        ProvisionError: there is no log that `atp init` made, or it cannot be written.
    """
    control = (CONTROL_HEADER, CONTROL_RESET)
    return await append(settings, "reset", lambda genesis: [_Record(topic.encode(), [control, _named(genesis)])])


async def find_genesis(settings: Settings) -> str | None:
    """Return the log's genesis, None if retention has removed every record that could name it.

    Raises:
        ProvisionError: a partition has none, or they disagree: the log was not made by `atp init`.
    """
    log = Topics.of(settings).item_log
    heads = await _heads(settings, log)
    if None in heads:
        raise ProvisionError(f"the item log {log.name} has no genesis in every partition: run `atp init`")
    finding = _compared(log.name, heads)
    if all(head == _EXPIRED for head in heads):
        return None
    if finding.verdict is Verdict.DIFFERS:
        raise ProvisionError(f"the partitions of {log.name} name no common genesis ({finding.detail})")
    return finding.detail


async def append(settings: Settings, purpose: str, make: Callable[[str], Sequence[_Record]]) -> str:
    """Append what `make` returns for the log's genesis: to every partition, or where a record's own key belongs.

    Raises:
        ProvisionError: there is no log that `atp init` made, or it cannot be written.
    """
    log = Topics.of(settings).item_log
    async with writer(settings, purpose) as producer:
        found = await _heads(settings, log)
        genesis = next((head for head in found if head and head != _EXPIRED), None)
        if genesis is None:
            raise ProvisionError(f"the item log {log.name} has no genesis: run `atp init` first")
        await _append(producer, log, make(genesis))
    return genesis


def _genesis_record(genesis: str) -> _Record:
    value = msgspec.json.encode(Genesis(format=GENESIS_FORMAT, genesis=genesis))
    return _Record(value, [(CONTROL_HEADER, CONTROL_GENESIS), _named(genesis)])


def _policy_record(genesis: str, document: bytes) -> _Record:
    at = time.time_ns() // 1000
    command = SetPolicy(event_id=f"policy-{at}", at_us=at, document=msgspec.Raw(document))
    return _Record(msgspec.json.encode(command), [_named(genesis)])


def _named(genesis: str) -> tuple[str, bytes]:
    return (GENESIS_HEADER, genesis.encode())


async def _append(producer: AIOKafkaProducer, topic: Topic, records: Sequence[_Record]) -> None:
    async with producer.transaction():
        for partition in range(topic.partitions):
            for value, headers, key in records:
                if key == WHOLE_PARTITION or partition == partition_of(key, topic.partitions):
                    await producer.send(topic.name, key=key, value=value, headers=headers, partition=partition)


def _compared(name: str, heads: Sequence[str | None]) -> Finding:
    known = {head for head in heads if head != _EXPIRED}
    mark = next(iter(known), None)
    if len(known) == 1 and mark:
        return Finding(kind="genesis", name=name, verdict=Verdict.PRESENT, detail=mark)
    words = (f"partition {partition}: {head or 'no genesis'}" for partition, head in enumerate(heads))
    return Finding(kind="genesis", name=name, verdict=Verdict.DIFFERS, detail="; ".join(words))


@asynccontextmanager
async def writer(settings: Settings, purpose: str) -> AsyncIterator[AIOKafkaProducer]:
    """Give a started producer under the transactional id of a purpose; an earlier one of the same id is fenced.

    Raises:
        ProvisionError: the broker does not answer, or a later one has taken the id over.
    """
    producer = AIOKafkaProducer(
        **KafkaAccess.of(settings),
        transactional_id=f"{settings.app_id}-{purpose}",
        transaction_timeout_ms=_TRANSACTION_MS,
        request_timeout_ms=_TRANSACTION_MS,
    )
    try:
        async with asyncio.timeout(_START_S):
            await producer.start()
        yield producer
    except ProducerFenced:
        raise ProvisionError("another run of the same command overtook this one: run it again") from None
    except (TimeoutError, KafkaError) as error:
        raise _unreachable(settings, error) from None
    finally:
        await producer.stop()


async def _heads(settings: Settings, topic: Topic) -> list[str | None]:
    """Return each partition's genesis: None for an empty partition, "" for a first record that names none."""
    partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
    async with reading(settings) as consumer, asyncio.timeout(_READ_S):
        if topic.name not in await consumer.topics():
            raise ProvisionError(missing(KafkaAccess.of(settings), topic.name))
        return await _first_marks(consumer, partitions)


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """Give a read_committed consumer that has started and holds no partition.

    Raises:
        ProvisionError: the broker does not answer.
    """
    consumer = AIOKafkaConsumer(
        **KafkaAccess.of(settings),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
        fetch_max_wait_ms=50,  # a request for ends waits behind it
    )
    try:
        async with asyncio.timeout(_START_S):
            await consumer.start()
        yield consumer
    except (TimeoutError, OSError, KafkaError) as error:
        raise _unreachable(settings, error) from None
    finally:
        await consumer.stop()


def _unreachable(settings: Settings, error: Exception) -> ProvisionError:
    otherwise = f"the item log cannot be reached at {settings.bootstrap}"
    return ProvisionError(describe_error(KafkaAccess.of(settings), error, otherwise))


async def _first_marks(consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> list[str | None]:
    consumer.assign(partitions)
    begins = await consumer.beginning_offsets(partitions)
    ends = await consumer.end_offsets(partitions)
    heads: dict[TopicPartition, str | None] = {}
    for partition in partitions:
        consumer.seek(partition, begins[partition])
    waiting = set(partitions)
    while waiting:
        for partition, records in (await consumer.getmany(*waiting, timeout_ms=100, max_records=1)).items():
            heads[partition] = _mark(records[0])
        waiting -= heads.keys()
        for partition in list(waiting):
            # The position also passes what was aborted, so an aborted first try reads as the empty log that it is.
            if await consumer.position(partition) >= ends[partition]:
                heads[partition] = _EXPIRED if begins[partition] else None
                waiting.discard(partition)
    return [heads[partition] for partition in partitions]


def _mark(record: ConsumerRecord) -> str:
    headers: dict[str, bytes] = dict(record.headers)
    return headers.get(GENESIS_HEADER, b"").decode("ascii", "replace")
