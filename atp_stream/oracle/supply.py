"""One supply, naively: what was said of it, summed anew whenever a number is wanted.

Quantities are whole hundredths, stamps are microseconds, days are counted from 1970-01-01.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from atp_stream.oracle.inputs import Asked

MAX_RECEIPTS: Final = 256  # that are kept apart
_MAX_STATEMENTS: Final = 16  # that are remembered


class Statement(NamedTuple):
    """What is ordered; the greatest holds. `less` is the quantity below 0: of two of one stamp the smaller counts."""

    at_us: int
    cancelled: bool
    unsure: bool
    less: int
    day: int
    rest: str


class Receipt(NamedTuple):
    """Units that have come; None: all that was ordered when it was stamped."""

    at_us: int
    units: int | None
    final: bool


class Supply:
    """What was said of a supply; `receipts` are known by how they came, where, and their event."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.receipts: dict[tuple[str, str, Any], Receipt] = {}
        self.timer_us = 0  # when it is forgotten
        self._open: int | None = 0  # None: something was said since it was counted

    def state(self, asked: Asked) -> bool:
        """Take note of what is ordered; return whether it is news."""
        cancelled = asked.kind == "supply_cancelled"
        rest = repr((asked.event_id, asked.location, asked.label, asked.reference))
        said = Statement(asked.at_us, cancelled, not asked.firm, -(asked.quantity or 0), asked.day or 0, rest)
        before, self._open = self.statements, None
        self.statements = sorted({*before, said})[-_MAX_STATEMENTS:]
        return self.statements != before

    def would_open(self, asked: Asked) -> bool:
        """Return whether a statement would open it, closed as it is now."""
        after = Supply()
        after.statements, after.receipts = self.statements, self.receipts
        return not self.open and after.state(asked) and after.open > 0

    def receive(self, way: str, asked: Asked) -> bool:
        """Take note of what has come, in the way "moved", "received" or "adjusted"; return whether it is news."""
        name = way, asked.location or "", asked.event_id
        if name in self.receipts:
            return False
        self._open = None
        self.receipts[name] = Receipt(asked.at_us, asked.quantity, asked.final)
        return True

    def knows(self, way: str, asked: Asked) -> bool:
        """Return whether a receipt has come before."""
        return (way, asked.location or "", asked.event_id) in self.receipts

    @property
    def holds(self) -> Statement | None:
        """The statement that holds."""
        return self.statements[-1] if self.statements else None

    @property
    def come(self) -> int:
        """Units that have come: receipts that move no stock and adjustments may state the same units."""
        other = max(self.sum_of("received"), self.sum_of("adjusted"))
        whole = [self._ordered_at(one.at_us) for one in self.receipts.values() if one.units is None]
        return max(0, self.sum_of("moved") + other, *whole)

    @property
    def final_at_us(self) -> int:
        """The stamp of the newest receipt behind which nothing comes."""
        ends = (one.at_us for one in self.receipts.values() if one.final or one.units is None)
        return max(ends, default=-1)

    @property
    def open(self) -> int:
        """Units that have still to come."""
        if self._open is None:
            holds = self.holds
            ended = holds is None or holds.cancelled or self.final_at_us >= holds.at_us
            self._open = 0 if holds is None or ended else max(0, -holds.less - self.come)
        return self._open

    @property
    def day(self) -> int | None:
        """The day on which what is open may be counted on, None if it may not."""
        holds = self.holds
        return holds.day if holds is not None and self.open and not holds.unsure else None

    @property
    def not_on_the_shelf(self) -> int:
        """Units that have come, and that neither a receipt nor an adjustment has put into the stock."""
        return max(0, self.come - self.sum_of("moved") - self.sum_of("adjusted"))

    def sum_of(self, wanted: str) -> int:
        """Return the units that came in one way."""
        return sum(one.units or 0 for (way, _, _), one in self.receipts.items() if way == wanted)

    def wholes(self) -> Iterator[int]:
        """Yield the stamps of the receipts of all that was open."""
        yield from sorted(one.at_us for one in self.receipts.values() if one.units is None)

    def _ordered_at(self, at_us: int) -> int:
        """Return what was ordered at a stamp; the oldest statement that is remembered stands for forgotten ones."""
        known = [one for one in self.statements if one.at_us <= at_us]
        if not known and len(self.statements) == _MAX_STATEMENTS:
            known = self.statements[:1]
        return -known[-1].less if known else 0
