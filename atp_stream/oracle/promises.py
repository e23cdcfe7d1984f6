"""Promises by day of one item, naively: who gets one, who loses one, who is served next; all are looked at each time.

Four queues in each channel: what is promised for today, what is due and waits, promises that are late or due, and what
waits for a later day. The first of all, by priority and the place of its request in the log, is helped next.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from atp_stream.oracle.claim import Claim, take
from atp_stream.oracle.curve import NOW
from atp_stream.oracle.dates import Dates

_TODAY, _DUE, _LATE, _UNDUE = range(4)
_FIRST: Final = (-(2**63), 0, 0)


class Head(NamedTuple):
    """Somebody to be helped: the least is the next."""

    above: int  # its priority, below 0
    place: int
    queue: int
    day: int
    claim: str
    channel: str


class Promises(Dates):
    """The promises of one item, and how they change hands."""

    # A request

    def _free_for(self, claim: Claim) -> int:
        return self.curve().free(self.first_day(claim)) if claim.undue else self._free()

    def _give(self, claim: Claim, units: int) -> None:
        if claim.undue:
            self._asked = claim.name
            self._promise(claim, self._now, units, self.first_day(claim))
        else:
            super()._give(claim, units)

    def _promise_rest(self, claim: Claim, units: int) -> bool:
        first = self.first_day(claim)
        day = self._earliest(claim, units, first + claim.undue, more=not claim.undue)
        if day is None:
            return False
        self._asked = claim.name
        self._promise(claim, self._now, units, day)
        return True

    def want(self, claim: Claim, wanted: int | None) -> None:
        """Let a claim ask for a day, or for as soon as can be."""
        claim.wanted = wanted
        claim.undue = not claim.ended and self.is_undue(wanted)
        self._undue[claim.name] = claim
        if claim.promises:
            self._asked = claim.name
        for promise in list(claim.promises):
            if wanted is not None and promise[3] < wanted:
                self._move(claim, promise, wanted)

    def _promise(self, claim: Claim, place: int, units: int, day: int) -> None:
        """Promise units for a day, those of the quota first; that begins the tenant's limit of who wants a day."""
        earmarked = self._earmarked(claim.channel, units, self.curve().free(day))
        self._by_day[claim.name] = claim
        claim.promise(place, units, earmarked, day)
        self.changed()
        if claim.wanted is not None:
            self.give_default_limit(claim)

    def _move(self, claim: Claim, promise: list[int], to: int) -> None:
        place, units, earmarked, _ = promise
        claim.promises.remove(promise)
        claim.promise(place, units, earmarked, to)
        self.changed()

    def unpromise(self, claim: Claim, units: int, *, latest: bool) -> None:
        """Take units off that a claim is promised by day."""
        if units:
            self._asked = claim.name
        super().unpromise(claim, units, latest=latest)
        self.changed()

    def _commit(self, claim: Claim, units: int, request: int, earmarked: int | None = None) -> None:
        super()._commit(claim, units, request, earmarked)
        self.changed()

    # What follows

    def _refill(self) -> None:
        self.changed()
        if not self.dated:
            super()._refill()
            return
        self._promise_anew(self._lose())
        self._serve()

    def _lose(self) -> list[tuple[int, int, Claim, int]]:
        """Take promises off until what is left is covered; return the lost units by rank."""
        lost: dict[tuple[int, int], tuple[Claim, int]] = {}
        while (active := list(self._promises())) and (hole := self._hole(min(day for _, (_, _, _, day) in active))):
            last, missing = hole
            loser, promise = min(
                ((claim, promise) for claim, promise in active if promise[3] <= last),
                key=lambda one: (one[0].confirmed, one[0].priority, -one[1][0], -one[1][3]),
            )
            place, units, _, _ = promise
            units = min(units, missing) if loser.partial else units
            take(promise, units, earmarked_first=False)
            loser.promises = [one for one in loser.promises if one[1]]
            self._wait(loser, units, place)
            rank = -loser.priority, place
            lost[rank] = loser, units + lost.get(rank, (loser, 0))[1]
            self.changed()
        return [(above, place, *lost[above, place]) for above, place in sorted(lost)]

    def _hole(self, first: int) -> tuple[int, int] | None:
        """Return the first day from `first` on that is not covered, and what is missing then."""
        curve, first = self.curve(), max(first, self.today)
        days = [first, *(day for day in curve.days if day > first)]
        return next(((day, -curve.there(day)) for day in days if curve.there(day) < 0), None)

    def _promise_anew(self, lost: list[tuple[int, int, Claim, int]]) -> None:
        for _, place, claim, units in lost:
            day = self._earliest(claim, units, self.first_day(claim), more=False)
            if day is not None:
                self._wait_no_more(claim, place, units)
                self._promise(claim, place, units, day)

    def _wait_no_more(self, claim: Claim, place: int, units: int) -> None:
        for one in claim.backorders:
            one[1] -= units if one[0] == place else 0
        claim.backorders = [one for one in claim.backorders if one[1]]

    def _serve(self) -> None:
        """Help one after the other, until nobody can be helped."""
        shut: set[tuple[int, str]] = set()
        seen: dict[str, tuple[int, int, int]] = {}
        while self._serve_some(shut, seen):
            pass

    def _serve_some(self, shut: set[tuple[int, str]], seen: dict[str, tuple[int, int, int]]) -> bool:
        """Help one after the other until that changes anything, or opens a queue; return whether it does."""
        for head in sorted(self._heads(seen)):
            if (head.queue, head.channel) in shut:
                continue
            changes, before, taken = self._changes, self.promised_in(head.channel), self._taken_of_quota(head.channel)
            if not self._help(head, self.claims[head.claim]):
                shut.add((head.queue, head.channel))
            promises, uses = self.promised_in(head.channel) > before, self._taken_of_quota(head.channel) > taken
            if promises or uses:
                shut.clear()
            if promises and uses:  # the shelf keeps nothing any more for the earmark that was used
                seen.clear()
            opens = head.queue == _LATE and (_TODAY, head.channel) in shut
            if head.queue == _LATE:
                seen[head.channel] = head.above, head.place, head.day
                shut.discard((_TODAY, head.channel))
            if opens or self._changes != changes:
                return True
        return False

    def promised_in(self, channel: str) -> int:
        """Return what is promised by day in a channel."""
        return sum(units for claim, (_, units, _, _) in self._promises() if claim.channel == channel)

    def _heads(self, seen: dict[str, tuple[int, int, int]]) -> Iterator[Head]:
        curve, today, granted = self.curve(), self.today, self._left_of_grants()
        days = {day for _, (_, _, _, day) in self._promises()}
        moves = any(day > today and curve.movable(day - 1, day, granted) for day in days)
        for claim, (place, _, _, day) in self._promises():
            if day == today:
                yield Head(-claim.priority, place, _TODAY, 0, claim.name, claim.channel)
            late = not claim.undue or (claim.wanted is not None and day > claim.wanted)
            if moves and late and (-claim.priority, place, day) > seen.get(claim.channel, _FIRST):
                yield Head(-claim.priority, place, _LATE, day, claim.name, claim.channel)
        if curve.free(curve.days[-1]):
            for claim in self._queue:
                for place, _ in claim.backorders:
                    queue = _UNDUE if claim.undue else _DUE
                    yield Head(-claim.priority, place, queue, 0, claim.name, claim.channel)

    def _taken_of_quota(self, channel: str) -> int:
        return self.consumed(channel) if self.rules.divides else 0

    def _left_of_grants(self) -> int:
        """Return what is granted to quotas that count, and not consumed."""
        return sum(self._quota(channel).left for channel in self._quotas())

    def _help(self, head: Head, claim: Claim) -> bool:
        today = self.today
        if head.queue == _TODAY:
            cap = self.curve().movable(NOW, today, self._left_of_grants(), eats=True)
            return self._redeem(claim, head.place, today, cap)
        if head.queue == _LATE:
            return head.day <= today or self._hasten(claim, head.place, head.day)
        units = next(units for place, units in claim.backorders if place == head.place)
        if head.queue == _UNDUE:
            due = [(-one.priority, place) for one in self._due_in(head.channel) for place, _ in one.backorders]
            return not any(one < head[:2] for one in due) and self._promise_part(claim, head.place, units)
        part = self._part_of(claim, units, self._free())
        if part:
            self._wait_no_more(claim, head.place, part)
            self._commit(claim, part, head.place)
        return (part < units and self._promise_part(claim, head.place, units - part)) or bool(part)

    def _due_in(self, channel: str) -> list[Claim]:
        return [one for one in self._queue if one.channel == channel and not one.undue]

    def _redeem(self, claim: Claim, place: int, day: int, cap: int) -> bool:
        """Reserve units that are promised for a day, or as many as there are if parts will do."""
        promise = next(one for one in claim.promises if (one[0], one[3]) == (place, day))
        units = promise[1] if promise[1] <= cap else self.rules.whole(cap) if claim.partial else 0
        earmarked = take(promise, units, earmarked_first=True)
        claim.promises = [one for one in claim.promises if one[1]]
        if units:
            self._commit(claim, units, place, earmarked)
            self.limit(claim)
        return bool(units)

    def _hasten(self, claim: Claim, place: int, day: int) -> bool:
        """Reserve what is promised for later, if it is due, and let the rest come as early as it can."""
        if not claim.undue:
            self._redeem(claim, place, day, self.curve().movable(NOW, day, self._left_of_grants()))
        for promise in [one for one in claim.promises if (one[0], one[3]) == (place, day)]:
            curve, first, granted = self.curve(), self.first_day(claim), self._left_of_grants()
            days = [first, *(one for one in curve.days if first < one)]
            to = next((one for one in days if one < day and curve.movable(one, day, granted) >= promise[1]), None)
            if to is not None:
                self._move(claim, promise, to)
        return True

    def _promise_part(self, claim: Claim, place: int, units: int) -> bool:
        day = self._earliest(claim, units, self.first_day(claim), more=not claim.undue)
        if day is None:
            return False
        self._wait_no_more(claim, place, units)
        self._promise(claim, place, units, day)
        return True

    # Time

    def roll(self, day: int) -> None:
        """Let a day come: what is near is due, and what was promised for days that are over is promised for it."""
        self.boundary, self.roll_at_us = day + 1, None
        self.changed()
        for claim in self._undue.values():
            claim.undue = claim.undue and claim.wanted is not None and claim.wanted > day + self.rules.ahead_days
        for claim, promise in list(self._promises()):
            if promise[3] < day:
                self._move(claim, promise, day)
