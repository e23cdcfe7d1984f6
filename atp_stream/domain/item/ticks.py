"""Ticks of a partition: moments up to which all input has been read, so that what was to be confirmed has been.

Law: an item meets every tick by which it has a timer run out, in the order of the log, before its next command; an item
that no command touches meets it in a walk over the earliest timers. Source: docs/rules/time.md#tick-order.
"""

from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.row_keys import CLOCK, TIMER, item_timer_of
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.partition_rows import Clock, Pending
from atp_stream.domain.time_units import US_PER_MS


class Ticks:
    """The ticks of one partition, as one step sees them."""

    def __init__(self, state: State) -> None:
        self._state = state
        clock: Clock | None = state.get(CLOCK)
        self.pending: list[Pending] = [] if clock is None else clock.pending

    def add(self, offset: int, log_time_ms: int, until_us: int, *, is_caught_up: bool) -> None:
        """Let the timers up to `until_us`, but not beyond log time, run out: a fast clock ends nothing early.

        Unless the partition `is_caught_up`, what stands earlier in the log may still start such a timer.
        """
        until_us = min(until_us, log_time_ms * US_PER_MS)
        if (
            until_us > self.pending[-1].until_us
            if self.pending
            else not is_caught_up or self._due(until_us) is not None
        ):
            self.pending.append(Pending(offset, log_time_ms, until_us))
            self._state.put(CLOCK, Clock(pending=self.pending))

    def for_item(self, item: OpenItem) -> Pending | None:
        """Return the next tick by which a timer of the item has run out, as far as its earliest one shows."""
        timer = item.row.timer_us
        if timer is None or not self.pending or timer > self.pending[-1].until_us:
            return None
        return next(tick for tick in self.pending if timer <= tick.until_us)

    def next_item(self) -> tuple[str, str] | None:
        """Return the earliest timer that has run out by a tick, and its item."""
        return self._due(self.pending[-1].until_us) if self.pending else None

    def give_up(self, timer: str) -> None:
        """Forget a timer that its item, which has met all ticks, does not have: else the walk would never end."""
        found = self._state.first(TIMER)
        if found is not None and found[0] == timer:
            self._state.delete(timer)

    def finish(self) -> None:
        """Forget the ticks: all items have met them, and nothing that stands earlier in the log is left to do."""
        self.pending = []
        self._state.delete(CLOCK)

    def _due(self, until_us: int) -> tuple[str, str] | None:
        found = self._state.first(TIMER)
        if found is None:
            return None
        moment_us, name = item_timer_of(found[0])
        return (found[0], name) if moment_us <= until_us else None
