"""An item in a log of its own, and short words for what is said about its stock; stamps are small numbers."""

from typing import Any

from atp_stream.domain.commands import AdjustStock, CountStock
from tests.domain.model.stock import StockNumbers
from tests.domain.support.log import Log, adjust, fulfil, policy
from tests.domain.support.log import count as counted
from tests.domain.support.product import Counters, numbers

Fact = AdjustStock | CountStock
CHANNELS: dict[str, Any] = {"tenants": {"*": {"channels": {"ECOM": {}, "STORE": {}}}}}


class Item:
    """An item in a log of its own; `skew` in seconds."""

    def __init__(self, skew: int = 0) -> None:
        self.log = Log()
        self._shipped = 0
        self.lives_by(skew)

    def lives_by(self, skew: int) -> None:
        """Set the skew of the policy."""
        self.log.say(policy({"stock": {"skew": skew}, **CHANNELS}))

    @property
    def stock(self) -> StockNumbers:
        return numbers(self.log)

    def takes(self, fact: Fact) -> str:
        """Hear a fact and say what became of it."""
        before = Counters(self.log)
        return before.outcome(Counters(self.log), self.log.say(fact))

    def ships(self, at: int, quantity: int, location: str = "") -> str:
        """Let units of a new reservation leave; return its name."""
        self._shipped += 1
        name = f"shipped {self._shipped}"
        self.log.say(fulfil(name, quantity, at=at, location=location))
        return name


def count(at: int, absolute: int, location: str = "", **rest: Any) -> Fact:
    return counted(absolute, at, location=location, **rest)


def delta(at: int, units: int, location: str = "", **rest: Any) -> Fact:
    return adjust(units, at=at, location=location, **rest)


def adjustment(at: int, units: int, absolute: int, location: str = "", **rest: Any) -> Fact:
    return adjust(units, absolute, at, location=location, **rest)


def item_with(*facts: Fact, skew: int = 0) -> Item:
    item = Item(skew)
    for fact in facts:
        item.takes(fact)
    return item
