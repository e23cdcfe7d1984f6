"""What may become of a fact, by when those before it came: the law of the window, whatever the phase of generations.

Stock time is log time in which a silence or a jump counts at most a quarter of the window. What came no more than a
window of it ago is remembered, what came two windows ago or earlier is forgotten; in between both are right, as it
depends on where a generation ends. While a new window waits for the end of a generation the lesser of the two counts
for what is remembered, and the greater for what is forgotten. Source: docs/rules/stock.md#window.
"""

from collections import defaultdict
from typing import NamedTuple

from tests.domain.model.stock import Fact

MILLISECOND = 1_000


class Moment(NamedTuple):
    """A place in stock time, by the least and by the greatest count of it that is right."""

    least: int = 0
    most: int = 0


class StockClock:
    """The stock time of a partition, in microseconds; it hears of every record of the partition."""

    def __init__(self, window: int) -> None:
        self.windows = [window]
        self.now = Moment()
        self._log_time: int | None = None

    def passes(self, log_time: int) -> None:
        """Hear of a record; `log_time` is in milliseconds."""
        passed = 0 if self._log_time is None else (log_time - self._log_time) * MILLISECOND
        least, most = min(self.windows) // 4, max(self.windows) // 4
        self.now = Moment(self.now.least + min(passed, least), self.now.most + min(passed, most))
        self._log_time = log_time

    def live_by(self, window: int) -> None:
        """Let a new window begin: soon."""
        self.windows.append(window)

    def may_be_forgotten(self, came: Moment) -> bool:
        return self.now.most - came.most > min(self.windows)

    def is_forgotten(self, came: Moment) -> bool:
        return self.now.least - came.least >= 2 * max(self.windows)


class Arrivals:
    """The facts of an item that were taken in, and when."""

    def __init__(self, clock: StockClock) -> None:
        self._clock = clock
        self._came: dict[str, dict[Fact, Moment]] = defaultdict(dict)

    def add(self, fact: Fact) -> None:
        self._came[fact.location][fact] = self._clock.now

    def outcomes(self, fact: Fact) -> set[str]:
        """Return what may become of a fact that comes now."""
        here = self._came[fact.location]
        outcomes: set[str] = set()
        last = [came for known, came in here.items() if known.known_by == fact.known_by][-1:]
        if last and not self._clock.is_forgotten(last[0]):
            outcomes.add("duplicate")
            if not self._clock.may_be_forgotten(last[0]):
                return outcomes
        behind = [came for known, came in here.items() if known.at >= fact.at]
        if any(self._clock.may_be_forgotten(came) for came in behind):
            held = any(known.at > fact.at and known.absolute is not None for known in here)
            outcomes.add("past" if held and not fact.ships else "stale")
        if not any(self._clock.is_forgotten(came) for came in behind):
            outcomes.add("applied")
        return outcomes

    def surely_remembered(self, location: str, at: int) -> bool:
        """Return whether all facts of a location that are stamped up to `at` are remembered."""
        return not any(
            self._clock.may_be_forgotten(came) for known, came in self._came[location].items() if known.at <= at
        )
