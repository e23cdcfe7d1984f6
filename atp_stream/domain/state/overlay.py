"""The rows that the fold reads and changes, and the overlay that collects the changes of one step.

A row's key starts with the item's name, so that all rows of an item lie side by side:

    tenant|item|i                      the item: stock, channels, counters
    tenant|item|L|location             the stock of one location
    tenant|item|N|stamp location       one location with an absolute
    tenant|item|r|reservation          one reservation
    tenant|item|q|channel|rank         one waiting part; ranks sort in the order of service
    tenant|item|h|offset               one command deferred while the item is quarantined, or has work to finish
    tenant|item|t|moment reservation   one timer
    tenant|item|o|place reservation    one promise that a loss of stock may take back
    tenant|item|c                      what of the item has a date
    tenant|item|s|supply               one supply
    tenant|item|p|day|place reservation   one promise for a day, in the order of loss
    tenant|item|d|day|channel|rank     one promise for a day, in the order of service
    tenant|item|v|channel|rank day     one promise that is late
    tenant|item|f|channel|rank         one part that waits for a later day
    tenant|item|w|day reservation      one reservation that is not due yet
    tenant|item|b|rank                 one promise that was lost and is to be made anew
    |ref|tenant|reference|item|reservation   one reservation that has a reference
    |g|generation|kind|tenant|item|…   one of the rows that are forgotten together
    |name                              a row of the whole partition (no tenant is empty)
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import msgspec

from atp_stream.domain.row_keys import GENERATIONS, is_scanned

Row: TypeAlias = Any  # a msgspec.Struct; its type follows from the key
Read: TypeAlias = Callable[[str], Row | None]
Scan: TypeAlias = Callable[[str], Iterator[tuple[str, Row]]]

_FEW = 16  # up to here single insertions beat a sort of the whole list


class Tally(msgspec.Struct, gc=False):
    """What changed no number or is no business of an item, counted within one step for the figures.

    `duplicates` came once more, `past` are facts that a newer absolute held already, `unpaired` adjustments moved the
    stock for a reservation that was forgotten, `purged` are rows that went with their generation. `counted_twice` are
    receipts of a supply whose units an absolute held already: they had been expected as well until then.
    """

    duplicates: int = 0
    past: int = 0
    unpaired: int = 0
    purged: int = 0
    counted_twice: int = 0


class State:
    """Rows as of the last committed step, under the changes of this one.

    `read` returns the committed row of a key, a fresh object that nobody else holds, or None; `scan` yields
    committed (key, row) pairs whose key is at or behind the given key, in key order (of code points, which is that
    of the UTF-8 bytes). What both return does not change while this object is in use.
    A row that was read may be changed in place, but counts as changed only once it is `put`.
    """

    def __init__(self, read: Read, scan: Scan) -> None:
        self._read = read
        self.scan = scan  # committed rows, from a key on
        self._rows: dict[str, Row | None] = {}
        self.changed: dict[str, Row | None] = {}  # None: deleted
        self.tally = Tally()
        self.wrote_generations = False
        self._fresh: list[str] = []  # keys that came to life since the last look at `_sorted_keys`
        self._sorted_keys: list[str] = []  # changed keys, sorted; dead ones leave when they are met
        self._scanned: list[str] = []  # changed keys of the kinds that `keys` looks for, sorted
        self._heads: dict[str, tuple[Iterator[tuple[str, Row]], tuple[str, Row] | None]] = {}

    def get(self, key: str) -> Row | None:
        """Return the row of `key` as this step sees it."""
        try:
            return self._rows[key]
        except KeyError:
            row = self._rows[key] = self._read(key)
            return row

    def put(self, key: str, row: Row) -> None:
        """Set the row of `key`."""
        changed = self.changed
        if changed.get(key) is None:
            self._fresh.append(key)
            if key[0] == "|":
                self.wrote_generations |= key.startswith(GENERATIONS)
            if is_scanned(key):
                insort(self._scanned, key)
        self._rows[key] = changed[key] = row

    def delete(self, key: str) -> None:
        """Remove the row of `key`."""
        self._rows[key] = self.changed[key] = None

    def first(self, prefix: str) -> tuple[str, Row] | None:
        """Return the first key under `prefix`, with its row, as this step sees it.

        Asking again costs no scan: committed keys that this step changed stay behind for good.
        """
        rows, head = self._heads.get(prefix) or self._opened(prefix)
        while head is not None and (head[0] in self.changed or not head[0].startswith(prefix)):
            head = next(rows, None) if head[0].startswith(prefix) else None
        self._heads[prefix] = (rows, head)
        best = self._changed_from(prefix)
        if best is not None and best.startswith(prefix) and (head is None or best < head[0]):
            return best, self.changed[best]
        return None if head is None else (head[0], self._rows.setdefault(*head))

    def after(self, key: str) -> str | None:
        """Return the first key at or behind `key`, as this step sees it; None at the end."""
        best = self._changed_from(key)
        for found, _ in self.scan(key):
            if best is not None and best < found:
                break
            if found not in self.changed:
                return found
        return best

    def keys(self, start: str, prefix: str) -> Iterator[str]:
        """Yield the keys at or behind `start` that begin with `prefix`, as this step sees them, in order.

        Rows may be put and deleted meanwhile. Of what this step put, only kinds that are scanned are found.
        """
        changed, put, last = self.changed, self._scanned, ""
        committed = self.scan(start)
        pair, place = next(committed, None), bisect_left(put, start)
        while True:
            held = pair[0] if pair is not None and pair[0].startswith(prefix) else None
            own = put[place] if place < len(put) and put[place].startswith(prefix) else None
            if held is None and own is None:
                return
            if pair is not None and held is not None and (own is None or held <= own):
                last = held
                if held not in changed:
                    self._rows.setdefault(*pair)
            else:
                last = own or ""
            if last not in changed or changed[last] is not None:
                yield last
            if last == held:
                pair = next(committed, None)
            place = bisect_right(put, last)

    def _opened(self, prefix: str) -> tuple[Iterator[tuple[str, Row]], tuple[str, Row] | None]:
        rows = self.scan(prefix)
        return rows, next(rows, None)

    def _changed_from(self, key: str) -> str | None:
        """Return the first changed and not deleted key at or behind `key`."""
        keys, fresh, changed = self._sorted_keys, self._fresh, self.changed
        if fresh:
            if len(fresh) <= _FEW:
                for one in fresh:
                    insort(keys, one)
            else:
                keys += fresh
                keys.sort()
            fresh.clear()
        start = end = bisect_left(keys, key)
        while end < len(keys) and changed[keys[end]] is None:
            end += 1
        if end > start:
            del keys[start:end]
        return keys[start] if start < len(keys) else None
