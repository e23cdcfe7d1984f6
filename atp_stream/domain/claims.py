"""How much of the free stock each channel may claim: the pool, shares of it, and what is fenced off for quotas.

    QUOTA: E = max(0, granted - consumed);  E* = E, or what the shortage rule leaves of it when the sum of E is above F
    P = F - sum of E*
    claim = POOLED: P    SHARE(w): floor(w P)    QUOTA: E* (+ P with overflow)    FROZEN: 0
    A channel that became another's name: out of the pool, no more than that one's claim.

Laws: fences and shares together are never more than F. One channel's taking never changes another's fence.
Nothing here is stored: stock that comes back restores the fences. All quantities are whole hundredths.
Source: domain.md, Availability.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple

from atp_stream.domain.document import WHOLE, Kind
from atp_stream.domain.policy import ItemRules
from atp_stream.domain.rows import Channel


class Claim(NamedTuple):
    """What a new reservation in a channel may take: units of its fence first, then units of the pool."""

    fence: int
    pool: int


NOTHING: Final = Claim(0, 0)


class Quota(NamedTuple):
    """A channel with a fence, and what the shortage rule asks of it."""

    channel: str
    rank: int
    minimum: int
    granted: int
    consumed: int


def claims(free: int, rules: ItemRules, channels: Mapping[str, Channel]) -> dict[str, Claim]:
    """Return the claim of each channel while `free` units are free."""
    fence = fences(free, quotas(rules, channels))
    pool = free - sum(fence.values())
    scale = max(WHOLE, weights(rules, channels))
    found = {}
    for channel in channels:
        rule = rules.rule(channel)
        if rule.kind is Kind.FROZEN:
            found[channel] = NOTHING
        elif rule.kind is Kind.QUOTA:
            found[channel] = Claim(fence.get(channel, 0), pool if rule.overflow else 0)
        elif rule.kind is Kind.SHARE:
            found[channel] = Claim(0, rule.weight * pool // scale)
        else:
            found[channel] = Claim(0, pool)
    for channel in channels:
        if rules.closed(channel):  # another name of one, whose fence stays its own; or nobody's, and claims nothing
            found[channel] = Claim(0, min(pool, sum(found[rules.resolve(channel)])))
    return found


def weights(rules: ItemRules, channels: Iterable[str]) -> int:
    """Return the sum of the weights of an item's shares; above 10,000 they count in proportion."""
    return sum(
        rule.weight
        for channel in channels
        if (rule := rules.rule(channel)).kind is Kind.SHARE and not rules.closed(channel)
    )


def quotas(rules: ItemRules, channels: Mapping[str, Channel]) -> list[Quota]:
    """Return the channels that are quotas now; what others were granted before does not count."""
    return [
        Quota(channel, rule.rank, rule.minimum, row.granted, row.consumed)
        for channel, row in channels.items()
        if (rule := rules.rule(channel)).kind is Kind.QUOTA and not rules.closed(channel)
    ]


def fences(free: int, quotas: Sequence[Quota]) -> dict[str, int]:
    """Return what is fenced off for each channel.

    In a shortage what there is in all, consumed units included, is shared over the grants. Channels that consumed more
    than comes to them have no fence and leave the sharing, with what they consumed.
    """
    entitled = {quota.channel: max(0, quota.granted - quota.consumed) for quota in quotas}
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
    if sum_ <= total:
        return dict(wishes)
    parts = {channel: total * wish // sum_ for channel, wish in wishes.items()}
    by_remainder = sorted(wishes, key=lambda channel: (-(total * wishes[channel] % sum_), channel))
    for channel in by_remainder[: total - sum(parts.values())]:
        parts[channel] += 1
    return parts
