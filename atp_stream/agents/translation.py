"""Intake: input records to commands on the item log, or to the dead letters; it decides nothing else.

A command to an item goes to the item's partition of the log, one to all items to every partition.
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

from mode import get_logger

from atp_stream.agents.letter_log import LetterLog
from atp_stream.agents.unread_log import UnreadLog, is_looked_at
from atp_stream.domain.errors import Refused
from atp_stream.domain.names import join
from atp_stream.domain.reasons import Reason
from atp_stream.engine.intake import NotYet
from atp_stream.engine.partitioner import partition_of
from atp_stream.engine.position import CHECKSUM_HEADER, GENESIS_HEADER, ORIGINAL_HEADER, SOURCE_HEADER
from atp_stream.engine.topic_identity import checksum
from atp_stream.messages.dead_letters import letter, pack_original
from atp_stream.messages.inbound import Inbound, Skipped
from atp_stream.messages.limits import MAX_MESSAGE_BYTES
from atp_stream.messages.registry import SchemaCache, SchemaUnknown
from atp_stream.messages.rows import encode_command
from atp_stream.messages.traces import log_fields_of
from atp_stream.records import Output
from atp_stream.topics import WHOLE_PARTITION, Topics

log = get_logger(__name__)

_MAX_LOGGED_SKIPS = 1_000  # made-up event types must not fill the memory, or the log


class Translator:
    """What becomes of one input record: a record of the item log, a dead letter, or nothing."""

    def __init__(self, inbound: Inbound, schemas: SchemaCache, topics: Topics, genesis: str) -> None:
        self._inbound = inbound
        self._schemas = schemas
        self._log = topics.item_log
        self._dead_letter = topics.dead_letter
        self._genesis = (GENESIS_HEADER, genesis.encode())
        self._kinds = topics.kinds
        self._letter_log = LetterLog()
        self.counts: Counter[tuple[str, str]] = Counter()  # (topic, what became of it)
        self._logged: set[tuple[str, str]] = set()  # (topic, why it was skipped)
        self._unread = UnreadLog(topics.kinds)
        self.unread = self._unread.counts

    def __call__(self, record: Any) -> Sequence[Output]:
        """Translate a record.

        Raises:
            NotYet: its schema has to be fetched first.
        """
        try:
            _check_size(record)
            found = self._inbound.translate(self._kinds[record.topic], record)
        except SchemaUnknown as error:
            raise NotYet(partial(self._schemas.fetch, error.schema_id)) from error
        except Refused as refused:
            self.counts[record.topic, refused.reason] += 1
            return [self._letter(record, self._unread.explained(record, refused))]
        except Exception as error:
            about = log_fields_of(record.headers)
            log.exception("%s/%s offset %s cannot be read", record.topic, record.partition, record.offset, extra=about)
            self.counts[record.topic, Reason.BROKEN] += 1
            return [self._letter(record, Refused(Reason.BROKEN, repr(error)))]
        if isinstance(found, Skipped):
            self.counts[record.topic, f"skipped_{found}"] += 1
            self._report(record, found)
            return []
        accepted = self.counts[record.topic, "accepted"] = self.counts[record.topic, "accepted"] + 1
        if is_looked_at(accepted):
            self._unread.look(record)
        name, partition = _place(found.tenant, found.item, self._log.partitions)
        source = f"{record.topic}/{record.partition}/{record.offset}".encode()
        headers = [
            self._genesis,
            (SOURCE_HEADER, source),
            (CHECKSUM_HEADER, checksum(record).encode()),
            (ORIGINAL_HEADER, pack_original(record)),
        ]
        command = encode_command(found.command)
        if name == WHOLE_PARTITION:
            partitions = range(self._log.partitions)
            return [Output(self._log.name, partition, name, command, headers) for partition in partitions]
        return [Output(self._log.name, partition, name, command, headers)]

    def _report(self, record: Any, skipped: Skipped) -> None:
        """Log the first message of its kind that is skipped; all of them are counted."""
        why = (record.topic, skipped.what)
        if why not in self._logged and len(self._logged) < _MAX_LOGGED_SKIPS:
            self._logged.add(why)
            place = f"{record.topic}/{record.partition}/{record.offset}"
            log.info(
                "skipped %s: %s; more like it are only counted",
                place,
                skipped.what,
                extra=log_fields_of(record.headers),
            )

    def _letter(self, record: Any, refused: Refused) -> Output:
        origin = f"{record.topic}/{record.partition}/{record.offset}"
        to = self._dead_letter.name, record.partition % self._dead_letter.partitions
        found = letter(record, origin, refused, to=to)
        self._letter_log.note([found])
        return found


@lru_cache(maxsize=50_000)
def _place(tenant: str, item: str, partitions: int) -> tuple[bytes, int]:
    """Return an item's name, and the log partition that it is in; cached, for the hash is slow here."""
    name = join(tenant, item).encode()
    return name, partition_of(name, partitions)


def _check_size(record: Any) -> None:
    size = len(record.value or b"") + len(record.key or b"")
    if record.headers:
        size += sum(len(value or b"") for _, value in record.headers)
    if size > MAX_MESSAGE_BYTES:
        raise Refused(Reason.TOO_LARGE, f"{size} bytes with key and headers, at most {MAX_MESSAGE_BYTES} are read")
