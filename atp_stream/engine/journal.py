"""What the log says of the partitions that this worker takes, serves and gives away."""

import time
from collections.abc import Callable, Iterable

from mode import get_logger

log = get_logger(__name__)


def listed(numbers: Iterable[int]) -> str:
    """Return numbers for people."""
    return ", ".join(map(str, sorted(numbers))) or "none"


class Journal:
    """Tells of one take-over after the other."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._assigned_at = 0.0
        self._rows = 0

    def assigned(self, owned: set[int], standbys: set[int]) -> None:
        """Partitions were assigned to this worker; their state is restored next."""
        self._assigned_at, self._rows = self._clock(), 0
        log.info(
            "taking over partitions: %s; keeping copies of: %s",
            listed(owned),
            listed(standbys),
            extra={"event": "partitions_assigned", "partitions": sorted(owned), "standbys": sorted(standbys)},
        )

    def restored(self, rows: int) -> None:
        """Some more rows of owned partitions were read from the changelog."""
        self._rows += rows

    def serving(self, owned: set[int]) -> None:
        """The state is restored, and the partitions are served from now on."""
        seconds = round(self._clock() - self._assigned_at, 1)
        log.info(
            "serving partitions: %s; restored %s rows in %s s",
            listed(owned),
            self._rows,
            seconds,
            extra={"event": "serving", "partitions": sorted(owned), "rows": self._rows, "seconds": seconds},
        )

    def lost(self, owned: set[int]) -> None:
        """The partitions that were served are served no more."""
        if owned:
            extra = {"event": "partitions_lost", "partitions": sorted(owned)}
            log.info("no longer serving partitions: %s", listed(owned), extra=extra)
