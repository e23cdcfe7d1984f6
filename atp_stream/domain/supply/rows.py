"""What the row of a supply and the row of an item's curve hold.

Quantities are whole hundredths, stamps and moments are microseconds since the epoch, days are counted from 1970-01-01.
"""

import msgspec

NEVER = -1
"""A stamp before all others."""


class Statement(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What was said of a supply at one stamp; `quantity` is the whole that is ordered, not what is still to come."""

    at_us: int
    cancelled: bool
    unsure: bool
    quantity: int
    day: int
    event: str
    location: str = ""
    kind: str = ""
    reference: str | None = None


class Supply(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """One supply.

    `stated` are its newest statements, the one that holds last. `stocked` units came by receipts that moved the stock,
    `received` by other receipts, `adjusted` by adjustments of the stock that name it (they may report the same units
    as `received`). `final_at_us` is the stamp of the newest receipt behind which nothing comes; `wholes` are those of
    receipts of all that was open. The `…_by` are the events, each known among those of its kind. `timer_us` is when it
    is forgotten.
    """

    stated: list[Statement] = []
    stocked: int = msgspec.field(default=0, name="moved")
    received: int = 0
    adjusted: int = 0
    final_at_us: int = msgspec.field(default=NEVER, name="final_at")
    wholes: list[int] = []
    stocked_by: list[str] = msgspec.field(default=[], name="moved_by")
    received_by: list[str] = []
    adjusted_by: list[str] = []
    timer_us: int | None = msgspec.field(default=None, name="timer")


class Arriving(msgspec.Struct, array_like=True, gc=False):
    """Units that were received; until `until_us` they count, unless an absolute of `location` holds them before."""

    supply: str
    units: int
    location: str
    at_us: int
    until_us: int


class Day(msgspec.Struct, array_like=True, gc=False):
    """What is stated to be expected on a day, and what is promised for it."""

    day: int
    supply: int = 0
    promised: int = 0


class CurveRow(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """What of an item has a date; there is none for an item without supplies and dates.

    `days` are those on which something is expected or promised, in order. `boundary` is the next day whose coming
    changes anything, `timer_us` the moment of its timer. `open` counts the supplies that are open, `undue` the
    reservations that fall due on a later day. `absolute_at_us` is the stamp of the newest absolute of the item's stock
    since it has dates. `reported` are short names of the projections that were published, by channel.
    """

    days: list[Day] = []
    boundary: int | None = None
    timer_us: int | None = msgspec.field(default=None, name="timer")
    arriving: list[Arriving] = []
    open: int = 0
    undue: int = 0
    absolute_at_us: int = msgspec.field(default=NEVER, name="absolute_at")
    reported: dict[str, str] = msgspec.field(default={}, name="told")
