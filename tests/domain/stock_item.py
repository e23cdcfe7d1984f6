"""An item with its rows in memory, and short words for what is said about its stock."""

from atp_stream.domain.stock import (
    Fact,
    Location,
    Outcome,
    Shipment,
    Stock,
    StockRules,
    record,
    ship,
    take_back,
)

RULES = StockRules()
HOUR = 60 * 60 * 1_000_000


class Item:
    """An item with its rows in memory, and short words for what is said about it."""

    def __init__(self, rules: StockRules = RULES) -> None:
        self.rules = rules
        self.stock = Stock()
        self.rows: dict[str, Location] = {}
        self.reads = 0

    def get(self, name: str) -> Location | None:
        self.reads += 1
        return self.rows.get(name)

    def put(self, name: str, row: Location) -> None:
        self.rows[name] = row

    def takes(self, fact: Fact, location: str = "") -> Outcome:
        return record(self.stock, self, fact, location, self.rules)

    def ships(self, at: int, quantity: int, location: str = "") -> None:
        ship(self.stock, self, Shipment(at=at, quantity=quantity, location=location), self.rules)

    def takes_back(self, at: int, quantity: int, location: str = "") -> int:
        return take_back(self.stock, self, Shipment(at=at, quantity=quantity, location=location), self.rules)


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
