"""What the row of a supply and the row of an item's curve hold.

Quantities are whole hundredths, stamps and moments are microseconds since the epoch, days are counted from 1970-01-01.
"""

import msgspec

NEVER = -1
"""A stamp before all others."""


class Statement(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What was said of a supply at one stamp; `quantity` is the whole that is ordered, not what is still to come."""

    at: int
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

    `stated` are its newest statements, the one that holds last. `moved` units came by receipts that moved the stock,
    `received` by other receipts, `adjusted` by adjustments of the stock that name it (they may tell of the same
    units as `received`). `final_at` is the stamp of the newest receipt behind which nothing comes; `wholes` are those
    of receipts of all that was open. The `…_by` are the events, each known among those of its kind. `timer` is when
    it is forgotten.
    """

    stated: list[Statement] = []
    moved: int = 0
    received: int = 0
    adjusted: int = 0
    final_at: int = NEVER
    wholes: list[int] = []
    moved_by: list[str] = []
    received_by: list[str] = []
    adjusted_by: list[str] = []
    timer: int | None = None


class Arriving(msgspec.Struct, array_like=True, gc=False):
    """Units that were received and that no absolute of `location` holds yet; `until` is how long that is waited for."""

    supply: str
    units: int
    location: str
    at: int
    until: int


class Day(msgspec.Struct, array_like=True, gc=False):
    """What is stated to be expected on a day, and what is promised for it."""

    day: int
    supply: int = 0
    promised: int = 0


class CurveRow(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """What of an item has a date; there is none for an item without supplies and dates.

    `days` are those on which something is expected or promised, in order. `boundary` is the next day whose coming
    changes anything, `timer` the moment of its timer. `open` counts the supplies that are open, `undue` the
    reservations that fall due on a later day. `absolute_at` is the stamp of the newest absolute of the item's stock
    since it has dates. `told` are short names of the projections that were told, by channel.
    """

    days: list[Day] = []
    boundary: int | None = None
    timer: int | None = None
    arriving: list[Arriving] = []
    open: int = 0
    undue: int = 0
    absolute_at: int = NEVER
    told: dict[str, str] = {}
