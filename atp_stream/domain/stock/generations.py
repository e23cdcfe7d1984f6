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
    """From log time `begins_ms` on, stock time counts windows of one length; `passed_ms` of `number` had gone."""

    begins_ms: int
    passed_ms: int
    number: int
    window_ms: int

    def at(self, now_ms: int) -> tuple[int, int]:
        """Return the generation at a log time of this era, and how much of it has passed."""
        passed_ms = self.passed_ms + now_ms - self.begins_ms
        return self.number + passed_ms // self.window_ms, passed_ms % self.window_ms


class StockTimeRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Where stock time stands: the log time last noted, the present era, and (if there is one) the next."""

    seen_ms: int = msgspec.field(name="seen")
    eras: list[Era]

    @property
    def least_ms(self) -> int:
        """Return the least window that is set: what begins in one era may end in the next."""
        return min(era.window_ms for era in self.eras)

    @property
    def share_ms(self) -> int:
        """Return what a silence counts at most."""
        return self.least_ms // SILENCE_PARTS

    @property
    def generation(self) -> int:
        """Return the present generation."""
        return next(era for era in reversed(self.eras) if era.begins_ms <= self.seen_ms).at(self.seen_ms)[0]


class StockTime:
    """Stock time of one partition, as one step sees it: `generation` is the present one, 0 before the first command."""

    def __init__(self, rows: Rows, row: StockTimeRow | None) -> None:
        self._rows = rows
        self._row = row
        self._now_ms = 0 if row is None else row.seen_ms
        self.generation = 0
        self._quiet_until_ms = 0
        if row is not None:
            self._look(row)

    @classmethod
    def of(cls, rows: Rows) -> Self:
        """Return that of a partition."""
        return cls(rows, rows.get(STOCK_TIME))

    @property
    def has_begun(self) -> bool:
        """Return whether there was a first command."""
        return self._row is not None

    @property
    def window_ms(self) -> int:
        """Return the length of the present generations, 0 before the first command."""
        return 0 if self._row is None else self._era(self._now_ms).window_ms

    def begin(self, now_ms: int, window_us: int) -> None:
        """Begin with the first command, with generations of `window_us` (microseconds)."""
        self._now_ms = now_ms
        self._row = StockTimeRow(seen_ms=now_ms, eras=[Era(now_ms, 0, 0, window_us // US_PER_MS)])
        self._put(self._row)

    def advance(self, now_ms: int) -> None:
        """Let the log go on to the log time of a command."""
        if now_ms < self._quiet_until_ms:
            self._now_ms = max(self._now_ms, now_ms)
            return
        row = self._row
        assert row is not None  # noqa: S101  (the caller has begun)
        self._now_ms = now_ms
        if now_ms - row.seen_ms > row.share_ms:
            self._skip(row, now_ms)
        row.seen_ms = now_ms
        row.eras = [era for era, later in zip(row.eras, [*row.eras[1:], None], strict=True) if _lasts(later, now_ms)]
        self._put(row)

    def renew(self, window_us: int) -> None:
        """Live by another window (microseconds) from the end of the present generation on."""
        if self._row is None:
            return
        present = self._era(self._now_ms)
        number, passed_ms = present.at(self._now_ms)
        length_ms = window_us // US_PER_MS
        later = Era(self._now_ms + present.window_ms - passed_ms, 0, number + 1, length_ms)
        eras = [present] if length_ms == present.window_ms else [present, later]
        if eras != self._row.eras:
            self._row.eras = eras
            self._put(self._row)

    def _era(self, now_ms: int) -> Era:
        assert self._row is not None  # noqa: S101  (there is one once time has begun)
        later = [era for era in self._row.eras if era.begins_ms <= now_ms]
        return later[-1] if later else self._row.eras[0]

    def _skip(self, row: StockTimeRow, now_ms: int) -> None:
        """Leave out of stock time what a silence lasts beyond its share."""
        met_ms = row.seen_ms + row.share_ms
        skipped_ms = now_ms - met_ms
        present = self._era(met_ms)
        number, passed_ms = present.at(met_ms)
        row.eras = [
            Era(now_ms, passed_ms, number, present.window_ms),
            *(
                Era(era.begins_ms + skipped_ms, era.passed_ms, era.number, era.window_ms)
                for era in row.eras
                if era.begins_ms > met_ms
            ),
        ]

    def _put(self, row: StockTimeRow) -> None:
        self._rows.put(STOCK_TIME, row)
        self._look(row)

    def _look(self, row: StockTimeRow) -> None:
        """Note the present generation, and until when neither it nor the row changes."""
        era = self._era(row.seen_ms)
        self.generation, passed_ms = era.at(row.seen_ms)
        self._quiet_until_ms = row.seen_ms + min(-(-row.least_ms // MARK_PARTS), era.window_ms - passed_ms)


def _lasts(later: Era | None, now_ms: int) -> bool:
    """Return whether an era is still the present one, or a later one, by the era behind it."""
    return later is None or later.begins_ms > now_ms
