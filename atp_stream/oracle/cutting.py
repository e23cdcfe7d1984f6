"""One place in the log for all that is compared: topics are read one after the other, and time goes on meanwhile.

The tables name it. Each step writes rows and, behind them, how far the log is folded, in one transaction; so up to such
a row of the changelog the tables are those of the log up to the offset that it says. All else is cut there.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from atp_stream.oracle.history import History, Record

_POSITION: Final = b"|position"
_WORK: Final = b"|work|"
_SWEEP: Final = b"|sweep"
_CLOCK: Final = b"|clock"


def cut(history: History) -> History:
    """Return what was there when each partition of the tables last said that all up to a place of the log is done.

    What came behind that place is left out: records of the log, events and letters that it caused, and the inputs
    that it was made from. `beyond` counts those inputs. A history without tables stays as it is.

    Law: `cut` of a history to which later steps were added, in any of its topics, is `cut` of that history.
    """
    names = history.names
    if not names.tables:
        return history
    places = _places(history.of(*names.tables))
    log = history.of(names.item_log)
    late = {r.header("atp-source") for r in log if r.offset > places.get(r.partition, (-1, -1))[1]}
    late -= {r.header("atp-source") for r in log if r.offset <= places.get(r.partition, (-1, -1))[1]}
    late.discard(None)
    kept = [record for record in history.records if _stays(history, record, places, late)]
    return replace(history, records=kept, beyond=history.beyond + len(late))


def _places(rows: list[Record]) -> dict[int, tuple[int, int]]:
    """Return by partition the last row that says that all is done, and the place in the log that it names."""
    places: dict[int, tuple[int, int]] = {}
    busy: defaultdict[int, set[bytes]] = defaultdict(set)
    for row in rows:
        key = row.key or b""
        if key == _POSITION:
            if not busy[row.partition]:
                places[row.partition] = row.offset, json.loads(row.value or b"")["applied"]
        elif key.startswith((_WORK, _SWEEP, _CLOCK)):
            change = busy[row.partition].add if _is_busy(key, row.value) else busy[row.partition].discard
            change(key)
    return places


def _is_busy(key: bytes, value: bytes | None) -> bool:
    """Return whether a row says that something is left to do: work, or a policy or a tick that items have to meet."""
    return value is not None and (key != _CLOCK or bool(json.loads(value).get("pending")))


def _stays(history: History, record: Record, places: Mapping[int, tuple[int, int]], late: set[str | None]) -> bool:
    names = history.names
    if record.topic == names.item_log:
        return record.offset <= places.get(record.partition, (-1, -1))[1]
    if record.topic in names.tables:
        return record.offset <= places.get(record.partition, (-1, -1))[0]
    if record.topic in names.outputs:
        partition, _, offset = (record.header("atp-cause") or "").partition("-")
        known = partition.isdigit() and offset.isdigit()
        return not known or int(offset) <= places.get(int(partition), (-1, -1))[1]
    return (record.header("atp-origin") if record.topic == names.dead_letter else record.place) not in late
