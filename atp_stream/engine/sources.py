"""Are the topics still the ones that our positions count? Offsets mean nothing without the topic they count.

Kafka keeps a topic's name when it is deleted and made anew. aiokafka knows no topic ids, so identity is the
checksum of the record that was read last: it stands beside the committed offset, and that record is read again.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition
from faust.types import TP
from mode import get_logger

from atp_stream.engine.intake import checksum

log = get_logger(__name__)

CHECK_TIMEOUT = 5.0


class SourceCheck:
    """Compares positions with what the topics hold, once per partition and process."""

    def __init__(self, app: Any, *, bootstrap: str, log_topic: str) -> None:
        self._app = app
        self._bootstrap = bootstrap
        self._log_topic = log_topic
        self._checked: set[TP] = set()

    async def start_offsets(
        self, wanted: Mapping[TP, int], beginnings: Mapping[TP, int], ends: Mapping[TP, int], notes: Mapping[TP, str]
    ) -> dict[TP, int]:
        """Return where to read from: what is wanted, or the first record there is, said loudly.

        Gives the process up where going on would be wrong: a log that lost records which were never applied,
        or a source topic that is not the one that was read before.
        """
        starts: dict[TP, int] = {}
        for tp, at in wanted.items():
            first, end = beginnings[tp], ends[tp]
            starts[tp] = max(at, first)
            if at > end:
                self._recreated(tp, f"it ends at {end}, but was read up to {at}")
            elif at < first and tp.topic == self._log_topic:
                self._app.give_up(
                    f"{tp.topic}/{tp.partition} begins at {first}, but offsets {at} to {first - 1} were never applied:"
                    " retention removed them; restore them, or start anew with another app id"
                )
            elif at < first and at > 0:
                log.error("%s/%s: offsets %s to %s are gone by retention and were never read", *tp, at, first - 1)
        await self._compare(starts, notes)
        return starts

    def _recreated(self, tp: TP, what: str) -> None:
        if tp.topic == self._log_topic:
            self._app.give_up(f"{tp.topic}/{tp.partition} is not the log that was applied: {what}")
        else:
            self._app.give_up(
                f"{tp.topic}/{tp.partition} is not the topic that was read before: {what};"
                f" if it was made anew on purpose: `atp source reset {tp.topic}`"
            )

    async def _compare(self, starts: Mapping[TP, int], notes: Mapping[TP, str]) -> None:
        known: dict[TP, tuple[int, str]] = {}
        for tp in starts:
            last, _, crc = notes.get(tp, "").partition(":")
            if crc and tp not in self._checked:
                known[tp] = int(last), crc
        self._checked.update(starts)
        if not known:
            return
        for tp, found in (await self._read({tp: offset for tp, (offset, _) in known.items()})).items():
            offset, crc = known[tp]
            if found.offset == offset and f"{checksum(found):08x}" != crc:
                self._recreated(tp, f"another record stands at offset {offset}")

    async def _read(self, offsets: Mapping[TP, int]) -> dict[TP, Any]:
        """Return the first record at or behind each offset, of those that answer in time."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        found: dict[TP, Any] = {}
        try:
            consumer.assign([TopicPartition(*tp) for tp in offsets])
            for tp, offset in offsets.items():
                consumer.seek(TopicPartition(*tp), offset)
            async with asyncio.timeout(CHECK_TIMEOUT):
                while missing := [TopicPartition(*tp) for tp in offsets if tp not in found]:
                    batches = await consumer.getmany(*missing, timeout_ms=200, max_records=len(missing))
                    for tp, records in batches.items():
                        found[TP(tp.topic, tp.partition)] = records[0]
        except TimeoutError:
            log.warning("could not read again what was read last of %s partitions", len(offsets) - len(found))
        finally:
            await consumer.stop()
        return found
