"""What the demo shows: a live table on a terminal, plain lines anywhere else; both fit 80 columns without colour."""

import time
from collections import Counter, deque
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from atp_stream.demo.workers import Worker

_WIDTH = 80
_EVERY_S = 2.0  # between plain lines
_RATE_SPAN_S = 3.0  # a rate is an average over so long
_ITEMS = 10
_EVENTS = {
    "AvailabilityCalculatedEvent": "availability",
    "AllocationCommittedEvent": "committed",
    "AllocationReleasedEvent": "released",
    "ReservationDeniedEvent": "denied",
    "DeadLetter": "refused",
}
_REASONS = {"ASKED": "asked", "SUPPLY": "promised", "LATER": "put off", "EARLIER": "earlier", "REDEEMED": "kept"}
CHANNELS = ("ECOM", "STORE", "B2B", "MARKETPLACE")


class Rate:
    """Events per second over the last seconds."""

    def __init__(self) -> None:
        self.total = 0
        self._marks: deque[tuple[float, int]] = deque()

    def add(self, count: int = 1) -> None:
        """Count events that happened now."""
        self.total += count

    def now(self) -> float:
        """Return the present rate."""
        at = time.monotonic()
        self._marks.append((at, self.total))
        while at - self._marks[0][0] > _RATE_SPAN_S:
            self._marks.popleft()
        since, total = self._marks[0]
        return (self.total - total) / (at - since) if at > since else 0.0


class Show:
    """The screen; as a context it is live."""

    def __init__(self, workers: Sequence[Worker], items: Sequence[str], *, console: Console) -> None:
        self.console = console
        self.live = self.console.is_terminal
        self.sent, self.out = Rate(), Rate()
        self.rows: dict[tuple[str, str], tuple[str, str]] = {}  # item and channel to available and reserved
        self.counts: Counter[str] = Counter()
        self.by_day: Counter[str] = Counter()  # promises, by the reason in the event
        self.since = time.monotonic()
        self._workers = workers
        self._items = items[:_ITEMS]
        self._screen: Live | None = None
        self._last = 0.0

    def __enter__(self) -> Self:
        self.since = time.monotonic()
        if self.live:
            # A new one each time: one that is started again wipes as many lines as its last table had.
            self._screen = Live(console=self.console, get_renderable=self._table, refresh_per_second=4)
            self._screen.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._screen is not None:
            self._screen.stop()
            self._screen = None

    def say(self, line: str = "") -> None:
        """Print a line, above the table if there is one."""
        self.console.print(line, markup=False)

    def tick(self) -> None:
        """Print a plain line, if it is time for one and there is no table."""
        now = time.monotonic()
        if not self.live and now - self._last >= _EVERY_S:
            self._last = now
            self.say(self._line())

    def _line(self) -> str:
        ran = time.monotonic() - self.since
        owned = "  ".join(f"{w.name} {_owned(w)}" for w in self._workers)
        return (
            f"{ran:4.0f} s  in {self.sent.total:>6,} {self.sent.now():>4.0f}/s"
            f"  out {self.out.total:>7,} {self.out.now():>4.0f}/s  {owned}"
        )

    def _table(self) -> Table:
        table = Table(title=self._line(), title_justify="left", width=min(_WIDTH, self.console.width), title_style="")
        table.add_column("available/reserved", no_wrap=True)
        for channel in CHANNELS:
            table.add_column(channel, justify="right", no_wrap=True, ratio=1)
        for item in self._items:
            table.add_row(item, *(_whole(self.rows.get((item, channel), ("-", "-"))) for channel in CHANNELS))
        table.caption = "\n".join(self._counts_in_all())
        table.caption_style = ""
        return table

    def _counts_in_all(self) -> list[str]:
        """Return how often each event was published: what is now, and what is promised by day."""
        now = "  ".join(f"{word} {self.counts[event]:,}" for event, word in _EVENTS.items())
        reasons = "  ".join(f"{word} {self.by_day[reason]:,}" for reason, word in _REASONS.items())
        return [now, f"by day {self.counts['AvailabilityProjectedEvent']:,}  {reasons}"]


def _whole(amounts: tuple[str, str]) -> str:
    """Return amounts in whole units: with hundredths four channels would not fit."""
    return "/".join(amount.partition(".")[0] for amount in amounts)


def _owned(worker: Worker) -> str:
    """Return a worker's partitions, `0-5` where they are in a row."""
    if not worker.child.running:
        return "down"
    found = worker.partitions
    if len(found) > 2 and found[-1] - found[0] == len(found) - 1:  # noqa: PLR2004 - shorter only then
        return f"{found[0]}-{found[-1]}"
    return ",".join(map(str, found)) or "starting"
