"""The ledger: records of the item log to commands, the fold's answer to rows and output records."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from mode import get_logger

from atp_stream.domain.commands import Entry
from atp_stream.domain.errors import Refused
from atp_stream.domain.events import AnyEvent, CommandRefused
from atp_stream.domain.fold.ledger import Broken, Folded, fold
from atp_stream.domain.reasons import Reason
from atp_stream.domain.state.overlay import State
from atp_stream.engine.commit_group import Answer
from atp_stream.engine.partition_state import Store
from atp_stream.engine.position import LogRecord
from atp_stream.messages.dead_letters import DEAD_LETTER, Original, letter, unpack_original
from atp_stream.messages.outbound import Outbound
from atp_stream.messages.rows import decode_command, encode_command, encode_row, reader, scanner
from atp_stream.messages.traces import TRACE_MARK, log_fields_of_original, trace_of_original
from atp_stream.records import Headers, Output
from atp_stream.topics import Topics

log = get_logger(__name__)


class Read(NamedTuple):
    """What the beginning of a run says; `unreadable` is the record behind it that is no command."""

    entries: list[Entry]
    unreadable: LogRecord | None


class Ledger:
    """The engine's fold: the domain's, with the wire on both sides."""

    def __init__(self, outbound: Outbound, topics: Topics) -> None:
        self._encode = outbound.encode
        self._letters = topics.dead_letter
        self._item_log = topics.item_log.name

    def __call__(self, partition: int, store: Store, records: Sequence[LogRecord]) -> Answer:
        """Fold records of a partition over its committed rows."""
        entries, unreadable = _read(partition, records)
        if unreadable is not None and not entries:
            about = log_fields_of_original(unreadable.original)
            log.error(
                "offset %s of log partition %s is not a command of this app", unreadable.offset, partition, extra=about
            )
            return Answer(1, {}, [self._letter(partition, unreadable, Reason.UNREADABLE_COMMAND, "")], unfinished=True)
        folded, state = _fold(store, entries)
        originals = {record.offset: record for record in records}
        outputs = [
            self._refusal(partition, event, originals)
            if isinstance(event, CommandRefused)
            else self._encode(event, partition)
            for event in folded.events
        ]
        traces = {
            record.offset: trace
            for record in records
            if TRACE_MARK in record.original and (trace := trace_of_original(record.original))
        }
        if traces:
            outputs = [_traced(*pair, traces) for pair in zip(folded.events, outputs, strict=True)]
        rows = {key.encode(): None if row is None else encode_row(row) for key, row in state.changed.items()}
        unfinished = folded.unfinished or unreadable is not None
        return Answer(folded.consumed, rows, outputs, unfinished, msgspec.structs.asdict(state.tally))

    def _refusal(self, partition: int, event: CommandRefused, originals: Mapping[int, LogRecord]) -> Output:
        if event.deferred is None:
            record = originals[event.offset]
        else:  # its log record has gone by; what it was made from was kept with it
            command, source, original = event.deferred
            record = LogRecord(
                event.offset, event.log_time_ms, event.name.encode(), encode_command(command), source, original
            )
        return self._letter(partition, record, event.reason, event.detail)

    def _letter(self, partition: int, record: LogRecord, reason: str, detail: str) -> Output:
        if record.original:
            original, origin = unpack_original(record.original), record.source.decode()
        else:  # appended by an operator: the command itself is what was refused
            original = Original(record.key, record.value, (), record.log_time_ms)
            origin = f"{self._item_log}/{partition}/{record.offset}"
        to = self._letters.name, partition % self._letters.partitions
        return letter(original, origin, Refused(reason, detail), to=to, at_ms=record.log_time_ms)


def _traced(event: AnyEvent, output: Output, traces: Mapping[int, Headers]) -> Output:
    """Return an output with the trace of the input that caused it; a letter has all headers of its input anyway."""
    trace = traces.get(event.offset)
    if trace is None or output.event == DEAD_LETTER:
        return output
    return msgspec.structs.replace(output, headers=[*output.headers, *trace])


def _read(partition: int, records: Sequence[LogRecord]) -> Read:
    entries: list[Entry] = []
    for record in records:
        try:
            command = decode_command(record.value)
            name = record.key.decode()
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Read(entries, record)
        entries.append(
            Entry(partition, record.offset, record.log_time_ms, name, command, record.source, record.original)
        )
    return Read(entries, None)


def _fold(store: Store, entries: Sequence[Entry]) -> tuple[Folded, State]:
    """Fold; an entry that the fold breaks on (a bug of ours) is folded again as the quarantine of its item."""
    broken: dict[int, str] = {}
    while True:
        state = State(reader(store.read), scanner(store.scan))
        try:
            return fold(state, entries, broken=broken), state
        except Broken as error:
            if error.offset in broken:
                raise
            broken[error.offset] = repr(error.__cause__ or error)
            about = next((log_fields_of_original(one.original) for one in entries if one.offset == error.offset), {})
            log.critical(
                "the fold broke at offset %s: its item is quarantined", error.offset, exc_info=error, extra=about
            )
