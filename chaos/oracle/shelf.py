"""What an item has: all that was said about its stock, and which of it still counts."""

from collections import defaultdict
from typing import Any, Final

from chaos.oracle.policy import Rules
from chaos.oracle.stock import Gone, Held, Said, StockModel

_MOST_SHIPMENTS: Final = 64


class Stale(Exception):
    """A fact older than the window of its location."""


class Shelf:
    """The stock of one item; it is counted again whenever something was said since."""

    def __init__(self) -> None:
        self._model = StockModel()
        self.crowded = False  # more was under way at once than the product tells apart: then it promises less
        self._gone: dict[str, list[Gone]] = {}  # by reservation
        self.tails: defaultdict[str, list[Said]] = defaultdict(list)  # by location: what a late fact may still join
        self._floors: defaultdict[str, int] = defaultdict(lambda: -1)
        self._held: Held | None = Held(0, 0, split=False)
        self._gap: int | None = 0

    def held(self, rules: Rules) -> Held:
        """Return what there is."""
        if self._held is None or self._model.skew != rules.skew:
            self._model.skew = rules.skew
            self._model.gone = [gone for one in self._gone.values() for gone in one]
            self._held = self._model.held()
            self._gap = self._model.numbers().gap if len(self._model.gone) <= _MOST_SHIPMENTS else None
            self.crowded |= self._held.open > _MOST_SHIPMENTS
        return self._held

    def gap(self, rules: Rules) -> int | None:
        """Return what the facts do not explain; None where so much was shipped that the product tells less apart."""
        self.held(rules)
        return self._gap

    def take(self, fact: Said, rules: Rules) -> bool:
        """Put a fact in its place; False if it is known.

        Raises:
            Stale: it comes too late.
        """
        tail = self.tails[fact.location]
        if any(known.id == fact.id for known in tail):
            return False
        if tail and (fact.at <= self._floors[fact.location] or fact.at < tail[-1].at - rules.window):
            raise Stale
        tail.append(fact)
        tail.sort(key=lambda known: known[:2])
        newest = tail[-1].at
        while (len(tail) > rules.tail or tail[0].at < newest - rules.window) and tail[0].at != newest:
            floor = self._floors[fact.location] = tail[0].at
            while tail[0].at == floor:
                del tail[0]
        self._model.said.append(fact)
        self._held = None
        return True

    def let_go(self, reservation: str, gone: list[Gone]) -> None:
        """State anew what has left for a reservation."""
        self._gone[reservation] = gone
        self._held = None

    def stands(self) -> dict[str, Any]:
        """Return the facts by location that a late one may still join."""
        return {
            location: [(fact.at, fact.delta, fact.absolute, fact.reservation) for fact in tail]
            for location, tail in self.tails.items()
            if tail
        }
