"""Rows to one write of a RocksDB database: all of them, or none."""

from collections.abc import Iterable
from typing import Any

import rocksdict


def batch_of(rows: Iterable[tuple[bytes, bytes | None]]) -> Any:
    """Return the batch that sets these rows; None deletes."""
    batch = rocksdict.WriteBatch(raw_mode=True)
    for key, row in rows:
        if row is None:
            batch.delete(key)
        else:
            batch.put(key, row)
    return batch
