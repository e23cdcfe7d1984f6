"""A snapshot's file: what is written comes back bit for bit, and half a file is noticed."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from atp_stream.audit import snapshot
from atp_stream.audit.errors import AuditError
from atp_stream.audit.snapshot import Head, Section, Snapshot
from atp_stream.engine.position import POSITION_KEY, Position, encode_position
from atp_stream.engine.scratch_store import Scratch
from tests.agents.memory import Record

POSITION = Position(genesis="abc", applied=41)
ROWS = {b"t|i|i": b'{"a":1}', b"|policy": b'{"document":{\n "x": "\xc3\xa9" }}'}


class Changelog:
    """A reader of a changelog whose only partition with rows is 1."""

    async def begin(self, *_: Any) -> int:
        return 0

    async def end(self, _: str, partition: int) -> int:
        return 5 if partition == 1 else 0

    async def stretch(self, topic: str, partition: int, start: int, end: int) -> AsyncIterator[list[Any]]:
        if start < end:
            rows = [(b"t|gone|i", b"{}"), *ROWS.items(), (b"t|gone|i", None), (POSITION_KEY, encode_position(POSITION))]
            yield [Record(topic, value, partition, n, key=key) for n, (key, value) in enumerate(rows)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    reader: Any = Changelog()
    head = Head(snapshot=1, genesis="abc", app="atp")
    path = tmp_path / "s.atp"
    sections: list[Section] = []
    asyncio.run(snapshot.write(path, head, reader, "changelog", 3, sections.append))
    assert [Section(0, None, 0), Section(1, POSITION, 3), Section(2, None, 0)] == sections
    return path


def test_what_was_written_comes_back_bit_for_bit(file: Path) -> None:
    with Snapshot(file) as opened, Scratch() as rows:
        assert "abc" == opened.head.genesis
        assert POSITION == opened.load(1, rows)
        assert ROWS == dict(rows.scan())
        assert opened.load(2, rows) is None


def test_nothing_else_is_left_beside_the_file(file: Path) -> None:
    assert [file] == list(file.parent.iterdir())


def snapshot_at(path: Path, position: str) -> Snapshot:
    lines = [
        {"snapshot": 1, "genesis": "abc", "app": "atp"},
        {"partition": 0},
        ["|position", position],
        ["t|i|i", "{}"],
        {"partition": 0, "rows": 2},
    ]
    path.write_bytes(gzip.compress(b"".join(msgspec.json.encode(line) + b"\n" for line in lines)))
    return Snapshot(path)


def test_a_snapshot_of_the_first_version_is_read(tmp_path: Path) -> None:
    position = '{"format":1,"genesis":"abc","applied":7,"log_time":9,"marks":{}}'
    with snapshot_at(tmp_path / "s.atp", position) as opened, Scratch() as rows:
        assert Position(genesis="abc", applied=7, log_time_ms=9) == opened.load(0, rows)
        assert [(b"t|i|i", b"{}")] == list(rows.scan())


def test_a_snapshot_of_a_later_version_is_refused_in_one_line(tmp_path: Path) -> None:
    refused = pytest.raises(AuditError, match=r"format 99, .* use the version that wrote it, or a later one$")
    with snapshot_at(tmp_path / "s.atp", '{"format":99}') as opened, Scratch() as rows, refused:
        opened.load(0, rows)


@pytest.mark.parametrize("lines", [2, 4, 6])
def test_half_a_file_is_refused(file: Path, lines: int) -> None:
    whole = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    file.write_bytes(gzip.compress(b"".join(whole[:lines])))

    with Snapshot(file) as opened, Scratch() as rows, pytest.raises(AuditError, match="is not whole"):
        opened.load(2, rows)


def test_a_file_cut_in_the_middle_of_a_byte_stream_is_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])

    with Snapshot(file) as opened, Scratch() as rows, pytest.raises(AuditError, match="is not whole"):
        opened.load(2, rows)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no gzip at all", "is no snapshot"),
        (gzip.compress(b'{"something": "else"}\n'), "is no snapshot"),
        (gzip.compress(b'{"snapshot": 2, "genesis": "abc", "app": "atp"}\n'), "is a snapshot of format 2: only 1"),
    ],
)
def test_what_is_no_snapshot_is_refused_in_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "s.atp"
    path.write_bytes(content)

    with pytest.raises(AuditError, match=words):
        Snapshot(path)
