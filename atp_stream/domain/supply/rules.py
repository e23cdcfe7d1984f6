"""What policy says of supplies and of dates."""

import msgspec


class SupplyRules(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far promises reach, and what counts.

    `horizon` is the number of days behind today for which promises are made. A reservation is due `ahead` days before
    the day that it wants. A supply counts up to `past_due_days` after its day, as if it were expected
    `past_due_offset` days behind today. `receipt_grace` (microseconds) is how long received units count before the
    stock holds them. A supply counts `dock_days` after the day that is stated. `lead_time` is the number of days after
    which units that nobody has ordered could be there, if that is known. `project` says whether availability by day is
    told.
    """

    horizon: int = 180
    ahead: int = 0
    past_due_days: int = 0
    past_due_offset: int = 1
    receipt_grace: int = 60 * 60 * 1_000_000
    dock_days: int = 0
    lead_time: int | None = None
    project: bool = True
