"""One step of the fold: entries are answered in the order of the log, and faults are contained."""

from collections.abc import Mapping
from typing import Final

from atp_stream.domain.commands import (
    OF_PARTITION,
    AnyCommand,
    Elapse,
    Entry,
    PolicyOfPartition,
    ResumeItem,
    Tick,
)
from atp_stream.domain.errors import Broken, Refused
from atp_stream.domain.fold.bookkeeping import Bookkeeping
from atp_stream.domain.fold.command_handler import CommandHandler
from atp_stream.domain.fold.open_items import OpenItems
from atp_stream.domain.fold.output import Output
from atp_stream.domain.fold.quarantine import Quarantine
from atp_stream.domain.fold.unfinished_work import UnfinishedWork
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.item.policy_history import PolicyHistory
from atp_stream.domain.item.publication import publish
from atp_stream.domain.item.ticks import Ticks
from atp_stream.domain.limits import Limits
from atp_stream.domain.policy.rules import PolicyError
from atp_stream.domain.reasons import Reason
from atp_stream.domain.row_keys import FOLD
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.partition_rows import FoldRow
from atp_stream.domain.state.purge import ROWS_PER_FACT
from atp_stream.domain.state.rows import DeferredCommand
from atp_stream.domain.stock import upgrade
from atp_stream.domain.stock.generations import StockTime

FOLD_VERSION: Final = 2
"""Counted up whenever the same log gives other numbers than before. 2: stock without a bound on facts."""


class Step:
    """What one call of `fold` works with."""

    def __init__(self, state: State, broken: Mapping[int, str], limits: Limits) -> None:
        self._state = state
        self._broken = broken
        self._limits = limits
        self._output = Output(limits)
        self.events = self._output.events  # what has happened so far
        self._policies = PolicyHistory(state)
        self._ticks = Ticks(state)
        self._time = StockTime.of(state)
        self._items = OpenItems(state, self._policies, self._output)
        self._books = Bookkeeping(state, self._time)
        self._quarantine = Quarantine(state, broken, self._books)
        self._handler = CommandHandler(state, self._policies, self._output, self._books)
        self._work = UnfinishedWork(
            state, self._policies, self._ticks, self._items, self._output, self._books, self._quarantine,
            self._handler,
        )  # fmt: skip
        row: FoldRow | None = state.get(FOLD)
        self._is_current = row is not None and row.version == FOLD_VERSION

    def go_on(self) -> None:
        """Do a slice of what earlier steps left."""
        self._work.go_on()

    def unfinished(self) -> bool:
        """Return whether there is work without a command."""
        return self._work.unfinished()

    def take(self, entry: Entry) -> bool:
        """Answer one entry, unless the step has enough, or the item is not ready for it."""
        if self._output.is_full:
            return False
        self._begin(entry)
        try:
            return self._take(entry)
        except Broken:
            raise
        except Exception as error:
            if entry.offset in self._broken:
                raise
            raise Broken(entry.offset) from error

    def publish(self) -> None:
        """Put the rows of the items that changed, and report what their channels show now."""
        for item in self._items.changed():
            try:
                publish(item)
            except Exception as error:
                if item.ticket in self._broken:
                    raise
                raise Broken(item.ticket) from error

    # Entries

    def _begin(self, entry: Entry) -> None:
        """Let the log go on to an entry."""
        time = self._time
        if time.has_begun:
            time.advance(entry.log_time_ms)
        elif isinstance(entry.command, PolicyOfPartition | Tick):
            return  # stock time begins with the first command to an item: a policy in front of it sets the first window
        else:
            time.begin(entry.log_time_ms, self._policies.newest.policy.stock.window_us)
        if not self._is_current:
            self._state.put(FOLD, FoldRow(version=FOLD_VERSION, since=entry.offset))
            self._is_current = True

    def _take(self, entry: Entry) -> bool:
        command, limits = entry.command, self._limits
        if isinstance(command, OF_PARTITION):
            return self._of_partition(entry, command)
        item = self._items.open(entry.name)
        if isinstance(command, ResumeItem) and item.row.quarantine is None:
            return True  # it runs; if it has work to finish, that is none of an operator's business
        if item.row.quarantine is None and not item.row.resuming and upgrade.may_begin(item.row.stock):
            upgrade.begin(item.row.stock, self._time.generation)
            self._books.stop_purge(item)
            self._books.mark(item)
        enough = limits.slice if item.due else limits.step_output
        if self._work.is_behind(item) and not self._work.catch_up(item, enough):
            # Much work: others go on meanwhile. Little, but this step has enough: the next one goes on here.
            return item.due and self._defer(item, entry, command)
        item.ticket = entry.offset
        if entry.offset in self._broken:
            self._quarantine.begin(item, entry.offset, entry.log_time_ms)
        if isinstance(command, ResumeItem):
            if entry.offset not in self._broken:
                self._quarantine.end(item, entry.offset, entry.log_time_ms, self._policies.newest)
        elif item.row.quarantine is None:
            item.begin(entry.offset, entry.log_time_ms, source=entry.source)
            self._handler.handle(item, command, self._time.generation)
            self._books.purge.go_on(ROWS_PER_FACT)
        else:
            self._defer(item, entry, command)
        return True

    def _defer(self, item: OpenItem, entry: Entry, command: AnyCommand) -> bool:
        """Defer a command; False if too many are deferred already."""
        deferred = DeferredCommand(
            log_time_ms=entry.log_time_ms, generation=self._time.generation, command=command, source=entry.source,
            original=entry.original,
        )  # fmt: skip
        is_deferred = self._work.defer(item, entry.offset, deferred)
        if is_deferred:
            self._books.stop_purge(item)
        self._books.mark(item)
        return is_deferred

    # Commands to the whole partition

    def _of_partition(self, entry: Entry, command: OF_PARTITION) -> bool:
        if isinstance(command, Elapse):
            return True
        if entry.offset in self._broken:
            refused = Refused(Reason.BROKEN, self._broken[entry.offset])
            self._output.refuse(entry.name, 0, entry.offset, entry.log_time_ms, refused)
            return True
        if isinstance(command, Tick):
            if len(self._ticks.pending) >= self._limits.pending_ticks:
                return False
            self._ticks.add(entry.offset, entry.log_time_ms, command.at_us, is_caught_up=self._work.is_caught_up())
            return True
        return self._set_policy(entry, command)

    def _set_policy(self, entry: Entry, command: PolicyOfPartition) -> bool:
        policies = self._policies
        if policies.exceeds(self._limits):
            return False
        if policies.knows(command.event_id):
            return True
        try:
            newest = policies.add(entry, policies.document(command), command.event_id)
        except PolicyError as error:
            refused = Refused(Reason.POLICY_INVALID, str(error))
            self._output.refuse(entry.name, 0, entry.offset, entry.log_time_ms, refused)
            return True
        self._time.renew(newest.policy.stock.window_us)
        self._items.expect(newest)
        return True
