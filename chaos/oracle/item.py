"""One item, naively: lists that are summed and sorted whenever a number is wanted.

The rules are those of the domain's text for traffic without locations, under the default policy: four pooled channels,
nothing held back, unknown channels accepted. What lies outside is refused by `Unknown`: the books then say that they
do not know, rather than guess. Quantities are whole hundredths, `at` is in microseconds, `position` is a place in the
item log.
"""

from bisect import insort
from collections import Counter
from typing import Any, Final, NamedTuple

from chaos.oracle.claim import Claim, drain
from chaos.oracle.inputs import Asked

CHANNELS: Final = ("ECOM", "STORE", "B2B", "MARKETPLACE")
_TAIL = 64
_WINDOW = 24 * 3600 * 1_000_000
_TOLERANCE = 5 * 60 * 1_000_000
_MOST_UNNAMED = 32


class Unknown(Exception):
    """The traffic goes beyond what this model knows."""


class Denied(Exception):
    """The ledger must refuse this question, with this reason."""


class Told(NamedTuple):
    """An event that must have been published; `number` is the item's how-many-eth commit, of an allocation."""

    topic: str
    channel: str
    quantity: int
    number: int = -1
    reservation: str = ""
    outcome: str = ""


class Item:
    """What is known of one item; `asked` applies a question, the rest are answers."""

    def __init__(self) -> None:
        self.facts: list[tuple[int, Any, int | None, int | None]] = []  # (at, id, delta, absolute), sorted
        self.shipped: list[tuple[int, int]] = []  # (at, units)
        self.claims: dict[str, Claim] = {}
        self._open: list[Claim] = []  # those that hold or wait for units
        self.channels = list(CHANNELS)
        self.version = 0
        self.commits = 0
        self.handed_over = 0  # promised units that have left, in all
        self.told: list[Told] = []
        self._summed: tuple[int, int] = (0, -1)  # value and stamp of the newest absolute, over all facts

    # Answers

    @property
    def on_hand(self) -> int:
        """Units that are there: what the facts say, less what left after the newest absolute."""
        value, newest = self._summed
        return value - sum(units for at, units in self.shipped if at > newest)

    @property
    def reserved(self) -> int:
        """Units promised and still there."""
        return sum(claim.reserved for claim in self._open)

    def rows(self) -> dict[str, tuple[int, int]]:
        """Return (available, reserved) of every channel."""
        reserved: Counter[str] = Counter()
        blocked = set()
        for claim in self._open:
            reserved[claim.channel] += claim.reserved
            if claim.waits and claim.priority >= 0:
                blocked.add(claim.channel)
        free = self._free(reserved.total())
        return {channel: (0 if channel in blocked else free, reserved[channel]) for channel in self.channels}

    def _free(self, reserved: int) -> int:
        return max(0, max(0, self.on_hand) - reserved)

    # Questions

    def asked(self, question: Asked, position: int, log_time: int) -> bool:
        """Apply a question, leave what it tells in `told`; return False for a duplicate.

        Raises:
            Denied: it must be refused, and changes nothing.
            Unknown: this model cannot tell.
        """
        self.told = []
        self._open = [claim for claim in self._open if claim.held or claim.waits]
        if question.at > log_time * 1000 + _TOLERANCE:
            raise Denied("future")
        match question.kind:
            case "adjusted" | "counted":
                applied = self._stock(question)
            case "created":
                applied = self._create(question, position)
            case "confirmed":
                applied = self._confirm(question)
            case "released":
                applied = self._release(question)
            case _:
                applied = self._fulfil(question)
        if applied:
            self.version += 1
            self._refill()
        return applied

    def _stock(self, fact: Asked) -> bool:
        if fact.location or (fact.reservation and (fact.quantity or 0) < 0):
            raise Unknown("stock facts with a location or a reservation")
        recent = self.facts[-_TAIL:]
        if any(known[1] == fact.event_id for known in recent):
            return False
        floor = self.facts[-_TAIL - 1][0] if len(self.facts) > _TAIL else -1
        if recent and (fact.at <= floor or fact.at < recent[-1][0] - _WINDOW):
            raise Denied("stale")
        if any(known[0] == fact.at for known in recent):
            raise Unknown("two facts of one instant")
        entry = (fact.at, fact.event_id, fact.quantity, fact.absolute)
        if not recent or fact.at > recent[-1][0]:
            self.facts.append(entry)
            self._summed = _after(self._summed, entry)
        else:
            insort(self.facts, entry, key=lambda known: known[0])
            self._summed = (0, -1)
            for known in self.facts:
                self._summed = _after(self._summed, known)
        self.shipped = [one for one in self.shipped if one[0] > self._summed[1]]  # the rest is included for good
        return True

    def _create(self, asked: Asked, position: int) -> bool:
        claim = self._claim(asked)
        channel = asked.channel or CHANNELS[0]
        if claim.at is None:
            if channel not in self.channels:
                if len(self.channels) >= len(CHANNELS) + _MOST_UNNAMED:
                    raise Denied("too_many_channels")
                self.channels.append(channel)
            self.claims[str(asked.reservation)] = claim
            claim.channel = channel
            self._take(claim, asked)
            self._meet_earlier(claim)
            if claim.owed:
                self._serve_or_wait(str(asked.reservation), claim, claim.owed, position)
            else:
                self._end(claim, "RELEASED" if claim.released else "FULFILLED")
            return True
        if channel != claim.channel:
            raise Denied("reservation_conflict")
        if asked.at <= claim.at or claim.ended:
            return False
        grown = (asked.quantity or 0) - claim.requested
        self._take(claim, asked)
        if grown > 0:
            self._serve_or_wait(str(asked.reservation), claim, grown, position)
        else:
            surplus = max(0, claim.waiting + claim.reserved - claim.owed)
            self._give_back(str(asked.reservation), claim, surplus, "REDUCED")
            self._end(claim, "RELEASED")
        return True

    def _take(self, claim: Claim, asked: Asked) -> None:
        claim.at, claim.requested = asked.at, asked.quantity or 0
        claim.priority, claim.partial, claim.backorder = asked.priority, asked.allow_partial, asked.allow_backorder

    def _meet_earlier(self, claim: Claim) -> None:
        if claim.release_rest:
            claim.released += claim.owed
        elif claim.fulfil_rest is not None:
            self.shipped.append((claim.fulfil_rest, claim.owed))
            claim.fulfilled += claim.owed
            claim.ended = "FULFILLED"

    def _confirm(self, asked: Asked) -> bool:
        claim = self._claim(asked)
        if claim.confirmed or claim.ended:
            return False
        self.claims[str(asked.reservation)] = claim
        claim.confirmed = True
        return True

    def _release(self, asked: Asked) -> bool:
        claim = self._claim(asked)
        if asked.event_id in claim.known:
            return False
        self.claims[str(asked.reservation)] = claim
        claim.known.add(asked.event_id)
        if claim.at is None:
            claim.release_rest |= asked.quantity is None
            claim.released += asked.quantity or 0
            return True
        left = claim.owed
        units = left if asked.quantity is None else asked.quantity
        taken = min(units, claim.waiting + claim.reserved)
        claim.released += min(units, left)
        self._give_back(str(asked.reservation), claim, taken, "CANCELLED")
        self._end(claim, "RELEASED")
        return True

    def _fulfil(self, asked: Asked) -> bool:
        if asked.location:
            raise Unknown("fulfilments with a location")
        claim = self._claim(asked)
        if asked.event_id in claim.known:
            return False
        self.claims[str(asked.reservation)] = claim
        claim.known.add(asked.event_id)
        if claim.at is None and asked.quantity is None:
            claim.fulfil_rest = asked.at if claim.fulfil_rest is None else claim.fulfil_rest
            return True
        units = claim.owed if asked.quantity is None else asked.quantity
        claim.fulfilled += units
        if units:
            self.shipped.append((asked.at, units))
            promised = min(units, claim.reserved)
            self.handed_over += promised
            drain(claim.held, promised, oldest=True)
            drain(claim.waits, min(units - promised, claim.waiting), oldest=True)
            if claim.at is not None:
                self._end(claim, "FULFILLED")
        return True

    # Units change hands

    def _claim(self, asked: Asked) -> Claim:
        return self.claims.get(str(asked.reservation)) or Claim()

    def _end(self, claim: Claim, how: str) -> None:
        if not claim.ended and not claim.held and not claim.waits:
            claim.ended = how

    def _serve_or_wait(self, name: str, claim: Claim, units: int, position: int) -> None:
        if not claim.held and not claim.waits:
            self._open.append(claim)
        overtaken = any(
            other.waits and other.channel == claim.channel and other.priority >= claim.priority for other in self._open
        )
        free = 0 if overtaken else self._free(self.reserved)
        if units <= free:
            self._commit(claim, units)
            return
        part = free if claim.partial else 0
        if part:
            self._commit(claim, part)
        rest = units - part
        if claim.backorder:
            claim.waits.append([position, rest])
        else:
            self._end(claim, "REJECTED")
        outcome = "PARTIAL" if part else "BACKORDERED" if claim.backorder else "REJECTED"
        self.told.append(Told("denied", claim.channel, rest, reservation=name, outcome=outcome))

    def _commit(self, claim: Claim, units: int) -> None:
        claim.held.append([self.commits, units])
        self.told.append(Told("committed", claim.channel, units, number=self.commits))
        self.commits += 1

    def _give_back(self, name: str, claim: Claim, units: int, reason: str) -> None:
        waiting = min(units, claim.waiting)
        drain(claim.waits, waiting, oldest=False)
        for number, part in drain(claim.held, units - waiting, oldest=False):
            self.told.append(Told("released", claim.channel, part, number, name, reason))

    def _refill(self) -> None:
        closed: set[str] = set()
        while free := self._free(self.reserved):
            queue = [
                (-claim.priority, wait[0], claim)
                for claim in self._open
                if claim.waits and claim.channel not in closed
                for wait in claim.waits
            ]
            if not queue:
                return
            _, position, head = min(queue, key=lambda place: place[:2])
            wait = next(wait for wait in head.waits if wait[0] == position)
            units = min(wait[1], free)
            if units < wait[1] and not head.partial:
                closed.add(head.channel)
                continue
            wait[1] -= units
            head.waits = [wait for wait in head.waits if wait[1]]
            self._commit(head, units)


def _after(before: tuple[int, int], fact: tuple[int, Any, int | None, int | None]) -> tuple[int, int]:
    at, _, delta, absolute = fact
    value, newest = before
    return (value + (delta or 0), newest) if absolute is None else (absolute, at)
