"""Why a number is what it is: each number of an item as a sum of terms, derived again from its rows.

Law: the terms of on hand add up to on hand, and the terms of a channel to what it shows as available. Nothing is read
back from a published value: a term that were wrong would show as a sum that is. All quantities are whole hundredths.
Source: domain.md, Stock and Availability.
"""

from typing import Final, NamedTuple

from atp_stream.domain import availability
from atp_stream.domain.claims import Claim, claims, open_rules, quotas
from atp_stream.domain.document import Kind
from atp_stream.domain.policy import ItemRules, Rule
from atp_stream.domain.rows import Channel, Item
from atp_stream.domain.stock import Shipment, counted

_NOT_CLAIMED: Final = {
    Kind.POOLED: "not_pooled",  # never there: the pool is its claim
    Kind.SHARE: "share_of_others",
    Kind.QUOTA: "no_overflow",
    Kind.FROZEN: "frozen",
}


class Term(NamedTuple):
    """A part of a sum; `what` is stable text."""

    what: str
    quantity: int


class ChannelTerms(NamedTuple):
    """A channel: its rule, what it may claim, and how that becomes what it shows."""

    channel: str
    rule: Rule
    row: Channel
    claim: Claim
    terms: list[Term]


class Explanation(NamedTuple):
    """An item: on hand is the sum of `places` less that of `shipped`, what is free is the sum of the terms in `free`.

    `pool` is what no quota fences off; in a `shortage` the fences are less than what is left of the grants.
    """

    places: list[tuple[str, int]]
    shipped: list[Shipment]
    free: list[Term]
    pool: int
    shortage: bool
    channels: list[ChannelTerms]


def explain(item: Item, rules: ItemRules) -> Explanation:
    """Return the terms of an item's numbers under the rules that it lives by."""
    stock = item.stock
    reserved = sum(row.reserved for row in item.channels.values())
    safety = item.safety_stock if item.quarantine else availability.safety_stock(rules, stock.basis)
    left = availability.free(stock.on_hand, safety, reserved)
    free = left - left % rules.step
    of_free = [Term("on_hand", stock.on_hand), Term("safety_stock", -safety), Term("reserved", -reserved)]
    _add(of_free, "never_below_zero", left - sum(term.quantity for term in of_free))
    _add(of_free, "less_than_step", free - left)
    claimed = claims(free, rules, item.channels)
    of_quotas = quotas(open_rules(rules, item.channels), item.channels)
    fenced = sum(claimed[quota.channel].fence for quota in of_quotas)
    entitled = sum(quota.left - quota.left % rules.step for quota in of_quotas)
    parts = counted(stock, rules.stock)
    return Explanation(
        places=parts.places,
        shipped=parts.shipped,
        free=of_free,
        pool=free - fenced,
        shortage=entitled > free,
        channels=[
            _channel(
                ChannelTerms(channel, rules.rule(channel), row, claimed[channel], list(of_free)),
                fenced=fenced,
                closed=rules.closed(channel),
                step=rules.step,
                stopped=item.quarantine is not None,
            )
            for channel, row in sorted(item.channels.items())
        ],
    )


def _channel(found: ChannelTerms, *, fenced: int, closed: bool, step: int, stopped: bool) -> ChannelTerms:
    """Complete the terms, which begin with those of what is free."""
    _, rule, row, claim, terms = found
    pool = sum(term.quantity for term in terms) - fenced
    _add(terms, "fenced_for_quotas", -fenced)
    _add(terms, "own_fence", claim.fence)
    if closed:
        _add(terms, "closed", -pool)
    else:
        _add(terms, _NOT_CLAIMED[rule.kind], claim.pool - pool)
    left = 0 if closed else sum(claim)
    held_back = min(rule.buffer, left)
    part = (left - held_back) % step
    for what, takes in (
        ("buffer", held_back),
        ("less_than_step", part),
        ("below_floor", left if left - held_back - part < rule.floor else 0),
        ("others_wait", left if row.blocking else 0),
        ("quarantine", left if stopped else 0),
    ):
        taken = min(takes, left)
        _add(terms, what, -taken)
        left -= taken
    return found


def _add(terms: list[Term], what: str, quantity: int) -> None:
    if quantity:
        terms.append(Term(what, quantity))
