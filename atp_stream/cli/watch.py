"""`atp watch`: events as they are committed."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import click
from aiokafka import ConsumerRecord

from atp_stream.access import RegistryAccess
from atp_stream.cli.consuming import reading
from atp_stream.cli.group import pass_settings
from atp_stream.messages.dead_letters import DETAIL_HEADER, ORIGIN_HEADER, REASON_HEADER
from atp_stream.messages.output_reader import OutputReader
from atp_stream.messages.registry import SchemaCache
from atp_stream.messages.stored_letters import message_of
from atp_stream.settings import Settings
from atp_stream.topics import Topics


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
    schemas = SchemaCache(RegistryAccess.of(settings))
    reader = OutputReader(schemas)
    try:
        async with reading(settings, shown) as (consumer, partitions):
            await (consumer.seek_to_beginning if wanted.from_beginning else consumer.seek_to_end)(*partitions)
            while True:
                batches = await consumer.getmany(timeout_ms=500)
                # Partitions have no order among themselves; in one batch, append time comes nearest to it.
                for record in sorted((r for records in batches.values() for r in records), key=lambda r: r.timestamp):
                    line = _letter(record) if record.topic == topics.dead_letter.name else await _event(reader, record)
                    if _is_wanted(line, wanted):
                        yield line
    finally:
        schemas.close()


async def _event(reader: OutputReader, record: ConsumerRecord) -> str:
    return (await reader.envelope(record.value)).decode()


def _letter(record: ConsumerRecord) -> str:
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    origin = headers.get(ORIGIN_HEADER, "")
    payload = {
        "reason": headers.get(REASON_HEADER, ""),
        "detail": headers.get(DETAIL_HEADER, ""),
        **message_of(record.value),
    }
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
