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
        self.log_time_ms = 0
        self.generation = 0
        self._stepped_at_ms = -1  # to where in log time stock time was moved last; below 0 if it has not begun
        self._rest_ms = 0  # of the present generation
        self._window_ms = self._next_ms = 0  # of the present generation, and of those behind it

    def read(self, timestamp_ms: int) -> int:
        """Take note of a record, whatever it is, and return log time."""
        self.log_time_ms = max(timestamp_ms, self.log_time_ms)
        return self.log_time_ms

    def begin(self, window_ms: int) -> None:
        """Let stock time begin, unless it has."""
        if self._stepped_at_ms < 0:
            self._stepped_at_ms, self._rest_ms, self._window_ms, self._next_ms = (
                self.log_time_ms,
                window_ms,
                window_ms,
                window_ms,
            )

    def move(self) -> None:
        """Move stock time on to log time, if it has begun: there is a command."""
        least_ms, passed_ms = min(self._window_ms, self._next_ms), self.log_time_ms - self._stepped_at_ms
        if self._stepped_at_ms < 0 or passed_ms < min(-(-least_ms // _STEPS), self._rest_ms):
            return
        self._stepped_at_ms = self.log_time_ms
        self._rest_ms -= min(passed_ms, least_ms // _SILENCES)
        if self._rest_ms <= 0:
            self.generation += 1
            self._window_ms = self._next_ms
            self._rest_ms += self._window_ms

    def live_by(self, window_ms: int) -> None:
        """Let generations behind the present one have another length."""
        self._next_ms = window_ms
