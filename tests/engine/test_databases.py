"""The databases of all partitions keep to one budget of memory, however many they are and however long they run."""

import os
from pathlib import Path

import faust
import pytest

from atp_stream.engine.databases import MAX_MEMORY_BYTES, MAX_MEMTABLES_BYTES, DatabaseOptions
from atp_stream.engine.tables import StateTable
from atp_stream.engine.write_batch import batch_of

DATABASES = 12
ROUNDS = 12
BATCH_BYTES = 1 << 20
WRITTEN_BYTES = 32 << 20  # memtables on their way into a file are counted until they are there


@pytest.fixture
def options() -> DatabaseOptions:
    return DatabaseOptions()


def test_many_databases_hold_no_more_in_memory_than_one_budget(tmp_path: Path, options: DatabaseOptions) -> None:
    databases = [options.open(tmp_path / str(number)) for number in range(DATABASES)]
    keys = []
    used = []
    for _ in range(ROUNDS):
        for database in databases:
            rows = [(os.urandom(16), os.urandom(1024)) for _ in range(BATCH_BYTES // 1024)]
            database.write(batch_of(rows))
            keys.append((database, rows[0]))
        for database, (key, value) in keys:
            assert value == database.get(key)
        used.append(options.memory_bytes)

    assert DATABASES * ROUNDS * BATCH_BYTES > 2 * MAX_MEMORY_BYTES
    assert max(used) <= MAX_MEMORY_BYTES + WRITTEN_BYTES
    assert MAX_MEMTABLES_BYTES < max(used)


def test_the_databases_of_a_table_share_the_budget(tmp_path: Path) -> None:
    app = faust.App("budget", datadir=str(tmp_path), store="rocksdb://")
    table = StateTable(app, name="rows", partitions=4, tombstones_kept=0.0)
    empty = table.data.rocksdb_options.memory_bytes

    for partition in range(4):
        table.apply(partition, [(b"key", os.urandom(1 << 20))], 1)

    assert empty + (4 << 20) <= table.data.rocksdb_options.memory_bytes
