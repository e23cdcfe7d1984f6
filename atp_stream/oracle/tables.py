"""The tables, compared with a naive fold of the item log: what each row must hold, number by number.

What a row keeps for itself (what was shipped and may still be asked for, digests of ids) is not looked at; a field
that the oracle does not know is none of its business.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from atp_stream.oracle.claim import Claim
from atp_stream.oracle.history import History
from atp_stream.oracle.item import Item
from atp_stream.oracle.replay import Replay
from atp_stream.oracle.report import Report
from atp_stream.oracle.tables_by_day import by_day

Rows = Mapping[str, Any]
_ALL_KNOWN: Final = {"r|", "q|", "f|", "c", "s|", "p|", "d|", "v|", "w|", "b|"}


def check_tables(history: History, done: Replay, report: Report) -> None:
    """Object to every row that is not what the log makes of it, that is missing, or that is there in vain."""
    rows = _rows(history)
    for name, item in done.items.items():
        found = rows.pop("|".join(map(_encoded, name)), {})
        report.rows += len(found)
        report.complain_all(f"table row of {name}: {words}" for words in _differences(item, found))
    report.complain_all(f"table rows of {key}, of which no command ever spoke" for key in rows)


def _rows(history: History) -> dict[str, dict[str, Any]]:
    """Return the newest rows by item, and by what their keys have behind it."""
    newest: dict[bytes, bytes | None] = {}
    for record in history.of(*history.names.tables):
        newest[record.key or b""] = record.value
    rows: dict[str, dict[str, Any]] = defaultdict(dict)
    for key, value in newest.items():
        parts = key.decode().split("|", 2)
        if value is not None and parts[0]:
            rows["|".join(parts[:2])][parts[2]] = json.loads(value)
    return rows


def _differences(item: Item, rows: dict[str, Any]) -> Iterator[str]:
    wanted = {"i": _item(item)}
    wanted |= {f"r|{_encoded(name)}": _claim(item, claim) for name, claim in item.claims.items()}
    wanted |= dict(_queue(item))
    wanted |= dict(by_day(item))
    for key, row in wanted.items():
        there = rows.pop(key, None)
        if there is None:
            yield f"{key} is missing"
            continue
        for field, value in row.items():
            if not _agrees(_known(field, there.get(field)), value):
                yield f"{key}: {field} is {there.get(field)!r}, but the log says {value!r}"
    yield from (f"{key} is there in vain" for key in rows if key[:2] in _ALL_KNOWN)


def _known(field: str, value: Any) -> Any:
    """Return what the oracle knows of a field: of allocations place, ordinal, units, and such out of a quota."""
    return [allocation[:4] for allocation in value] if field == "allocations" and value else value


def _agrees(there: Any, wanted: Any) -> bool:
    """Compare as JSON does; what is left out is none, and of an object only the fields that are wanted count."""
    if isinstance(wanted, dict):
        fields = there or {}
        return all(_agrees(fields.get(name), value) for name, value in wanted.items())
    return bool((there or None) == (wanted or None))


def _item(item: Item) -> dict[str, Any]:
    rows = item.rows()
    held, gap = item.shelf.held(), item.shelf.gap()
    stock = {"on_hand": held.on_hand, "basis": held.basis, "split": held.split, "gap": gap}
    channels = {
        channel: {
            "available": rows[channel][0],
            "reserved": rows[channel][1],
            "promised": item.promised_in(channel),
            "granted": item.granted[channel],
            "consumed": item.consumed(channel),
            **item.waiting(channel),
        }
        for channel in item.channels
    }
    return {
        "version": item.version,
        "offset": item.place,
        "duplicates": item.duplicates,
        "stale": item.stale,
        "past": item.past,
        "safety_stock": item.safety_stock,
        "channels": {**channels, **dict.fromkeys(item.withdrawn)},
        "dated": item.dated,
        "scaled": item.scaled,
        "stock": stock,
    }


def _claim(item: Item, claim: Claim) -> dict[str, Any]:
    return {
        "channel": claim.channel,
        "asked": claim.asked,
        "at": claim.at_us,
        "requested": claim.requested,
        "released": claim.released,
        "excess": claim.excess,
        "fulfilled": claim.fulfilled,
        "adjusted": claim.adjusted.total(),
        "allocations": [[*item.commits[number], units, earmarked] for number, units, earmarked in claim.held],
        "waiting": claim.waiting,
        "queued": [place for place, _ in claim.backorders],
        "promises": claim.promises,
        "wanted": claim.wanted,
        "undue": claim.undue,
        "priority": claim.priority,
        "allow_partial": claim.partial,
        "allow_backorder": None if claim.backorder else False,
        "expires_at": claim.expires_at_us,
        "confirmed": claim.confirmed,
        "location": claim.location,
        "reference": claim.reference,
        "ended": claim.ended,
        "release_rest": claim.release_rest,
    }


def _queue(item: Item) -> Iterator[tuple[str, Any]]:
    for name, claim in item.claims.items():
        for place, units in claim.backorders:
            rank = f"{2**63 - 1 - claim.priority:016x}{place:016x}"
            row = {"reservation": name, "quantity": units, "priority": claim.priority, "allow_partial": claim.partial}
            yield f"{'f' if claim.undue else 'q'}|{_encoded(claim.channel)}|{rank}", row


def _encoded(part: str) -> str:
    return part.replace("%", "%25").replace("|", "%7C")
