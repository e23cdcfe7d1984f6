"""The policy as the item log says it: the last whole document, and the changes behind it, as the fold applies them."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from atp_stream.domain.commands import AnyCommand, EditPolicy, SetPolicy
from atp_stream.domain.document import PolicyError
from atp_stream.domain.written import decode, edited, encode
from atp_stream.engine.position import CONTROL_HEADER, SOURCE_HEADER
from atp_stream.messages.rows import decode_command
from atp_stream.provision import item_log
from atp_stream.provision.report import ProvisionError
from atp_stream.settings import Settings
from atp_stream.topics import WHOLE_PARTITION, Topics

_STRETCH = 50_000  # offsets


class _Order(NamedTuple):
    """A policy command of the log; `source` is the record that it was made from, "" for that of `atp init`."""

    source: str
    command: SetPolicy | EditPolicy


async def read_policy(settings: Settings) -> bytes:
    """Return the policy that the log puts in force, as JSON; a document that was not changed since is the text itself.

    Raises:
        ProvisionError: the log holds no whole document any more, or cannot be read.
    """
    log = Topics.of(settings).item_log
    async with item_log.reading(settings) as consumer:
        text = folded(await _orders(consumer, TopicPartition(log.name, 0)))  # all partitions hold the same ones
    if text is None:
        raise ProvisionError(
            f"the item log {log.name} holds no policy: run `atp init`; or retention has removed it, then a worker"
            " knows it: ask with --item, or apply one"
        )
    return text


def folded(orders: Iterable[_Order]) -> bytes | None:
    """Return the policy after these orders, None if none of them is a whole document that is right in itself."""
    text: bytes | None = None
    newest: dict[str, int] = {}
    for source, command in orders:
        partition, _, offset = source.rpartition("/")
        if source and int(offset) <= newest.get(partition, -1):
            continue  # intake has sent it twice
        if source:
            newest[partition] = int(offset)
        try:
            if isinstance(command, SetPolicy):
                decode(bytes(command.document))
                text = bytes(command.document)
            elif text is not None:
                text = encode(edited(decode(text), command.tenant, bytes(command.patch)))
        except PolicyError:  # refused by the fold as well: nothing changed
            continue
    return text


async def _orders(consumer: AIOKafkaConsumer, partition: TopicPartition) -> list[_Order]:
    # Backwards, a stretch at a time: a policy in force is usually not far from the end, or the log is short.
    consumer.assign([partition])
    begin = (await consumer.beginning_offsets([partition]))[partition]
    end = (await consumer.end_offsets([partition]))[partition]
    found: list[_Order] = []
    while begin < end and folded(found) is None:
        start = max(begin, end - _STRETCH)
        consumer.seek(partition, start)
        stretch: list[_Order] = []
        while await consumer.position(partition) < end:
            records = (await consumer.getmany(partition, timeout_ms=100)).get(partition, [])
            stretch += [order for record in records if record.offset < end for order in _order(record)]
        found = stretch + found
        end = start
    return found


def _order(record: ConsumerRecord) -> Iterator[_Order]:
    headers: dict[str, bytes] = dict(record.headers)
    if record.key != WHOLE_PARTITION or CONTROL_HEADER in headers:
        return
    try:
        command: AnyCommand = decode_command(record.value or b"")
    except msgspec.DecodeError:  # no command of ours
        return
    if isinstance(command, SetPolicy | EditPolicy):
        yield _Order(headers.get(SOURCE_HEADER, b"").decode(), command)
