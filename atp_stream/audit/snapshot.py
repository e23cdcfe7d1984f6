"""A snapshot: the tables at a named place of the log, in a file that an audit can start from.

Format 1: gzip, a JSON value on each line. First `{"snapshot": 1, "genesis": ..., "app": ...}`; then for each partition,
`{"partition": n}`, its rows as `["key", "row"]` in key order, the position first, and
`{"partition": n, "rows": count}`.
A file that ends elsewhere is not whole.
"""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import msgspec

from atp_stream.audit.errors import AuditError
from atp_stream.audit.reading import Reader
from atp_stream.audit.tables import load, read_position
from atp_stream.engine.position import POSITION_KEY, Position, encode_position
from atp_stream.engine.scratch_store import Scratch

FORMAT: Final = 1
_FAST_COMPRESSION = 1  # more effort gains little
_ROWS = 1_000  # written at once


class Head(msgspec.Struct, frozen=True):
    """The first line."""

    snapshot: int
    genesis: str
    app: str


class _Border(msgspec.Struct, frozen=True):
    """Where a partition's rows begin; with a count, where they end."""

    partition: int
    rows: int | None = None


class Section(NamedTuple):
    """A partition of a snapshot: where in the log it is, None for nothing applied, and how many rows it has."""

    partition: int
    position: Position | None
    rows: int


_encode = msgspec.json.Encoder().encode
_read_row = msgspec.json.Decoder(tuple[str, str]).decode
_read_border = msgspec.json.Decoder(_Border).decode


async def write(
    path: Path, head: Head, reader: Reader, changelog: str, partitions: int, report: Callable[[Section], None]
) -> None:
    """Write the tables as they are now; the file appears under its name once it is whole."""
    part = path.with_name(path.name + ".part")
    try:
        with gzip.open(part, "wb", compresslevel=_FAST_COMPRESSION) as file:
            file.write(_encode(head) + b"\n")
            for partition in range(partitions):
                with Scratch(path.parent) as rows:
                    held = await load(reader, changelog, partition, rows)
                    file.write(_encode(_Border(partition)) + b"\n")
                    count = 0
                    for key, row in _with_position(held.position, rows):
                        file.write(_encode((key.decode(), row.decode())) + b"\n")
                        count += 1
                    file.write(_encode(_Border(partition, count)) + b"\n")
                report(Section(partition, held.position, count))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _with_position(position: Position | None, rows: Scratch) -> Iterator[tuple[bytes, bytes]]:
    if position is not None:
        yield POSITION_KEY, encode_position(position)
    yield from rows.scan()


class Snapshot:
    """An open snapshot; its partitions can be loaded in their order only."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            AuditError: it is no snapshot, or one of another format.
        """
        self._path = path
        self._file: Any = gzip.open(path, "rb")  # noqa: SIM115 - closed with the snapshot
        try:
            self.head = msgspec.json.decode(self._file.readline(), type=Head)
        except (OSError, EOFError, msgspec.DecodeError):
            self._file.close()
            raise AuditError(f"{path} is no snapshot: make one with `atp snapshot`") from None
        if self.head.snapshot != FORMAT:
            self._file.close()
            raise AuditError(f"{path} is a snapshot of format {self.head.snapshot}: only {FORMAT} is known here")

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()

    def load(self, partition: int, rows: Scratch) -> Position | None:
        """Fill `rows` with those of a partition behind the last one, and return its place in the log.

        Raises:
            AuditError: the file is not whole, or of a later version.
        """
        try:
            while True:
                border = _read_border(self._file.readline())
                position = self._section(border, rows if border.partition == partition else None)
                if border.partition == partition:
                    return position
        except (OSError, EOFError, msgspec.DecodeError):
            raise AuditError(f"{self._path} is not whole: make it again with `atp snapshot`") from None

    def _section(self, border: _Border, rows: Scratch | None) -> Position | None:
        position: Position | None = None
        count = 0
        some: list[tuple[bytes, bytes]] = []
        while (line := self._file.readline())[:1] == b"[":
            count += 1
            key, row = _read_row(line)
            if key.encode() == POSITION_KEY:
                position = read_position(row.encode(), str(self._path))
            elif rows is not None:
                some.append((key.encode(), row.encode()))
                if len(some) >= _ROWS:
                    rows.write(some)
                    some.clear()
        if rows is not None:
            rows.write(some)
        if _read_border(line) != _Border(border.partition, count):
            raise EOFError
        return position
