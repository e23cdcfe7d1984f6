"""How much must come in or be freed before a part that waits can be served whole.

A channel serves its parts in order, so what waits in front of one is counted with it; so is what the item is short by.
With fewer units the part is not served. Where the number is exact, it is once so many have come. Where the rule of the
channel does not give it an even part of each further unit, nobody knows. All quantities are whole hundredths.
Source: docs/rules/reservations.md#serving, docs/rules/availability.md#claim.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from atp_stream.domain.policy.item_rules import ItemRules
from atp_stream.domain.policy.schema import WHOLE, Kind
from atp_stream.domain.promise.claims import open_rules, quotas, weights
from atp_stream.domain.state.rows import Channel


class Lack(NamedTuple):
    """How many units are missing for a part; if not `exact`, so many at least; None if nobody knows."""

    units: int | None
    exact: bool


class _Terms(NamedTuple):
    """How a channel claims: `numerator` of each `denominator` units above those that are `kept` from it."""

    kept: int
    numerator: int = 1
    denominator: int = 1


def lacks(
    level: int, waiting: Iterable[int], channel: str, rules: ItemRules, channels: Mapping[str, Channel]
) -> Iterator[Lack]:
    """Yield what is missing for each of the parts that wait in a channel, in the order of service.

    `level` is what is left of the stock, below 0 if the item is short.
    """
    free = max(0, level)
    terms = _terms(free - free % rules.step, channel, rules, channels)
    ahead = needed = 0
    for units in waiting:
        if terms is None:
            yield Lack(None, exact=False)
            continue
        stepped = -(-units // rules.step) * rules.step
        needed = max(needed, ahead + terms.kept + -(-stepped * terms.denominator // terms.numerator))
        yield Lack(max(0, needed - level), exact=not rules.percent)  # a count that adds units may add safety stock
        ahead += units


def _terms(free: int, channel: str, rules: ItemRules, channels: Mapping[str, Channel]) -> _Terms | None:
    """Return how a channel claims, None if more stock would not, or not evenly, let it claim more."""
    if rules.closed(channel):
        return None
    rule, living = rules.rule(channel), open_rules(rules, channels)
    left = {quota.channel: quota.left - quota.left % rules.step for quota in quotas(living, channels)}
    kept = sum(left.values())
    if kept and any(_is_broken(one, rules.step) for one in channels.values()):
        return None  # what takes a part of a step from an earmark frees the rest of it
    if rule.kind is Kind.POOLED:
        return _Terms(kept)
    if rule.kind is Kind.QUOTA and rule.overflow and kept <= free:  # else the shortage rule divides what comes
        return _Terms(kept - left[channel])
    if rule.kind is Kind.SHARE and rule.weight and rules.step == 1:  # larger steps are divided by remainders
        return _Terms(kept, rule.weight, max(WHOLE, sum(weights(living).values())))
    return None


def _is_broken(channel: Channel, step: int) -> bool:
    """Return whether a channel has to do with parts of a step."""
    return any(units % step for units in (channel.waiting, channel.reserved, channel.granted - channel.consumed))
