"""`GET /dead-letters`: the newest of what was refused, read from the end of their topic when somebody asks."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from aiohttp import web
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from atp_stream.access import KafkaAccess
from atp_stream.domain.reasons import Reason
from atp_stream.messages.dead_letters import OUR_HEADERS
from atp_stream.messages.stored_letters import StoredLetter
from atp_stream.settings import Settings
from atp_stream.topics import Topic, Topics
from atp_stream.web.access import Access
from atp_stream.web.bodies import taken
from atp_stream.web.callers import Role
from atp_stream.web.endpoint import Pages, json_response
from atp_stream.web.path_names import known_parameters, whole_number
from atp_stream.web.problems import Problem

PAGE: Final = 50
MAX_LAST: Final = 200
READ_S: Final = 3.0
"""So long it may take."""
SHOWN_BYTES: Final = 4_096
"""So much of a message is shown; `atp dead-letters` has all of it."""
_FETCH_BYTES: Final = 4 << 20


async def tail(kafka: KafkaAccess, topic: Topic, last: int) -> list[StoredLetter]:
    """Return the newest `last` letters of a topic or some more, oldest first, each once; their values are cut short.

    Raises:
        KafkaError, TimeoutError: they cannot be read, or not in time.
    """
    consumer = AIOKafkaConsumer(
        **kafka,
        isolation_level="read_committed",
        enable_auto_commit=False,
        fetch_max_wait_ms=50,
        fetch_max_bytes=_FETCH_BYTES,
        max_partition_fetch_bytes=_FETCH_BYTES,
    )
    found: dict[str, StoredLetter] = {}
    try:
        async with asyncio.timeout(READ_S):
            await consumer.start()
            partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
            consumer.assign(partitions)
            begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
            for tp in partitions:
                # Markers of transactions stand between the letters of the ledger: one for each, at the most.
                consumer.seek(tp, max(begins[tp], ends[tp] - 2 * last))
            while behind := [tp for tp in partitions if await consumer.position(tp) < ends[tp]]:
                for records in (await consumer.getmany(*behind, timeout_ms=200)).values():
                    for record in records:
                        letter = StoredLetter.of(record, SHOWN_BYTES)
                        found.setdefault(letter.origin, letter)
    finally:
        await consumer.stop()
    return sorted(found.values(), key=lambda letter: letter.at)


def describe(letters: Iterable[StoredLetter], topics: Topics, last: int, reason: str | None) -> dict[str, Any]:
    """Return the newest letters as the view shows them, the newest first, and what their reasons mean."""
    chosen = [letter for letter in letters if reason in {None, letter.reason}][-last:]
    named = {letter.reason for letter in chosen}
    return {
        "meanings": {one: one.meaning for one in Reason if one in named},
        "letters": [
            {
                **letter.plain(letter.about(topics.kinds)),
                "bytes": letter.size,
                "headers": [name for name, _ in letter.headers if name not in OUR_HEADERS],
            }
            for letter in reversed(chosen)
        ],
    }


def add_dead_letters(pages: Pages, settings: Settings, topics: Topics) -> None:
    """Serve the newest dead letters: to one caller at a time, for each reads from Kafka."""
    kafka, turn = KafkaAccess.of(settings), asyncio.Semaphore(1)

    async def letters_view(request: web.Request) -> web.Response:
        known_parameters(request, "last", "reason")
        last, reason = whole_number(request, "last", PAGE, MAX_LAST), request.query.get("reason")
        if reason not in {None, *Reason}:
            raise Problem.refused("bad-query", "no letter has this reason")
        async with taken(turn, "dead letters are being read for somebody else"):
            try:
                found = await tail(kafka, topics.dead_letter, last if reason is None else MAX_LAST)
            except (KafkaError, TimeoutError, OSError) as error:
                why = f"the dead letters cannot be read now: {type(error).__name__}"
                raise Problem.unavailable("letters-unreadable", why) from error
        return json_response(describe(found, topics, last, reason))

    pages.add("GET", "/dead-letters", letters_view, Access(Role.READ, every_tenant=True))
