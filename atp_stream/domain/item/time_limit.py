"""The time limit that a reservation has by default: the tenant's, from the moment at which units are promised to it.

Source: docs/rules/time.md#limit.
"""

from atp_stream.domain.policy.item_rules import ItemRules
from atp_stream.domain.state.rows import Reservation
from atp_stream.domain.time_units import US_PER_MS


def begin_default(row: Reservation, rules: ItemRules, log_time_ms: int) -> None:
    """Give a reservation its tenant's limit, unless it states one or is confirmed; the caller saves the row."""
    if rules.time_limit_us is not None and row.expires_at_us is None and not row.confirmed:
        row.expires_at_us = log_time_ms * US_PER_MS + rules.time_limit_us
