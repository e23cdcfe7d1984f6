"""An owned log partition between two steps: what it has applied, and what waits for it."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from atp_stream.engine.position import POSITION_KEY, Position
from atp_stream.engine.runs import Run
from atp_stream.engine.tables import StateTable

#: Records folded at once: more would hold up the event loop, and often be more than one step may answer; fewer
#: would pay the transaction's price more often.
STEP_RECORDS = 1_500


class Store(Protocol):
    """The committed rows of one partition."""

    def read(self, key: bytes) -> bytes | None:
        """Return a row."""

    def scan(self, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield rows from a key on, in key order."""


class PartitionStore:
    """The committed rows of one partition, without the engine's own."""

    def __init__(self, table: StateTable, partition: int) -> None:
        self._table = table
        self._partition = partition

    def read(self, key: bytes) -> bytes | None:
        """Return a row."""
        return self._table.read(self._partition, key)

    def scan(self, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield rows from a key on, in key order."""
        return (row for row in self._table.scan(self._partition, start) if row[0] != POSITION_KEY)


class Taken(NamedTuple):
    """Runs that were taken out of the queue: their events, the records that are new, and the position behind them."""

    events: Sequence[Any]
    records: Sequence[Any]
    end: int


_NOTHING = Taken((), (), 0)


class Lane:
    """One owned log partition: its position, and the runs that wait for it."""

    def __init__(self, partition: int, store: Store) -> None:
        self.partition = partition
        self.store = store
        self.position: Position | None = None  # known once the changelog has been read
        self.runs: deque[tuple[Any, Run]] = deque()
        self.waiting = 0
        self.paused = False
        self.warned = False
        self.unfinished = True  # a step that was cut off may have left work behind
        self._taken = _NOTHING

    @property
    def known(self) -> Position:
        """The position; a step before the state was read is a fault of ours."""
        if self.position is None:
            raise RuntimeError("a step before its state was read")
        return self.position

    @property
    def ready(self) -> bool:
        """Whether there is a step to take."""
        return self.position is not None and (self.unfinished or self._is_under_way or bool(self.runs))

    @property
    def _is_under_way(self) -> bool:
        return bool(self._taken.records) or self.known.applied < self._taken.end - 1

    def submit(self, event: Any, run: Run) -> None:
        """Queue a run."""
        self.runs.append((event, run))
        self.waiting += len(run.records)

    def part(self) -> tuple[Sequence[Any], int]:
        """Return the records of the next step, oldest first, and the position that they reach up to."""
        if not self._is_under_way:
            events: list[Any] = []
            found: list[Any] = []
            end = 0
            while self.runs and len(found) < STEP_RECORDS:
                event, run = self.runs.popleft()
                events.append(event)
                found += run.records
                end = run.end
            self.waiting -= len(found)
            applied = self.known.applied
            self._taken = Taken(events, [record for record in found if record.offset > applied], end)
        records = self._taken.records[:STEP_RECORDS]
        whole = len(records) == len(self._taken.records)
        return records, self._taken.end if whole else records[-1].offset + 1

    def move(self, position: Position, covered: int, *, unfinished: bool) -> None:
        """Take note of a step that was taken; runs that are behind us as a whole are acknowledged."""
        self.position = position
        self.unfinished = unfinished
        self._taken = self._taken._replace(records=self._taken.records[covered:])
        if not self._is_under_way:
            for event in self._taken.events:
                event.ack()
            self._taken = _NOTHING
