"""What agents meet: records as aiokafka gives them, and a store in memory with the contract of the engine's."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from atp_stream.engine.commit_group import Answer


class Record(NamedTuple):
    """The attributes of a consumed record that are read."""

    topic: str
    value: bytes | None
    partition: int = 0
    offset: int = 0
    timestamp: int = 1_700_000_000_000
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class Memory:
    """Committed rows of one partition."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}

    def read(self, key: bytes) -> bytes | None:
        return self.rows.get(key)

    def scan(self, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        keys = sorted(self.rows)
        return ((key, self.rows[key]) for key in keys[bisect_left(keys, start) :])

    def apply(self, answer: Answer) -> None:
        """Commit the rows of a step."""
        for key, row in answer.rows.items():
            if row is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = row
