"""What became of a policy change: in force where it was meant for, or refused, and why."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from atp_stream.access import KafkaAccess
from atp_stream.cli.consuming import reading
from atp_stream.cli.get import Foreign, fetch, rules_url
from atp_stream.cli.group import Failure
from atp_stream.cli.producing import Place, produce
from atp_stream.domain.names import join
from atp_stream.engine.partitioner import partition_of
from atp_stream.messages.dead_letters import DETAIL_HEADER, ORIGIN_HEADER, REASON_HEADER
from atp_stream.settings import Settings
from atp_stream.topics import LOG_PARTITIONS, Topics

_PATIENCE_S = 20.0
_POLL_S = 0.2
_LAST_LOOK_MS = 500  # a refusal is committed together with the position that shows that the change was read


class Outcome(NamedTuple):
    """Whether a policy change is in force, else the reason why it was refused."""

    in_force: bool
    reason: str = ""
    detail: str = ""


async def send_and_wait(
    settings: Settings, url: str, value: bytes, tenant: str | None, item: str | None
) -> tuple[Place, Outcome]:
    """Send a policy change and return where it went, and what became of it; `url` is that of any worker.

    Without an item it is meant for all partitions of the log.

    Raises:
        Failure: it could not be sent, or it is not in force in time, or a worker of another version owns where it goes.
    """
    topics = Topics.of(settings)
    async with reading(settings, [topics.dead_letter]) as (consumer, partitions):
        await consumer.seek_to_end(*partitions)
        for partition in partitions:
            await consumer.position(partition)  # only then it is known what was there before
        place = await produce(KafkaAccess.of(settings), topics.policy.name, None, value)
        whose = tenant or "*"
        names = _one_of_each_partition(whose) if item is None else {_partition(whose, item): item}
        views = {number: rules_url(url, whose, one) for number, one in names.items()}
        return place, await _outcome(consumer, partitions, views, place, one_item=item is not None)


async def _outcome(
    consumer: AIOKafkaConsumer,
    partitions: Sequence[TopicPartition],
    views: dict[int, str],
    place: Place,
    *,
    one_item: bool,
) -> Outcome:
    """Ask a view of each partition of the log until none is behind; one item's also until nothing is kept for it."""
    until = time.monotonic() + _PATIENCE_S
    behind: dict[int, dict[str, Any] | None] = dict.fromkeys(views)
    while time.monotonic() < until:
        refused = await _refusal(consumer, partitions, place, 0)
        if refused is not None:
            return refused
        answers = await asyncio.gather(*(_shown(views[number], place, one_item=one_item) for number in behind))
        behind = {
            number: shown
            for number, shown in zip(behind, answers, strict=True)
            if shown is None or not _heard(shown, place) or (one_item and shown["kept"])
        }
        if not behind:
            return await _refusal(consumer, partitions, place, _LAST_LOOK_MS) or Outcome(in_force=True)
        await asyncio.sleep(_POLL_S)
    raise Failure(_why_not(behind, len(views), place))


async def _shown(view: str, place: Place, *, one_item: bool) -> dict[str, Any] | None:
    try:
        return await fetch(view, "heard", *(["kept"] if one_item else []))
    except Foreign as error:
        raise Failure(f"{_change(place)} was sent, but {error.message}") from error
    except Failure:  # its partition is on the move, or no worker is there yet
        return None


def _heard(shown: dict[str, Any], place: Place) -> bool:
    return shown["heard"] is not None and shown["heard"] >= place.offset


def _why_not(behind: dict[int, dict[str, Any] | None], asked: int, place: Place) -> str:
    silent = [str(number) for number, shown in behind.items() if shown is None]
    if len(silent) == asked:
        return f"{_change(place)} was sent, but no worker has confirmed it yet: is a worker running?"
    deaf = [str(number) for number, shown in behind.items() if shown is not None and not _heard(shown, place)]
    parts = [("have not applied it yet", deaf), ("do not answer", silent)]
    missing = "; ".join(f"that {what}: {', '.join(numbers)}" for what, numbers in parts if numbers)
    if missing:
        return f"{_change(place)} is not in force yet; partitions of the log {missing}"
    (kept,) = [shown["kept"] for shown in behind.values() if shown is not None]
    return (
        f"{_change(place)} was read, but {kept} messages of the item are still deferred: it has work to finish, or is"
        " in quarantine"
    )


def _change(place: Place) -> str:
    return f"the change at {place.topic}/{place.partition}/{place.offset}"


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


def _partition(tenant: str, item: str) -> int:
    return partition_of(join(tenant, item).encode(), LOG_PARTITIONS)


def _one_of_each_partition(tenant: str) -> dict[int, str]:
    """Return the name of an item, known or not, for each partition of the log that it lies in."""
    found: dict[int, str] = {}
    for number in itertools.count():
        found.setdefault(_partition(tenant, str(number)), str(number))
        if len(found) == LOG_PARTITIONS:
            return dict(sorted(found.items()))
    raise AssertionError
