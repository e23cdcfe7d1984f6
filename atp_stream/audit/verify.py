"""The audit: fold the log up to where the tables say that they are, and compare rows, place and events.

What a step was about to finish without a command (a policy that items have still to meet, a long refill) is finished
on both sides first: then it does not show how far the workers were with it.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice

from atp_stream.agents.fold_adapter import Ledger
from atp_stream.audit.errors import AuditError
from atp_stream.audit.events import Events, Stretch, Wrong
from atp_stream.audit.folding import Folding, everything, only
from atp_stream.audit.laws import broken_laws
from atp_stream.audit.laws_by_day import broken_laws_by_day
from atp_stream.audit.reading import Reader
from atp_stream.audit.rows import Difference, differences
from atp_stream.audit.snapshot import Snapshot
from atp_stream.audit.tables import Held, load
from atp_stream.domain.fold.step import FOLD_VERSION
from atp_stream.domain.row_keys import FOLD, GENERATIONS, REFERENCES, item_of
from atp_stream.domain.state.partition_rows import FoldRow
from atp_stream.engine.position import Position
from atp_stream.engine.scratch_store import Scratch
from atp_stream.messages.outbound import Outbound
from atp_stream.messages.output_reader import OutputReader
from atp_stream.messages.rows import decode_row
from atp_stream.records import Output
from atp_stream.settings import Wire
from atp_stream.topics import Topics

Advance = Callable[[str, int], None]
"""Told what is being read, and how many records of it more."""

_BATCH_RECORDS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is looked at: everything, or one item by its name in keys."""

    topics: Topics
    genesis: str
    item: str | None = None

    def mine(self, key: bytes) -> bool:
        """Return whether a key, of a row or of an event, is looked at."""
        if self.item is None:
            return True
        name = self.item.encode()
        if key.startswith((GENERATIONS.encode(), REFERENCES.encode())):
            return item_of(key.decode()) == self.item
        return key == name or key.startswith(name + b"|")

    def ledger(self) -> Ledger:
        """Return the fold; it speaks JSON, whatever workers do."""
        return Ledger(Outbound(self.genesis, Wire.JSON, {}, self.topics.of_roles), self.topics)


class Case:
    """One log partition: what its tables hold, what the log says, and the events."""

    def __init__(
        self, subject: Subject, partition: int, *, start: Position, held: Held, rows: Scratch, folding: Folding,
        events: Events,
    ) -> None:  # fmt: skip
        self.partition = partition
        self.held = held
        self.rows = rows
        self.folding = folding
        self.events = events
        self.after = start.applied
        self.applied = start.applied if held.position is None else held.position.applied
        self.unfinished = False
        self._subject = subject

    def finish_work(self) -> None:
        """Finish, on both sides, what waits to be finished."""
        self.events.expect(self.folding.finish_work())
        if self.held.position is not None:
            live = Folding(self._subject.ledger(), self.partition, rows=self.rows, position=self.held.position)
            self.events.allow(live.finish_work())
            self.unfinished = live.had_work

    def wrong_place(self) -> list[str]:
        """Return what is wrong with the position row."""
        held, folded = self.held.position, self.folding.position
        if held is None or self._subject.item is not None:
            return []
        found = []
        if held.log_time_ms != folded.log_time_ms:
            found.append(f"position: log time is {held.log_time_ms}, and should be {folded.log_time_ms}")
        for source in sorted(held.marks.keys() | folded.marks.keys()):
            one, other = held.marks.get(source), folded.marks.get(source)
            if one != other:
                found.append(f"position: the mark of {source} is {one}, and should be {other}")
        return found

    def wrong_rows(self) -> Iterator[Difference]:
        """Yield the rows that are not what the log says."""
        return (one for one in differences(self.rows, self.folding.rows) if self._subject.mine(one.key))

    def broken_laws(self) -> Iterator[str]:
        """Yield what is wrong with the rows of stock and of dates, whatever the log says."""
        yield from broken_laws(self.rows, self._subject.mine)
        yield from broken_laws_by_day(self.rows, self._subject.mine)

    def refuse_other_version(self) -> None:
        """Refuse tables of which another version of the fold answered a part that is folded again here.

        Raises:
            AuditError: it says up to where, and what to do.
        """
        held, folded = _fold_row(self.rows), _fold_row(self.folding.rows)
        if folded is None or folded.version < FOLD_VERSION:  # no command yet
            return
        where = f"{self._subject.topics.item_log.name}/{self.partition}"
        if held is not None and held.version > FOLD_VERSION:
            raise AuditError(f"{where} was folded by a later version from offset {held.since} on: verify with that one")
        since = self.applied + 1 if held is None or held.version < FOLD_VERSION else held.since
        if since > folded.since:
            raise AuditError(
                f"{where} was folded up to offset {since - 1} by an earlier version, which gave other numbers: take a"
                " snapshot with workers of this version now (`atp snapshot`), and verify from it later"
            )

    def count_rows(self) -> int:
        """Return how many rows were compared."""
        return sum(1 for key, _ in self.folding.rows.scan() if self._subject.mine(key))

    def item_rows(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the rows of the item that is looked at, as the log says."""
        return ((key, row) for key, row in self.folding.rows.scan() if self._subject.mine(key))


class Verification:
    """Looks at partitions of a running system, one by one."""

    def __init__(self, subject: Subject, reader: Reader, decode: OutputReader, advance: Advance) -> None:
        self._subject = subject
        self._reader = reader
        self._decode = decode
        self._advance = advance

    @asynccontextmanager
    async def case(self, partition: int, snapshot: Snapshot | None) -> AsyncIterator[Case]:
        """Give a partition, both sides at the same place in the log.

        Raises:
            AuditError: there is nothing to start from, or it cannot be read.
        """
        subject, topics = self._subject, self._subject.topics
        with Scratch() as rows, Scratch() as folded, Scratch() as said:
            start = await start_from(self._reader, subject, partition, snapshot, folded)
            held = await load(self._reader, topics.state_changelog.name, partition, rows)
            keep = everything if subject.item is None else only(subject.item)
            folding = Folding(subject.ledger(), partition, rows=folded, position=start, keep=keep)
            until = start.applied if held.position is None else held.position.applied
            events = Events(topics, Stretch(partition, start.applied, until), said)
            case = Case(
                subject, partition, start=start, held=held, rows=rows, folding=folding, events=events
            )  # fmt: skip
            await self._fold(case)
            case.finish_work()
            yield case

    async def _fold(self, case: Case) -> None:
        log, partition = self._subject.topics.item_log.name, case.partition
        if case.applied < case.after:
            raise AuditError(
                f"the snapshot is of {log}/{partition} at {case.after}, but the tables are at {case.applied}"
            )
        end = await self._reader.end(log, partition)
        if case.applied >= end:
            raise AuditError(
                f"the tables are of {log}/{partition} at {case.applied}, but it ends at {end}: it is another log"
            )
        async for records in self._reader.stretch(log, partition, case.after + 1, case.applied + 1):
            self._advance("log", len(records))
            for some in parts(case.folding.take(records)):
                case.events.expect(some)
            case.refuse_other_version()

    async def wrong_events(self, case: Case) -> Wrong:
        """Return what is wrong with the output topics."""
        return await case.events.compare(
            self._reader, self._decode, self._subject.mine, lambda count: self._advance("events", count)
        )


def _fold_row(rows: Scratch) -> FoldRow | None:
    row = rows.read(FOLD.encode())
    return None if row is None else decode_row(FOLD, row)


async def start_from(
    reader: Reader, subject: Subject, partition: int, snapshot: Snapshot | None, rows: Scratch
) -> Position:
    """Fill `rows` with a snapshot's, or leave them empty, and return where the log goes on from there.

    Raises:
        AuditError: the log does not join on: retention has removed its beginning.
    """
    log = subject.topics.item_log.name
    begin = await reader.begin(log, partition)
    position = None if snapshot is None else snapshot.load(partition, rows)
    if position is not None and position.genesis != subject.genesis:
        raise AuditError(f"the snapshot is of log {position.genesis}, but the log is {subject.genesis}")
    if position is None:
        position = Position(genesis=subject.genesis)
    if begin > position.applied + 1:
        older = "give a snapshot" if snapshot is None else "give a newer snapshot"
        raise AuditError(
            f"retention removed {log}/{partition} up to {begin - 1}, and what was decided there cannot be folded"
            f" again: {older} (`atp snapshot` makes one)"
        )
    return position


def parts(outputs: Iterable[Output]) -> Iterator[list[Output]]:
    """Yield some at a time."""
    rest = iter(outputs)
    while some := list(islice(rest, _BATCH_RECORDS)):
        yield some
