"""An owned log partition between two steps: what it has applied, and what waits for it."""

import asyncio
from collections import deque
from collections.abc import Iterator
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer

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


class Lane:
    """One owned log partition: its fenced producer, its position, and the runs that wait for it."""

    def __init__(self, partition: int, producer: AIOKafkaProducer, store: Store) -> None:
        self.partition = partition
        self.producer = producer
        self.store = store
        self.position: Position | None = None  # known once the changelog has been read
        self.runs: deque[tuple[Any, Run]] = deque()
        self.waiting = 0
        self.paused = False
        self.warned = False
        self.unfinished = True  # a step that was cut off may have left work behind
        self.wake = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    @property
    def known(self) -> Position:
        """The position; a step before the state was read is a fault of ours."""
        if self.position is None:
            raise RuntimeError("a step before its state was read")
        return self.position

    def take(self) -> tuple[list[Any], list[Any], int]:
        """Return some events and their records, oldest first, and the position that they reach up to."""
        events: list[Any] = []
        records: list[Any] = []
        end = 0
        while self.runs and len(records) < STEP_RECORDS:
            event, run = self.runs.popleft()
            events.append(event)
            records += run.records
            end = run.end
        self.waiting -= len(records)
        return events, records, end
