"""The supplies of one item, and the receipts that no stock message states yet."""

from collections.abc import Iterator
from typing import Final

from atp_stream.oracle.dates import DAY, NEVER, Arriving
from atp_stream.oracle.inputs import Asked
from atp_stream.oracle.policy import Rules
from atp_stream.oracle.promises import Promises
from atp_stream.oracle.shelf import Past, Stale
from atp_stream.oracle.stock import Said
from atp_stream.oracle.supply import MAX_RECEIPTS, Supply

_MAX_OPEN: Final = 1_000
_PAST_DUE_DAYS: Final = 90  # so many days past its own what is open is kept


class Denied(Exception):
    """The ledger must refuse this question, with this reason; what it states of a supply counts nevertheless."""

    def __init__(self, reason: str, *, changes_supply: bool = False) -> None:
        super().__init__(reason)
        self.changes_supply = changes_supply


class Supplies(Promises):
    """The supplies of one item as messages state them; a statement in vain changes nothing."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.supply_forgotten_at_us = NEVER  # the stamp of the newest statement that is forgotten

    def schedule(self, asked: Asked) -> bool:
        """Take note of what is ordered; return whether it is news."""
        supply = self._supply(asked)
        if asked.supply not in self.supplies and asked.at_us <= self.supply_forgotten_at_us:
            raise Denied("too_old")
        if supply.would_open(asked) and sum(one.open > 0 for one in self.supplies.values()) >= _MAX_OPEN:
            raise Denied("too_many_supplies")
        if not supply.state(asked):
            return False
        self._keep(asked, supply)
        return True

    def receive(self, asked: Asked, generation: int) -> bool:
        """Take note of a receipt, and let it move the stock if it says so; return whether it is news."""
        supply = self._supply(asked)
        way = "moved" if asked.moves else "received"
        if not self._is_news(supply, way, asked):
            return False
        open_before = supply.open
        supply.receive(way, asked)
        units = open_before - supply.open
        if units > 0 and not asked.moves and not self._is_held(asked):
            soonest = self._log_time_ms * 1000
            until_us = max(soonest + self.rules.receipt_grace_us, soonest + 1)
            self.wake(until_us)
            self.arriving.append(Arriving(str(asked.supply), units, asked.location or "", asked.at_us, until_us))
        self._keep(asked, supply)
        if asked.moves:
            self.put("receipt", asked, generation, news=True)
        return True

    def adjust(self, asked: Asked) -> bool:
        """Take note of what an adjustment says of a supply; what a receipt stated before is on the shelf now."""
        supply = self._supply(asked)
        if not self._is_news(supply, "adjusted", asked):
            return False
        supply.receive("adjusted", asked)
        self._keep(asked, supply)
        left = supply.not_on_the_shelf
        for place, one in enumerate(self.arriving):
            if one.supply == asked.supply:
                self.arriving[place] = one._replace(units=min(left, one.units))
                left -= self.arriving[place].units
        self.arriving = [one for one in self.arriving if one.units]
        return True

    def put(self, kind: str, fact: Asked, generation: int, *, ships: bool = False, news: bool = False) -> bool:
        """Put a fact into the stock, where it is known per kind and place; return whether it was news there.

        Raises:
            Denied: nobody can know whether it was counted; `news` says that its supply has taken note of it already.
            Past: it changes nothing, not even a supply.
        """
        name = kind, fact.event_id
        said = Said(fact.at_us, name, fact.quantity, fact.absolute, ships, fact.location or "", self.rules.skew_us)
        try:
            if not self.shelf.take(said, generation):
                return False
        except Stale:
            self.stale += 1
            raise Denied("stale", changes_supply=news) from None
        except Past:
            if news:
                return False
            self.past += 1
            raise
        if fact.absolute is not None:
            self.absolute_at_us = max(self.absolute_at_us, fact.at_us)
            held = ("", fact.location or "")
            self.arriving = [one for one in self.arriving if one.location not in held or one.at_us > fact.at_us]
        return True

    def forget_supplies(self, until_us: int) -> None:
        """Forget supplies whose time is over; the stamp of the newest statement that is forgotten stays."""
        for name, supply in [*self.supplies.items()]:
            if supply.timer_us <= until_us:
                del self.supplies[name]
                if supply.holds is not None:
                    self.supply_forgotten_at_us = max(self.supply_forgotten_at_us, supply.holds.at_us)
                self.changed()

    def timers(self) -> Iterator[int]:
        """Yield the moments at which a tick is to come."""
        yield from (claim.timer_us for claim in self.limited.values() if claim.timer_us is not None)
        yield from (one.until_us for one in self.arriving)
        yield from (supply.timer_us for supply in self.supplies.values())
        if self.roll_at_us is not None:
            yield self.roll_at_us
        if self.drift is not None and self.drift.timer_us is not None:
            yield self.drift.timer_us

    def wait_no_longer(self, until_us: int) -> None:
        """Let what no stock message has stated within its grace arrive no more."""
        self.arriving = [one for one in self.arriving if one.until_us > until_us]

    def _is_held(self, asked: Asked) -> bool:
        """Return whether an absolute holds already what has come."""
        newest = self.shelf.newest_at(asked.location) if asked.location else self.absolute_at_us
        return newest is not None and newest >= asked.at_us

    def _is_news(self, supply: Supply, way: str, asked: Asked) -> bool:
        if supply.knows(way, asked):
            return False
        if len(supply.receipts) >= MAX_RECEIPTS:
            raise Denied("too_many_movements")
        return True

    def _supply(self, asked: Asked) -> Supply:
        return self.supplies.get(str(asked.supply)) or Supply()

    def _keep(self, asked: Asked, supply: Supply) -> None:
        """Keep a supply for the retention after its last change; one that is open, until long after its day."""
        self.supplies[str(asked.supply)] = supply
        now = since = self._log_time_ms * 1000
        if supply.open and supply.holds is not None:
            since = max(now, (supply.holds.day + _PAST_DUE_DAYS + 1) * DAY * 1000)
        supply.timer_us = max(since + self.rules.retention_us, now + 1)
        self.wake(supply.timer_us)
