"""What may be promised: the claim decides, the available quantity is what is shown.

    R = reserved in all channels    S = max(0, on_hand - safety_stock)    F = max(0, S - R), what is free
    P = F - what is earmarked for quotas, the common pool (see `claims`)
    available = max(0, claim - buffer), 0 when that is below the floor or older promises wait

What is free, claimed and shown is rounded down to the item's step, safety stock up: nothing is shown that cannot be
sold. Facts of stock and what is reserved are not rounded.

Law: 0 <= available <= claim <= F <= max(0, on_hand). All quantities are whole hundredths.
Source: docs/rules/availability.md#formula.
"""

from atp_stream.domain.policy.item_rules import ItemRules, Rule
from atp_stream.domain.policy.schema import WHOLE


def safety_stock(rules: ItemRules, basis: int) -> int:
    """Return what is never promised: the fixed quantity, or the percentage of `basis` rounded up, if greater."""
    if not rules.percent:
        return rules.fixed
    return max(rules.fixed, -(-max(0, basis) * rules.percent // (WHOLE * rules.step)) * rules.step)


def free(on_hand: int, safety: int, reserved: int, step: int = 1) -> int:
    """Return what nobody was promised, as far as it can be sold."""
    left = on_hand - safety - reserved
    return left - left % step if left > 0 else 0


def shown(claim: int, rule: Rule, blocking: int, step: int = 1) -> int:
    """Return what is published as promisable while `blocking` parts of priority 0 or more wait."""
    if blocking:
        return 0
    available = claim - rule.buffer
    available -= available % step
    return available if available >= rule.floor else 0  # no floor is below 0


def short(on_hand: int, reserved: int) -> int:
    """Return what is promised but no longer there."""
    return max(0, reserved - max(0, on_hand))
