"""The product's stock against the model: each command is folded, then every number is worked out anew."""

from atp_stream.domain.commands import AdjustStock, AnyCommand, CountStock
from atp_stream.domain.events import AnyEvent, AvailabilityCalculated
from tests.domain.model.books import Books
from tests.domain.model.exceptions import short_in_doubt, short_of_homeless
from tests.domain.model.stock import StockModel, StockNumbers
from tests.domain.model.window import Arrivals, StockClock
from tests.domain.support import product
from tests.domain.support.log import LAMP, NOON, Log, policy, tick
from tests.domain.support.stock_item import CHANNELS

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
"""Log time, in milliseconds."""

MICROSECONDS = 1_000
"""In a millisecond."""


class Judge:
    """An item, its partition's log, and the books beside it; the log time only grows."""

    def __init__(self, window: int = DAY, skew: int = 0, log: Log | None = None, log_time: int = NOON) -> None:
        self.log = Log() if log is None else log
        self.log_time = log_time
        self.window = window
        self.clock = StockClock(window * MICROSECONDS)
        self.arrivals = Arrivals(self.clock)
        self.books = Books(skew * MICROSECONDS)
        self.outcomes: list[str] = []
        self.says(policy({"stock": {"window": window // SECOND, "skew": skew // SECOND}, **CHANNELS}), name="|")

    def passes(self, log_time: int) -> None:
        """Let time pass with ticks that are as close as the partition's timer makes them."""
        while log_time - self.log_time > self.window // 8:
            self.ticks(self.log_time + self.window // 8)
        self.log_time = log_time

    def ticks(self, log_time: int) -> None:
        self.log_time = log_time
        self.says(tick(log_time * MICROSECONDS), name="|")

    def says(self, command: AnyCommand, name: str = LAMP) -> list[AnyEvent]:
        """Fold a command that moves no stock of the item."""
        self.clock.passes(self.log_time)
        return self.log.say(command, name=name, log_time=self.log_time)

    def hears(self, command: AnyCommand) -> str:
        """Fold a command, say what became of it, and enter it if it was taken in."""
        if not isinstance(command, AdjustStock | CountStock):
            assert product.refusals(self.says(command)) == []
            self.books.enter(command)
            return "applied"
        before, rows = product.Counters(self.log), dict(self.log.rows)
        events = self.says(command)
        outcome = before.outcome(product.Counters(self.log), events)
        fact = self.books.fact(command)
        assert outcome in self.arrivals.outcomes(fact), (outcome, command)
        if outcome == "applied":
            self.books.enter(command)
            self.arrivals.add(fact)
        else:
            assert [] == written(rows, self.log.rows)
            assert not any(isinstance(event, AvailabilityCalculated) for event in events)
        self.outcomes.append(outcome)
        return outcome

    def expected(self) -> StockNumbers:
        return self.books.model().numbers()

    def agrees(self) -> None:
        """Check that the rows say what the model does."""
        assert self.expected() == product.numbers(self.log)

    def agrees_but_for_homeless(self) -> int:
        """Check that on hand is never above the model, and below it by the units that left adrift at most."""
        model = self.books.model()
        return self._agrees(model, short_of_homeless(model, self.window * MICROSECONDS, self.log_time * MICROSECONDS))

    def agrees_but_in_doubt(self) -> int:
        """Check that on hand is never above the model, and below it by what is in doubt at most."""
        model = self.books.model()
        return self._agrees(model, short_in_doubt(model))

    def _agrees(self, model: StockModel, most_short: int) -> int:
        right, found = model.numbers(), product.numbers(self.log)
        short = right.on_hand - found.on_hand
        assert 0 <= short <= most_short, (short, most_short)
        assert right.split == found.split
        assert short or right == found
        return short


def written(before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    """Return the rows of stock that were written, without the item's own, where duplicates are counted."""
    return [key for key in changed(before, after) if key != f"{LAMP}|i" and product.is_of_stock(key)]


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    return [key for key, row in after.items() if before.get(key) is not row and before.get(key) != row]
