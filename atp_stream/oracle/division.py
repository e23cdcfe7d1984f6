"""Who may claim how much of what is free: pools, shares, quotas with their earmarks, and channels that are frozen.

Source: docs/rules/availability.md. All is derived anew from the list of channels whenever it is asked; units are whole
hundredths.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from atp_stream.oracle.policy import WHOLE, Rules


class Quota(NamedTuple):
    """What was granted to a channel, and what of it was consumed; rank 1 is served first."""

    channel: str
    granted: int
    consumed: int
    rank: int
    minimum: int

    @property
    def left(self) -> int:
        """What is granted and not consumed."""
        return max(0, self.granted - self.consumed)


class Division(NamedTuple):
    """How the channels of an item divide what is free; `quotas` are those that count at the moment."""

    rules: Rules
    channels: Sequence[str]
    quotas: Sequence[Quota]

    def claim(self, channel: str, free: int) -> int:
        """Return how much of what is free a channel may claim."""
        if not self.rules.divides:
            return free if self.rules.serves(channel) else 0
        kind, rule = self.rules.kind(channel), self.rules.rule(channel)
        if kind == "FROZEN":
            return 0
        own = self.earmarks(free)
        pool = free - sum(own.values())
        if self.rules.closed(channel):  # it became another's name
            return min(pool, self.claim(self.rules.meant(channel), free))
        if kind == "SHARE":
            return self._shares(pool)[channel]
        return own[channel] + (pool if rule.overflow else 0) if kind == "QUOTA" else pool

    def earmarks(self, free: int) -> dict[str, int]:
        """Return what each quota has earmarked when so much is free."""
        step = self.rules.step
        return {channel: step * units for channel, units in earmarked(free // step, self.quotas, step).items()}

    @property
    def weights(self) -> dict[str, int]:
        """The weights of those that share, in hundredths of a per cent."""
        share = (channel for channel in self.channels if not self.rules.closed(channel))
        return {name: self.rules.rule(name).weight for name in share if self.rules.kind(name) == "SHARE"}

    def _shares(self, pool: int) -> dict[str, int]:
        """Divide the pool by weights; only where goods are whole is what rounding leaves handed out as well."""
        weights, step = self.weights, self.rules.step
        whole = max(WHOLE, sum(weights.values()))
        exact = {channel: Fraction(pool * weight, whole * step) for channel, weight in weights.items()}
        total = sum(map(floor, exact.values())) if step == 1 else floor(sum(exact.values()))
        return {channel: step * units for channel, units in _rounded(total, exact).items()}


def earmarked(free: int, quotas: Sequence[Quota], step: int) -> dict[str, int]:
    """Return what each quota has earmarked, in steps, of so many that are free: all that is left, or by rank."""
    counted = [_in_steps(quota, step) for quota in quotas]
    if sum(quota.left for quota in counted) <= free:
        return {quota.channel: quota.left for quota in counted}
    while True:
        given = _poured(free + sum(quota.consumed for quota in counted), counted)
        over = [quota for quota in counted if quota.consumed > given[quota.channel]]
        if not over:
            found = {quota.channel: given[quota.channel] - quota.consumed for quota in counted}
            return dict.fromkeys((quota.channel for quota in quotas), 0) | found
        counted = [quota for quota in counted if quota not in over]


def _in_steps(quota: Quota, step: int) -> Quota:
    """Count in steps: one that is begun is consumed, one that is not full does not count."""
    begun = ceil(Fraction(quota.consumed, step))
    left = floor(Fraction(quota.granted - quota.consumed, step))
    return quota._replace(granted=begun + left, consumed=begun, minimum=quota.minimum // step)


def _poured(total: int, quotas: Sequence[Quota]) -> dict[str, int]:
    """Pour units over the minima, rank by rank, and then over what each lacks of its grant, rank by rank again."""
    given = dict.fromkeys((quota.channel for quota in quotas), 0)
    minima = {quota.channel: min(quota.minimum, quota.granted) for quota in quotas}
    rests = {quota.channel: quota.granted - minima[quota.channel] for quota in quotas}
    for wished in (minima, rests):
        for rank in sorted({quota.rank for quota in quotas}):
            wants = {quota.channel: wished[quota.channel] for quota in quotas if quota.rank == rank}
            part = min(total, sum(wants.values()))
            whole = max(1, sum(wants.values()))
            exact = {channel: Fraction(part * want, whole) for channel, want in wants.items()}
            for channel, units in _rounded(part, exact).items():
                given[channel] += units
            total -= part
    return given


def _rounded(total: int, exact: Mapping[str, Fraction]) -> dict[str, int]:
    """Round parts down, and give what that leaves to those who lost most by it, ties by name."""
    found = {channel: floor(part) for channel, part in exact.items()}
    by_loss = sorted(exact, key=lambda channel: (found[channel] - exact[channel], channel))
    for channel in by_loss[: total - sum(found.values())]:
        found[channel] += 1
    return found
