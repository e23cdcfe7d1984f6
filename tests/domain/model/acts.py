"""How units of one item change hands, and what follows from every change."""

from tests.domain.model.numbers import Drift, Numbers
from tests.domain.model.order import Order, Promise

MILLISECOND = 1_000


class Acts(Numbers):
    """One item at work on the command at `cause`, appended at `now` (milliseconds)."""

    cause = -1
    now = 0

    def begin(self, cause: int, now: int) -> None:
        self.cause, self.now = cause, now

    def not_before_now(self, moment: int) -> int:
        """Return when a timer of this command runs out: no tick that stands before it can reach it."""
        return max(moment, self.now * MILLISECOND + 1)

    def finish(self) -> None:
        """Do what follows from every change."""
        for channel in [c for c, row in self.channels.items() if row.leaving]:
            if not self.reserved(channel) and not self.waiting(channel):
                del self.channels[channel]
        self.refill()
        self.take_back_what_is_short()
        self.watch_the_gap()

    # Promising

    def promise(self, name: str, units: int, asked: int) -> None:
        order = self.orders[name]
        earmarked = min(units, self.earmarks().get(order.channel, 0))
        order.promised.append(Promise(self.cause, units, earmarked, asked))
        self.events.append(("committed", name, units))
        self.give_default_limit(order)

    def give_default_limit(self, order: Order) -> None:
        limit = self.rules.time_limit()
        if limit is not None and order.promised and order.expires_at is None and not order.confirmed:
            self.limit(order, self.now * MILLISECOND + limit)

    def limit(self, order: Order, expires_at: int | None) -> None:
        """Set a limit; what runs out with the next tick already is not put off."""
        order.expires_at = expires_at
        if expires_at is None:
            order.runs_out = None
        elif order.runs_out is None or not expires_at <= order.runs_out <= self.not_before_now(0):
            order.runs_out = self.not_before_now(expires_at)

    def ask(self, name: str, units: int) -> None:
        order = self.orders[name]
        behind = any(-priority >= order.priority for priority, _, _ in self.queue(order.channel))
        claim = 0 if behind else self.claim(order.channel)
        taken = units if units <= claim else claim if order.partial else 0
        if taken:
            self.promise(name, taken, self.cause)
        if units > taken:
            rest = units - taken
            waits = order.backorder and self.rules.may_wait(
                order.channel, order.waiting() + rest, self.waiting(order.channel) + rest
            )
            outcome = "PARTIAL" if taken else "BACKORDERED" if waits else "REJECTED"
            reason = "rest_waits" if waits else "too_much_waits" if order.backorder else "rest_dropped"
            self.events.append(("denied", name, rest, outcome, reason))
            if waits:
                order.wait(self.cause, rest)
        self.end_if_empty(order, "REJECTED")

    def refill(self) -> None:
        shut: set[str] = set()
        while True:
            heads = [self.queue(c)[0] for c in self.channels if c not in shut and self.queue(c)]
            if not heads:
                return
            _, place, name = min(heads)
            order = self.orders[name]
            part = next(part for part in order.waits if part.place == place)
            claim = self.claim(order.channel)
            in_parts = order.partial and self.serves_parts(order.channel)
            units = part.units if part.units <= claim else claim if in_parts else 0
            if not units:
                shut.add(order.channel)
                continue
            self.promise(name, units, place)
            part.units -= units
            order.without_empty()

    # Giving back

    def take(self, name: str, units: int, reason: str) -> None:
        """Take units back: what waits first, the newest first."""
        order = self.orders[name]
        for part in reversed(order.waits):
            taken = min(units, part.units)
            part.units -= taken
            units -= taken
        self.give_back(name, units, reason)
        order.without_empty()

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
        for part in order.waits:
            taken = min(units, part.units)
            units -= taken
            part.units -= taken
        order.without_empty()
        self.end_if_empty(order, "FULFILLED")

    def end_if_empty(self, order: Order, end: str) -> None:
        if order.created_at is not None and order.ended is None and not order.promised and not order.waits:
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
            if not name and self.drift is not None:
                self.tell_the_gap(self.drift)
            elif name and self.orders[name].purge_at is not None:
                self.purge(name)
            elif name:
                self.expire(name)
        return bool(due)

    def timers(self) -> list[tuple[int, str]]:
        found = [] if self.drift is None or self.drift.tell_at is None else [(self.drift.tell_at, "")]
        for name, order in self.orders.items():
            moment = order.runs_out if order.purge_at is None else order.purge_at
            found += [] if moment is None else [(moment, name)]
        return sorted(found)

    def expire(self, name: str) -> None:
        order = self.orders[name]
        order.expired = order.held() + order.waiting()
        order.owed_then = order.owed()
        order.waits = []
        self.give_back(name, order.held(), "EXPIRED")
        order.without_empty()
        self.end_if_empty(order, "EXPIRED")

    def purge(self, name: str) -> None:
        order = self.orders.pop(name)
        self.gone_for_good += order.shipments()
        if order.created_at is not None:
            self.purged_at = max(order.created_at, self.purged_at or order.created_at)
