"""How much must come in or be freed before a part that waits can be served whole.

A channel serves its parts in order, so what waits in front of one is counted with it; so is what the item is short by.
Where the rule of the channel gives it every further unit of what is free, the number is exact: with so many units at
once the part is served, with fewer it is not. Else it is a lower bound. All quantities are whole hundredths.
Source: docs/rules/reservations.md#serving, docs/rules/availability.md#claim.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from atp_stream.domain.policy.item_rules import ItemRules
from atp_stream.domain.policy.schema import WHOLE, Kind
from atp_stream.domain.promise.claims import claims, open_rules, quotas, weights
from atp_stream.domain.state.rows import Channel


class Lack(NamedTuple):
    """How many units are missing for a part; if not `exact`, so many at least."""

    units: int
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
    free -= free % rules.step
    claim = sum(claims(free, rules, channels)[channel])
    terms = _terms(free, channel, rules, channels)
    ahead = needed = 0
    for units in waiting:
        if terms is None:
            yield Lack(max(0, ahead + units - claim) + max(0, -level), exact=False)
        else:
            stepped = -(-units // rules.step) * rules.step
            needed = max(needed, ahead + terms.kept + -(-stepped * terms.denominator // terms.numerator))
            yield Lack(max(0, needed - level), exact=True)
        ahead += units


def _terms(free: int, channel: str, rules: ItemRules, channels: Mapping[str, Channel]) -> _Terms | None:
    """Return how a channel claims, None if more stock would not, or not evenly, let it claim more."""
    if rules.closed(channel):
        return None
    rule, living = rules.rule(channel), open_rules(rules, channels)
    left = {quota.channel: quota.left - quota.left % rules.step for quota in quotas(living, channels)}
    kept = sum(left.values())
    if rule.kind is Kind.POOLED:
        return _Terms(kept)
    if rule.kind is Kind.QUOTA and rule.overflow and kept <= free:  # else the shortage rule divides what comes
        return _Terms(kept - left[channel])
    if rule.kind is Kind.SHARE and rule.weight and rules.step == 1:  # larger steps are divided by remainders
        return _Terms(kept, rule.weight, max(WHOLE, sum(weights(living).values())))
    return None
