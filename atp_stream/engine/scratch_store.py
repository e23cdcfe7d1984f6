"""Rows in a database of their own that nobody keeps: what would not fit into memory, for as long as it is looked at."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import rocksdict

from atp_stream.engine.write_batch import batch_of

_CACHE = 16 << 20
_BUFFER = 16 << 20


class Scratch:
    """Raw bytes by raw bytes, in key order; on disk, and gone when it is closed."""

    def __init__(self, directory: Path | None = None) -> None:
        """Open an empty one under `directory`, or where temporary files are."""
        self._path = Path(tempfile.mkdtemp(prefix="atp-", dir=directory))
        options = rocksdict.Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_write_buffer_size(_BUFFER)
        table = rocksdict.BlockBasedOptions()
        table.set_block_cache(rocksdict.Cache(_CACHE))
        table.set_bloom_filter(10, block_based=False)
        options.set_block_based_table_factory(table)
        self._database = rocksdict.Rdict(str(self._path / "rows"), options=options)
        unlogged: Any = rocksdict.WriteOptions()
        unlogged.disable_wal = True  # after a crash nobody asks for it
        self._database.set_write_options(unlogged)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Remove it from the disk."""
        self._database.close()
        shutil.rmtree(self._path, ignore_errors=True)

    def read(self, key: bytes) -> bytes | None:
        """Return a row."""
        row: bytes | None = self._database.get(key)
        return row

    def scan(self, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Yield rows from a key on, in key order, as they are when the first is asked for."""
        rows = self._database.iter()  # items() takes a broken file for the end of the rows
        rows.seek(start)
        while rows.valid():
            yield rows.key(), rows.value()
            rows.next()
        rows.status()

    def write(self, rows: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Set rows; None deletes."""
        self._database.write(batch_of(rows))
