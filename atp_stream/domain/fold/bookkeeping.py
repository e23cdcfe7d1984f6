"""What is kept right after each change of an item: its mark of unfinished work, and what the purge may take of it."""

from atp_stream.domain.item import drift
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.row_keys import WORK
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.purge import Purge
from atp_stream.domain.state.rows import Due
from atp_stream.domain.stock.generations import StockTime


class Bookkeeping:
    """The marks and the purge of a partition, as one step keeps them."""

    def __init__(self, state: State, time: StockTime) -> None:
        self.purge = Purge(state, time)
        self._state = state
        self._time = time

    def finish(self, item: OpenItem) -> None:
        """Count what was begun as folded."""
        if item.row.stock.gap or item.row.drift is not None:
            drift.follow(item)
        item.done()
        self.purge.watch(item.log_time_ms)
        row = item.row
        if row.stopped is not None and row.quarantine is None and not row.deferred and row.stock.upgrading is None:
            self.resume_purge(item)
        self.mark(item)

    def mark(self, item: OpenItem) -> None:
        """Let the partition find an item that has begun work to finish, and no other."""
        due = item.is_due
        if due != item.due:
            item.due = due
            if due:
                self._state.put(WORK + item.name, Due())
            else:
                self._state.delete(WORK + item.name)

    def stop_purge(self, item: OpenItem) -> None:
        """Let the purge leave an item's rows from the generation before this one on, unless it does so already."""
        if item.row.stopped is None:
            item.row.stopped = self._time.generation

    def resume_purge(self, item: OpenItem) -> None:
        """Let the purge take rows of an item again, for which nothing is deferred any more."""
        stopped, item.row.stopped = item.row.stopped, None
        if stopped is not None and stopped < self._time.generation:
            self.purge.begin_anew()
