"""What an item has to do before its next command, in the order of the log, in units that a step may stop between.

    work that was begun: refilling, expiring, taking back       policies and ticks that it has still to meet
    commands that were kept meanwhile

Everything that is done without a command of its own is a unit. Units are counted from the start of the step, so that
one that breaks has a name: -1 for the first, and so on; the same call over the same rows comes to it again, and
quarantines its item instead. Source: docs/rules/identity.md#order, docs/rules/identity.md#slices.
"""

from collections.abc import Callable
from typing import Final, Protocol

from atp_stream.domain.budget import SLICE
from atp_stream.domain.errors import Broken
from atp_stream.domain.events import OF_MANY
from atp_stream.domain.fold.follow_up import advance, settle
from atp_stream.domain.item.open_item import ItemFold
from atp_stream.domain.item.policy_history import Policies, Standing
from atp_stream.domain.item.ticks import Ticks
from atp_stream.domain.row_keys import WORK, held_key
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.purge import Purge
from atp_stream.domain.state.rows import Held, Pending, Work
from atp_stream.domain.stock import upgrade

MOST_KEPT: Final = 1_000
"""So many commands are kept for an item that has work to finish; then its partition waits for it."""

_END: Final = 2**63


class Ledger(Protocol):
    """What units are done for: the step."""

    @property
    def spent(self) -> int:
        """How much the step has put out."""

    def spend(self) -> None:
        """Count a unit, or something like it, as output."""

    def open(self, name: str) -> ItemFold:
        """Return an item."""

    def answer_kept(self, x: ItemFold, offset: int, held: Held) -> None:
        """Answer a command that was kept."""

    def done(self, x: ItemFold) -> None:
        """Count what was begun as folded."""

    def broken(self, x: ItemFold) -> bool:
        """Quarantine the item if the unit is known to break, and tell whether it is."""


class CatchingUp:
    """The unfinished work of a partition, as one step sees it."""

    def __init__(self, ledger: Ledger, state: State, policies: Policies, ticks: Ticks, purge: Purge) -> None:
        self._ledger = ledger
        self._state = state
        self._policies = policies
        self._ticks = ticks
        self._purge = purge
        self._units = 0

    def go_on(self) -> None:
        """Do a slice of what earlier steps left: of one item's work, of the walk over timers, and of the sweep."""
        due = self._state.first(WORK)
        if due is not None:
            self.catch_up(self._ledger.open(due[0][len(WORK) :]), SLICE)
        if self._ticks.pending:
            self._walk(self._ledger.spent + SLICE)
        if self._policies.sweep is not None:
            # Small slices: all partitions sweep at a time, and commands pass in between.
            self._sweep(self._ledger.spent + SLICE // 4 + 1)

    def unfinished(self) -> bool:
        """Tell whether there is work without a command."""
        return bool(self._ticks.pending) or not self.settled()

    def settled(self) -> bool:
        """Tell whether all commands and policies so far are done with."""
        return self._policies.sweep is None and self._state.first(WORK) is None

    def behind(self, x: ItemFold) -> bool:
        """Tell whether an item has something to do before its next command."""
        return x.due or bool(x.pending) or self._ticks.for_item(x) is not None

    def catch_up(self, x: ItemFold, limit: int) -> bool:
        """Do what an item has to do before its next command; tell whether it is ready."""
        while x.item.quarantine is None:
            job = self._next(x)
            if job is None:
                return True
            if self._units and self._ledger.spent >= limit:
                return False
            self._unit(x, job)
        return True

    def keep(self, x: ItemFold, offset: int, held: Held) -> bool:
        """Keep a command for an item that is not ready; False if it has too many."""
        if x.item.held >= MOST_KEPT and x.item.quarantine is None:
            return False
        self._state.put(held_key(x.name, offset), held)
        x.item.held += 1
        x.item.resuming = x.item.quarantine is None
        x.changed = True
        self._ledger.spend()
        return True

    # Units

    def _next(self, x: ItemFold) -> Callable[[], None] | None:
        work = x.item.work
        if work is not None:
            return lambda: self._continue(x, work)
        if x.item.stock.upgrading is not None or (x.item.resuming and upgrade.is_old(x.item.stock)):
            return lambda: self._upgrade(x)
        standing = x.pending[0] if x.pending else None
        tick = self._ticks.for_item(x)
        kept = self._state.first(f"{x.name}|h|") if x.item.resuming else None
        places = (
            _END if kept is None else int(kept[0].rpartition("|")[2]),
            _END if standing is None else standing.offset,
            _END if tick is None else tick.offset,
        )
        first = min(places)
        if kept is not None and places[0] == first:
            key, held = kept
            return lambda: self._take_kept(x, key, held)
        if standing is not None and places[1] == first:
            return lambda: self._meet(x, standing)
        if tick is not None:
            return lambda: self._tick(x, tick)
        return None

    def _unit(self, x: ItemFold, job: Callable[[], None]) -> None:
        self._units += 1
        self._ledger.spend()
        x.ticket = -self._units
        if self._ledger.broken(x):
            return
        try:
            job()
        except Exception as error:
            raise Broken(x.ticket) from error

    def _continue(self, x: ItemFold, work: Work) -> None:
        x.begin(work.offset, work.log_time, work.ordinal, x.item.source.encode())
        advance(x, work)
        self._ledger.done(x)

    def _upgrade(self, x: ItemFold) -> None:
        item, stock = x.item, x.item.stock
        if stock.upgrading is None:  # what is kept has come before there were generations
            upgrade.begin(stock, 0)
            item.stopped = 0
        x.begin(item.offset, item.log_time, source=item.source.encode())
        x.stock.live_by(x.rules.stock, stock.upgrading or 0)
        for _ in range(upgrade.upgrade(x.stock)):
            self._ledger.spend()
        if stock.upgrading is None:
            x.unindexed |= x.rules.deallocates  # open promises stood in the order of their commits
            settle(x)
        self._ledger.done(x)

    def _take_kept(self, x: ItemFold, key: str, held: Held) -> None:
        self._state.delete(key)
        x.item.held -= 1
        x.item.resuming = x.item.held > 0
        self._ledger.answer_kept(x, int(key.rpartition("|")[2]), held)

    def _meet(self, x: ItemFold, standing: Standing) -> None:
        x.pending.pop(0)
        x.begin(standing.offset, standing.log_time, OF_MANY)
        x.meet(standing.policy.rules(x.name, x.item.own))
        x.item.policy = standing.offset
        settle(x)
        self._ledger.done(x)

    def _tick(self, x: ItemFold, tick: Pending) -> None:
        x.begin(tick.offset, tick.log_time, OF_MANY)
        told, waiting = len(x.events), x.waiting
        advance(x, Work(offset=tick.offset, log_time=tick.log_time, ordinal=OF_MANY, until=tick.until))
        # What only waited ends without an event of its own, but no longer keeps its channel at 0.
        if len(x.events) > told or x.waiting != waiting or x.item.work is not None:
            self._ledger.done(x)

    # Walks

    def _walk(self, limit: int) -> None:
        """Let the items whose timers have run out meet the ticks."""
        while (found := self._ticks.next_item()) is not None:
            timer, name = found
            if not name:
                self._purge.tick(self._ticks.pending[-1].log_time)
                continue
            if not self.catch_up(self._ledger.open(name), limit):
                return
            self._ticks.give_up(timer)
        if self.settled():
            self._ticks.finish()

    def _sweep(self, limit: int) -> None:
        """Walk on over the items, and let each meet the policies that it has not met."""
        policies = self._policies
        assert policies.sweep is not None  # noqa: S101  (the caller looked)
        cursor = policies.sweep.cursor
        while self._ledger.spent < limit:
            key = self._state.after(cursor)
            if key is None:
                policies.finish()
                return
            if key[0] == "|":  # the rows of the partition stand amid the items
                cursor = "}"
                continue
            name = "|".join(key.split("|", 2)[:2])
            # What was kept in front of a policy has to be answered while the policies in front of it are still known.
            open_ = policies.differ(name) or self._state.get(WORK + name) is not None
            if open_ and not self.catch_up(self._ledger.open(name), limit):
                break
            cursor = name + "}"  # behind all rows of the item
            self._ledger.spend()
        policies.advance(cursor)
