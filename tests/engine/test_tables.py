"""The state table: one batch for rows and offset, and directories that are too old to be continued."""

import gc
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

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


def reasons_of(table: StateTable, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what will be said instead of ending this process."""
    reasons: list[str] = []

    def give_up(reason: str, _: BaseException | None = None) -> None:
        reasons.append(reason)

    monkeypatch.setattr(table.app, "give_up", give_up)
    return reasons


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


def test_a_database_too_broken_to_be_opened_begins_anew(table: StateTable) -> None:
    table.apply(0, [(b"a", b"1")], 7)
    path = table.data.partition_path(0)
    close(table)
    (path / "CURRENT").write_bytes(b"rubbish")

    assert [0] == table.open([0, 1])
    assert (None, None) == (table.read(0, b"a"), table.persisted_offset(TP(table.changelog_topic_name, 0)))


def test_a_database_on_a_full_disk_is_kept_and_ends_the_process_with_a_reason(
    table: StateTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons = reasons_of(table, monkeypatch)
    table.apply(0, [(b"a", b"1")], 7)
    path = table.data.partition_path(0)
    close(table)

    def full(partition: int) -> Any:
        raise OSError("IO error: No space left on device: While appending to file: MANIFEST-000005")

    monkeypatch.setattr(table.data, "_db_for_partition", full)

    with pytest.raises(OSError, match="No space"):
        table.open([0])
    assert ["the database of partition 0 cannot be opened"] == [reason.partition(":")[0] for reason in reasons]
    assert path.exists()


def test_a_row_that_cannot_be_read_ends_the_process_and_its_directory(
    table: StateTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons = reasons_of(table, monkeypatch)
    table.apply(0, [(b"a%d" % number, bytes(1_000)) for number in range(1_000)], 7)
    table.mark_seen([0])
    table.data._db_for_partition(0).flush()
    path = table.data.partition_path(0)
    close(table)
    for file in path.glob("*.sst"):
        whole = file.read_bytes()
        file.write_bytes(bytes(byte ^ 255 for byte in whole[: len(whole) // 2]) + whole[len(whole) // 2 :])

    with pytest.raises(Exception, match="Corruption"):
        list(table.scan(0, b""))
    with pytest.raises(Exception, match="Corruption"):
        table.read(0, b"a1")
    table.mark_seen([0])
    close(table)

    assert ["the database of partition 0 cannot be read"] * 2 == [reason.partition(":")[0] for reason in reasons]
    assert [0] == table.drop_outdated([0])


@pytest.mark.parametrize(
    ("words", "anew"), [("Corruption: block checksum mismatch", [0]), ("IO error: No space left on device", [])]
)
def test_a_database_that_cannot_be_written_is_restored_unless_the_disk_is_only_full(
    words: str, anew: list[int], table: StateTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons = reasons_of(table, monkeypatch)
    table.apply(0, [(b"a", b"1")], 7)
    table.mark_seen([0])
    with monkeypatch.context() as broken:
        broken.setattr(
            table.data, "_db_for_partition", lambda _: SimpleNamespace(write=Mock(side_effect=OSError(words)))
        )
        with pytest.raises(OSError, match=words):
            table.apply(0, [(b"a", b"2")], 8)
    table.mark_seen([0])
    close(table)

    assert ["the database of partition 0 cannot be written"] == [reason.partition(":")[0] for reason in reasons]
    assert anew == table.drop_outdated([0])


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
