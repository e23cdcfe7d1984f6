"""The tables as their changelog has them: one partition at a time, at the log position that it names itself."""

import time
from typing import NamedTuple

from atp_stream.audit.errors import AuditError
from atp_stream.audit.reading import Reader
from atp_stream.engine.position import POSITION_KEY, NewerFormat, Position, decode_position
from atp_stream.engine.scratch_store import Scratch

_SHORT_LEG_S = 2.0
_MAX_LEGS = 10


class Held(NamedTuple):
    """What a changelog partition held: how far its rows have come in the log, and where its end was then."""

    position: Position | None
    end: int


async def load(reader: Reader, changelog: str, partition: int, rows: Scratch) -> Held:
    """Fill `rows` with what the changelog holds at its stable end, the position kept apart.

    Compaction may remove a row because of a newer one behind the end that we know. So what came meanwhile is read,
    too, until that takes no time: then no newer one is missing.

    Raises:
        AuditError: a later version wrote them.
    """
    position: Position | None = None
    start = await reader.begin(changelog, partition)
    end = await reader.end(changelog, partition)
    for leg in range(_MAX_LEGS):
        began = time.monotonic()
        async for records in reader.stretch(changelog, partition, start, end):
            for record in records:
                if record.key == POSITION_KEY and record.value is not None:
                    position = read_position(record.value, f"{changelog}/{partition}")
            rows.write((record.key, record.value) for record in records if record.key != POSITION_KEY)
        start, end = end, await reader.end(changelog, partition)
        if start >= end or (leg and time.monotonic() - began < _SHORT_LEG_S):
            break
    return Held(position, start)


def read_position(row: bytes, where: str) -> Position:
    """Return the position that a row holds.

    Raises:
        AuditError: a later version wrote it.
    """
    try:
        return decode_position(row)
    except NewerFormat as error:
        raise AuditError(f"{where}: {error}: use the version that wrote it, or a later one") from None
