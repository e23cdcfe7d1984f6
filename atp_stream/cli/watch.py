"""`atp watch`: events as they are committed."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import click
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from atp_stream.cli.frame import Failure, pass_settings
from atp_stream.cli.producing import unreachable
from atp_stream.messages.dead_letters import DETAIL_HEADER, ORIGIN_HEADER, REASON_HEADER
from atp_stream.messages.outputs_read import OutputReader
from atp_stream.messages.registry import SchemaCache
from atp_stream.settings import Settings
from atp_stream.topics import Topic, Topics

_START_SECONDS = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to show; None means all, or no end."""

    from_beginning: bool
    dead_letters: bool
    item: str | None
    tenant: str | None
    count: int | None


@click.command()
@click.option("--from-beginning", is_flag=True, help="Show what was committed before, too.")
@click.option("--item", help="Only events of this item.")
@click.option("--tenant", help="Only events of this tenant.")
@click.option("--count", type=click.IntRange(1), metavar="N", help="End after N events.")
@click.option("--dead-letters", is_flag=True, help="Show refused messages, too, as eventType DeadLetter.")
@pass_settings
def watch(
    settings: Settings, *, from_beginning: bool, item: str | None, tenant: str | None, count: int | None,
    dead_letters: bool,
) -> None:  # fmt: skip
    """Print events as they are committed, one JSON envelope on a line; Ctrl-C ends it.

    Example: atp watch --item prod987 --from-beginning
    """
    wanted = Wanted(
        from_beginning=from_beginning, dead_letters=dead_letters, item=item, tenant=tenant, count=count
    )  # fmt: skip
    try:
        asyncio.run(_watch(settings, wanted))
    except KeyboardInterrupt:
        return


async def _watch(settings: Settings, wanted: Wanted) -> None:
    left = wanted.count
    async with aclosing(lines(settings, wanted)) as events:
        async for line in events:
            click.echo(line)
            if left is not None:
                left -= 1
                if left == 0:
                    return


async def lines(settings: Settings, wanted: Wanted) -> AsyncGenerator[str, None]:
    """Yield the wanted events, each as one line of JSON, without end.

    Raises:
        Failure: no broker answers, or a topic is missing.
    """
    topics = Topics.of(settings)
    shown = (*topics.outputs, topics.dead_letter) if wanted.dead_letters else topics.outputs
    schemas = SchemaCache(settings.registry_url)
    reader = OutputReader(schemas)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    try:
        await _start(consumer, settings, shown, from_beginning=wanted.from_beginning)
        while True:
            batches = await consumer.getmany(timeout_ms=500)
            # Partitions have no order among themselves; in one batch, append time comes nearest to it.
            for record in sorted((r for records in batches.values() for r in records), key=lambda r: r.timestamp):
                line = _letter(record) if record.topic == topics.dead_letter.name else await _event(reader, record)
                if _is_wanted(line, wanted):
                    yield line
    finally:
        await consumer.stop()
        schemas.close()


async def _start(
    consumer: AIOKafkaConsumer, settings: Settings, shown: Sequence[Topic], *, from_beginning: bool
) -> None:
    try:
        async with asyncio.timeout(_START_SECONDS):
            await consumer.start()
    except (TimeoutError, OSError, KafkaError):
        raise unreachable(settings.bootstrap) from None
    known = await consumer.topics()
    missing = [topic.name for topic in shown if topic.name not in known]
    if missing:
        raise Failure(f"there is no topic {missing[0]} at {settings.bootstrap}: run `atp init`")
    partitions = [TopicPartition(topic.name, number) for topic in shown for number in range(topic.partitions)]
    consumer.assign(partitions)
    await (consumer.seek_to_beginning if from_beginning else consumer.seek_to_end)(*partitions)


async def _event(reader: OutputReader, record: ConsumerRecord) -> str:
    return (await reader.envelope(record.value)).decode()


def _letter(record: ConsumerRecord) -> str:
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    message = record.value or b""
    try:
        shown = {"message": message.decode()}
    except UnicodeDecodeError:
        shown = {"messageBase64": base64.b64encode(message).decode()}
    origin = headers.get(ORIGIN_HEADER, "")
    payload = {"reason": headers.get(REASON_HEADER, ""), "detail": headers.get(DETAIL_HEADER, ""), **shown}
    return json.dumps(
        {"eventType": "DeadLetter", "eventId": origin, "timestamp": record.timestamp, "tenantId": None,
         "payload": payload}, separators=(",", ":"), ensure_ascii=False,
    )  # fmt: skip


def _is_wanted(line: str, wanted: Wanted) -> bool:
    if wanted.item is None and wanted.tenant is None:
        return True
    event = json.loads(line)
    if event["eventType"] == "DeadLetter":  # whose it is cannot be told
        return True
    return wanted.item in {None, event["payload"]["itemId"]} and wanted.tenant in {None, event["tenantId"]}
