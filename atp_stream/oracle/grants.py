"""The channels of one item, what was granted to those that have a quota, and what came out of it, naively."""

from collections import Counter

from atp_stream.oracle.claim import Claim
from atp_stream.oracle.division import Division, Quota
from atp_stream.oracle.policy import WHOLE, Rules


class Grants:
    """The channels of one item, and how they divide what is free."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.claims: dict[str, Claim] = {}
        self.channels = dict.fromkeys(rules.channels, False)  # True: policy has it no more
        self.granted: Counter[str] = Counter()  # to quotas, by channel
        self.shipped_of_quota: Counter[str] = Counter()  # earmarked units that have left, by channel

    def consumed(self, channel: str) -> int:
        """Return the units that are held, promised or gone out of the quota of a channel."""
        held = sum(claim.earmarked for claim in self.claims.values() if claim.channel == channel)
        return held + self.shipped_of_quota[channel]

    @property
    def scaled(self) -> bool:
        """Whether shares want more than all there is."""
        return sum(self._division().weights.values()) > WHOLE

    def _division(self) -> Division:
        return Division(self.rules, [*self.channels], [self._quota(channel) for channel in self._quotas()])

    def _quotas(self) -> list[str]:
        """Return the channels whose earmarks count."""
        if not self.rules.divides:
            return []
        return [one for one in self.channels if not self.rules.closed(one) and self.rules.kind(one) == "QUOTA"]

    def _quota(self, channel: str) -> Quota:
        rule = self.rules.rule(channel)
        return Quota(channel, self.granted[channel], self.consumed(channel), rule.rank, rule.minimum)

    def _claim_of(self, channel: str, free: int) -> int:
        """Return what a channel may claim of what is free."""
        return self._division().claim(channel, free)

    def _earmarked(self, channel: str, units: int, free: int) -> int:
        """Return how many of the units that a channel gets come out of its quota."""
        division = self._division()
        return min(units, division.earmarks(free).get(channel, 0)) if division.quotas else 0

    def _part_of(self, claim: Claim, units: int, free: int) -> int:
        """Return how much of what a claim waits for it gets."""
        most = self._claim_of(claim.channel, free)
        return units if units <= most else most if claim.partial and self.rules.serves_parts(claim.channel) else 0
