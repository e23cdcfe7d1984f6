"""Units of time: log time is in milliseconds, event times and timers in microseconds, policy durations in seconds."""

from typing import Final

US_PER_MS: Final = 1_000
US_PER_S: Final = 1_000_000
