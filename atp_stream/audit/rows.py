"""Two tables side by side, in key order."""

from collections.abc import Iterator
from typing import NamedTuple

from atp_stream.domain.row_keys import GENERATIONS, STOCK_TIME, generation_of, item_key, item_of
from atp_stream.domain.state.purge import is_forgotten, is_kept
from atp_stream.engine.scratch_store import Scratch
from atp_stream.messages.rows import decode_row


class Difference(NamedTuple):
    """A row that is not what the log says; None where there is none."""

    key: bytes
    held: bytes | None
    wanted: bytes | None

    def __str__(self) -> str:
        """Return it in words."""
        return f"row {self.key.decode()} is {_words(self.held)}, and should be {_words(self.wanted)}"


def differences(held: Scratch, wanted: Scratch) -> Iterator[Difference]:
    """Yield the rows that differ. Rows that say the same in other bytes, as earlier versions wrote them, do not.

    How far the purge of forgotten rows has come decides nothing, so it is not compared.
    """
    ours, theirs = _remembered(held), _remembered(wanted)
    one, other = next(ours, None), next(theirs, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            assert one is not None  # noqa: S101 - not both are at their end
            yield Difference(one[0], one[1], None)
            one = next(ours, None)
        elif one is None or other[0] < one[0]:
            yield Difference(other[0], None, other[1])
            other = next(theirs, None)
        else:
            if one[1] != other[1] and not _same(one[0].decode(), one[1], other[1]):
                yield Difference(one[0], one[1], other[1])
            one, other = next(ours, None), next(theirs, None)


def _remembered(rows: Scratch) -> Iterator[tuple[bytes, bytes]]:
    """Yield the rows that the fold may still ask for."""
    time = rows.read(STOCK_TIME.encode())
    generation = 0 if time is None else decode_row(STOCK_TIME, time).generation
    for key, row in rows.scan():
        name = key.decode()
        if not is_forgotten(name, generation) or _is_kept(rows, name):
            yield key, row


def _is_kept(rows: Scratch, key: str) -> bool:
    """Return whether a row of a forgotten generation stays, because its item is stopped."""
    if not key.startswith(GENERATIONS):
        return False
    item = item_key(item_of(key))
    row = rows.read(item.encode())
    try:
        return row is not None and is_kept(decode_row(item, row), generation_of(key))
    except ValueError:  # an item that nobody can read: compare all that it has
        return True


def _same(key: str, one: bytes, other: bytes) -> bool:
    try:
        return bool(decode_row(key, one) == decode_row(key, other))
    except (ValueError, KeyError, IndexError):  # one that nobody can read
        return False


def _words(row: bytes | None) -> str:
    return "missing" if row is None else row.decode(errors="replace")
