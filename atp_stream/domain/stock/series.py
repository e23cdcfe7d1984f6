"""Entries by stamp: the newest in the row of their location, older ones in chunk rows of the generation they came in.

A generation's chunks are the whole of what came in it, so that the rows of a forgotten one go without being read. Keys
of chunks sort from new to old: a sum over all that lies behind a stamp, or a look back from it, is one forward scan.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from heapq import merge
from operator import attrgetter
from typing import Any, Final, Protocol

from atp_stream.domain.stock.facts import NEVER

MAX_TAIL: Final = 32
FLUSHED: Final = 24
MAX_CHUNK: Final = 64
"""A tail beyond so many entries writes the oldest as a chunk; a chunk beyond so many is split."""

_TOP: Final = 2**63 - 1
_DIGITS: Final = 16

_at_us = attrgetter("at_us")


class Rows(Protocol):
    """The rows that stock is kept in."""

    def get(self, key: str, /) -> Any:
        """Return the row of a key, or None; it may be changed in place, but counts as changed only once it is put."""

    def put(self, key: str, row: Any, /) -> None:
        """Set the row of a key."""

    def delete(self, key: str, /) -> None:
        """Remove the row of a key."""

    def keys(self, start: str, prefix: str, /) -> Iterator[str]:
        """Yield the keys from `start` on that begin with `prefix`, in order; rows may be put meanwhile."""


class Entry(Protocol):
    """What has a stamp."""

    at_us: int


class Series(Protocol):
    """The part of a location's row that holds the newest entries: all those after `edge_us`."""

    edge_us: int
    tail: list[Any]


class Chunks:
    """The older entries of one series, in chunks of the present generation and of the one before."""

    def __init__(self, rows: Rows, key: str, generation: int) -> None:
        """`key` is "kind|tenant|item|location|"."""
        self._rows = rows
        self._key = key
        self._generation = generation
        self._last: dict[int, tuple[str, list[Any]]] = {}  # by generation: what is asked for next often lies beside it

    def find(self, series: Series, at_us: int) -> Any | None:
        """Return the entry of a stamp, to read."""
        if at_us > series.edge_us:
            return _entry(series.tail, at_us)
        for generation in (self._generation, self._generation - 1):
            found = self._chunk(generation, at_us)
            entry = None if found is None else _entry(found[1], at_us)
            if entry is not None:
                return entry
        return None

    def touch(self, series: Series, new: Any, *, was_before: bool) -> Any:
        """Return the entry of the stamp that `new` has, which may be changed in place; `new` itself if there is none.

        `was_before` says that the stamp may have an entry in the generation before: then it moves to the present one.
        """
        tail, at_us = series.tail, new.at_us
        if at_us > series.edge_us:
            place = len(tail) if not tail or at_us > tail[-1].at_us else bisect_left(tail, at_us, key=_at_us)
            if place < len(tail) and tail[place].at_us == at_us:
                return tail[place]
            tail.insert(place, new)
            if len(tail) > MAX_TAIL:
                self._flush(series)
            return new
        own = self._chunk(self._generation, at_us)
        entry = None if own is None else _entry(own[1], at_us)
        if own is not None and entry is not None:
            self._rows.put(*own)
            return entry
        entry = (self._from_before(at_us) if was_before else None) or new
        self._insert(own, entry)
        return entry

    def behind(self, series: Series, after_us: int, generations: tuple[int, ...] | None = None) -> Iterator[list[Any]]:
        """Yield the kept entries behind a stamp, a chunk at a time; `generations` leaves out chunks of others."""
        tail = series.tail
        if tail and tail[-1].at_us > after_us:
            yield tail[bisect_right(tail, after_us, key=_at_us) :]
        if after_us >= series.edge_us:
            return
        for generation in (self._generation, self._generation - 1) if generations is None else generations:
            front = self._front(generation)
            for key in self._rows.keys(front, front):
                chunk = self._rows.get(key)
                yield chunk if chunk[0].at_us > after_us else chunk[bisect_right(chunk, after_us, key=_at_us) :]
                if _since(key) <= after_us:
                    break

    def backwards(self, series: Series, at_us: int) -> Iterator[Any]:
        """Yield the kept entries in front of a stamp, the newest first."""
        yield from reversed(series.tail[: bisect_left(series.tail, at_us, key=_at_us)])
        start = min(at_us, series.edge_us + 1)
        older = (self._older(generation, start) for generation in (self._generation, self._generation - 1))
        yield from merge(*older, key=_at_us, reverse=True)

    def _older(self, generation: int, at_us: int) -> Iterator[Any]:
        front = self._front(generation)
        for key in self._rows.keys(f"{front}{_TOP - at_us + 1:016x}", front):
            chunk = self._rows.get(key)
            yield from reversed(chunk[: bisect_left(chunk, at_us, key=_at_us)])

    def _chunk(self, generation: int, at_us: int) -> tuple[str, list[Any]] | None:
        """Return the chunk in which a stamp has its place."""
        last = self._last.get(generation)
        if last is not None and last[1] and last[1][0].at_us <= at_us <= last[1][-1].at_us:
            return last
        front = self._front(generation)
        key = next(self._rows.keys(f"{front}{_TOP - at_us:016x}", front), None)
        if key is None:
            return None
        found = self._last[generation] = key, self._rows.get(key)
        return found

    def _insert(self, own: tuple[str, list[Any]] | None, entry: Any) -> None:
        front = self._front(self._generation)
        if own is None:
            self._rows.put(f"{front}{_TOP - NEVER:016x}", [entry])
            return
        key, chunk = own
        chunk.insert(bisect_left(chunk, entry.at_us, key=_at_us), entry)
        if len(chunk) > MAX_CHUNK:
            upper = chunk[MAX_CHUNK // 2 :]
            del chunk[MAX_CHUNK // 2 :]
            self._rows.put(f"{front}{_TOP - upper[0].at_us:016x}", upper)
        self._rows.put(key, chunk)

    def _from_before(self, at_us: int) -> Any | None:
        """Take an entry out of the generation before: it lives in that of its newest fact."""
        found = self._chunk(self._generation - 1, at_us)
        entry = None if found is None else _entry(found[1], at_us)
        if found is None or entry is None:
            return None
        key, chunk = found
        del chunk[bisect_left(chunk, at_us, key=_at_us)]
        if chunk:
            self._rows.put(key, chunk)
        else:
            self._rows.delete(key)
        self.moved(entry)
        return entry

    def _flush(self, series: Series) -> None:
        """Write the oldest entries of a tail as a chunk."""
        oldest = series.tail[:FLUSHED]
        del series.tail[:FLUSHED]
        series.edge_us = oldest[-1].at_us
        for entry in oldest:
            self.flushed(entry)
        self._rows.put(f"{self._front(self._generation)}{_TOP - oldest[0].at_us:016x}", oldest)

    def moved(self, entry: Any) -> None:
        """Take note that an entry has left the generation before for a chunk of the present one."""

    def flushed(self, entry: Any) -> None:
        """Take note that an entry has left the tail for a chunk of the present generation."""

    def _front(self, generation: int) -> str:
        return f"|g|{generation:08x}|{self._key}"


def _since(key: str) -> int:
    return _TOP - int(key[-_DIGITS:], 16)


def _entry(entries: list[Any], at_us: int) -> Any | None:
    place = bisect_left(entries, at_us, key=_at_us)
    return entries[place] if place < len(entries) and entries[place].at_us == at_us else None
