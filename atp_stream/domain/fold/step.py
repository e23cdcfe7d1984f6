"""One step of the fold: items that are open, entries that are answered, and faults that are contained."""

from collections.abc import Mapping
from typing import Final
from weakref import proxy

from atp_stream.domain.budget import SLICE
from atp_stream.domain.commands import (
    OF_PARTITION,
    AnyCommand,
    EditItem,
    Elapse,
    Entry,
    PolicyOfPartition,
    ResumeItem,
    Tick,
)
from atp_stream.domain.errors import Broken, Refused
from atp_stream.domain.events import AnyEvent, CommandRefused, Deferred
from atp_stream.domain.fold.dispatch import ItemCommand, answer
from atp_stream.domain.fold.follow_up import settle
from atp_stream.domain.fold.unfinished_work import UnfinishedWork
from atp_stream.domain.item import drift, timers
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.item.policy_history import PolicyHistory
from atp_stream.domain.item.ticks import Ticks
from atp_stream.domain.policy.rules import PolicyError
from atp_stream.domain.reasons import Reason
from atp_stream.domain.row_keys import FOLD, QUARANTINE, WORK
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.purge import ROWS_PER_FACT, Purge
from atp_stream.domain.state.rows import DeferredCommand, Due, FoldRow, Work
from atp_stream.domain.stock import upgrade
from atp_stream.domain.stock.facts import Outcome
from atp_stream.domain.stock.generations import StockTime

FOLD_VERSION: Final = 2
"""Counted up whenever the same log gives other numbers than before. 2: stock without a bound on facts."""

_DUPLICATE: Final = Outcome.DUPLICATE
_PAST: Final = Outcome.PAST

ENOUGH: Final = 4_000
"""A step that has so much output takes no further command."""


class Step:
    """What one call of `fold` works with."""

    def __init__(self, state: State, broken: Mapping[int, str]) -> None:
        self.events: list[AnyEvent] = []
        self._state = state
        self._broken = broken
        self._items: dict[str, OpenItem] = {}
        self._policies = PolicyHistory(state)
        self._ticks = Ticks(state)
        self._time = StockTime.of(state)
        self._purge = Purge(state, self._time)
        row: FoldRow | None = state.get(FOLD)
        self._is_current = row is not None and row.version == FOLD_VERSION
        self._more = 0  # what counts as output beside events: units, visits, what publishing may tell
        # Weak: else a step, with all that it read, would be a ring that stays until the garbage is looked through.
        self._behind = UnfinishedWork(proxy(self), state, self._policies, self._ticks, self._purge)

    @property
    def spent(self) -> int:
        """How much this step has put out."""
        return len(self.events) + self._more

    def spend(self) -> None:
        """Count a unit, or something like it, as output."""
        self._more += 1

    def go_on(self) -> None:
        """Do a slice of what earlier steps left."""
        self._behind.go_on()

    def unfinished(self) -> bool:
        """Tell whether there is work without a command."""
        return self._behind.unfinished()

    def take(self, entry: Entry) -> bool:
        """Answer one entry, unless the step has enough, or the item is not ready for it."""
        if self.spent >= ENOUGH:
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
        """Put the rows of the items that changed, and tell what their channels show now."""
        for item in self._items.values():
            if item.changed:
                try:
                    item.publish()
                except Exception as error:
                    if item.ticket in self._broken:
                        raise
                    raise Broken(item.ticket) from error

    def open(self, name: str) -> OpenItem:
        """Return an item, with the policies that it has still to meet."""
        item = self._items.get(name)
        if item is None:
            policies = self._policies
            item = self._items[name] = OpenItem(self._state, name, policies.newest.policy, self.events)
            if policies.sweep is not None and not item.is_new and item.row.quarantine is None:
                met, own = policies.met(name, item.row.policy), item.row.own
                item.rules, item.pending = met.policy.rules(name, own), policies.later(name, own, met.offset)
            self._more += len(item.channels)
        return item

    # Entries

    def _begin(self, entry: Entry) -> None:
        """Let the log go on to an entry."""
        time = self._time
        if time.has_begun:
            time.advance(entry.log_time)
        elif isinstance(entry.command, PolicyOfPartition | Tick):
            return  # stock time begins with the first command to an item: a policy in front of it sets the first window
        else:
            time.begin(entry.log_time, self._policies.newest.policy.stock.window)
        if not self._is_current:
            self._state.put(FOLD, FoldRow(version=FOLD_VERSION, since=entry.offset))
            self._is_current = True

    def _take(self, entry: Entry) -> bool:
        command = entry.command
        if isinstance(command, OF_PARTITION):
            return self._of_partition(entry, command)
        item = self._items.get(entry.name) or self.open(entry.name)
        if isinstance(command, ResumeItem) and item.row.quarantine is None:
            return True  # it runs; if it has work to finish, that is none of an operator's business
        if item.row.quarantine is None and not item.row.resuming and upgrade.may_begin(item.row.stock):
            upgrade.begin(item.row.stock, self._time.generation)
            self._stop_purge(item, self._time.generation)
            self._mark(item)
        if self._behind.behind(item) and not self._behind.catch_up(item, SLICE if item.due else ENOUGH):
            # Much work: others go on meanwhile. Little, but this step has enough: the next one goes on here.
            return item.due and self._defer(item, entry, command)
        item.ticket = entry.offset
        if entry.offset in self._broken:
            self._stop(item, entry.offset, entry.log_time)
        if isinstance(command, ResumeItem):
            self._resume(item, entry)
        elif item.row.quarantine is None:
            item.begin(entry.offset, entry.log_time, source=entry.source)
            self._answer(item, command, None, self._time.generation)
            self._purge.go_on(ROWS_PER_FACT)
        else:
            self._defer(item, entry, command)
        return True

    def apply_deferred(self, item: OpenItem, offset: int, deferred: DeferredCommand) -> None:
        """Answer a command that was deferred for its item."""
        item.begin(offset, deferred.log_time, source=deferred.source)
        command = deferred.command
        assert not isinstance(command, OF_PARTITION | ResumeItem)  # noqa: S101  (these are never deferred)
        self._answer(item, command, Deferred(command, deferred.source, deferred.original), deferred.generation)
        if not item.row.deferred:
            self._let_go(item)
        item.changed = True
        self._mark(item)

    def _answer(self, item: OpenItem, command: ItemCommand, deferred: Deferred | None, generation: int) -> None:
        item.stock.live_by(item.rules.stock, generation)
        version = self._policies.as_of(max(item.offset, item.row.policy))
        try:
            outcome = answer(item, command, version.policy)
        except Refused as refused:
            self._refuse(item.name, item.row.version, item.offset, item.log_time, refused, deferred)
            if refused.reason == "stale":
                item.row.stale += 1
                item.changed = True
            if refused.reason != "stale" or not item.has_news:  # news of a supply, that the stock refused
                return
            outcome = Outcome.APPLIED
        if outcome is _DUPLICATE or outcome is _PAST:
            item.row.duplicates += outcome is _DUPLICATE
            item.row.past += outcome is _PAST
            self._state.tally.duplicates += outcome is _DUPLICATE
            self._state.tally.past += outcome is _PAST
            item.changed = True
            return
        if isinstance(command, EditItem) and self._policies.sweep is not None:
            item.pending = self._policies.later(item.name, item.row.own, version.offset)
        settle(item)
        item.row.policy = version.offset
        self.done(item)

    def done(self, item: OpenItem) -> None:
        """Count what was begun as folded, and keep the mark of unfinished work right."""
        if item.row.stock.gap or item.row.drift is not None:
            drift.follow(item)
        item.done()
        self._purge.watch(item.log_time)
        row = item.row
        if row.stopped is not None and row.quarantine is None and not row.deferred and row.stock.upgrading is None:
            self._let_go(item)
        self._mark(item)

    def _mark(self, item: OpenItem) -> None:
        due = item.is_due
        if due != item.due:
            item.due = due
            if due:
                self._state.put(WORK + item.name, Due())
            else:
                self._state.delete(WORK + item.name)

    def _defer(self, item: OpenItem, entry: Entry, command: AnyCommand) -> bool:
        """Defer a command; False if too many are deferred already."""
        generation = self._time.generation
        deferred = DeferredCommand(
            log_time=entry.log_time, generation=generation, command=command, source=entry.source,
            original=entry.original,
        )  # fmt: skip
        is_deferred = self._behind.defer(item, entry.offset, deferred)
        if is_deferred:
            self._stop_purge(item, generation)
        self._mark(item)
        return is_deferred

    def _stop_purge(self, item: OpenItem, generation: int) -> None:
        """Let the purge leave an item's rows from the generation before this one on, unless it does so already."""
        if item.row.stopped is None:
            item.row.stopped = generation

    def _let_go(self, item: OpenItem) -> None:
        """Let the purge take rows of an item again, for which nothing is deferred any more."""
        stopped, item.row.stopped = item.row.stopped, None
        if stopped is not None and stopped < self._time.generation:
            self._purge.begin_anew()

    def _refuse(
        self, name: str, version: int, offset: int, log_time: int, refused: Refused, deferred: Deferred | None = None
    ) -> None:
        self.events.append(
            CommandRefused(
                name=name, version=version, at=log_time, offset=offset, ordinal=0, reason=refused.reason,
                detail=refused.detail, deferred=deferred,
            )
        )  # fmt: skip

    # Commands to the whole partition

    def _of_partition(self, entry: Entry, command: OF_PARTITION) -> bool:
        if isinstance(command, Elapse):
            return True
        if entry.offset in self._broken:
            refused = Refused(Reason.BROKEN, self._broken[entry.offset])
            self._refuse(entry.name, 0, entry.offset, entry.log_time, refused)
            return True
        if isinstance(command, Tick):
            if self._ticks.crowded:
                return False
            self._ticks.add(entry.offset, entry.log_time, command.at, settled=self._behind.settled())
            return True
        return self._set_policy(entry, command)

    def _set_policy(self, entry: Entry, command: PolicyOfPartition) -> bool:
        policies = self._policies
        if policies.crowded:
            return False
        if policies.knows(command.event_id):
            return True
        try:
            newest = policies.add(entry, policies.document(command), command.event_id)
        except PolicyError as error:
            refused = Refused(Reason.POLICY_INVALID, str(error))
            self._refuse(entry.name, 0, entry.offset, entry.log_time, refused)
            return True
        self._time.renew(newest.policy.stock.window)
        self._items = {name: item for name, item in self._items.items() if not item.is_new}
        for item in self._items.values():
            last = item.pending[-1].policy.rules(item.name, item.row.own) if item.pending else item.rules
            if item.row.quarantine is None and newest.policy.rules(item.name, item.row.own) != last:
                item.pending.append(newest)
        return True

    # Quarantine

    def broken(self, item: OpenItem) -> bool:
        """Quarantine the item if the unit that is about to begin is known to break, and tell whether it is."""
        if item.ticket not in self._broken:
            return False
        self._stop(item, item.row.offset, item.row.log_time)
        return True

    def _stop(self, item: OpenItem, offset: int, log_time: int) -> None:
        """Quarantine an item: all its channels show 0, and its commands are deferred."""
        item.begin(offset, log_time)
        item.row.quarantine = self._broken[item.ticket]
        self._stop_purge(item, self._time.generation)
        item.row.resuming = False
        timers.hide(item)
        self._state.put(QUARANTINE + item.name, Due())
        item.done()
        self._mark(item)

    def _resume(self, item: OpenItem, entry: Entry) -> None:
        """End a quarantine: the item lives by the newest policy, then finishes its work, then what was deferred."""
        if entry.offset in self._broken:
            return
        newest = self._policies.newest
        item.pending = []
        item.begin(entry.offset, entry.log_time)
        item.row.quarantine = None
        self._state.delete(QUARANTINE + item.name)
        timers.show(item)
        item.row.resuming = item.row.deferred > 0
        if not item.row.deferred:
            self._let_go(item)
        item.row.policy = newest.offset
        # What it lived by is known only if it stopped just now.
        item.rules = newest.policy.rules(item.name, item.row.own)
        item.meet(item.rules)
        whole = Work(offset=entry.offset, log_time=entry.log_time, ordinal=item.ordinal)  # a whole pass: claims rose
        whole.index, whole.lose = ("" if item.rules.deallocates else None), item.rules.deallocates
        whole.until = None if item.row.work is None else item.row.work.until
        item.row.work = whole
        item.done()
        self._mark(item)
