"""What an item has to do before its next command, in the order of the log, in units that a step may stop between.

    work that was begun: refilling, expiring, taking back       policies and ticks that it has still to meet
    commands that were deferred meanwhile

Everything that is done without a command of its own is a unit. Units are counted from the start of the step, so that
one that breaks has a name: -1 for the first, and so on; the same call over the same rows comes to it again, and
quarantines its item instead. Source: docs/rules/identity.md#order, docs/rules/identity.md#slices.
"""

from collections.abc import Callable
from typing import Final

from atp_stream.domain.commands import OF_PARTITION, ResumeItem
from atp_stream.domain.errors import Broken
from atp_stream.domain.events import OF_MANY, Deferred
from atp_stream.domain.fold.bookkeeping import Bookkeeping
from atp_stream.domain.fold.command_handler import CommandHandler
from atp_stream.domain.fold.follow_up import run_slice, start_follow_up
from atp_stream.domain.fold.open_items import OpenItems
from atp_stream.domain.fold.output import Output
from atp_stream.domain.fold.policy_rollout import PolicyRollout
from atp_stream.domain.fold.quarantine import Quarantine
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.item.policy_history import PolicyHistory, PolicyVersion
from atp_stream.domain.item.ticks import Ticks
from atp_stream.domain.row_keys import WORK, deferred_key, deferred_offset, deferred_prefix
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.partition_rows import Pending
from atp_stream.domain.state.rows import DeferredCommand, Work
from atp_stream.domain.stock import upgrade

_END: Final = 2**63


class UnfinishedWork:
    """The unfinished work of a partition, as one step sees it."""

    def __init__(
        self, state: State, policies: PolicyHistory, ticks: Ticks, items: OpenItems, output: Output, books: Bookkeeping,
        quarantine: Quarantine, handler: CommandHandler,
    ) -> None:  # fmt: skip
        self._state = state
        self._limits = output.limits
        self._policies = policies
        self._ticks = ticks
        self._items = items
        self._output = output
        self._books = books
        self._quarantine = quarantine
        self._handler = handler
        self._rollout = PolicyRollout(state, policies, items, output)
        self._units = 0

    def go_on(self) -> None:
        """Do a slice of what earlier steps left: of one item's work, of the walk over timers, and of the sweep."""
        due = self._state.first(WORK)
        if due is not None:
            self.catch_up(self._items.open(due[0][len(WORK) :]), self._limits.slice)
        if self._ticks.pending:
            self._walk(self._output.spent + self._limits.slice)
        if self._policies.sweep is not None:
            # Small slices: all partitions sweep at a time, and commands pass in between.
            self._rollout.run(self._output.spent + self._limits.slice // 4 + 1, self.catch_up)

    def unfinished(self) -> bool:
        """Return whether there is work without a command."""
        return bool(self._ticks.pending) or not self.is_caught_up()

    def is_caught_up(self) -> bool:
        """Return whether all commands and policies so far are done with."""
        return self._policies.sweep is None and self._state.first(WORK) is None

    def is_behind(self, item: OpenItem) -> bool:
        """Return whether an item has something to do before its next command."""
        return item.due or bool(item.pending) or self._ticks.for_item(item) is not None

    def catch_up(self, item: OpenItem, limit: int) -> bool:
        """Do what an item has to do before its next command; return whether it is ready."""
        while item.row.quarantine is None:
            job = self._next(item)
            if job is None:
                return True
            if self._units and self._output.spent >= limit:
                return False
            self._unit(item, job)
        return True

    def defer(self, item: OpenItem, offset: int, deferred: DeferredCommand) -> bool:
        """Defer a command for an item that is not ready; False if it has too many."""
        if item.row.deferred >= self._limits.deferred and item.row.quarantine is None:
            return False
        self._state.put(deferred_key(item.name, offset), deferred)
        item.row.deferred += 1
        item.row.resuming = item.row.quarantine is None
        item.changed = True
        self._output.spend()
        return True

    # Units

    def _next(self, item: OpenItem) -> Callable[[], None] | None:
        work = item.row.work
        if work is not None:
            return lambda: self._continue(item, work)
        if item.row.stock.upgrading is not None or (item.row.resuming and upgrade.is_old(item.row.stock)):
            return lambda: self._upgrade(item)
        version = item.pending[0] if item.pending else None
        tick = self._ticks.for_item(item)
        deferred = self._state.first(deferred_prefix(item.name)) if item.row.resuming else None
        places = (
            _END if deferred is None else deferred_offset(deferred[0]),
            _END if version is None else version.offset,
            _END if tick is None else tick.offset,
        )
        first = min(places)
        if deferred is not None and places[0] == first:
            key, deferred = deferred
            return lambda: self._take_deferred(item, key, deferred)
        if version is not None and places[1] == first:
            return lambda: self._meet(item, version)
        if tick is not None:
            return lambda: self._tick(item, tick)
        return None

    def _unit(self, item: OpenItem, job: Callable[[], None]) -> None:
        self._units += 1
        self._output.spend()
        item.ticket = -self._units
        if self._quarantine.begin_before_unit(item):
            return
        try:
            job()
        except Exception as error:
            raise Broken(item.ticket) from error

    def _continue(self, item: OpenItem, work: Work) -> None:
        item.begin(work.offset, work.log_time_ms, work.ordinal, item.row.source.encode())
        self._output.spend(run_slice(item, work))
        self._books.finish(item)

    def _upgrade(self, item: OpenItem) -> None:
        row, stock = item.row, item.row.stock
        if stock.upgrading is None:  # what is deferred has come before there were generations
            upgrade.begin(stock, 0)
            row.stopped = 0
        item.begin(row.offset, row.log_time_ms, source=row.source.encode())
        item.stock.live_by(item.rules.stock, stock.upgrading or 0)
        self._output.spend(upgrade.upgrade(item.stock))
        if stock.upgrading is None:
            item.unindexed |= item.rules.deallocates  # open promises stood in the order of their commits
            self._output.spend(start_follow_up(item))
        self._books.finish(item)

    def _take_deferred(self, item: OpenItem, key: str, deferred: DeferredCommand) -> None:
        self._state.delete(key)
        item.row.deferred -= 1
        item.row.resuming = item.row.deferred > 0
        item.begin(deferred_offset(key), deferred.log_time_ms, source=deferred.source)
        command = deferred.command
        assert not isinstance(command, OF_PARTITION | ResumeItem)  # noqa: S101  (these are never deferred)
        letter = Deferred(command, deferred.source, deferred.original)
        self._handler.handle(item, command, deferred.generation, letter)
        if not item.row.deferred:
            self._books.resume_purge(item)
        item.changed = True
        self._books.mark(item)

    def _meet(self, item: OpenItem, version: PolicyVersion) -> None:
        item.pending.pop(0)
        item.begin(version.offset, version.log_time_ms, OF_MANY, source=version.source.encode())
        item.meet(version.policy.rules(item.name, item.row.own))
        item.row.policy = version.offset
        self._output.spend(start_follow_up(item))
        self._books.finish(item)

    def _tick(self, item: OpenItem, tick: Pending) -> None:
        item.begin(tick.offset, tick.log_time_ms, OF_MANY)
        events, waiting, dated = len(item.events), item.waiting, item.row.dated
        work = Work(offset=tick.offset, log_time_ms=tick.log_time_ms, ordinal=OF_MANY, until_us=tick.until_us)
        self._output.spend(run_slice(item, work))
        # What only waited ends without an event of its own, but no longer keeps its channel at 0.
        if len(item.events) > events or item.waiting != waiting or item.row.work is not None or dated:
            self._books.finish(item)

    # Walks

    def _walk(self, limit: int) -> None:
        """Let the items whose timers have run out meet the ticks."""
        while (found := self._ticks.next_item()) is not None:
            timer, name = found
            if not name:
                self._books.purge.tick(self._ticks.pending[-1].log_time_ms)
                continue
            if not self.catch_up(self._items.open(name), limit):
                return
            self._ticks.give_up(timer)
        if self.is_caught_up():
            self._ticks.finish()
