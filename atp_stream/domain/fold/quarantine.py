"""Quarantine: an item that the fold is known to break on stops, shows 0 and has its commands deferred until resumed.

Source: docs/rules/identity.md#quarantine.
"""

from collections.abc import Mapping

from atp_stream.domain.fold.bookkeeping import Bookkeeping
from atp_stream.domain.item import timers
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.item.policy_history import PolicyVersion
from atp_stream.domain.row_keys import QUARANTINE
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.rows import Due, Work


class Quarantine:
    """The quarantines of one step; `broken` says with what an entry, or a unit of unfinished work, breaks."""

    def __init__(self, state: State, broken: Mapping[int, str], books: Bookkeeping) -> None:
        self._state = state
        self._broken = broken
        self._books = books

    def begin(self, item: OpenItem, offset: int, log_time_ms: int) -> None:
        """Stop an item because of its ticket: all its channels show 0, and its commands are deferred."""
        item.begin(offset, log_time_ms)
        item.row.quarantine = self._broken[item.ticket]
        self._books.stop_purge(item)
        item.row.resuming = False
        timers.hide(item)
        self._state.put(QUARANTINE + item.name, Due())
        item.done()
        self._books.mark(item)

    def begin_before_unit(self, item: OpenItem) -> bool:
        """Stop the item if the unit that is about to begin is known to break; return whether it is."""
        if item.ticket not in self._broken:
            return False
        self.begin(item, item.row.offset, item.row.log_time_ms)
        return True

    def end(self, item: OpenItem, offset: int, log_time_ms: int, newest: PolicyVersion) -> None:
        """Resume an item: it lives by the newest policy, then finishes its work, then what was deferred."""
        item.pending = []
        item.begin(offset, log_time_ms)
        item.row.quarantine = None
        self._state.delete(QUARANTINE + item.name)
        timers.show(item)
        item.row.resuming = item.row.deferred > 0
        if not item.row.deferred:
            self._books.resume_purge(item)
        item.row.policy = newest.offset
        # What it lived by is known only if it stopped just now.
        item.rules = newest.policy.rules(item.name, item.row.own)
        item.meet(item.rules)
        whole = Work(offset=offset, log_time_ms=log_time_ms, ordinal=item.ordinal)  # a whole pass: claims rose
        whole.index, whole.lose = ("" if item.rules.deallocates else None), item.rules.deallocates
        whole.until_us = None if item.row.work is None else item.row.work.until_us
        item.row.work = whole
        item.done()
        self._books.mark(item)
