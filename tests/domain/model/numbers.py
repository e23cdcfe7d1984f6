"""What there is of one item: every number is counted anew from the lists, each time it is asked for."""

from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any

from tests.domain.model.document import Rules, hundredths
from tests.domain.model.reservation import Reservation
from tests.domain.model.sharing import Quota, earmarks
from tests.domain.model.stock import Fact, Shipment, StockModel, StockNumbers


@dataclass
class Channel:
    """A row; `left_fence` are the earmarked units that were shipped."""

    granted: int = 0
    left_earmark: int = 0
    leaving: bool = False


@dataclass
class Drift:
    """A gap that there is; `reported` is the one that was last reported, `look_at` when it is looked at again."""

    since: int
    reported: int = 0
    look_at: int | None = None


class Numbers:
    """One item: everything is asked of the lists."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.facts: list[Fact] = []
        self.counted: tuple[tuple[int, list[Shipment]], StockNumbers] | None = None
        self.gone_for_good: list[Shipment] = []  # shipments of reservations that were purged
        self.reservations: dict[str, Reservation] = {}
        self.channels: dict[str, Channel] = {channel: Channel() for channel in rules.named()}
        self.purged_at: int | None = None
        self.drift: Drift | None = None
        self.verbs: list[str] = []
        self.events: list[tuple[Any, ...]] = []
        self.drifts: list[tuple[int, int, int, bool]] = []

    # Stock

    def stock(self) -> StockNumbers:
        """Return what is recounted from all facts and shipments, once for the same ones."""
        gone = [one for reservation in self.reservations.values() for one in reservation.shipments()]
        said = len(self.facts), [*self.gone_for_good, *gone]
        if self.counted is None or self.counted[0] != said:
            self.counted = said, StockModel(self.facts, said[1]).numbers()
        return self.counted[1]

    def on_hand(self) -> int:
        return self.stock().on_hand

    def gap(self) -> int:
        return self.stock().gap

    def safety_stock(self) -> int:
        safety = self.rules.safety()
        fixed, percent = hundredths(safety.get("fixed", 0)), hundredths(safety.get("percent", 0))
        part = max(0, self.stock().basis) * percent
        withheld, step = max(fixed, (part + 9_999) // 10_000), self.rules.step()
        return withheld if withheld % step == 0 else withheld - withheld % step + step

    def sold(self, units: int) -> int:
        """Return what can be sold of units."""
        return units - units % self.rules.step()

    # Promises

    def reservations_in(self, channel: str) -> list[Reservation]:
        return [reservation for reservation in self.reservations.values() if reservation.channel == channel]

    def reserved(self, channel: str) -> int:
        return sum(reservation.held() for reservation in self.reservations_in(channel))

    def all_reserved(self) -> int:
        return sum(reservation.held() for reservation in self.reservations.values())

    def waiting(self, channel: str) -> int:
        return sum(reservation.waiting() for reservation in self.reservations_in(channel))

    def short(self) -> int:
        return max(0, self.all_reserved() - max(0, self.on_hand()))

    def queue(self, channel: str) -> list[tuple[int, int, str]]:
        """Return the waiting parts of a channel in the order of service."""
        return sorted(
            (-reservation.priority, part.place, name)
            for name, reservation in self.reservations.items()
            if reservation.channel == channel
            for part in reservation.backorders
        )

    # Claims

    def free(self) -> int:
        return self.sold(max(0, max(0, self.on_hand() - self.safety_stock()) - self.all_reserved()))

    def consumed(self, channel: str) -> int:
        open_ = sum(
            promise.earmarked for reservation in self.reservations_in(channel) for promise in reservation.promised
        )
        return open_ + self.channels[channel].left_earmark

    def of_kind(self, kind: str) -> list[str]:
        open_ = [channel for channel in self.channels if not self.rules.closed(channel)]
        return [channel for channel in open_ if self.rules.kind(channel) == kind]

    def quota(self, channel: str) -> Quota:
        rule = self.rules.rule(channel)
        granted, minimum = self.channels[channel].granted, hundredths(rule.get("min", 0))
        return Quota(channel, granted, self.consumed(channel), rule.get("rank", 1), minimum)

    def earmarks(self) -> dict[str, int]:
        step, quotas = self.rules.step(), [self.quota(channel) for channel in self.of_kind("QUOTA")]
        counted = earmarks(self.free() // step, [quota.in_steps(step) for quota in quotas])
        return {channel: units * step for channel, units in counted.items()}

    def pool(self) -> int:
        return self.free() - sum(self.earmarks().values())

    def weights(self) -> int:
        return sum(self.rules.weight(channel) for channel in self.of_kind("SHARE"))

    def shares(self) -> dict[str, int]:
        """Return what shares may claim; a hundredth is not handed out by remainder."""
        step, scale = self.rules.step(), max(10_000, self.weights())
        exact = {c: Fraction(self.rules.weight(c) * self.pool(), scale * step) for c in self.of_kind("SHARE")}
        given = {channel: floor(part) for channel, part in exact.items()}
        left = 0 if step == 1 else floor(sum(exact.values())) - sum(given.values())
        for channel in sorted(exact, key=lambda c: (given[c] - exact[c], c))[:left]:
            given[channel] += 1
        return {channel: units * step for channel, units in given.items()}

    def claim(self, channel: str) -> int:
        if self.rules.closed(channel) and self.rules.kind(channel) != "FROZEN":  # another name
            return min(self.pool(), self.claim(self.rules.resolved(channel)))
        match self.rules.kind(channel):
            case "POOLED":
                return self.pool()
            case "SHARE":
                return self.shares().get(channel, 0)
            case "QUOTA":
                beyond = self.pool() if self.rules.rule(channel).get("overflow") else 0
                return self.earmarks()[channel] + beyond
            case _:
                return 0

    def serves_parts(self, channel: str) -> bool:
        """Return whether one who waits gets what there is, and the next part later; else he could do so for ever."""
        name = self.rules.closed(channel)
        other = self.rules.rule(self.rules.resolved(channel) if name else channel)
        kind = self.rules.kind(channel)
        return kind != "SHARE" and not (name and kind == "QUOTA" and not other.get("overflow"))

    def available(self, channel: str) -> int:
        if self.rules.closed(channel):
            return 0
        rule = self.rules.rule(channel)
        shown = self.sold(max(0, self.claim(channel) - hundredths(rule.get("buffer", 0))))
        if shown < hundredths(rule.get("floor", 0)):
            return 0
        return 0 if any(-priority >= 0 for priority, _, _ in self.queue(channel)) else shown
