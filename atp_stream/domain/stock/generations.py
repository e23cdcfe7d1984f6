"""Stock time: log time in which a silence of the log, or a jump of its clock, counts at most a quarter of the window.

Generations are numbered windows of stock time. So an outage of days, or one append by a broker whose clock is ahead,
forgets nothing that is on its way. All times are milliseconds of log time. Source: docs/rules/stock.md#stock-time.
"""

from typing import Final, Self

import msgspec

from atp_stream.domain.row_keys import STOCK_TIME
from atp_stream.domain.stock.series import Rows
from atp_stream.domain.time_units import US_PER_MS

SILENCE_PARTS: Final = 4
"""A silence counts at most one such part of the window."""

MARK_PARTS: Final = 64
"""The log time last seen is noted each time one such part of the window has passed: not every step has to write it."""


class Era(msgspec.Struct, array_like=True, frozen=True, order=True):
    """From log time `begins` on, stock time counts windows of one length; `passed` of generation `number` had gone."""

    begins: int
    passed: int
    number: int
    window: int

    def at(self, now: int) -> tuple[int, int]:
        """Return the generation at a log time of this era, and how much of it has passed."""
        passed = self.passed + now - self.begins
        return self.number + passed // self.window, passed % self.window


class StockTimeRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Where stock time stands: the log time last noted, the present era, and (if there is one) the next."""

    seen: int
    eras: list[Era]

    @property
    def least(self) -> int:
        """Return the least window that is set: what begins in one era may end in the next."""
        return min(era.window for era in self.eras)

    @property
    def share(self) -> int:
        """Return what a silence counts at most."""
        return self.least // SILENCE_PARTS

    @property
    def generation(self) -> int:
        """Return the present generation."""
        return next(era for era in reversed(self.eras) if era.begins <= self.seen).at(self.seen)[0]


class StockTime:
    """Stock time of one partition, as one step sees it: `generation` is the present one, 0 before the first command."""

    def __init__(self, rows: Rows, row: StockTimeRow | None) -> None:
        self._rows = rows
        self._row = row
        self._now = 0 if row is None else row.seen
        self.generation = 0
        self._quiet_until = 0
        if row is not None:
            self._look(row)

    @classmethod
    def of(cls, rows: Rows) -> Self:
        """Return that of a partition."""
        return cls(rows, rows.get(STOCK_TIME))

    @property
    def has_begun(self) -> bool:
        """Tell whether there was a first command."""
        return self._row is not None

    @property
    def window(self) -> int:
        """Return the length of the present generations, 0 before the first command."""
        return 0 if self._row is None else self._era(self._now).window

    def begin(self, now: int, window: int) -> None:
        """Begin with the first command, with generations of `window` (microseconds)."""
        self._now = now
        self._row = StockTimeRow(seen=now, eras=[Era(now, 0, 0, window // US_PER_MS)])
        self._put(self._row)

    def advance(self, now: int) -> None:
        """Let the log go on to the log time of a command."""
        if now < self._quiet_until:
            self._now = max(self._now, now)
            return
        row = self._row
        assert row is not None  # noqa: S101  (the caller has begun)
        self._now = now
        if now - row.seen > row.share:
            self._skip(row, now)
        row.seen = now
        row.eras = [era for era, later in zip(row.eras, [*row.eras[1:], None], strict=True) if _lasts(later, now)]
        self._put(row)

    def renew(self, window: int) -> None:
        """Live by another window (microseconds) from the end of the present generation on."""
        if self._row is None:
            return
        present = self._era(self._now)
        number, passed = present.at(self._now)
        length = window // US_PER_MS
        later = Era(self._now + present.window - passed, 0, number + 1, length)
        eras = [present] if length == present.window else [present, later]
        if eras != self._row.eras:
            self._row.eras = eras
            self._put(self._row)

    def _era(self, now: int) -> Era:
        assert self._row is not None  # noqa: S101  (there is one once time has begun)
        later = [era for era in self._row.eras if era.begins <= now]
        return later[-1] if later else self._row.eras[0]

    def _skip(self, row: StockTimeRow, now: int) -> None:
        """Leave out of stock time what a silence lasts beyond its share."""
        met = row.seen + row.share
        skipped = now - met
        present = self._era(met)
        number, passed = present.at(met)
        row.eras = [
            Era(now, passed, number, present.window),
            *(Era(era.begins + skipped, era.passed, era.number, era.window) for era in row.eras if era.begins > met),
        ]

    def _put(self, row: StockTimeRow) -> None:
        self._rows.put(STOCK_TIME, row)
        self._look(row)

    def _look(self, row: StockTimeRow) -> None:
        """Note the present generation, and until when neither it nor the row changes."""
        era = self._era(row.seen)
        self.generation, passed = era.at(row.seen)
        self._quiet_until = row.seen + min(-(-row.least // MARK_PARTS), era.window - passed)


def _lasts(later: Era | None, now: int) -> bool:
    """Tell whether an era is still the present one, or a later one, by the era behind it."""
    return later is None or later.begins > now
