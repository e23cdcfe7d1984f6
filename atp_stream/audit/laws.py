"""What must hold of the rows of stock by themselves: folding again with the same fault would show no difference."""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from atp_stream.domain.row_keys import GENERATIONS, PURGE, generation_of, generation_prefix, item_key, item_of, kind_of
from atp_stream.domain.state.partition_rows import PurgeRow
from atp_stream.domain.state.rows import Item
from atp_stream.domain.stock import upgrade
from atp_stream.domain.stock.facts import NEVER
from atp_stream.domain.stock.rows import Location, Sums
from atp_stream.engine.scratch_store import Scratch
from atp_stream.messages.rows import decode_row

MAX_ROW_BYTES: Final = 64 << 10

_BOUNDED: Final = frozenset("iLFXCcs")  # what grows with the number of facts or days, would it not be bounded


def broken_laws(rows: Scratch, mine: Callable[[bytes], bool]) -> Iterator[str]:
    """Yield, in words, what is wrong with the stock of the items whose keys `mine` accepts."""
    name, named, bare = "", Sums(), Sums()
    for raw, row in rows.scan():
        key = raw.decode()
        kind = kind_of(key)
        if kind not in _BOUNDED or not mine(raw):
            continue
        if len(row) > MAX_ROW_BYTES:
            yield f"row {key} has {len(row)} bytes, and may have {MAX_ROW_BYTES}"
        if kind not in "iL":
            continue
        if not key.startswith(f"{name}|"):
            name, named, bare = "|".join(key.split("|", 2)[:2]), Sums(), Sums()
        found = _decoded(key, row)
        if isinstance(found, Location):
            _add(bare if key.endswith("|L|") else named, found, is_bare=key.endswith("|L|"))
        elif (
            isinstance(found, Item)
            and not upgrade.is_old(found.stock)
            and (found.stock.named, found.stock.bare) != (named, bare)
        ):
            yield (
                f"row {key} sums its locations as {_words(found.stock.named)} and {_words(found.stock.bare)},"
                f" and they are {_words(named)} and {_words(bare)}"
            )
    yield from _left_over(rows, mine)


def _add(sums: Sums, row: Location, *, is_bare: bool) -> None:
    sums.value += row.value
    sums.gap += row.gap
    sums.basis += row.basis
    sums.absolutes += row.at_us != NEVER
    sums.missing += row.out if is_bare or row.at_us != NEVER else 0


def _left_over(rows: Scratch, mine: Callable[[bytes], bool]) -> Iterator[str]:
    """Yield the rows of generations that the purge says to have removed, those aside that have to stay."""
    purge = _decoded(PURGE, rows.read(PURGE.encode()))
    end = generation_prefix(purge.below if isinstance(purge, PurgeRow) else 0).encode()
    for raw, _ in rows.scan(GENERATIONS.encode()):
        if raw >= end:
            return
        key = raw.decode()
        if not mine(raw):
            continue
        of_item = item_key(item_of(key))
        item = _decoded(of_item, rows.read(of_item.encode()))
        stopped = item.stopped if isinstance(item, Item) else None
        if stopped is None or generation_of(key) < stopped - 1:
            yield f"row {key} is of a forgotten generation, and was not purged"


def _decoded(key: str, row: bytes | None) -> object:
    """Return a row; None if there is none, or if nobody can read it: then it differs from what the log says."""
    try:
        return None if row is None else decode_row(key, row)
    except msgspec.DecodeError:
        return None


def _words(sums: Sums) -> str:
    return msgspec.json.encode(sums).decode()
