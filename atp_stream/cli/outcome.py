"""What became of an order to the policy: in force where it was meant for, or refused, and why."""

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from aiokafka import AIOKafkaConsumer, TopicPartition

from atp_stream.cli.consuming import reading
from atp_stream.cli.frame import Failure
from atp_stream.cli.get import fetch
from atp_stream.cli.producing import Place, produce
from atp_stream.domain.names import join
from atp_stream.engine.sending import partition_of
from atp_stream.messages.dead_letters import DETAIL_HEADER, ORIGIN_HEADER, REASON_HEADER
from atp_stream.settings import Settings
from atp_stream.topics import LOG_PARTITIONS, Topics

_PATIENCE = 20.0  # seconds
_POLL = 0.2
_LAST_LOOK_MS = 500  # what refuses an order is committed together with the place that shows that it was heard


class Outcome(NamedTuple):
    """Whether an order is in force, else the reason why it was refused."""

    in_force: bool
    reason: str = ""
    detail: str = ""


async def send_and_wait(
    settings: Settings, url: str, value: bytes, tenant: str | None, item: str | None
) -> tuple[Place, Outcome]:
    """Send an order and return where it went, and what became of it; `url` is that of any worker.

    Without an item it is meant for all partitions of the log.

    Raises:
        Failure: it could not be sent, or nobody has heard of it in time.
    """
    topics = Topics.of(settings)
    async with reading(settings, [topics.dead_letter]) as (consumer, partitions):
        await consumer.seek_to_end(*partitions)
        for partition in partitions:
            await consumer.position(partition)  # only then it is known what was there before
        place = await produce(settings.bootstrap, topics.policy.name, None, value)
        whose = tenant or "*"
        names = _one_of_each_partition(whose) if item is None else [item]
        views = [f"{url}/policy/{quote(whose, safe='')}/{quote(name, safe='')}" for name in names]
        hears = _heard if item is None else _folded
        return place, await _outcome(consumer, partitions, views, place, hears)


async def _outcome(
    consumer: AIOKafkaConsumer,
    partitions: Sequence[TopicPartition],
    views: list[str],
    place: Place,
    hears: Callable[[dict[str, Any], int], bool],
) -> Outcome:
    until = time.monotonic() + _PATIENCE
    shown: dict[str, Any] | None = None
    while time.monotonic() < until:
        refused = await _refusal(consumer, partitions, place, 0)
        if refused is not None:
            return refused
        behind = []
        for view in views:
            shown = await _shown(view)
            if shown is None or not hears(shown, place.offset):
                behind.append(view)
        views = behind
        if not views:
            return await _refusal(consumer, partitions, place, _LAST_LOOK_MS) or Outcome(in_force=True)
        await asyncio.sleep(_POLL)
    order = f"the order at {place.topic}/{place.partition}/{place.offset}"
    if shown is not None and _heard(shown, place.offset):
        raise Failure(
            f"{order} was heard, but {shown['kept']} messages are kept for the item and not folded yet: it has work to"
            " finish, or is in quarantine"
        )
    raise Failure(f"nobody tells of {order}: is a worker running?")


async def _shown(view: str) -> dict[str, Any] | None:
    try:
        return await fetch(view)
    except Failure:  # its partition is on the move, or no worker is there yet
        return None


def _heard(shown: dict[str, Any], offset: int) -> bool:
    heard = shown.get("heard")
    return heard is not None and heard >= offset


def _folded(shown: dict[str, Any], offset: int) -> bool:
    return _heard(shown, offset) and not shown["kept"]


async def _refusal(
    consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition], place: Place, patience_ms: int
) -> Outcome | None:
    origin = f"{place.topic}/{place.partition}/{place.offset}".encode()
    for records in (await consumer.getmany(*partitions, timeout_ms=patience_ms)).values():
        for record in records:
            headers = dict(record.headers)
            if headers.get(ORIGIN_HEADER) == origin:
                reason, detail = (headers.get(name, b"").decode() for name in (REASON_HEADER, DETAIL_HEADER))
                return Outcome(in_force=False, reason=reason, detail=detail)
    return None


def _one_of_each_partition(tenant: str) -> list[str]:
    """Return names of items, known or not, that lie in one partition of the log each."""
    found: dict[int, str] = {}
    for number in itertools.count():
        found.setdefault(partition_of(join(tenant, str(number)).encode(), LOG_PARTITIONS), str(number))
        if len(found) == LOG_PARTITIONS:
            return list(found.values())
    raise AssertionError
