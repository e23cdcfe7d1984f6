"""What an item has and owes, naively: channels, allocations and the queue, summed and sorted whenever asked."""

from collections import Counter

from atp_stream.oracle.claim import Claim, drain, drain_backorders
from atp_stream.oracle.drift import Drifting
from atp_stream.oracle.policy import Rules
from atp_stream.oracle.reported import Reported


class Pool(Drifting):
    """The units of one item, and who may have them."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.limited: dict[str, Claim] = {}  # those that time may end, or forget
        self.withdrawn: set[str] = set()
        self.version = self.duplicates = self.stale = self.past = 0
        self.commits: list[tuple[int, int]] = []  # place in the log, and ordinal
        self._requests: list[int] = []  # place in the log of the request that each commit serves
        self.handed_over = 0  # promised units that have left, in all
        self.place = -1  # of its last change
        self._first = 0  # ordinal of what is reported first
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
        blocked = self._blocked()
        free, division = self._free(), self._division()
        rows = {
            channel: (
                0 if channel in blocked else self.rules.shown(channel, division.claim(channel, free)),
                self._promised[channel],
            )
            for channel in self.channels
        }
        return {**dict.fromkeys(self.withdrawn, (0, 0)), **rows}

    def _blocked(self) -> set[str]:
        """Return the channels that show nothing, for somebody waits in them; who is not due yet is in nobody's way."""
        return {one.channel for one in self._queue if one.backorders and one.priority >= 0 and not one.undue}

    def waiting(self, channel: str) -> dict[str, int | bool]:
        """Return what waits in a channel, how much of it keeps others from being shown, and whether it must go."""
        mine = [claim for claim in self._queue if claim.channel == channel]
        backorders = [(claim, units) for claim in mine for _, units in claim.backorders]
        blocking = sum(claim.priority >= 0 and not claim.undue for claim, _ in backorders)
        leaving = self.channels[channel]
        return {"waiting": sum(units for _, units in backorders), "blocking": blocking, "leaving": leaving}

    def _free(self) -> int:
        """Return what can still be promised."""
        return self.rules.whole(max(0, max(0, self.on_hand - self.safety_stock) - self.reserved))

    # The cause of what follows

    def begin(self, place: int, log_time_ms: int, *, first: int = 0) -> None:
        """Set the cause of the next changes, its time, and the number of its first report."""
        self.reported, self._first, self._now, self._log_time_ms = [], first, place, log_time_ms
        self._queue = [claim for claim in self._queue if claim.backorders]

    def done(self, place: int) -> None:
        """End one cause: take back what is promised too much, serve who waits, close channels, note drift."""
        self.version += 1
        self.place = place
        if self.rules.deallocates:
            self._take_back()
        self._refill()
        used = {*+self._promised, *(claim.channel for claim in self._queue if claim.backorders), *self._used_by_day()}
        for channel in [channel for channel, leaving in self.channels.items() if leaving and channel not in used]:
            del self.channels[channel], self.granted[channel], self.shipped_of_quota[channel]
            self.withdrawn.add(channel)
        self._end_of_dates()
        self._follow_drift()

    def _used_by_day(self) -> set[str]:
        """Return the channels in which something is promised for a day."""
        return set()

    def _end_of_dates(self) -> None:
        """End one cause for what has a date."""

    # Units change hands

    def leave(self, name: str, claim: Claim, units: int) -> None:
        """Hand over units of a claim: reserved ones first, then such as are promised by day, then such as wait."""
        self.shelf.let_go(name, claim.not_adjusted())
        promised = min(units, claim.reserved)
        self.handed_over += promised
        self._let_go(claim, promised, oldest=True)
        by_day = min(units - promised, claim.promised)
        self.unpromise(claim, by_day, latest=False)
        drain_backorders(claim.backorders, min(units - promised - by_day, claim.waiting), oldest=True)
        if claim.at_us is not None and units:
            self.end(claim, "FULFILLED")

    def end(self, claim: Claim, how: str) -> None:
        """End a claim that holds nothing and waits for nothing; the first end stands."""
        if not claim.ended and not claim.held and not claim.backorders and not claim.promises:
            claim.ended, claim.undue = how, False

    def unpromise(self, claim: Claim, units: int, *, latest: bool) -> None:
        """Take units off that a claim is promised by day: the latest are given back, the others leave."""
        earmarked = claim.unpromise(units, latest=latest)
        if not latest:
            self.shipped_of_quota[claim.channel] += earmarked

    def overtakes(self, claim: Claim) -> bool:
        """Return whether somebody of its priority or above waits in its channel, and is due."""
        return any(
            other.backorders and not other.undue and other.channel == claim.channel and other.priority >= claim.priority
            for other in self._queue
        )

    def serve_or_wait(self, claim: Claim, units: int) -> None:
        """Promise the units, or as many as the claim accepts; the rest waits or is rejected."""
        overtaken = self.overtakes(claim)
        most = 0 if overtaken else self._claim_of(claim.channel, self._free_for(claim))
        part = units if units <= most else most if claim.partial else 0
        if part:
            self._give(claim, part)
        rest = units - part
        if not rest:
            return
        promised = claim.backorder and not overtaken and self._promise_rest(claim, rest)
        backordered = claim.backorder and not promised and self._may_wait(claim, rest)
        if backordered:
            self._wait(claim, rest, self._now)
        self.end(claim, "REJECTED")
        outcome = "PARTIAL" if part else "BACKORDERED" if backordered or promised else "REJECTED"
        dropped = "too_much_waits" if claim.backorder else "rest_dropped"
        reason = "rest_promised" if promised else "rest_waits" if backordered else dropped
        if not promised or claim.wanted is None:
            self.deny(claim, rest, outcome, reason)

    def _may_wait(self, claim: Claim, units: int) -> bool:
        in_all = sum(one.waiting for one in self._queue if one.channel == claim.channel)
        return self.rules.may_wait(claim.channel, claim.waiting + units, in_all + units)

    def _free_for(self, _: Claim) -> int:
        """Return what a request may take that nobody stands in front of."""
        return self._free()

    def _give(self, claim: Claim, units: int) -> None:
        """Give a request what it may take."""
        self._commit(claim, units, self._now)

    def _promise_rest(self, claim: Claim, units: int) -> bool:  # noqa: ARG002
        """Promise what was not there for a later day; return whether there is one."""
        return False

    def deny(self, claim: Claim, units: int, outcome: str, reason: str) -> None:
        """Report what was not promised, and why."""
        denied = Reported("denied", claim.channel, units, reservation=claim.name, outcome=outcome, reason=reason)
        self.reported.append(denied)

    def limit(self, claim: Claim) -> None:
        """Let a tick end a claim once its limit is over, but none that stands in the log already.

        A claim that is not open is forgotten once its retention is over. What is over already is not put off by what
        comes meanwhile.
        """
        before = claim.timer_us if claim.name in self.limited else None
        self.limited.pop(claim.name, None)
        if claim.is_open:
            claim.forget_at_us = None
        elif claim.forget_at_us is None:
            claim.forget_at_us = self._log_time_ms * 1000 + self.rules.retention_us
        limit = claim.expires_at_us if claim.is_open else claim.forget_at_us
        if limit is not None:
            soonest = self._log_time_ms * 1000 + 1
            unmoved = before is not None and limit <= before <= soonest
            moment = before if unmoved and before is not None else max(limit, soonest)
            claim.timer_us = moment
            self.limited[claim.name] = claim
            if moment != before:
                self.wake(moment)

    def give_default_limit(self, claim: Claim) -> None:
        """Limit a claim that has none as its tenant wants, from its first units on."""
        begun = claim.held or (claim.wanted is not None and claim.promises)
        if self.rules.time_limit_us is not None and begun and claim.expires_at_us is None and not claim.confirmed:
            claim.expires_at_us = self._log_time_ms * 1000 + self.rules.time_limit_us
            self.limit(claim)

    def _commit(self, claim: Claim, units: int, request: int, earmarked: int | None = None) -> None:
        """Let a claim hold units; so many of them came out of a quota before, or do now."""
        if earmarked is None:
            earmarked = self._earmarked(claim.channel, units, self._free())
        number = len(self.commits)
        self.commits.append((self._now, self._first + len(self.reported)))
        self._requests.append(request)
        claim.held.append([number, units, earmarked])
        claim.held.sort(key=lambda held: (self._requests[held[0]], held[0]))  # as they were asked for
        self._promised[claim.channel] += units
        self.reported.append(Reported("committed", claim.channel, units, number=number))
        self.give_default_limit(claim)

    def give_back(self, name: str, claim: Claim, units: int, reason: str) -> None:
        """Release units of a claim: such as wait first, then such as are promised by day, then reserved ones."""
        waiting = min(units, claim.waiting)
        drain_backorders(claim.backorders, waiting, oldest=False)
        by_day = min(units - waiting, claim.promised)
        self.unpromise(claim, by_day, latest=True)
        for number, part in self._let_go(claim, units - waiting - by_day, oldest=False):
            self.reported.append(Reported("released", claim.channel, part, number, name, reason))

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
            self.reported.append(Reported("released", loser.channel, units, number, loser.name, "SUPPLY_LOST"))
            self._wait(loser, units, request)

    def _let_go(self, claim: Claim, units: int, *, oldest: bool) -> list[tuple[int, int]]:
        self._promised[claim.channel] -= units
        taken = drain(claim.held, units, oldest=oldest)
        if oldest:  # they leave
            self.shipped_of_quota[claim.channel] += sum(earmarked for _, _, earmarked in taken)
        return [(number, part) for number, part, _ in taken]

    def _wait(self, claim: Claim, units: int, place: int) -> None:
        if not claim.backorders:
            self._queue.append(claim)
        rest = [one for one in claim.backorders if one[0] != place]
        units += sum(waiting for asked, waiting in claim.backorders if asked == place)
        claim.backorders = sorted([*rest, [place, units]])

    def _refill(self) -> None:
        shut = {channel for channel in self.channels if not self.rules.serves(channel)}
        while free := self._free():
            queue = [
                (-claim.priority, one[0], claim)
                for claim in self._queue
                if claim.backorders and claim.channel not in shut
                for one in claim.backorders
            ]
            if not queue:
                return
            _, place, head = min(queue, key=lambda waiting: waiting[:2])
            first = next(one for one in head.backorders if one[0] == place)
            units = self._part_of(head, first[1], free)
            if not units:
                shut.add(head.channel)
                continue
            first[1] -= units
            head.backorders = [one for one in head.backorders if one[1]]
            self._commit(head, units, place)
            self.limit(head)
            if any(number == len(self.commits) - 1 and earmarked for number, _, earmarked in head.held):
                shut = {channel for channel in self.channels if not self.rules.serves(channel)}
