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
from atp_stream.domain.events import AnyEvent, CommandRefused, Kept
from atp_stream.domain.fold.dispatch import ItemCommand, answer
from atp_stream.domain.fold.follow_up import settle
from atp_stream.domain.fold.unfinished_work import CatchingUp
from atp_stream.domain.item import drift, timers
from atp_stream.domain.item.open_item import ItemFold
from atp_stream.domain.item.policy_history import Policies
from atp_stream.domain.item.ticks import Ticks
from atp_stream.domain.policy.rules import PolicyError
from atp_stream.domain.row_keys import FOLD, QUARANTINE, WORK
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.purge import ROWS_PER_FACT, Purge
from atp_stream.domain.state.rows import Due, FoldRow, Held, Work
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
        self._items: dict[str, ItemFold] = {}
        self._policies = Policies(state)
        self._ticks = Ticks(state)
        self._time = StockTime.of(state)
        self._purge = Purge(state, self._time)
        row: FoldRow | None = state.get(FOLD)
        self._is_current = row is not None and row.version == FOLD_VERSION
        self._more = 0  # what counts as output beside events: units, visits, what publishing may tell
        # Weak: else a step, with all that it read, would be a ring that stays until the garbage is looked through.
        self._behind = CatchingUp(proxy(self), state, self._policies, self._ticks, self._purge)

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
        for x in self._items.values():
            if x.changed:
                try:
                    x.publish()
                except Exception as error:
                    if x.ticket in self._broken:
                        raise
                    raise Broken(x.ticket) from error

    def open(self, name: str) -> ItemFold:
        """Return an item, with the policies that it has still to meet."""
        x = self._items.get(name)
        if x is None:
            policies = self._policies
            x = self._items[name] = ItemFold(self._state, name, policies.newest.policy, self.events)
            if policies.sweep is not None and not x.is_new and x.item.quarantine is None:
                met, own = policies.met(name, x.item.policy), x.item.own
                x.rules, x.pending = met.policy.rules(name, own), policies.later(name, own, met.offset)
            self._more += len(x.channels)
        return x

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
        x = self._items.get(entry.name) or self.open(entry.name)
        if isinstance(command, ResumeItem) and x.item.quarantine is None:
            return True  # it runs; if it has work to finish, that is none of an operator's business
        if x.item.quarantine is None and not x.item.resuming and upgrade.may_begin(x.item.stock):
            upgrade.begin(x.item.stock, self._time.generation)
            self._stop_purge(x, self._time.generation)
            self._mark(x)
        if self._behind.behind(x) and not self._behind.catch_up(x, SLICE if x.due else ENOUGH):
            # Much work: others go on meanwhile. Little, but this step has enough: the next one goes on here.
            return x.due and self._keep(x, entry, command)
        x.ticket = entry.offset
        if entry.offset in self._broken:
            self._stop(x, entry.offset, entry.log_time)
        if isinstance(command, ResumeItem):
            self._resume(x, entry)
        elif x.item.quarantine is None:
            x.begin(entry.offset, entry.log_time, source=entry.source)
            self._answer(x, command, None, self._time.generation)
            self._purge.go_on(ROWS_PER_FACT)
        else:
            self._keep(x, entry, command)
        return True

    def answer_kept(self, x: ItemFold, offset: int, held: Held) -> None:
        """Answer a command that was kept for its item."""
        x.begin(offset, held.log_time, source=held.source)
        command = held.command
        assert not isinstance(command, OF_PARTITION | ResumeItem)  # noqa: S101  (these are never kept)
        self._answer(x, command, Kept(command, held.source, held.original), held.generation)
        if not x.item.held:
            self._let_go(x)
        x.changed = True
        self._mark(x)

    def _answer(self, x: ItemFold, command: ItemCommand, kept: Kept | None, generation: int) -> None:
        x.stock.live_by(x.rules.stock, generation)
        standing = self._policies.as_of(max(x.offset, x.item.policy))
        try:
            outcome = answer(x, command, standing.policy)
        except Refused as refused:
            self._refuse(x.name, x.item.version, x.offset, x.log_time, refused, kept)
            if refused.reason == "stale":
                x.item.stale += 1
                x.changed = True
            return
        if outcome is _DUPLICATE or outcome is _PAST:
            x.item.duplicates += outcome is _DUPLICATE
            x.item.past += outcome is _PAST
            self._state.tally.duplicates += outcome is _DUPLICATE
            self._state.tally.past += outcome is _PAST
            x.changed = True
            return
        if isinstance(command, EditItem) and self._policies.sweep is not None:
            x.pending = self._policies.later(x.name, x.item.own, standing.offset)
        settle(x)
        x.item.policy = standing.offset
        self.done(x)

    def done(self, x: ItemFold) -> None:
        """Count what was begun as folded, and keep the mark of unfinished work right."""
        if x.item.stock.gap or x.item.drift is not None:
            drift.follow(x)
        x.done()
        self._purge.watch(x.log_time)
        item = x.item
        if item.stopped is not None and item.quarantine is None and not item.held and item.stock.upgrading is None:
            self._let_go(x)
        self._mark(x)

    def _mark(self, x: ItemFold) -> None:
        due = x.is_due
        if due != x.due:
            x.due = due
            if due:
                self._state.put(WORK + x.name, Due())
            else:
                self._state.delete(WORK + x.name)

    def _keep(self, x: ItemFold, entry: Entry, command: AnyCommand) -> bool:
        """Keep a command for later; False if too many are kept already."""
        generation = self._time.generation
        held = Held(
            log_time=entry.log_time, generation=generation, command=command, source=entry.source,
            original=entry.original,
        )  # fmt: skip
        kept = self._behind.keep(x, entry.offset, held)
        if kept:
            self._stop_purge(x, generation)
        self._mark(x)
        return kept

    def _stop_purge(self, x: ItemFold, generation: int) -> None:
        """Let the purge leave an item's rows from the generation before this one on, unless it does so already."""
        if x.item.stopped is None:
            x.item.stopped = generation

    def _let_go(self, x: ItemFold) -> None:
        """Let the purge take rows of an item again, for which nothing is kept any more."""
        stopped, x.item.stopped = x.item.stopped, None
        if stopped is not None and stopped < self._time.generation:
            self._purge.begin_anew()

    def _refuse(
        self, name: str, version: int, offset: int, log_time: int, refused: Refused, kept: Kept | None = None
    ) -> None:
        self.events.append(
            CommandRefused(
                name=name, version=version, at=log_time, offset=offset, ordinal=0, reason=refused.reason,
                detail=refused.detail, kept=kept,
            )
        )  # fmt: skip

    # Commands to the whole partition

    def _of_partition(self, entry: Entry, command: OF_PARTITION) -> bool:
        if isinstance(command, Elapse):
            return True
        if entry.offset in self._broken:
            refused = Refused("broken", self._broken[entry.offset])
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
            newest = policies.add(entry.offset, entry.log_time, policies.document(command), command.event_id)
        except PolicyError as error:
            refused = Refused("policy_invalid", str(error))
            self._refuse(entry.name, 0, entry.offset, entry.log_time, refused)
            return True
        self._time.renew(newest.policy.stock.window)
        self._items = {name: x for name, x in self._items.items() if not x.is_new}
        for x in self._items.values():
            last = x.pending[-1].policy.rules(x.name, x.item.own) if x.pending else x.rules
            if x.item.quarantine is None and newest.policy.rules(x.name, x.item.own) != last:
                x.pending.append(newest)
        return True

    # Quarantine

    def broken(self, x: ItemFold) -> bool:
        """Quarantine the item if the unit that is about to begin is known to break, and tell whether it is."""
        if x.ticket not in self._broken:
            return False
        self._stop(x, x.item.offset, x.item.log_time)
        return True

    def _stop(self, x: ItemFold, offset: int, log_time: int) -> None:
        """Quarantine an item: all its channels show 0, and its commands are kept."""
        x.begin(offset, log_time)
        x.item.quarantine = self._broken[x.ticket]
        self._stop_purge(x, self._time.generation)
        x.item.resuming = False
        timers.hide(x)
        self._state.put(QUARANTINE + x.name, Due())
        x.done()
        self._mark(x)

    def _resume(self, x: ItemFold, entry: Entry) -> None:
        """End a quarantine: the item lives by the newest policy, then finishes its work, then what was kept."""
        if entry.offset in self._broken:
            return
        newest = self._policies.newest
        x.pending = []
        x.begin(entry.offset, entry.log_time)
        x.item.quarantine = None
        self._state.delete(QUARANTINE + x.name)
        timers.show(x)
        x.item.resuming = x.item.held > 0
        if not x.item.held:
            self._let_go(x)
        x.item.policy = newest.offset
        x.rules = newest.policy.rules(x.name, x.item.own)  # what it lived by is known only if it stopped just now
        x.meet(x.rules)
        whole = Work(offset=entry.offset, log_time=entry.log_time, ordinal=x.ordinal)  # a whole pass: claims rose
        whole.index, whole.lose = ("" if x.rules.deallocates else None), x.rules.deallocates
        whole.until = None if x.item.work is None else x.item.work.until
        x.item.work = whole
        x.done()
        self._mark(x)
