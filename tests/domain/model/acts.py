"""How units of one item change hands, and what follows from every change."""

from tests.domain.model.dates import MICROSECONDS, NOW, Dates
from tests.domain.model.numbers import Drift
from tests.domain.model.reservation import DatedUnits, Promise, Reservation

MILLISECOND = 1_000

Head = tuple[int, int, str, int, str]
"""The next in a queue: its priority below 0 and its place sort it, then come the queue, the day and the reservation."""

Seen = dict[str, tuple[int, int, int]]
"""The late promise of each channel up to which all were looked at."""


class Acts(Dates):
    """One item at work on the command at `cause`, appended at `now` (milliseconds)."""

    cause = -1

    def begin(self, cause: int, now: int) -> None:
        self.cause, self.now = cause, now

    def not_before_now(self, moment: int) -> int:
        """Return when a timer of this command runs out: no tick that stands before it can reach it."""
        return max(moment, self.now * MILLISECOND + 1)

    def finish(self) -> None:
        """Do what follows from every change."""
        for channel in [c for c, row in self.channels.items() if row.leaving]:
            if not self.reserved(channel) and not self.waiting(channel) and not self.promised_in(channel):
                del self.channels[channel]
        self.take_back_what_is_short()
        self.break_what_is_not_backed()
        self.promise_anew()
        self.serve()
        self.watch_the_gap()
        self.look_ahead()

    def look_ahead(self) -> None:
        """See which day is the next that changes anything."""
        if not self.is_dated():
            self.absolute_at = -1
        boundary = self.next_boundary()
        if boundary != self.boundary or (self.roll_at is None) != (boundary is None):
            self.roll_at = None if boundary is None else self.not_before_now(boundary * MICROSECONDS)
        self.boundary = boundary

    # Promising

    def promise(self, name: str, units: int, asked: int) -> None:
        reservation = self.reservations[name]
        earmarked = min(units, self.earmarks().get(reservation.channel, 0))
        reservation.hold(Promise(self.cause, units, earmarked, asked))
        self.events.append(("committed", name, units))
        self.give_default_limit(reservation)

    def give_default_limit(self, reservation: Reservation) -> None:
        limit = self.rules.time_limit()
        begun = reservation.promised or (reservation.wanted is not None and reservation.dated)
        if limit is not None and begun and reservation.expires_at is None and not reservation.confirmed:
            self.limit(reservation, self.now * MILLISECOND + limit)

    def limit(self, reservation: Reservation, expires_at: int | None) -> None:
        """Set a limit; what runs out with the next tick already is not put off."""
        reservation.expires_at = expires_at
        if expires_at is None:
            reservation.runs_out = None
        elif reservation.runs_out is None or not expires_at <= reservation.runs_out <= self.not_before_now(0):
            reservation.runs_out = self.not_before_now(expires_at)

    def expect(self, name: str, units: int, place: int, day: int) -> None:
        """Promise units for a day, of the earmark first."""
        reservation = self.reservations[name]
        with self.at(day):
            earmarked = min(units, self.earmarks().get(reservation.channel, 0))
        reservation.expect(place, units, earmarked, day)
        if reservation.wanted is not None:
            self.give_default_limit(reservation)

    def ask(self, name: str, units: int) -> None:
        reservation = self.reservations[name]
        behind = any(-priority >= reservation.priority for priority, _, _ in self.queue(reservation.channel))
        point = NOW if reservation.due else self.first_day(reservation)
        claim = 0 if behind else self.claim_on(reservation.channel, point)
        taken = units if units <= claim else claim if reservation.partial else 0
        if taken and reservation.due:
            self.promise(name, taken, self.cause)
        elif taken:
            self.expect(name, taken, self.cause, point)
        rest = units - taken
        if rest:
            first = self.first_day(reservation) if reservation.due else point + 1
            asks = reservation.backorder and not behind
            day = self.earliest(reservation.channel, rest, first, more=reservation.due) if asks else None
            if day is not None:
                self.expect(name, rest, self.cause, day)
            backorders = (
                day is None
                and reservation.backorder
                and self.rules.may_wait(
                    reservation.channel, reservation.waiting() + rest, self.waiting(reservation.channel) + rest
                )
            )
            outcome = "PARTIAL" if taken else "BACKORDERED" if backorders or day is not None else "REJECTED"
            reason = (
                "rest_promised"
                if day is not None
                else "rest_waits"
                if backorders
                else "too_much_waits"
                if reservation.backorder
                else "rest_dropped"
            )
            if day is None or reservation.wanted is None:
                self.events.append(("denied", name, rest, outcome, reason))
            if backorders:
                reservation.queue(self.cause, rest)
        self.end_if_empty(reservation, "REJECTED")

    # Serving

    def heads(self, channel: str) -> list[Head]:
        """Return all that may be served in a channel: what falls due today, what waits, and what is late."""
        found = []
        today = self.today()
        sells = self.rules.kind(channel) != "FROZEN"
        for name, reservation in self.reservations.items():
            if reservation.channel != channel:
                continue
            for one in reservation.dated:
                late = reservation.due or (reservation.wanted is not None and one.day > reservation.wanted)
                if one.day == today or late:
                    found.append(
                        (-reservation.priority, one.place, "1 today" if one.day == today else "3 late", one.day, name)
                    )
            queue = "2 due" if reservation.due else "4 undue"
            found += [(-reservation.priority, part.place, queue, 0, name) for part in reservation.backorders if sells]
        return sorted(found)

    def next_head(self, shut: set[tuple[str, str]], seen: Seen) -> tuple[str, Head] | None:
        """Return the best head of the queues that are open, and its channel."""
        heads = []
        for channel in self.channels:
            for head in self.heads(channel):
                passed = head[2] == "3 late" and channel in seen and (head[0], head[1], head[3]) <= seen[channel]
                if (head[2], channel) not in shut and not passed:
                    heads.append((channel, head))
        return min(heads, key=lambda one: one[1], default=None)

    def serve(self) -> None:
        shut: set[tuple[str, str]] = set()
        seen: Seen = {}
        while found := self.next_head(shut, seen):
            channel, head = found
            queue, reservation = head[2], self.reservations[head[4]]
            if queue == "3 late":
                seen[channel] = head[0], head[1], head[3]
            before = self.consumed(channel), reservation.expected()
            helped = {
                "1 today": self.redeem_today,
                "2 due": self.serve_due,
                "3 late": self.hasten,
                "4 undue": self.serve_undue,
            }[queue](head[4], reservation, head)
            reservation.without_empty()
            if not helped:
                shut.add((queue, channel))
            used, promised = self.consumed(channel) > before[0], reservation.expected() > before[1]
            if used or promised:
                shut.clear()
            if used and promised:  # the shelf keeps nothing any more for the earmark that was used
                seen.clear()
            if queue == "3 late":
                shut.discard(("1 today", channel))

    def unit_of(self, reservation: Reservation, head: Head) -> DatedUnits:
        return next(one for one in reservation.dated if (one.place, one.day) == (head[1], head[3]))

    def redeem(self, name: str, one: DatedUnits, cap: int) -> bool:
        """Turn a promise, or what there is of it, into an allocation."""
        reservation = self.reservations[name]
        units = one.units if one.units <= cap else self.sold(cap) if reservation.partial else 0
        if not units:
            return False
        earmarked = min(units, one.earmarked)
        one.units -= units
        one.earmarked -= earmarked
        reservation.hold(Promise(self.cause, units, earmarked, one.place))
        self.events.append(("committed", name, units))
        self.give_default_limit(reservation)
        return True

    def redeem_today(self, name: str, reservation: Reservation, head: Head) -> bool:
        return self.redeem(name, self.unit_of(reservation, head), self.cap(NOW, self.today(), eats=True))

    def hasten(self, name: str, reservation: Reservation, head: Head) -> bool:
        """Redeem what is due and late, and move what is left of it to an earlier day."""
        one = self.unit_of(reservation, head)
        if reservation.due:
            self.redeem(name, one, self.cap(NOW, one.day))
        if one.units:
            for day in range(self.first_day(reservation), one.day):
                if self.cap(day, one.day) >= one.units:
                    reservation.dated.remove(one)
                    reservation.expect(one.place, one.units, one.earmarked, day)
                    break
        return True

    def serve_due(self, name: str, reservation: Reservation, head: Head) -> bool:
        part = next(part for part in reservation.backorders if part.place == head[1])
        claim = self.claim(reservation.channel)
        in_parts = reservation.partial and self.serves_parts(reservation.channel)
        units = part.units if part.units <= claim else claim if in_parts else 0
        part.units -= units
        if units:
            self.promise(name, units, part.place)
        return self.serve_undue(name, reservation, head) or bool(units)

    def serve_undue(self, name: str, reservation: Reservation, head: Head) -> bool:
        part = next(part for part in reservation.backorders if part.place == head[1])
        if (
            not reservation.due
            and self.queue(reservation.channel)
            and self.queue(reservation.channel)[0][:2] < head[:2]
        ):
            return False
        first = self.first_day(reservation)
        day = self.earliest(reservation.channel, part.units, first, more=reservation.due) if part.units else None
        if day is None:
            return False
        self.expect(name, part.units, part.place, day)
        part.units = 0
        return True

    # Giving back

    def take(self, name: str, units: int, reason: str) -> None:
        """Take units back: what waits first, the newest first."""
        reservation = self.reservations[name]
        for part in reversed(reservation.backorders):
            taken = min(units, part.units)
            part.units -= taken
            units -= taken
        for one in sorted(reservation.dated, key=lambda one: (-one.day, -one.place)):
            taken = min(units, one.units)
            units -= taken
            self.give_up(one, taken)
        self.give_back(name, units, reason)
        reservation.without_empty()

    def give_up(self, one: DatedUnits, units: int) -> None:
        """Take units of a promise back, the pool's first."""
        one.units -= units
        one.earmarked = min(one.earmarked, one.units)

    def give_back(self, name: str, units: int, reason: str) -> list[tuple[int, int]]:
        """Take promised units back, the newest promise first, the pool's units first; return places and units."""
        given = []
        for promise in reversed(self.reservations[name].promised):
            taken = min(units, promise.units)
            units -= taken
            promise.units -= taken
            promise.earmarked = min(promise.earmarked, promise.units)
            if taken:
                given.append((promise.asked, taken))
                self.events.append(("released", name, taken, reason))
        return given

    def leave(self, reservation: Reservation, units: int) -> None:
        """Let units leave: what is promised first, the oldest first, earmarked units first."""
        for promise in reservation.promised:
            taken = min(units, promise.units)
            from_earmark = min(taken, promise.earmarked)
            units -= taken
            promise.units -= taken
            promise.earmarked -= from_earmark
            self.channels[reservation.channel].left_earmark += from_earmark
        for one in sorted(reservation.dated, key=lambda one: (one.day, one.place)):
            taken = min(units, one.units)
            from_earmark = min(taken, one.earmarked)
            units -= taken
            one.units -= taken
            one.earmarked -= from_earmark
            self.channels[reservation.channel].left_earmark += from_earmark
        for part in reservation.backorders:
            taken = min(units, part.units)
            units -= taken
            part.units -= taken
        reservation.without_empty()
        self.end_if_empty(reservation, "FULFILLED")

    def end_if_empty(self, reservation: Reservation, end: str) -> None:
        if reservation.created_at is not None and reservation.ended is None and not reservation.has_any():
            reservation.ended = end
            reservation.purge_at = self.purge_moment()

    def purge_moment(self) -> int:
        return self.not_before_now(self.now * MILLISECOND + self.rules.kept())

    # Loss

    def take_back_what_is_short(self) -> None:
        while self.rules.deallocates() and self.short():
            name = min(
                (name for name, reservation in self.reservations.items() if reservation.promised),
                key=self.place_in_a_loss,
            )
            reservation = self.reservations[name]
            newest = max(promise.asked for promise in reservation.promised)
            answering = sum(promise.units for promise in reservation.promised if promise.asked == newest)
            for asked, units in self.give_back(name, min(self.short(), answering), "SUPPLY_LOST"):
                reservation.queue(asked, units)
            reservation.without_empty()

    def break_what_is_not_backed(self) -> None:
        """Take promises off while a point that they stand at, or before, is not covered."""
        while True:
            safety = self.safety_stock()
            hole = next(
                (
                    (point, units + safety)
                    for point, units in self.curve().items()
                    if units + safety < 0 and any(one.day <= point for _, one in self.all_dated())
                ),
                None,
            )
            if hole is None:
                return
            dated = [(self.reservations[name], name, one) for name, one in self.all_dated() if one.day <= hole[0]]
            reservation, name, one = min(
                dated, key=lambda three: (three[0].confirmed, three[0].priority, -three[2].place, -three[2].day)
            )
            self.lose(name, one, min(one.units, -hole[1]) if reservation.partial else one.units)

    def lose(self, name: str, one: DatedUnits, units: int) -> None:
        reservation = self.reservations[name]
        place = -reservation.priority, one.place, name
        self.lost[place] = self.lost.get(place, 0) + units
        self.give_up(one, units)
        reservation.without_empty()

    def promise_anew(self) -> None:
        """Promise what was lost anew, before anybody else."""
        lost, self.lost = self.lost, {}
        for (_, place, name), units in sorted(lost.items()):
            reservation = self.reservations[name]
            day = self.earliest(reservation.channel, units, self.first_day(reservation))
            if day is None:
                reservation.queue(place, units)
            else:
                self.expect(name, units, place, day)

    def place_in_a_loss(self, name: str) -> tuple[bool, int, int, str]:
        reservation = self.reservations[name]
        return (
            reservation.confirmed,
            reservation.priority,
            -max(promise.asked for promise in reservation.promised),
            name,
        )

    # Drift

    def watch_the_gap(self) -> None:
        gap, drift = self.gap(), self.drift
        if gap == 0:
            if drift is not None and drift.reported:
                self.drifts.append((0, self.on_hand(), drift.since, True))
            self.drift = None
            return
        if drift is None:
            drift = self.drift = Drift(since=self.now)
        if drift.reported != gap and drift.look_at is None:
            grace = self.rules.duration("drift_grace", 30)
            drift.look_at = self.not_before_now(self.now * MILLISECOND + grace)

    def report_the_gap(self, drift: Drift) -> None:
        drift.look_at = None
        if self.gap() != drift.reported:
            drift.reported = self.gap()
            self.drifts.append((drift.reported, self.on_hand(), drift.since, False))

    # Time

    def tick(self, until: int) -> bool:
        """Let all run out that does so up to `until`; return whether anything did."""
        due = [(moment, name) for moment, name in self.timers() if moment <= until]
        for _, name in due:
            if name.startswith("supply "):
                self.forget_supply(name.removeprefix("supply "))
            elif name == "grace":
                self.coming = [one for one in self.coming if one.until > until]
            elif not name and self.drift is not None:
                self.report_the_gap(self.drift)
            elif name and self.reservations[name].purge_at is not None:
                self.purge(name)
            elif name:
                self.expire(name)
        rolls = self.roll_at is not None and self.roll_at <= until
        if rolls:
            self.roll(until // MICROSECONDS)
        return bool(due) or rolls

    def roll(self, day: int) -> None:
        """Let a day come; what was promised for days that are over is promised for it."""
        self.boundary, self.roll_at = day + 1, None
        for reservation in self.reservations.values():
            reservation.due |= self.is_due(reservation.wanted)
            for one in [one for one in reservation.dated if one.day < self.today()]:
                reservation.dated.remove(one)
                reservation.expect(one.place, one.units, one.earmarked, self.today())

    def forget_supply(self, name: str) -> None:
        del self.purges[name]
        holds = self.supplies.pop(name).holds()
        if holds is not None:
            self.supply_purged_at = max(holds.at_us, self.supply_purged_at or holds.at_us)

    def timers(self) -> list[tuple[int, str]]:
        found = [] if self.drift is None or self.drift.look_at is None else [(self.drift.look_at, "")]
        for name, reservation in self.reservations.items():
            moment = reservation.runs_out if reservation.purge_at is None else reservation.purge_at
            found += [] if moment is None else [(moment, name)]
        found += [(moment, f"supply {name}") for name, moment in self.purges.items()]
        found += [(one.until, "grace") for one in self.coming]
        return sorted(found)

    def expire(self, name: str) -> None:
        reservation = self.reservations[name]
        reservation.expired = reservation.held() + reservation.waiting() + reservation.expected()
        reservation.owed_then = reservation.owed()
        reservation.backorders, reservation.dated = [], []
        self.give_back(name, reservation.held(), "EXPIRED")
        reservation.without_empty()
        self.end_if_empty(reservation, "EXPIRED")

    def purge(self, name: str) -> None:
        reservation = self.reservations.pop(name)
        self.gone_for_good += reservation.shipments()
        if reservation.created_at is not None:
            self.purged_at = max(reservation.created_at, self.purged_at or reservation.created_at)
