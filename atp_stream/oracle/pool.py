"""What an item has and owes, naively: channels, allocations and the queue, summed and sorted whenever asked."""

from collections import Counter
from dataclasses import dataclass
from typing import Final, NamedTuple

from atp_stream.oracle.claim import Claim, drain
from atp_stream.oracle.policy import Rules
from atp_stream.oracle.shelf import Shelf

OF_MANY: Final = -(10**9)
"""What a policy or a tick causes is numbered from here on: one place in the log causes events of many items."""


class Told(NamedTuple):
    """An event that must have been published; `number` is the item's how-many-eth commit, of an allocation."""

    topic: str
    channel: str
    quantity: int
    number: int = -1
    reservation: str = ""
    outcome: str = ""
    reason: str = ""


@dataclass(slots=True)
class Drift:
    """A gap that stands since a log time; `timer` is when a tick may tell of it, `told` which one was told last."""

    timer: int | None
    told: int = 0


class Pool:
    """The units of one item, and who may have them."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.shelf = Shelf()
        self.claims: dict[str, Claim] = {}
        self.limited: dict[str, Claim] = {}  # those that time may end
        self.channels = dict.fromkeys(rules.channels, False)  # True: policy has it no more
        self.withdrawn: set[str] = set()
        self.version = self.duplicates = self.stale = self.past = 0
        self.commits: list[tuple[int, int]] = []  # place in the log, and ordinal
        self._requests: list[int] = []  # place in the log of the request that each commit serves
        self.handed_over = 0  # promised units that have left, in all
        self.told: list[Told] = []
        self.place = -1  # of its last change
        self._first = 0  # ordinal of what is told first
        self.drift: Drift | None = None
        self._promised: Counter[str] = Counter()  # units that claims hold, by channel
        self._queue: list[Claim] = []  # those that wait for units

    # Answers

    @property
    def on_hand(self) -> int:
        """Units that are there."""
        return self.shelf.held().on_hand

    @property
    def safety_stock(self) -> int:
        """Units that are never promised."""
        return self.rules.safety_stock(self.shelf.held().basis)

    @property
    def reserved(self) -> int:
        """Units promised and still there."""
        return self._promised.total()

    def rows(self) -> dict[str, tuple[int, int]]:
        """Return (available, reserved) of every channel, of those that are withdrawn zeros."""
        blocked = {claim.channel for claim in self._queue if claim.waits and claim.priority >= 0}
        free = self._free()
        rows = {
            channel: (0 if channel in blocked else self.rules.shown(channel, free), self._promised[channel])
            for channel in self.channels
        }
        return {**dict.fromkeys(self.withdrawn, (0, 0)), **rows}

    def waiting(self, channel: str) -> dict[str, int | bool]:
        """Return what waits in a channel, how much of it keeps others from being shown, and whether it must go."""
        waits = [
            (claim.priority, units) for claim in self._queue if claim.channel == channel for _, units in claim.waits
        ]
        blocking = sum(priority >= 0 for priority, _ in waits)
        leaving = self.channels[channel]
        return {"waiting": sum(units for _, units in waits), "blocking": blocking, "leaving": leaving}

    def _free(self) -> int:
        """Return what can still be promised."""
        return self.rules.whole(max(0, max(0, self.on_hand - self.safety_stock) - self.reserved))

    # The cause of what follows

    def begin(self, place: int, log_time: int, *, first: int = 0) -> None:
        """Say what causes the next changes, when, and from where on what it tells is numbered."""
        self.told, self._first, self._now, self._log_time = [], first, place, log_time
        self._queue = [claim for claim in self._queue if claim.waits]

    def done(self, place: int) -> None:
        """End one cause: take back what is promised too much, serve who waits, close channels, note drift."""
        self.version += 1
        self.place = place
        if self.rules.deallocates:
            self._take_back()
        self._refill()
        used = {*+self._promised, *(claim.channel for claim in self._queue if claim.waits)}
        for channel in [channel for channel, leaving in self.channels.items() if leaving and channel not in used]:
            del self.channels[channel]
            self.withdrawn.add(channel)
        self._follow_drift()

    def _follow_drift(self) -> None:
        """Take note of a gap; one that is closed is told at once, if it was told."""
        gap = self.shelf.gap()
        timer = self._log_time * 1000 + max(1, self.rules.grace)
        if not gap:
            if self.drift is not None and self.drift.told:
                self.told.append(Told("drift", "", 0, outcome="resolved"))
            self.drift = None
        elif self.drift is None:
            self.drift = Drift(timer)
        elif gap != self.drift.told and self.drift.timer is None:
            self.drift.timer = timer

    def tell_drift(self) -> None:
        """Tell the gap that has stood for its grace."""
        gap = self.shelf.gap()
        if self.drift is not None:
            self.drift.timer = None
            if gap != self.drift.told:
                self.drift.told = gap
                self.told.append(Told("drift", "", gap, outcome="detected"))

    # Units change hands

    def leave(self, name: str, claim: Claim, units: int) -> None:
        """Hand over units of a claim: promised units first, then units that wait."""
        self.shelf.let_go(name, claim.not_adjusted())
        promised = min(units, claim.reserved)
        self.handed_over += promised
        self._let_go(claim, promised, oldest=True)
        drain(claim.waits, min(units - promised, claim.waiting), oldest=True)
        if claim.at is not None and units:
            self.end(claim, "FULFILLED")

    def end(self, claim: Claim, how: str) -> None:
        """End a claim that holds nothing and waits for nothing; the first end stands."""
        if not claim.ended and not claim.held and not claim.waits:
            claim.ended = how

    def serve_or_wait(self, claim: Claim, units: int) -> None:
        """Promise the units, or as many as the claim accepts; the rest waits or is rejected."""
        overtaken = any(
            other.waits and other.channel == claim.channel and other.priority >= claim.priority for other in self._queue
        )
        free = self._free() if self.rules.serves(claim.channel) and not overtaken else 0
        if units <= free:
            self._commit(claim, units, self._now)
            return
        part = free if claim.partial else 0
        if part:
            self._commit(claim, part, self._now)
        rest = units - part
        if claim.backorder:
            self._wait(claim, rest, self._now)
        else:
            self.end(claim, "REJECTED")
        outcome = "PARTIAL" if part else "BACKORDERED" if claim.backorder else "REJECTED"
        self.deny(claim, rest, outcome, "rest_waits" if claim.backorder else "rest_dropped")

    def deny(self, claim: Claim, units: int, outcome: str, reason: str) -> None:
        """Tell whoever asked what did not get promised, and why."""
        denied = Told("denied", claim.channel, units, reservation=claim.name, outcome=outcome, reason=reason)
        self.told.append(denied)

    def limit(self, claim: Claim) -> None:
        """Let a tick end a claim once its limit is over, but none that stands in the log already.

        A limit that is over already is not put off by what comes meanwhile.
        """
        before = claim.timer if claim.name in self.limited else None
        self.limited.pop(claim.name, None)
        if claim.at is not None and not claim.ended and claim.expires_at is not None:
            soonest = self._log_time * 1000 + 1
            waits = before is not None and claim.expires_at <= before <= soonest
            claim.timer = before if waits else max(claim.expires_at, soonest)
            self.limited[claim.name] = claim

    def _commit(self, claim: Claim, units: int, request: int) -> None:
        number = len(self.commits)
        self.commits.append((self._now, self._first + len(self.told)))
        self._requests.append(request)
        claim.held.append([number, units])
        self._promised[claim.channel] += units
        self.told.append(Told("committed", claim.channel, units, number=number))

    def give_back(self, name: str, claim: Claim, units: int, reason: str) -> None:
        """Release units of a claim: units that wait first, then promised units."""
        waiting = min(units, claim.waiting)
        drain(claim.waits, waiting, oldest=False)
        for number, part in self._let_go(claim, units - waiting, oldest=False):
            self.told.append(Told("released", claim.channel, part, number, name, reason))

    def _take_back(self) -> None:
        """Take back what the stock no longer covers: of the unconfirmed first, the lowest priority, the newest request.

        What was taken back waits at the place of its request.
        """
        while short := self.reserved - max(0, self.on_hand):
            if short < 0:
                return
            promises = [(claim, self._requests[claim.held[-1][0]]) for claim in self.claims.values() if claim.held]
            loser, request = min(promises, key=lambda one: (one[0].confirmed, one[0].priority, -one[1]))
            units = min(short, loser.held[-1][1])
            [(number, _)] = self._let_go(loser, units, oldest=False)
            self.told.append(Told("released", loser.channel, units, number, loser.name, "SUPPLY_LOST"))
            self._wait(loser, units, request)

    def _let_go(self, claim: Claim, units: int, *, oldest: bool) -> list[tuple[int, int]]:
        self._promised[claim.channel] -= units
        return drain(claim.held, units, oldest=oldest)

    def _wait(self, claim: Claim, units: int, place: int) -> None:
        if not claim.waits:
            self._queue.append(claim)
        rest = [wait for wait in claim.waits if wait[0] != place]
        units += sum(waiting for at, waiting in claim.waits if at == place)
        claim.waits = sorted([*rest, [place, units]])

    def _refill(self) -> None:
        shut = {channel for channel in self.channels if not self.rules.serves(channel)}
        while free := self._free():
            queue = [
                (-claim.priority, wait[0], claim)
                for claim in self._queue
                if claim.waits and claim.channel not in shut
                for wait in claim.waits
            ]
            if not queue:
                return
            _, place, head = min(queue, key=lambda waiting: waiting[:2])
            wait = next(wait for wait in head.waits if wait[0] == place)
            units = min(wait[1], free)
            if units < wait[1] and not head.partial:
                shut.add(head.channel)
                continue
            wait[1] -= units
            head.waits = [wait for wait in head.waits if wait[1]]
            self._commit(head, units, place)
            self.limit(head)
