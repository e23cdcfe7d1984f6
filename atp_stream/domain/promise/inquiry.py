"""When units could be promised: an answer for those who ask, which holds nothing.

    ON_HAND     the channel may claim them now, and on the day that is asked for
    SUPPLY      it may on a later day: what is expected by then covers them
    LEAD_TIME   no day of the curve covers them, but the policy says how long it takes to get them

Law: an answer changes nothing, and a lead time never counts on the curve: what is estimated is not promised.
Source: docs/rules/dates.md#lead-time.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from atp_stream.domain.policy.rules import ItemRules
from atp_stream.domain.promise.curve import NOW, Curve, claim_at, earliest
from atp_stream.domain.state.rows import Channel


class Basis(StrEnum):
    """What an answer stands on."""

    ON_HAND = "ON_HAND"
    SUPPLY = "SUPPLY"
    LEAD_TIME = "LEAD_TIME"


class Answer(NamedTuple):
    """The first day on which units could be there, and what that stands on; without a day there is none."""

    day: int | None = None
    basis: Basis | None = None


def inquire(
    curve: Curve, units: int, wanted: int | None, channel: str, rules: ItemRules, channels: Mapping[str, Channel]
) -> Answer:
    """Return when a channel in which nobody waits could have so many units, from the wanted day on."""
    today = curve.days[1]
    first = today if wanted is None else max(wanted, today)
    day = earliest(curve, units, first, channel, rules, channels)
    if day is not None:
        is_there = sum(claim_at(curve, NOW, channel, rules, channels)) >= units
        return Answer(day, Basis.ON_HAND if is_there else Basis.SUPPLY)
    if rules.supply.lead_time_days is None:
        return Answer()
    return Answer(max(first, today + rules.supply.lead_time_days), Basis.LEAD_TIME)
