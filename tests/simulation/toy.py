"""The smallest application whose every mistake shows: rows that remember the order, and work that is left over."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final

from atp_stream.engine.commit_group import Answer
from atp_stream.engine.intake import NotYet
from atp_stream.engine.partition_state import Store
from atp_stream.engine.partitioner import partition_of
from atp_stream.engine.position import GENESIS_HEADER, SOURCE_HEADER, LogRecord
from atp_stream.records import Output

APP: Final = "sim"
GENESIS: Final = "0123456789abcdef"
LOG: Final = "log"
SOURCE: Final = "in"
OUT: Final = "out"
CHANGELOG: Final = "changelog"
OWNERS: Final = "owners"
PARTITIONS: Final = 2
SOURCES: Final = 3
WORK: Final = b"|work"
_ENOUGH: Final = 3  # records a step answers


class Translator:
    """Input records to the log; one in front of which `?` stands waits for something outside, once."""

    def __init__(self) -> None:
        self._known: set[bytes] = set()

    def __call__(self, record: Any) -> Sequence[Output]:
        value = record.value
        if value[:1] == b"?" and value not in self._known:

            async def ready() -> None:
                await asyncio.sleep(0.3)
                self._known.add(value)

            raise NotYet(ready)
        name = key_of(value)
        source = f"{record.topic}/{record.partition}/{record.offset}".encode()
        headers = [(GENESIS_HEADER, GENESIS.encode()), (SOURCE_HEADER, source)]
        return [Output(LOG, partition_of(name, PARTITIONS), name, value, headers)]


def key_of(value: bytes) -> bytes:
    """Return the key of an input's command."""
    return b"k%d" % (value[-1] % 4)


def fold(partition: int, store: Store, records: Sequence[LogRecord]) -> Answer:
    """Append each value to its key's row and say so; a value that ends with `!` leaves work for the next step."""
    rows: dict[bytes, bytes | None] = {}
    outputs: list[Output] = []

    def append(key: bytes, value: bytes) -> None:
        before = rows[key] if key in rows else store.read(key)
        rows[key] = (before or b"") + value + b","
        outputs.append(Output(OUT, partition, key, rows[key], []))

    work = store.read(WORK)
    if work is not None:
        append(work, b"+")
        rows[WORK] = None
    consumed = 0
    for record in records[:_ENOUGH]:
        append(record.key, record.value)
        consumed += 1
        if record.value.endswith(b"!"):
            rows[WORK] = record.key
            break
    return Answer(consumed, rows, outputs, unfinished=rows.get(WORK) is not None)


def expected(values: Iterable[tuple[bytes, bytes]]) -> tuple[dict[bytes, bytes], list[tuple[bytes, bytes]]]:
    """Return rows and outputs of a log partition's keys and values, written down as simply as can be."""
    rows: dict[bytes, bytes] = {}
    outputs = []
    for key, value in values:
        for one in (value, b"+") if value.endswith(b"!") else (value,):
            rows[key] = rows.get(key, b"") + one + b","
            outputs.append((key, rows[key]))
    return rows, outputs
