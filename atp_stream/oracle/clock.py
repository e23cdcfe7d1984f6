"""The time of one partition of the log, and in it the generations in which stock is remembered.

*Stock time* begins with the first command to an item, and each command moves it on to its own log time; but only if a
64th part of the window has passed by then since it last moved, or its generation is over. It never moves by more than
a quarter of the window: all that a silence of the log, or a jump of its clock, lasts beyond that does not count.
A *generation* is one window of stock time. What came in the present one or in the one before is remembered, so for one
window at the least; what came earlier is not, so no longer than two. Another window begins when the present generation
ends; while it waits, the two parts are those of the lesser window.

All times are milliseconds.
"""

from typing import Final

_STEPS: Final = 64  # in a window: stock time moves by one at the least
_SILENCES: Final = 4  # in a window: stock time moves by one at the most


class Clock:
    """Log time, and the number of the present generation; 0 also before the first command."""

    def __init__(self) -> None:
        self.log = 0
        self.generation = 0
        self._moved = -1  # to where in log time stock time was moved last; below 0 if it has not begun
        self._left = 0  # of the present generation
        self._window = self._next = 0  # of the present generation, and of those behind it

    def read(self, timestamp: int) -> int:
        """Take note of a record, whatever it is, and return log time."""
        self.log = max(timestamp, self.log)
        return self.log

    def begin(self, window: int) -> None:
        """Let stock time begin, unless it has."""
        if self._moved < 0:
            self._moved, self._left, self._window, self._next = self.log, window, window, window

    def move(self) -> None:
        """Move stock time on to log time, if it has begun: there is a command."""
        least, passed = min(self._window, self._next), self.log - self._moved
        if self._moved < 0 or passed < min(-(-least // _STEPS), self._left):
            return
        self._moved = self.log
        self._left -= min(passed, least // _SILENCES)
        if self._left <= 0:
            self.generation += 1
            self._window = self._next
            self._left += self._window

    def live_by(self, window: int) -> None:
        """Let generations behind the present one have another length."""
        self._next = window
