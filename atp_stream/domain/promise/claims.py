"""How much of the free stock each channel may claim: the pool, shares of it, and what is earmarked for quotas.

    QUOTA: E = max(0, granted - consumed);  E* = E, or what the shortage rule leaves of it when the sum of E is above F
    P = F - sum of E*
    claim = POOLED: P    SHARE(w): floor(w P)    QUOTA: E* (+ P with overflow)    FROZEN: 0
    A channel that became another's name: out of the pool, no more than that one's claim.

All of these are multiples of the item's step; what shares and earmarks have of a step together is handed out by largest
remainder. (Shares of goods that are sold by the hundredth are rounded down, each by itself.)

Laws: earmarks and shares together are never more than F. One channel's taking never changes another's earmark.
Nothing here is stored: stock that comes back restores the earmarks. All quantities are whole hundredths.
Source: docs/rules/availability.md#claim, docs/rules/availability.md#shortage.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple

from atp_stream.domain.policy.item_rules import ItemRules, Rule
from atp_stream.domain.policy.schema import WHOLE, Kind
from atp_stream.domain.state.rows import Channel


class Claim(NamedTuple):
    """What a new reservation in a channel may take: units of its earmark first, then units of the pool."""

    earmark: int
    pool: int


NOTHING: Final = Claim(0, 0)


class Quota(NamedTuple):
    """A channel with an earmark, and what the shortage rule asks of it."""

    channel: str
    rank: int
    minimum: int
    granted: int
    consumed: int

    @property
    def left(self) -> int:
        """What is left of the grant."""
        return max(0, self.granted - self.consumed)


def claims(free: int, rules: ItemRules, channels: Mapping[str, Channel]) -> dict[str, Claim]:
    """Return the claim of each channel while `free` units, a multiple of the step, are free."""
    living, step = open_rules(rules, channels), rules.step
    earmark = earmarks(free, quotas(living, channels), step)
    pool = free - sum(earmark.values())
    share = shares(pool, weights(living), step)
    found = {}
    for channel, rule in living.items():
        if rule.kind is Kind.POOLED:
            found[channel] = Claim(0, pool)
        elif rule.kind is Kind.QUOTA:
            found[channel] = Claim(earmark[channel], pool if rule.overflow else 0)
        elif rule.kind is Kind.SHARE:
            found[channel] = Claim(0, share[channel])
        else:
            found[channel] = NOTHING
    for channel in channels:
        if channel not in living:  # another name of one, whose earmark stays its own; or nobody's, and claims nothing
            found[channel] = Claim(0, min(pool, sum(found.get(rules.resolve(channel), NOTHING))))
    return found


def open_rules(rules: ItemRules, channels: Iterable[str]) -> dict[str, Rule]:
    """Return the rules of the channels that are not closed."""
    named = rules.channels
    return {
        channel: rule or rules.rule(channel)
        for channel in channels
        if (rule := named.get(channel)) is not None or not rules.closed(channel)
    }


def weights(living: Mapping[str, Rule]) -> dict[str, int]:
    """Return the weights of an item's shares; if their sum is above 10,000 they count in proportion."""
    return {channel: rule.weight for channel, rule in living.items() if rule.kind is Kind.SHARE}


def quotas(living: Mapping[str, Rule], channels: Mapping[str, Channel]) -> list[Quota]:
    """Return the channels that are quotas now; what others were granted before does not count."""
    return [
        Quota(channel, rule.rank, rule.minimum, channels[channel].granted, channels[channel].consumed)
        for channel, rule in living.items()
        if rule.kind is Kind.QUOTA
    ]


def shares(pool: int, weights: Mapping[str, int], step: int) -> dict[str, int]:
    """Return what each share has of the pool."""
    scale = max(WHOLE, sum(weights.values()))
    if step == 1:
        return {channel: weight * pool // scale for channel, weight in weights.items()}
    return {channel: step * part for channel, part in apportioned(pool // step, weights, scale).items()}


def earmarks(free: int, quotas: Sequence[Quota], step: int = 1) -> dict[str, int]:
    """Return what is earmarked for each channel, a multiple of the step.

    In a shortage what there is in all, consumed units included, is shared over the grants. Channels that consumed more
    than comes to them have no earmark and leave the sharing, with what they consumed.
    """
    if step > 1:
        counted = earmarks(free // step, [_in_steps(quota, step) for quota in quotas])
        return {channel: step * units for channel, units in counted.items()}
    entitled = {quota.channel: quota.left for quota in quotas}
    if sum(entitled.values()) <= free:
        return entitled
    sharing, over = list(quotas), list(quotas)
    shares: dict[str, int] = {}
    while over:
        shares = shared(free + sum(quota.consumed for quota in sharing), sharing)
        over = [quota for quota in sharing if quota.consumed > shares[quota.channel]]
        sharing = [quota for quota in sharing if quota not in over]
    left = {quota.channel: shares[quota.channel] - quota.consumed for quota in sharing}
    return {channel: left.get(channel, 0) for channel in entitled}


def shared(total: int, quotas: Sequence[Quota]) -> dict[str, int]:
    """Share `total` over the grants: all minima by rank, then what is left of the grants by rank."""
    given = dict.fromkeys((quota.channel for quota in quotas), 0)
    by_rank = attrgetter("rank")
    ranks = [list(equal) for _, equal in groupby(sorted(quotas, key=by_rank), key=by_rank)]
    for whole in (False, True):
        for equal in ranks:
            wishes = {
                quota.channel: (quota.granted if whole else min(quota.minimum, quota.granted)) - given[quota.channel]
                for quota in equal
            }
            for channel, part in proportional(total, wishes).items():
                given[channel] += part
                total -= part
    return given


def proportional(total: int, wishes: Mapping[str, int]) -> dict[str, int]:
    """Return the wishes, or parts of `total` in proportion to them: by largest remainder, ties by name."""
    sum_ = sum(wishes.values())
    return dict(wishes) if sum_ <= total else apportioned(total, wishes, sum_)


def apportioned(total: int, weights: Mapping[str, int], whole: int) -> dict[str, int]:
    """Return `weights` of `total`, where `whole` stands for all of it: by largest remainder, ties by name."""
    parts = {channel: total * weight // whole for channel, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda channel: (-(total * weights[channel] % whole), channel))
    for channel in by_remainder[: total * sum(weights.values()) // whole - sum(parts.values())]:
        parts[channel] += 1
    return parts


def _in_steps(quota: Quota, step: int) -> Quota:
    """Return a quota counted in steps: one that is partly consumed is used up, and of what is left whole ones count."""
    consumed = -(-quota.consumed // step)
    granted = consumed + (quota.granted - quota.consumed) // step
    return Quota(quota.channel, quota.rank, quota.minimum // step, granted, consumed)
