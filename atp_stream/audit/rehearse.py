"""A rehearsal: the log folded twice, once as it is and once under another policy, and what came of both.

Law: the two differ by policy documents alone. The rehearsed one stands in front of the first record of the period;
the log's own documents behind it are left out. All other commands, of whatever kind, are folded on both sides.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, NamedTuple

import msgspec

from atp_stream.audit.events import read_event
from atp_stream.audit.folding import Folding
from atp_stream.audit.reading import Reader
from atp_stream.audit.snapshot import Snapshot
from atp_stream.audit.verify import Advance, Subject, start_from
from atp_stream.domain.commands import SetPolicy
from atp_stream.domain.row_keys import kind_of, reservation_of
from atp_stream.engine.position import LogRecord, Position
from atp_stream.engine.scratch_store import Scratch
from atp_stream.messages.rows import decode_command, decode_row, encode_command
from atp_stream.records import Output
from atp_stream.topics import WHOLE_PARTITION, Topics

#: What is counted, in the order in which it is shown.
COUNTED: Final = ("committed", "backordered", "partial", "rejected", "released", "promised", "put_off")
_PUT_OFF: Final = {"LATER", "NO_DATE"}  # why what is promised by day has changed for the worse
_BATCH_ROWS = 2_000


class Period(NamedTuple):
    """From and to in log time (milliseconds), both included; None for the beginning, or the end."""

    start: int | None = None
    end: int | None = None


class Sum(NamedTuple):
    """How many events, and of how many units in hundredths."""

    events: int = 0
    units: int = 0


Tally = dict[tuple[str, str], dict[str, Sum]]
"""Sums by tenant and channel, and by what is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What was, what would have been, and the log positions, by partition, that this speaks of."""

    was: Tally = field(default_factory=dict)
    would: Tally = field(default_factory=dict)
    places: dict[int, tuple[int, int]] = field(default_factory=dict)


async def rehearse(
    reader: Reader, subject: Subject, document: bytes, period: Period, snapshot: Snapshot | None, advance: Advance
) -> Rehearsal:
    """Fold all partitions under the policy `document`, and as they were; only reads.

    Raises:
        AuditError: the log's beginning is gone, and there is no snapshot that joins on.
    """
    was, would, places = _tally(), _tally(), {}
    log = subject.topics.item_log
    for partition in range(log.partitions):
        with Scratch() as rows, Scratch() as copy:
            start = await start_from(reader, subject, partition, snapshot, rows)
            stage = _Stage(subject, partition, start, rows, copy, document, period)
            end = await reader.end(log.name, partition)
            async for records in reader.stretch(log.name, partition, start.applied + 1, end):
                advance("log", len(records))
                if not stage.play(records):
                    break
            stage.close()
            _add(was, stage.was.tally)
            _add(would, stage.would.tally)
            places[partition] = (start.applied, stage.actual.position.applied)
    return Rehearsal(was=dict(was), would=dict(would), places=places)


class _Stage:
    """One partition, on both sides; until the period begins there is only one."""

    def __init__(
        self, subject: Subject, partition: int, start: Position, rows: Scratch, copy: Scratch, document: bytes,
        period: Period,
    ) -> None:  # fmt: skip
        self.was, self.would = _Count(subject.topics), _Count(subject.topics)
        self.actual = Folding(subject.ledger(), partition, rows=rows, position=start)
        self._ledger = subject.ledger()
        self._partition = partition
        self._copy = copy
        self._document = document
        self._period = period
        self._other: Folding | None = None

    def play(self, records: Sequence[Any]) -> bool:
        """Fold records on both sides; False once the period is over."""
        times = _log_times(self.actual.position.log_time_ms, records)
        begin = _first(times, self._period.start)
        end = len(records) if self._period.end is None else _first(times, self._period.end + 1)
        if self._other is None:
            _pass(self.actual.take(records[:begin]))
            if begin == len(records):
                return end == len(records)
            self._begin(records[begin], times[begin])
            records, end = records[begin:], end - begin
        assert self._other is not None  # noqa: S101 - it has begun
        self.was.add(self.actual.take(records[:end]))
        self.would.add(self._other.take(records[:end]))
        return end == len(records)

    def _begin(self, record: Any, log_time_ms: int) -> None:
        """Make the other side from what there is, and put the policy in force in front of a record."""
        rows = self.actual.rows.scan()
        while some := list(islice(rows, _BATCH_ROWS)):
            self._copy.write(some)
            for key, row in some:
                self.was.know(key, row)
                self.would.know(key, row)
        other = Folding(
            self._ledger, self._partition, rows=self._copy, position=self.actual.position, keep=_is_no_document
        )
        command = SetPolicy(event_id="rehearsal", at_us=log_time_ms * 1000, document=msgspec.Raw(self._document))
        policy_record = LogRecord(record.offset, log_time_ms, WHOLE_PARTITION, encode_command(command))
        self.would.add(other.insert(policy_record))
        self._other = other

    def close(self) -> None:
        """Finish what the last command began."""
        if self._other is not None:
            self.was.add(self.actual.finish_work())
            self.would.add(self._other.finish_work())


def _is_no_document(record: LogRecord) -> bool:
    if record.key != WHOLE_PARTITION:
        return True
    try:
        return not isinstance(decode_command(record.value), SetPolicy)
    except msgspec.DecodeError:
        return True


def _log_times(log_time_ms: int, records: Sequence[Any]) -> list[int]:
    times = []
    for record in records:
        log_time_ms = max(log_time_ms, record.timestamp)
        times.append(log_time_ms)
    return times


def _first(times: Sequence[int], at: int | None) -> int:
    """Return the first place at or behind a time."""
    return next((place for place, time in enumerate(times) if at is None or time >= at), len(times))


def _tally() -> defaultdict[tuple[str, str], dict[str, Sum]]:
    return defaultdict(lambda: dict.fromkeys(COUNTED, Sum()))


def _add(tally: Tally, more: Tally) -> None:
    for place, sums in more.items():
        for what, (events, units) in sums.items():
            before = tally[place][what]
            tally[place][what] = Sum(before.events + events, before.units + units)


class _Count:
    """Counts the events of one side of a partition; of promises by day, what is new since the last event of each."""

    def __init__(self, topics: Topics) -> None:
        self.tally = _tally()
        self._of_topic = {
            topics.allocation_committed.name: "committed",
            topics.allocation_released.name: "released",
            topics.reservation_denied.name: "denied",
            topics.reservation_promised.name: "promised",
        }
        self._promised: dict[tuple[str, str], int] = {}  # units by item's name in keys, and reservation

    def know(self, key: bytes, row: bytes) -> None:
        """Take note of what is promised before the period."""
        if b'"promises"' in row and kind_of(key.decode()) == "r":
            found = decode_row(key.decode(), row)
            units = sum(one.quantity for one in found.promises)
            self._promised["|".join(key.decode().split("|", 2)[:2]), reservation_of(key.decode())] = units

    def add(self, outputs: Iterable[Output]) -> None:
        """Count the events."""
        for output in outputs:
            what = self._of_topic.get(output.topic)
            if what is None:
                continue
            event = read_event(output.value or b"")
            sums = self.tally[event.tenantId, event.payload["channel"]]
            if what == "promised":
                self._add_promise((output.key or b"").decode(), event.payload, sums)
            else:
                what = event.payload["outcome"].lower() if what == "denied" else what
                sums[what] = _more(sums[what], event.payload["quantity"])

    def _add_promise(self, item: str, said: dict[str, Any], sums: dict[str, Sum]) -> None:
        place = item, said["reservationId"]
        units = sum(line["quantity"] for line in said["lines"])
        before = self._promised.pop(place, 0) / 100
        if units:
            self._promised[place] = round(units * 100)
        if units > before:
            sums["promised"] = _more(sums["promised"], units - before)
        if said["reason"] in _PUT_OFF:
            sums["put_off"] = _more(sums["put_off"], units or said["waiting"])


def _more(before: Sum, quantity: float) -> Sum:
    return Sum(before.events + 1, before.units + round(quantity * 100))


def _pass(outputs: Iterable[Output]) -> None:
    for _ in outputs:
        pass
