"""How units of one item change hands, and what follows from every change."""

from tests.domain.model.dates import MICROSECONDS, NOW, Dates
from tests.domain.model.numbers import Drift
from tests.domain.model.order import DatedUnits, Order, Promise

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
        order = self.orders[name]
        earmarked = min(units, self.earmarks().get(order.channel, 0))
        order.hold(Promise(self.cause, units, earmarked, asked))
        self.events.append(("committed", name, units))
        self.give_default_limit(order)

    def give_default_limit(self, order: Order) -> None:
        limit = self.rules.time_limit()
        begun = order.promised or (order.wanted is not None and order.dated)
        if limit is not None and begun and order.expires_at is None and not order.confirmed:
            self.limit(order, self.now * MILLISECOND + limit)

    def limit(self, order: Order, expires_at: int | None) -> None:
        """Set a limit; what runs out with the next tick already is not put off."""
        order.expires_at = expires_at
        if expires_at is None:
            order.runs_out = None
        elif order.runs_out is None or not expires_at <= order.runs_out <= self.not_before_now(0):
            order.runs_out = self.not_before_now(expires_at)

    def expect(self, name: str, units: int, place: int, day: int) -> None:
        """Promise units for a day, of the earmark first."""
        order = self.orders[name]
        with self.at(day):
            earmarked = min(units, self.earmarks().get(order.channel, 0))
        order.expect(place, units, earmarked, day)
        if order.wanted is not None:
            self.give_default_limit(order)

    def ask(self, name: str, units: int) -> None:
        order = self.orders[name]
        behind = any(-priority >= order.priority for priority, _, _ in self.queue(order.channel))
        point = NOW if order.due else self.first_day(order)
        claim = 0 if behind else self.claim_on(order.channel, point)
        taken = units if units <= claim else claim if order.partial else 0
        if taken and order.due:
            self.promise(name, taken, self.cause)
        elif taken:
            self.expect(name, taken, self.cause, point)
        rest = units - taken
        if rest:
            first = self.first_day(order) if order.due else point + 1
            asks = order.backorder and not behind
            day = self.earliest(order.channel, rest, first, more=order.due) if asks else None
            if day is not None:
                self.expect(name, rest, self.cause, day)
            waits = (
                day is None
                and order.backorder
                and self.rules.may_wait(order.channel, order.waiting() + rest, self.waiting(order.channel) + rest)
            )
            outcome = "PARTIAL" if taken else "BACKORDERED" if waits or day is not None else "REJECTED"
            reason = (
                "rest_promised"
                if day is not None
                else "rest_waits"
                if waits
                else "too_much_waits"
                if order.backorder
                else "rest_dropped"
            )
            if day is None or order.wanted is None:
                self.events.append(("denied", name, rest, outcome, reason))
            if waits:
                order.wait(self.cause, rest)
        self.end_if_empty(order, "REJECTED")

    # Serving

    def heads(self, channel: str) -> list[Head]:
        """Return all that may be served in a channel: what falls due today, what waits, and what is late."""
        found = []
        today = self.today()
        sells = self.rules.kind(channel) != "FROZEN"
        for name, order in self.orders.items():
            if order.channel != channel:
                continue
            for one in order.dated:
                late = order.due or (order.wanted is not None and one.day > order.wanted)
                if one.day == today or late:
                    found.append(
                        (-order.priority, one.place, "1 today" if one.day == today else "3 late", one.day, name)
                    )
            queue = "2 due" if order.due else "4 undue"
            found += [(-order.priority, part.place, queue, 0, name) for part in order.waits if sells]
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
            queue, order = head[2], self.orders[head[4]]
            if queue == "3 late":
                seen[channel] = head[0], head[1], head[3]
            before = self.consumed(channel), order.expected()
            helped = {
                "1 today": self.redeem_today,
                "2 due": self.serve_due,
                "3 late": self.hasten,
                "4 undue": self.serve_undue,
            }[queue](head[4], order, head)
            order.without_empty()
            if not helped:
                shut.add((queue, channel))
            used, promised = self.consumed(channel) > before[0], order.expected() > before[1]
            if used or promised:
                shut.clear()
            if used and promised:  # the shelf keeps nothing any more for the earmark that was used
                seen.clear()
            if queue == "3 late":
                shut.discard(("1 today", channel))

    def unit_of(self, order: Order, head: Head) -> DatedUnits:
        return next(one for one in order.dated if (one.place, one.day) == (head[1], head[3]))

    def redeem(self, name: str, one: DatedUnits, cap: int) -> bool:
        """Turn a promise, or what there is of it, into an allocation."""
        order = self.orders[name]
        units = one.units if one.units <= cap else self.sold(cap) if order.partial else 0
        if not units:
            return False
        earmarked = min(units, one.earmarked)
        one.units -= units
        one.earmarked -= earmarked
        order.hold(Promise(self.cause, units, earmarked, one.place))
        self.events.append(("committed", name, units))
        self.give_default_limit(order)
        return True

    def redeem_today(self, name: str, order: Order, head: Head) -> bool:
        return self.redeem(name, self.unit_of(order, head), self.cap(NOW, self.today(), eats=True))

    def hasten(self, name: str, order: Order, head: Head) -> bool:
        """Redeem what is due and late, and move what is left of it to an earlier day."""
        one = self.unit_of(order, head)
        if order.due:
            self.redeem(name, one, self.cap(NOW, one.day))
        if one.units:
            for day in range(self.first_day(order), one.day):
                if self.cap(day, one.day) >= one.units:
                    order.dated.remove(one)
                    order.expect(one.place, one.units, one.earmarked, day)
                    break
        return True

    def serve_due(self, name: str, order: Order, head: Head) -> bool:
        part = next(part for part in order.waits if part.place == head[1])
        claim = self.claim(order.channel)
        in_parts = order.partial and self.serves_parts(order.channel)
        units = part.units if part.units <= claim else claim if in_parts else 0
        part.units -= units
        if units:
            self.promise(name, units, part.place)
        return self.serve_undue(name, order, head) or bool(units)

    def serve_undue(self, name: str, order: Order, head: Head) -> bool:
        part = next(part for part in order.waits if part.place == head[1])
        if not order.due and self.queue(order.channel) and self.queue(order.channel)[0][:2] < head[:2]:
            return False
        first = self.first_day(order)
        day = self.earliest(order.channel, part.units, first, more=order.due) if part.units else None
        if day is None:
            return False
        self.expect(name, part.units, part.place, day)
        part.units = 0
        return True

    # Giving back

    def take(self, name: str, units: int, reason: str) -> None:
        """Take units back: what waits first, the newest first."""
        order = self.orders[name]
        for part in reversed(order.waits):
            taken = min(units, part.units)
            part.units -= taken
            units -= taken
        for one in sorted(order.dated, key=lambda one: (-one.day, -one.place)):
            taken = min(units, one.units)
            units -= taken
            self.give_up(one, taken)
        self.give_back(name, units, reason)
        order.without_empty()

    def give_up(self, one: DatedUnits, units: int) -> None:
        """Take units of a promise back, the pool's first."""
        one.units -= units
        one.earmarked = min(one.earmarked, one.units)

    def give_back(self, name: str, units: int, reason: str) -> list[tuple[int, int]]:
        """Take promised units back, the newest promise first, the pool's units first; return places and units."""
        given = []
        for promise in reversed(self.orders[name].promised):
            taken = min(units, promise.units)
            units -= taken
            promise.units -= taken
            promise.earmarked = min(promise.earmarked, promise.units)
            if taken:
                given.append((promise.asked, taken))
                self.events.append(("released", name, taken, reason))
        return given

    def leave(self, order: Order, units: int) -> None:
        """Let units leave: what is promised first, the oldest first, earmarked units first."""
        for promise in order.promised:
            taken = min(units, promise.units)
            from_earmark = min(taken, promise.earmarked)
            units -= taken
            promise.units -= taken
            promise.earmarked -= from_earmark
            self.channels[order.channel].left_earmark += from_earmark
        for one in sorted(order.dated, key=lambda one: (one.day, one.place)):
            taken = min(units, one.units)
            from_earmark = min(taken, one.earmarked)
            units -= taken
            one.units -= taken
            one.earmarked -= from_earmark
            self.channels[order.channel].left_earmark += from_earmark
        for part in order.waits:
            taken = min(units, part.units)
            units -= taken
            part.units -= taken
        order.without_empty()
        self.end_if_empty(order, "FULFILLED")

    def end_if_empty(self, order: Order, end: str) -> None:
        if order.created_at is not None and order.ended is None and not order.has_any():
            order.ended = end
            order.purge_at = self.purge_moment()

    def purge_moment(self) -> int:
        return self.not_before_now(self.now * MILLISECOND + self.rules.kept())

    # Loss

    def take_back_what_is_short(self) -> None:
        while self.rules.deallocates() and self.short():
            name = min((name for name, order in self.orders.items() if order.promised), key=self.place_in_a_loss)
            order = self.orders[name]
            newest = max(promise.asked for promise in order.promised)
            answering = sum(promise.units for promise in order.promised if promise.asked == newest)
            for asked, units in self.give_back(name, min(self.short(), answering), "SUPPLY_LOST"):
                order.wait(asked, units)
            order.without_empty()

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
            standing = [(self.orders[name], name, one) for name, one in self.all_dated() if one.day <= hole[0]]
            order, name, one = min(
                standing, key=lambda three: (three[0].confirmed, three[0].priority, -three[2].place, -three[2].day)
            )
            self.lose(name, one, min(one.units, -hole[1]) if order.partial else one.units)

    def lose(self, name: str, one: DatedUnits, units: int) -> None:
        order = self.orders[name]
        place = -order.priority, one.place, name
        self.lost[place] = self.lost.get(place, 0) + units
        self.give_up(one, units)
        order.without_empty()

    def promise_anew(self) -> None:
        """Promise what was lost anew, before anybody else."""
        lost, self.lost = self.lost, {}
        for (_, place, name), units in sorted(lost.items()):
            order = self.orders[name]
            day = self.earliest(order.channel, units, self.first_day(order))
            if day is None:
                order.wait(place, units)
            else:
                self.expect(name, units, place, day)

    def place_in_a_loss(self, name: str) -> tuple[bool, int, int, str]:
        order = self.orders[name]
        return order.confirmed, order.priority, -max(promise.asked for promise in order.promised), name

    # Drift

    def watch_the_gap(self) -> None:
        gap, drift = self.gap(), self.drift
        if gap == 0:
            if drift is not None and drift.told:
                self.drifts.append((0, self.on_hand(), drift.since, True))
            self.drift = None
            return
        if drift is None:
            drift = self.drift = Drift(since=self.now)
        if drift.told != gap and drift.tell_at is None:
            grace = self.rules.duration("drift_grace", 30)
            drift.tell_at = self.not_before_now(self.now * MILLISECOND + grace)

    def tell_the_gap(self, drift: Drift) -> None:
        drift.tell_at = None
        if self.gap() != drift.told:
            drift.told = self.gap()
            self.drifts.append((drift.told, self.on_hand(), drift.since, False))

    # Time

    def tick(self, until: int) -> bool:
        """Let all run out that does so up to `until`; tell whether anything did."""
        due = [(moment, name) for moment, name in self.timers() if moment <= until]
        for _, name in due:
            if name.startswith("supply "):
                self.forget_supply(name.removeprefix("supply "))
            elif name == "grace":
                self.coming = [one for one in self.coming if one.until > until]
            elif not name and self.drift is not None:
                self.tell_the_gap(self.drift)
            elif name and self.orders[name].purge_at is not None:
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
        for order in self.orders.values():
            order.due |= self.is_due(order.wanted)
            for one in [one for one in order.dated if one.day < self.today()]:
                order.dated.remove(one)
                order.expect(one.place, one.units, one.earmarked, self.today())

    def forget_supply(self, name: str) -> None:
        del self.purges[name]
        holds = self.supplies.pop(name).holds()
        if holds is not None:
            self.supply_purged_at = max(holds.at_us, self.supply_purged_at or holds.at_us)

    def timers(self) -> list[tuple[int, str]]:
        found = [] if self.drift is None or self.drift.tell_at is None else [(self.drift.tell_at, "")]
        for name, order in self.orders.items():
            moment = order.runs_out if order.purge_at is None else order.purge_at
            found += [] if moment is None else [(moment, name)]
        found += [(moment, f"supply {name}") for name, moment in self.purges.items()]
        found += [(one.until, "grace") for one in self.coming]
        return sorted(found)

    def expire(self, name: str) -> None:
        order = self.orders[name]
        order.expired = order.held() + order.waiting() + order.expected()
        order.owed_then = order.owed()
        order.waits, order.dated = [], []
        self.give_back(name, order.held(), "EXPIRED")
        order.without_empty()
        self.end_if_empty(order, "EXPIRED")

    def purge(self, name: str) -> None:
        order = self.orders.pop(name)
        self.gone_for_good += order.shipments()
        if order.created_at is not None:
            self.purged_at = max(order.created_at, self.purged_at or order.created_at)
