"""One item, naively: lists that are summed and sorted whenever a number is wanted.

What lies outside the rules that are known here is refused by `Unknown`: the oracle then says that it does not know,
rather than guess. Quantities are whole hundredths, `at` is in microseconds, a place is an offset in the item log.
"""

from atp_stream.oracle.claim import Claim
from atp_stream.oracle.dates import DAY
from atp_stream.oracle.inputs import Asked
from atp_stream.oracle.operations import Operations
from atp_stream.oracle.policy import Rules, Unknown
from atp_stream.oracle.reported import OF_MANY, Reported
from atp_stream.oracle.shelf import Past
from atp_stream.oracle.stock import Gone
from atp_stream.oracle.supplies import Denied

__all__ = ["Denied", "Item", "Past", "Reported", "Unknown"]


class Item(Operations):
    """What is known of one item; `asked` applies a question, `meet` a policy, the rest are answers."""

    # Questions

    def asked(self, question: Asked, place: int, log_time_ms: int, *, generation: int = 0) -> bool:
        """Apply a question, leave what it publishes in `reported`; return False for a duplicate.

        `generation` is that of stock time in which it came.

        Raises:
            Denied: it must be refused, and changes nothing.
            Past: it changes nothing, and nothing is reported.
            Unknown: this model does not know.
        """
        self.begin(place, log_time_ms)
        if question.at_us > log_time_ms * 1000 + self.rules.tolerance_us:
            raise Denied("future")
        try:
            applied = self._answer(question, generation)
        except Denied as denied:
            if denied.changes_supply:
                self.done(place)
            raise
        if applied:
            if question.reservation in self.claims:
                self.limit(self.claims[question.reservation])
            self.done(place)
        else:
            self.duplicates += 1
        return applied

    def _answer(self, question: Asked, generation: int) -> bool:
        if question.kind in {"adjusted", "counted"}:
            return self._stock(question, generation)
        if question.kind == "supply_received":
            return self.receive(question, generation)
        return {
            "created": self._create,
            "confirmed": self._confirm,
            "released": self._release,
            "fulfilled": self._fulfil,
        }.get(question.kind, self.schedule)(question)

    def meet(self, rules: Rules, place: int, log_time_ms: int) -> None:
        """Live by other rules, as all items do."""
        self.begin(place, log_time_ms, first=OF_MANY)
        self.meet_own(rules, place)

    def meet_own(self, rules: Rules, place: int) -> None:
        """Live by other rules because of what was begun."""
        before, self.rules = self.rules, rules
        for channel in rules.channels:
            self.channels[channel] = False
            self.withdrawn.discard(channel)
        for channel in self.channels:
            if channel not in rules.channels and (channel in before.channels or rules.closed(channel)):
                self.channels[channel] = True
        self.done(place)

    def run_out(self, until_us: int, place: int, log_time_ms: int) -> bool:
        """End what a tick says is over, before anybody is served; return whether that has changed anything."""
        if self.alarm_us is None or self.alarm_us > until_us:
            return False
        over: list[tuple[int, str, Claim | None]] = [
            (claim.timer_us, _encoded(claim.name), claim)
            for claim in self.limited.values()
            if claim.timer_us is not None and claim.timer_us <= until_us
        ]
        if self.drift is not None and self.drift.timer_us is not None and self.drift.timer_us <= until_us:
            over.append((self.drift.timer_us, "", None))
        self.begin(place, log_time_ms, first=OF_MANY)
        ended = self.dated  # then it has lived through the tick, whatever it did
        for _, _, claim in sorted(over, key=lambda one: one[:2]):
            if claim is None:
                self.report_drift()
                continue
            if not claim.is_open:
                self.forget(claim)
                continue
            has = claim.waiting + claim.promised + claim.reserved
            claim.denied = max(0, claim.owed - has)
            self.give_back(claim.name, claim, has, "EXPIRED")
            claim.ended, claim.undue, ended = "EXPIRED", False, True
            self.limit(claim)
        self.wait_no_longer(until_us)
        self.forget_supplies(until_us)
        rolls = self.roll_at_us is not None and self.roll_at_us <= until_us
        if rolls:
            self.roll(until_us // 1000 // DAY)
        self.alarm_us = min(self.timers(), default=None)
        if not ended and not self.reported:
            return False
        self.done(place)
        return True

    # What becomes of them

    def _stock(self, fact: Asked, generation: int) -> bool:
        ships = fact.kind == "adjusted" and fact.reservation is not None and (fact.quantity or 0) < 0
        kind = "count" if fact.quantity is None else "adjustment"
        news = fact.supply is not None and self.adjust(fact)
        if not self.put(kind, fact, generation, ships=ships, news=news):
            return news
        if ships and not self.is_forgotten(fact):
            claim = self._claim(fact)
            before = claim.departed
            claim.adjusted[fact.location or ""] -= fact.quantity or 0
            self.leave(str(fact.reservation), claim, claim.departed - before)
        return True

    def _create(self, asked: Asked) -> bool:
        name = str(asked.reservation)
        claim = self.claims.get(name) or Claim(name)
        channel = asked.channel or self.rules.default
        channel = self.rules.aliases.get(channel, channel)
        if claim.at_us is None:
            if self.is_too_old(asked):
                raise Denied("too_old")
            self._require_in_reach(asked)
            self._open(claim, asked, channel)
            return True
        if asked.channel != claim.asked and channel != self.rules.aliases.get(claim.channel, claim.channel):
            raise Denied("reservation_conflict")
        if asked.at_us <= claim.at_us:
            return False
        self._require_in_reach(asked)
        if claim.ended not in {"", "EXPIRED"}:  # for good
            claim.at_us, claim.forget_at_us = asked.at_us, None  # from now on it is remembered once more
            self.deny(claim, asked.quantity or 0, "REJECTED", "already_ended")
            return True
        grown, limit = (asked.quantity or 0) - claim.requested, claim.expires_at_us
        self._take(claim, asked)
        if asked.location and asked.location != claim.location:  # what left without a place left from there
            claim.location = asked.location
            self.shelf.let_go(name, claim.not_adjusted())
        if claim.ended:  # nothing is claimed, before a confirm that was made before the limit
            claim.expires_at_us, claim.forget_at_us = limit, None
            claim.denied = max(0, claim.denied + min(0, grown))
            self.deny(claim, asked.quantity or 0, "REJECTED", "expired")
        elif grown > 0:
            self.serve_or_wait(claim, grown)
        else:
            surplus = max(0, claim.waiting + claim.promised + claim.reserved - claim.owed)
            self.give_back(name, claim, surplus, "REDUCED")
            self.end(claim, "RELEASED")
        if not claim.ended:
            self.give_default_limit(claim)
        return True

    def _open(self, claim: Claim, asked: Asked, channel: str) -> None:
        """Answer the first create of a reservation, of which other messages may have come before."""
        is_new = self._admit(channel)
        self.claims[claim.name] = claim
        self.keep(claim)
        claim.channel, claim.asked = channel, asked.channel
        claim.location, claim.reference = asked.location or "", asked.reference
        self._take(claim, asked)
        self._meet_earlier(claim)
        self.shelf.let_go(claim.name, claim.not_adjusted())
        if claim.owed:
            self.serve_or_wait(claim, claim.owed)
        else:
            self.end(claim, "RELEASED" if claim.released else "FULFILLED")
        if (
            is_new and not claim.held and not claim.backorders and not claim.promises
        ):  # nothing is in it, and nothing was reported of it
            del self.channels[channel]
        else:
            self.withdrawn.discard(channel)

    def _require_in_reach(self, asked: Asked) -> None:
        if asked.day is not None and asked.day > self.last:
            raise Denied("too_far")

    def _admit(self, channel: str) -> bool:
        """Make sure that the item has a channel; return whether it is new."""
        if channel in self.rules.channels:
            return False
        if not self.rules.accepts:
            raise Denied("unknown_channel")
        if channel in self.channels:
            return False
        if sum(one not in self.rules.channels for one in self.channels) >= self.rules.limit:
            raise Denied("too_many_channels")
        self.channels[channel] = False
        return True

    def _take(self, claim: Claim, asked: Asked) -> None:
        claim.at_us, claim.requested = asked.at_us, asked.quantity or 0
        claim.priority, claim.partial, claim.backorder = asked.priority, asked.allow_partial, asked.allow_backorder
        claim.expires_at_us = None if claim.confirmed else asked.expires_at_us
        self.want(claim, asked.day)

    def _meet_earlier(self, claim: Claim) -> None:
        if claim.release_rest:
            claim.released += claim.owed
        elif claim.fulfil_rest is not None:
            at_us, location = claim.fulfil_rest
            rest = max(0, claim.requested - claim.released - claim.fulfilled)
            before = claim.departed
            if rest:
                claim.shipped.append(Gone(at_us, rest, location, rest=True))
            if claim.departed > before:
                claim.ended, claim.undue = "FULFILLED", False
        claim.release_rest, claim.fulfil_rest = False, None

    def _confirm(self, asked: Asked) -> bool:
        claim = self._claim(asked)
        if claim.ended == "EXPIRED" and claim.expires_at_us is not None and asked.at_us < claim.expires_at_us:
            self._reopen(claim)
        elif claim.confirmed or claim.ended:
            return False
        claim.confirmed, claim.expires_at_us = True, None
        return True

    def _reopen(self, claim: Claim) -> None:
        """Claim what expiry took, as of now, but behind nobody who waits in the channel."""
        self.keep(claim)
        claim.ended, claim.confirmed, claim.expires_at_us = "", True, None
        if claim.channel not in self.channels:
            raise Unknown("reservation that is reopened in a channel that is gone")
        waiting = [one.priority for one in self._due_in(claim.channel) if one.backorders]
        claim.priority = max([claim.priority, *waiting])
        self.want(claim, claim.wanted)
        if claim.owed > claim.denied:
            self.serve_or_wait(claim, claim.owed - claim.denied)
        else:
            self.end(claim, "RELEASED" if claim.released else "FULFILLED")

    def _release(self, asked: Asked) -> bool:
        claim = self._claim(asked)
        if _is_known(claim, asked):
            return False
        if claim.at_us is None:
            claim.release_rest |= asked.quantity is None and claim.fulfil_rest is None
            claim.released += asked.quantity or 0
            return True
        left = claim.owed
        units = left if asked.quantity is None else asked.quantity
        taken = min(units, claim.waiting + claim.promised + claim.reserved)
        claim.released += min(units, left)
        claim.excess += max(0, units - left)
        self.give_back(str(asked.reservation), claim, taken, "CANCELLED")
        self.end(claim, "RELEASED")
        return True

    def _fulfil(self, asked: Asked) -> bool:
        if self.is_forgotten(asked):
            raise Denied("too_old")
        claim = self._claim(asked)
        if _is_known(claim, asked):
            return False
        location = asked.location or ""
        if claim.at_us is None and asked.quantity is None:
            claim.fulfil_rest = claim.fulfil_rest or (asked.at_us, location)
            return True
        rest = max(0, claim.requested - claim.released - claim.fulfilled)
        units = rest if asked.quantity is None else asked.quantity
        before = claim.departed
        if units:
            claim.shipped.append(Gone(asked.at_us, units, location, rest=asked.quantity is None))
        self.leave(str(asked.reservation), claim, claim.departed - before)
        return True

    def _claim(self, asked: Asked) -> Claim:
        return self.claims.setdefault(str(asked.reservation), Claim(str(asked.reservation)))


def _is_known(claim: Claim, asked: Asked) -> bool:
    """Note a movement, and return whether it was known: an id is known per kind and place."""
    name = (asked.kind, asked.location, asked.event_id)
    known = name in claim.known
    claim.known.add(name)
    return known


def _encoded(part: str) -> str:
    return part.replace("%", "%25").replace("|", "%7C")
