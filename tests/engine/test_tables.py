"""The state table: one batch for rows and offset, and directories that are too old to be continued."""

import gc
import os
import time
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP

from atp_stream.engine.tables import StateTable
from tests.engine import toy

DAY = 86_400.0


@pytest.fixture
def table(tmp_path: Path) -> StateTable:
    app: Any = toy.create_app("127.0.0.1:1", str(tmp_path), 6066)
    built: StateTable = app.table
    return built


def close(table: StateTable) -> None:
    table.data._dbs.clear()
    gc.collect()


def test_rows_and_their_changelog_offset_are_written_together(table: StateTable) -> None:
    table.apply(1, [(b"a", b"1"), (b"b", b"2")], 41)

    assert (b"1", b"2", None) == (table.read(1, b"a"), table.read(1, b"b"), table.read(2, b"a"))
    assert 41 == table.persisted_offset(TP(table.changelog_topic_name, 1))


def test_none_deletes_a_row(table: StateTable) -> None:
    table.apply(1, [(b"a", b"1"), (b"b", b"2")], 41)
    table.apply(1, [(b"a", None)], 42)

    assert [(b"b", b"2")] == list(table.scan(1, b""))


def test_a_scan_begins_at_a_key_and_hides_the_offset(table: StateTable) -> None:
    table.apply(0, [(b"z", b"3"), (b"a", b"1"), (b"b", b"2")], 7)

    assert [(b"b", b"2"), (b"z", b"3")] == list(table.scan(0, b"b"))


def test_nothing_but_a_step_writes(table: StateTable) -> None:
    with pytest.raises(TypeError, match="committed step only"):
        table.on_key_set(b"a", b"1")
    with pytest.raises(TypeError, match="committed step only"):
        table.on_key_del(b"a")


def test_a_directory_that_was_continued_lately_is_kept(table: StateTable) -> None:
    table.apply(0, [(b"a", b"1")], 7)
    table.mark_seen([0])
    close(table)

    assert [] == table.drop_outdated([0, 1])
    assert b"1" == table.read(0, b"a")


def test_a_directory_older_than_half_the_tombstones_is_restored_anew(table: StateTable) -> None:
    table.apply(0, [(b"a", b"1")], 7)
    table.mark_seen([0])
    close(table)
    old = time.time() - 0.6 * DAY  # the toy keeps tombstones for a day
    os.utime(table._seen_path(0), (old, old))

    assert [0] == table.drop_outdated([0])
    assert table.read(0, b"a") is None


def test_a_directory_whose_age_nobody_knows_is_restored_anew(table: StateTable) -> None:
    table.apply(0, [(b"a", b"1")], 7)
    close(table)

    assert [0] == table.drop_outdated([0])
