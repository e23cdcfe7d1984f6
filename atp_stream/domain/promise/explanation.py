"""Why a number is what it is: each number of an item as a sum of terms, derived again from its rows.

Law: the terms of on hand add up to on hand, and the terms of a channel to what it shows as available. Nothing is read
back from a published value: a wrong term shows as a sum that does not add up. All quantities are whole hundredths.
Source: docs/rules/stock.md#on-hand, docs/rules/availability.md#formula.
"""

from typing import Final, NamedTuple

from atp_stream.domain.policy.item_rules import ItemRules, Rule
from atp_stream.domain.policy.schema import Kind
from atp_stream.domain.promise import availability
from atp_stream.domain.promise.claims import Claim, claims, open_rules, quotas
from atp_stream.domain.promise.curve import drawn
from atp_stream.domain.state.rows import Channel, Item
from atp_stream.domain.stock import instants, upgrade
from atp_stream.domain.stock.facts import NEVER
from atp_stream.domain.stock.rows import Instant, Location, Stock
from atp_stream.domain.supply.days import today_of
from atp_stream.domain.supply.rows import CurveRow

_NOT_CLAIMED: Final = {
    Kind.POOLED: "not_pooled",  # never there: the pool is its claim
    Kind.SHARE: "share_of_others",
    Kind.QUOTA: "no_overflow",
    Kind.FROZEN: "frozen",
}


_SURE: Final = 2  # `Location.sure` of an end that does not ask what was before


class Term(NamedTuple):
    """A part of a sum; `what` is stable text. By date, `day` is the one that it has to do with."""

    what: str
    quantity: int
    supply: str | None = None
    day: int | None = None


class ChannelTerms(NamedTuple):
    """A channel: its rule, what it may claim, and how that becomes what it shows."""

    channel: str
    rule: Rule
    row: Channel
    claim: Claim
    terms: list[Term]


class Explanation(NamedTuple):
    """An item: on hand is the sum of the terms in `held`, what is free is the sum of the terms in `free`.

    `pool` is what is earmarked for no quota; in a `shortage` the earmarks are less than what is left of the grants.
    """

    held: list[Term]
    free: list[Term]
    pool: int
    shortage: bool
    channels: list[ChannelTerms]


def explain(item: Item, rules: ItemRules, curve: CurveRow | None = None) -> Explanation:
    """Return the terms of an item's numbers under the rules that it lives by; `curve` is its row of dates, if any."""
    stock = item.stock
    reserved = sum(row.reserved for row in item.channels.values())
    safety = item.safety_stock if item.quarantine else availability.safety_stock(rules, stock.basis)
    left = availability.free(stock.on_hand, safety, reserved)
    free = left - left % rules.step
    of_free = [Term("on_hand", stock.on_hand), Term("safety_stock", -safety), Term("reserved", -reserved)]
    add(of_free, "never_below_zero", left - sum(term.quantity for term in of_free))
    add(of_free, "less_than_step", free - left)
    if curve is not None and not item.quarantine:
        today = today_of(curve.boundary, item.log_time_ms)
        level = drawn(curve, stock.on_hand - reserved, safety, today, rules.supply, rules.step).levels[0]
        add(of_free, "kept_for_later", level - free)
        free = level
    return explained(item, rules, free, of_free)


def explained(item: Item, rules: ItemRules, free: int, of_free: list[Term]) -> Explanation:
    """Return the explanation of an item of which `free` units are free, for the reasons in `of_free`."""
    claimed = claims(free, rules, item.channels)
    of_quotas = quotas(open_rules(rules, item.channels), item.channels)
    earmarked = sum(claimed[quota.channel].earmark for quota in of_quotas)
    entitled = sum(quota.left - quota.left % rules.step for quota in of_quotas)
    return Explanation(
        held=_held(item.stock),
        free=of_free,
        pool=free - earmarked,
        shortage=entitled > free,
        channels=[
            _channel(
                ChannelTerms(channel, rules.rule(channel), row, claimed[channel], list(of_free)),
                earmarked=earmarked,
                closed=rules.closed(channel),
                step=rules.step,
                stopped=item.quarantine is not None,
            )
            for channel, row in sorted(item.channels.items())
        ],
    )


class Absolute(NamedTuple):
    """The newest absolute of a location: its stamp, what was held at its end, and whether its facts contradict."""

    at_us: int
    end: int
    in_doubt: bool


class Drifted(NamedTuple):
    """What a gap is made of: what was held at `base_at_us`, what moved since, and what the newest absolute says."""

    base_at_us: int
    base: int
    moved: int
    shipped: int
    found: int


class PlaceTerms(NamedTuple):
    """A location: its quantity is the end of its newest absolute and `since`, `missing` units have left since then.

    `recent` are its newest instants; facts stamped up to `forgotten_at_us` can no longer be judged. None where there is
    no absolute, no gap, or nothing forgotten.
    """

    quantity: int
    absolute: Absolute | None
    since: int
    gap: Drifted | None
    missing: int
    recent: list[Instant]
    forgotten_at_us: int | None


def explain_place(row: Location, recent: int) -> PlaceTerms:
    """Return the terms of a location, and up to `recent` of its newest instants."""
    has_absolute = row.at_us != NEVER
    tail = row.facts.tail
    newest = next((one for one in reversed(tail) if one.at_us == row.at_us), None)
    in_doubt = row.sure < _SURE if newest is None or not newest.is_absolute else not instants.is_sure(newest)
    shipped = row.base_out - row.out
    explains = row.gap != row.end - row.base_end - row.since_base
    return PlaceTerms(
        quantity=row.value,
        absolute=Absolute(row.at_us, row.end, in_doubt) if has_absolute else None,
        since=row.after,
        gap=Drifted(row.base_at_us, row.base_end, row.since_base, shipped if explains else 0, row.end)
        if row.gap
        else None,
        missing=row.out if has_absolute else 0,
        recent=tail[-recent:],
        forgotten_at_us=None if row.forgotten_at_us == NEVER else row.forgotten_at_us,
    )


def _held(stock: Stock) -> list[Term]:
    """Return the terms of on hand; where there are two sums, those of the one that counts."""
    named, bare = stock.named, stock.bare
    terms: list[Term] = []
    if upgrade.is_old(stock):
        add(terms, "before_the_upgrade", stock.on_hand)
        return terms
    with_name = [("locations", named.value), ("shipped", -named.missing), ("shipped_from_no_location", -stock.homeless)]
    without = [("no_location", bare.value), ("shipped", -bare.missing)]
    if not stock.split:
        counted = (
            [*with_name, ("no_location", bare.value)] if named.absolutes else [("locations", named.value), *without]
        )
    else:
        of_named, of_bare = (sum(units for _, units in one) for one in (with_name, without))
        counted = with_name if (of_named, -named.basis) <= (of_bare, -bare.basis) else without
    for what, quantity in counted:
        add(terms, what, quantity)
    add(terms, "limited", stock.on_hand - sum(term.quantity for term in terms))
    return terms


def _channel(found: ChannelTerms, *, earmarked: int, closed: bool, step: int, stopped: bool) -> ChannelTerms:
    """Complete the terms, which begin with those of what is free."""
    _, rule, row, claim, terms = found
    pool = sum(term.quantity for term in terms) - earmarked
    add(terms, "fenced_for_quotas", -earmarked)
    add(terms, "own_fence", claim.earmark)
    if closed:
        add(terms, "closed", -pool)
    else:
        add(terms, _NOT_CLAIMED[rule.kind], claim.pool - pool)
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
        add(terms, what, -taken)
        left -= taken
    return found


def add(terms: list[Term], what: str, quantity: int, supply: str | None = None, day: int | None = None) -> None:
    """Add a term, unless it is 0."""
    if quantity:
        terms.append(Term(what, quantity, supply, day))
