"""Purge: rows of generations that are forgotten go, a few for each fact that counts, the rest on ticks.

Law: nothing is read of a forgotten generation, so what the fold says never depends on how far the purge has come. Rows
of an item that is stopped stay from the generation before its stop on: what is kept for it is answered with the
generation of its own arrival. While a partition has rows of generations, a timer of its own asks for ticks.
Source: docs/rules/stock.md#purge.
"""

from collections.abc import Iterator
from typing import Final

from atp_stream.domain.row_keys import (
    GENERATIONS,
    PURGE,
    QUARANTINE,
    TIMER,
    WORK,
    generation_of,
    generation_prefix,
    item_key,
    item_of,
    partition_timer_key,
)
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.partition_rows import PurgeRow
from atp_stream.domain.state.rows import Due, Item
from atp_stream.domain.stock.generations import StockTime
from atp_stream.domain.time_units import US_PER_MS

ROWS_PER_FACT: Final = 4
"""More than a fact writes, so that a busy partition keeps up."""

ROWS_PER_TICK: Final = 500
TICK_PARTS: Final = 8
"""A tick is asked for each time one such part of the window has passed."""

_AGAIN_MS: Final = 1_000


def is_kept(item: Item | None, generation: int) -> bool:
    """Return whether the rows of an item from a generation stay because the item is stopped."""
    return item is not None and item.stopped is not None and generation >= item.stopped - 1


def is_forgotten(key: str, generation: int) -> bool:
    """Return whether a row may be there or not, as far as the purge has come, in a present generation."""
    if key.startswith(GENERATIONS):
        return generation_of(key) < generation - 1
    return key == PURGE or (key.startswith(TIMER) and key.endswith("|"))


class Purge:
    """The purge of one partition, as one step sees it."""

    def __init__(self, state: State, time: StockTime) -> None:
        self._state = state
        self._time = time
        self._row: PurgeRow = state.get(PURGE) or PurgeRow()
        self._keys: Iterator[str] | None = None
        self._border = 0

    def watch(self, log_time_ms: int) -> None:
        """Ask for a tick if the command just answered has written the first rows of a generation."""
        state = self._state
        if state.wrote_generations:
            state.wrote_generations = False
            if self._row.timer_us is None:
                self._set_timer(log_time_ms + self._time.window_ms // TICK_PARTS)

    def go_on(self, limit: int) -> bool:
        """Delete up to `limit` rows; return whether all that is forgotten has gone."""
        border = self._time.generation - 1
        if self._row.below >= border:
            return True
        state, row, end = self._state, self._row, generation_prefix(border)
        if self._keys is None or self._border != border:
            self._keys, self._border = state.keys(row.cursor or GENERATIONS, GENERATIONS), border
        for key in self._keys:
            if key >= end:
                break
            row.cursor = key
            if not self._has_to_stay(item_of(key), generation_of(key)):
                state.delete(key)
                state.tally.purged += 1
            limit -= 1
            if not limit:
                state.put(PURGE, row)
                return False
        row.below, row.cursor, self._keys = border, "", None
        state.put(PURGE, row)
        return True

    def begin_anew(self) -> None:
        """Go over all rows again: an item was let go whose rows had to stay."""
        self._row.below, self._row.cursor, self._keys = 0, "", None
        self._state.put(PURGE, self._row)

    def tick(self, log_time_ms: int) -> None:
        """Go on because the partition's own timer has run out, and ask for the next tick while there are rows."""
        state, row = self._state, self._row
        assert row.timer_us is not None  # noqa: S101  (the timer is there, or this would not be called)
        state.delete(partition_timer_key(row.timer_us))
        row.timer_us = None
        is_done = self.go_on(ROWS_PER_TICK)
        if not is_done:
            self._set_timer(log_time_ms + _AGAIN_MS)
        elif next(state.keys(GENERATIONS, GENERATIONS), None) is not None:
            self._set_timer(log_time_ms + self._time.window_ms // TICK_PARTS)
        state.put(PURGE, row)

    def _has_to_stay(self, name: str, generation: int) -> bool:
        """Return whether what is kept for an item may still ask for its rows of a generation."""
        if self._state.first(QUARANTINE) is None and self._state.first(WORK) is None:
            return False
        return is_kept(self._state.get(item_key(name)), generation)

    def _set_timer(self, log_time_ms: int) -> None:
        self._row.timer_us = log_time_ms * US_PER_MS
        self._state.put(partition_timer_key(self._row.timer_us), Due())
        self._state.put(PURGE, self._row)
