"""What policy says of supplies and of dates."""

import msgspec


class SupplyRules(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far promises reach, and what counts.

    Promises are made for up to `horizon_days` behind today. A reservation is due `ahead_days` before the day that it
    wants. A supply counts `dock_days` after the day that is stated, and up to `past_due_days` after that, as if it were
    expected `past_due_offset_days` behind today. `receipt_grace_us` is how long received units count before the stock
    holds them. Units that nobody has ordered could be there after `lead_time_days`, if that is known. `project` says
    whether availability by day is published.
    """

    horizon_days: int = 180
    ahead_days: int = 0
    past_due_days: int = 0
    past_due_offset_days: int = 1
    receipt_grace_us: int = 60 * 60 * 1_000_000
    dock_days: int = 0
    lead_time_days: int | None = None
    project: bool = True
