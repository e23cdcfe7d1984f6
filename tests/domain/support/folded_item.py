"""An item with its rows in memory, and short words for what is said about its stock."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

import msgspec

from atp_stream.domain.row_keys import kind_of
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.row_types import ROW_TYPES
from atp_stream.domain.stock.facts import Fact, Outcome, StockRules
from atp_stream.domain.stock.fold import StockFold
from atp_stream.domain.stock.rows import Location, Stock

RULES = StockRules()
HOUR = 60 * 60 * 1_000_000


class Item:
    """An item whose rows are committed after each thing that is said about it."""

    def __init__(self, rules: StockRules = RULES) -> None:
        self.rules = rules
        self.stock = Stock()
        self.rows: dict[str, bytes] = {}
        self.reads = 0
        self.generation = 0

    def takes(self, fact: Fact, location: str = "") -> Outcome:
        state, fold = self._step()
        outcome = fold.record(fact, location)
        self._commit(state)
        return outcome

    def ships(self, at: int, units: int, location: str = "") -> None:
        state, fold = self._step()
        fold.ship(at, units, location)
        self._commit(state)

    def takes_back(self, at: int, units: int, location: str = "") -> None:
        self.ships(at, -units, location)

    def location(self, name: str = "") -> Location:
        row: Location = self._read(f"acme|lamp|L|{name}")
        return row

    def _step(self) -> tuple[State, StockFold]:
        state = State(self._read, self._scan)
        fold = StockFold(state, "acme|lamp", self.stock)
        fold.live_by(self.rules, self.generation)
        return state, fold

    def _commit(self, state: State) -> None:
        self.stock = msgspec.json.decode(msgspec.json.encode(self.stock), type=Stock)
        for key, row in state.changed.items():
            if row is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = msgspec.json.encode(row)

    def _read(self, key: str) -> Any:
        self.reads += 1
        row = self.rows.get(key)
        return None if row is None else msgspec.json.decode(row, type=ROW_TYPES[kind_of(key)])

    def _scan(self, key: str) -> Iterator[tuple[str, Any]]:
        keys = sorted(self.rows)
        return ((found, self._read(found)) for found in keys[bisect_left(keys, key) :])


def count(at: int, absolute: int, name: str = "") -> Fact:
    return Fact(at, name or f"count {at} {absolute}", None, absolute)


def delta(at: int, units: int, name: str = "") -> Fact:
    return Fact(at, name or f"delta {at} {units}", units, None)


def adjustment(at: int, units: int, absolute: int, *, reservation: bool = False) -> Fact:
    return Fact(at, f"adjustment {at} {units} {absolute}", units, absolute, reservation)


def item_with(*facts: Fact, location: str = "", rules: StockRules = RULES) -> Item:
    item = Item(rules)
    for fact in facts:
        item.takes(fact, location)
    return item
