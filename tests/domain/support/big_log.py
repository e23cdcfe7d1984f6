"""A log over many rows: keys are kept in order, and what is read, sought and written of stock is counted."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from atp_stream.domain.commands import Entry
from atp_stream.domain.fold.ledger import Folded
from tests.domain.support.log import Log
from tests.domain.support.product import is_of_stock


class Rows(dict[str, bytes]):
    """Rows by key, and the keys in order."""

    def __init__(self, rows: dict[str, bytes] | None = None) -> None:
        super().__init__(rows or {})
        self.order = sorted(self)
        self.put: list[str] = []
        self.deleted: list[str] = []

    def __setitem__(self, key: str, row: bytes) -> None:
        if key not in self:
            insort(self.order, key)
        self.put.append(key)
        super().__setitem__(key, row)

    def pop(self, key: str, default: Any = None) -> Any:
        """Delete a row."""
        if key in self:
            del self.order[bisect_left(self.order, key)]
            self.deleted.append(key)
        return super().pop(key, default)


class Work(NamedTuple):
    """What one step did to rows of stock; `met` are the rows that scans went over."""

    put: int
    deleted: int
    found: int
    missed: int
    sought: int
    met: int

    @property
    def read(self) -> int:
        return self.found + self.missed + self.met


class BigLog(Log):
    """A log whose work is counted, step by step."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Rows = Rows()
        self.works: list[Work] = []
        self._read: list[bool] = []
        self._met: list[int] = []

    def step(self, entries: Sequence[Entry]) -> Folded:
        for counted in (self._read, self._met, self.rows.put, self.rows.deleted):
            counted.clear()
        folded = super().step(entries)
        put, deleted = (sum(map(is_of_stock, keys)) for keys in (self.rows.put, self.rows.deleted))
        found = sum(self._read)
        self.works.append(Work(put, deleted, found, len(self._read) - found, len(self._met), sum(self._met)))
        return folded

    def read(self, key: str) -> Any:
        if is_of_stock(key):
            self._read.append(key in self.rows)
        return super().read(key)

    def scan(self, key: str) -> Iterator[tuple[str, Any]]:
        counts = is_of_stock(key)
        if counts:
            self._met.append(0)
        return self._from(key, len(self._met) - 1 if counts else None)

    def _from(self, key: str, scan: int | None) -> Iterator[tuple[str, Any]]:
        order = self.rows.order
        for place in range(bisect_left(order, key), len(order)):
            if scan is not None:
                self._met[scan] += is_of_stock(order[place])
            yield order[place], super().read(order[place])
