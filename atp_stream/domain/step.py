"""One step of the fold: items that are open, work that is unfinished, and faults that are contained.

Everything that is done without a command of its own (a slice of refilling, a kept command, meeting a policy) is a
unit. Units are counted from the start of the step, so that one that breaks has a name: -1 for the first, and so on;
the same call over the same rows comes to it again, and quarantines its item instead.
"""

from collections.abc import Callable, Mapping
from typing import Final

from atp_stream.domain.answers import ItemCommand, answer
from atp_stream.domain.commands import AnyCommand, Entry, ResumeItem, SetPolicy
from atp_stream.domain.errors import Refused
from atp_stream.domain.events import OF_MANY, AnyEvent, CommandRefused
from atp_stream.domain.item import ItemFold
from atp_stream.domain.refill import SLICE, refill
from atp_stream.domain.rows import QUARANTINE, WORK, Due, Held, Work, held_key
from atp_stream.domain.standing import Policies
from atp_stream.domain.state import State

ENOUGH: Final = 2_000
"""A step that has so much output takes no further command."""


class Broken(Exception):
    """A fault of ours showed; `offset` names the entry, or (below 0) the unit of unfinished work, that it befell."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"the fold broke at {offset}")
        self.offset = offset


class Step:
    """What one call of `fold` works with."""

    def __init__(self, state: State, broken: Mapping[int, str]) -> None:
        self.events: list[AnyEvent] = []
        self._state = state
        self._broken = broken
        self._items: dict[str, ItemFold] = {}
        self._policies = Policies(state)
        self._units = 0
        self._more = 0  # what counts as output beside events: units, visits, what publishing may tell

    def go_on(self) -> None:
        """Do a slice of what earlier steps left: of one item's work, and of the sweep."""
        due = self._state.first(WORK)
        if due is not None:
            self._catch_up(self._open(due[0][len(WORK) :]), SLICE)
        if self._policies.sweep is not None:
            self._sweep(self._spent() + SLICE)

    def take(self, entry: Entry) -> bool:
        """Answer one entry, unless the step has enough, or the item is not ready for it."""
        if len(self.events) + self._more >= ENOUGH:
            return False
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

    def unfinished(self) -> bool:
        """Tell whether there is work without a command."""
        return self._policies.sweep is not None or self._state.first(WORK) is not None

    def _spent(self) -> int:
        return len(self.events) + self._more

    def _open(self, name: str) -> ItemFold:
        x = self._items.get(name)
        if x is None:
            x = self._items[name] = ItemFold(self._state, name, self._policies.newest.policy.rules(name), self.events)
            if self._policies.sweep is not None and not x.is_new and x.item.quarantine is None:
                x.rules, x.pending = self._policies.of(name, x.item.policy)
            self._more += len(x.channels)
        return x

    # Entries

    def _take(self, entry: Entry) -> bool:
        command = entry.command
        if isinstance(command, SetPolicy):
            if entry.offset not in self._broken:
                return self._set_policy(entry, command)
            self._refuse(entry.name, 0, entry.offset, entry.log_time, Refused("broken", self._broken[entry.offset]))
            return True
        x = self._items.get(entry.name) or self._open(entry.name)
        if (x.due or x.pending) and not self._catch_up(x, ENOUGH):
            return False
        x.ticket = entry.offset
        if entry.offset in self._broken:
            self._stop(x, entry.offset, entry.log_time)
        if isinstance(command, ResumeItem):
            self._resume(x, entry)
        elif x.item.quarantine is None:
            self._answer(x, entry.offset, entry.log_time, command)
        else:
            self._state.put(held_key(x.name, entry.offset), Held(log_time=entry.log_time, command=command))
            x.item.held += 1
            x.changed = True
        return True

    def _answer(
        self, x: ItemFold, offset: int, log_time: int, command: ItemCommand, held: AnyCommand | None = None
    ) -> None:
        x.begin(offset, log_time)
        newest = self._policies.newest
        try:
            applied = answer(x, command, newest.policy)
        except Refused as refused:
            self._refuse(x.name, x.item.version, offset, log_time, refused, held)
            if refused.reason == "stale":
                x.item.stale += 1
                x.changed = True
            return
        if not applied:
            x.item.duplicates += 1
            x.changed = True
            return
        if x.waiting:
            refill(x, [])
        x.item.policy = newest.offset
        self._done(x)

    def _done(self, x: ItemFold) -> None:
        """Count what was begun as folded, and keep the mark of unfinished work right."""
        x.done()
        due = x.item.quarantine is None and (x.item.work is not None or x.item.resuming)
        if due != x.due:
            x.due = due
            if due:
                self._state.put(WORK + x.name, Due())
            else:
                self._state.delete(WORK + x.name)

    def _refuse(
        self, name: str, version: int, offset: int, log_time: int, refused: Refused, held: AnyCommand | None = None
    ) -> None:
        self.events.append(
            CommandRefused(
                name=name, version=version, at=log_time, offset=offset, ordinal=0, reason=refused.reason,
                detail=refused.detail, held=held,
            )
        )  # fmt: skip

    def _set_policy(self, entry: Entry, command: SetPolicy) -> bool:
        if self._policies.crowded:
            return False
        try:
            newest = self._policies.add(entry.offset, entry.log_time, bytes(command.document))
        except Refused as refused:
            self._refuse(entry.name, 0, entry.offset, entry.log_time, refused)
            return True
        self._items = {name: x for name, x in self._items.items() if not x.is_new}
        for x in self._items.values():
            last = x.pending[-1].policy.rules(x.name) if x.pending else x.rules
            if newest.policy.rules(x.name) != last:
                x.pending.append(newest)
        return True

    # Unfinished work

    def _catch_up(self, x: ItemFold, limit: int) -> bool:
        """Do what an item has to do before its next command; tell whether it is ready."""
        while x.item.quarantine is None:
            if x.item.work is not None:
                job = self._refill
            elif x.item.resuming:
                job = self._take_held
            elif x.pending:
                job = self._meet
            else:
                return True
            if self._units and self._spent() >= limit:
                return False
            self._unit(x, job)
        return True

    def _unit(self, x: ItemFold, job: Callable[[ItemFold], None]) -> None:
        self._units += 1
        self._more += 1
        x.ticket = -self._units
        if x.ticket in self._broken:
            self._stop(x, x.item.offset, x.item.log_time)
            return
        try:
            job(x)
        except Exception as error:
            raise Broken(x.ticket) from error

    def _refill(self, x: ItemFold) -> None:
        work = x.item.work
        assert work is not None  # noqa: S101  (the job is chosen by it)
        x.begin(work.offset, work.log_time, work.ordinal)
        refill(x, work.closed)
        self._done(x)

    def _take_held(self, x: ItemFold) -> None:
        found = self._state.first(f"{x.name}|h|")
        x.changed = True
        if found is None:
            x.begin(x.item.offset, x.item.log_time)
            x.item.resuming = False
            self._done(x)
        else:
            key, held = found
            self._state.delete(key)
            x.item.held -= 1
            self._answer(x, int(key.rpartition("|")[2]), held.log_time, held.command, held=held.command)

    def _meet(self, x: ItemFold) -> None:
        standing = x.pending.pop(0)
        x.begin(standing.offset, standing.log_time, OF_MANY)
        x.meet(standing.policy.rules(x.name))
        x.item.policy = standing.offset
        refill(x, [])
        self._done(x)

    def _sweep(self, limit: int) -> None:
        """Walk on over the items, and let each meet the policies that it has not met."""
        policies = self._policies
        assert policies.sweep is not None  # noqa: S101  (the caller looked)
        cursor = policies.sweep.cursor
        while self._spent() < limit:
            key = self._state.after(cursor)
            if key is None:
                policies.finish()
                return
            if key[0] == "|":  # the rows of the partition stand amid the items
                cursor = "}"
                continue
            name = "|".join(key.split("|", 2)[:2])
            if policies.differ(name) and not self._catch_up(self._open(name), limit):
                break
            cursor = name + "}"  # behind all rows of the item
            self._more += 1
        policies.advance(cursor)

    # Quarantine

    def _stop(self, x: ItemFold, offset: int, log_time: int) -> None:
        """Quarantine an item: all its channels show 0, and its commands are kept."""
        x.begin(offset, log_time)
        x.item.quarantine = self._broken[x.ticket]
        x.item.resuming = False
        self._state.put(QUARANTINE + x.name, Due())
        self._done(x)

    def _resume(self, x: ItemFold, entry: Entry) -> None:
        """End a quarantine: the item lives by the newest policy, then finishes its work, then what was kept."""
        if x.item.quarantine is None or entry.offset in self._broken:
            return
        newest = self._policies.newest
        x.pending = []
        x.begin(entry.offset, entry.log_time)
        x.item.quarantine = None
        self._state.delete(QUARANTINE + x.name)
        x.item.resuming = True
        x.item.policy = newest.offset
        x.item.work = Work(offset=entry.offset, log_time=entry.log_time, ordinal=x.ordinal)  # a whole pass: claims rose
        x.rules = newest.policy.rules(x.name)  # what it lived by before is known only if it stopped in this very step
        x.meet(x.rules)
        self._done(x)
