"""A Faust table that only a committed step, or its own changelog, may change.

Rows and the changelog offset they came from go into RocksDB in one write batch, so the store is always the
state after some committed step, whatever kills the worker.
"""

import asyncio
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import faust
from faust.tables.manager import TableManager
from faust.tables.table import Table
from faust.types import TP

from atp_stream.engine.databases import DatabaseOptions
from atp_stream.engine.host import Engine
from atp_stream.engine.runs import Run, RunSchema, service_logger
from atp_stream.engine.write_batch import batch_of

_NO_SPACE = "No space left"
OFFSET_KEY = b"__faust\0offset__"


class StateTable(Table[bytes, bytes]):
    """The state of the item log's partitions: raw bytes by raw bytes, in key order."""

    logger = service_logger
    app: Engine  # type: ignore[assignment] # an `EngineApp`
    data: Any

    def __init__(self, app: faust.App, *, name: str, partitions: int, tombstones_kept: float) -> None:
        # A recovery buffer of 1 would re-apply our own old writes over newer rows.
        super().__init__(
            app,
            name=name,
            partitions=partitions,
            key_type=bytes,
            value_type=bytes,
            schema=RunSchema(),
            recovery_buffer_size=2,
            standby_buffer_size=1,
            options={"driver": "rocksdict"},
        )
        self.data.rocksdb_options = DatabaseOptions()
        self.tombstones_kept = tombstones_kept
        self.spoiled: set[int] = set()  # partitions with a database that does not give back what it was given

    def read(self, partition: int, key: bytes) -> bytes | None:
        """Return a committed row of a partition."""
        try:
            row: bytes | None = self.data._db_for_partition(partition).get(key)
        except Exception as error:
            self._spoil(partition, error)
            raise
        return row

    def scan(self, partition: int, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the committed rows of a partition from key `start` on, in key order."""
        try:
            rows = self.data._db_for_partition(partition).iter()  # items() takes a broken file for the end of the rows
            rows.seek(start)
            while rows.valid():
                key = rows.key()
                if key != OFFSET_KEY:
                    yield key, rows.value()
                rows.next()
            rows.status()
        except Exception as error:
            self._spoil(partition, error)
            raise

    def _spoil(self, partition: int, error: Exception, what: str = "read") -> None:
        """Leave, and trust this database no more: whoever uses it may take its fault for one of its own, and go on."""
        reason = f"the database of partition {partition} cannot be {what}: {error}"
        if _NO_SPACE not in str(error):  # a full disk has not hurt what is on it
            self.spoiled.add(partition)
            self._seen_path(partition).unlink(missing_ok=True)
            reason += "; the next start restores it"
        self.app.give_up(reason, error)

    def open(self, partitions: Iterable[int]) -> list[int]:
        """Open databases, and return those that were too broken to be opened: they begin anew, and are restored."""
        anew = []
        for partition in partitions:
            try:
                self.data._db_for_partition(partition)
            except Exception as error:
                if _NO_SPACE in str(error):
                    self._spoil(partition, error, "opened")
                    raise
                shutil.rmtree(self.data.partition_path(partition))
                self.data._db_for_partition(partition)
                anew.append(partition)
        return anew

    def apply(self, partition: int, rows: Iterable[tuple[bytes, bytes | None]], offset: int) -> None:
        """Write rows (None deletes), and the changelog offset that they reach up to, in one batch."""
        batch = batch_of(rows)
        batch.put(OFFSET_KEY, str(offset).encode())
        try:
            self.data._db_for_partition(partition).write(batch)
        except Exception as error:
            self._spoil(partition, error, "written")
            raise

    def apply_changelog_batch(self, batch: Any) -> None:
        """Apply runs of the changelog (recovery and standbys); one that does not join on is read again."""
        for event in batch:
            run: Run = event.message.value
            have = self.persisted_offset(run.tp)
            if have is not None and run.start > have + 1 and run.tp in self.app.tables.recovery.active_tps:
                # Faust has already counted it as read: the recovery would end with a hole.
                self.app.give_up(f"a run of changelog {run.tp} was lost: have {have}, got {run.start}")
            elif have is not None and run.start > have + 1:
                self.log.warning("changelog of %s: have %s, got %s; reading again", run.tp, have, run.start)
                self.app.tables.recovery.standby_offsets[run.tp] = have
                asyncio.ensure_future(self.app.consumer.seek_wait({run.tp: have + 1}))  # noqa: RUF006
            elif have is None or run.end - 1 > have:
                self.apply(run.tp.partition, [(r.key, r.value) for r in run.records], run.end - 1)
                if run.tp in self.app.tables.recovery.active_tps:
                    self.app.journal.restored(len(run.records))

    def on_key_set(self, key: Any, value: Any) -> None:
        """Refuse: only `apply` writes."""
        raise TypeError("a state table changes in a committed step only")

    def on_key_del(self, key: Any) -> None:
        """Refuse: only `apply` writes."""
        raise TypeError("a state table changes in a committed step only")

    # -- directories that are too old to be continued ------------------------------------------

    def _seen_path(self, partition: int) -> Path:
        path: Path = self.data.partition_path(partition)
        return path.with_suffix(".seen")

    def mark_seen(self, partitions: Iterable[int]) -> None:
        """Note that these partitions are up to date as of now."""
        for partition in set(partitions) - self.spoiled:
            path = self._seen_path(partition)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    def drop_outdated(self, partitions: Iterable[int]) -> list[int]:
        """Remove databases not continued for so long that compaction may have dropped tombstones they need."""
        dropped = []
        for partition in partitions:
            database, seen = self.data.partition_path(partition), self._seen_path(partition)
            if not database.exists() or partition in self.data._dbs:
                continue
            if not seen.exists() or time.time() - seen.stat().st_mtime > self.tombstones_kept / 2:
                shutil.rmtree(database)
                dropped.append(partition)
        return dropped


class StateTables(TableManager):
    """Fences the earlier owners of a partition before its changelog's end is asked for."""

    logger = service_logger
    app: Engine  # type: ignore[assignment] # an `EngineApp`

    async def on_start(self) -> None:
        """Begin at once: Faust would wait a second for agents and tables, which are all there before a start."""
        await self._update_channels()
        await self.recovery.start()

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Take over what was assigned; a recovery after a take-over that failed lets no streams go on."""
        done = await self.app.take_over(assigned)
        epoch = self.app.epoch
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)
        if done:
            self.app.recovery_epoch = epoch

    def on_actives_ready(self) -> None:
        """Tell that the take-over is done."""
        super().on_actives_ready()
        self.app.journal.serving(self.app.steps.owned())

    async def on_stop(self) -> None:
        """Finish the steps in flight before the stores close."""
        await self.app.let_go()
        await super().on_stop()
