"""The shape of the policy document: what may be written in which place.

Quantities have at most two decimals, weights at most four, durations are whole seconds; what contradicts itself is
refused by `written`. Source: docs/rules/policy.md#document.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

MAX_DOCUMENT: Final = 64_000
"""The greatest size of a policy document, in bytes; with its place in the log it must fit a row of 64 KB."""

MAX_OWN: Final = 16_000
"""The greatest size of what is written for one item by a command of its own: a part of the item's row."""

MAX_CHANNELS: Final = 64
MAX_CHANNEL_BYTES: Final = 64
"""So many channels, of so many bytes, are named in one place (and as many may come without a name): an item's row
holds them all, and stays small."""

MIN_WINDOW: Final = 60
MAX_WINDOW: Final = 8 * 7 * 24 * 60 * 60
"""Bounds of the window of stock, in seconds."""

MAX_HORIZON: Final = 366
MAX_PAST_DUE: Final = 90
MAX_OFFSET: Final = 30
MAX_LEAD_TIME: Final = 3_650
MAX_GRACE: Final = 30 * 24 * 60 * 60
"""Bounds of what is said of supplies: in days, the last in seconds."""

SKEW_PARTS: Final = 4
"""The skew is at most one such part of the window, either way."""

WHOLE: Final = 10_000
"""A hundred per cent in hundredths of one, and a weight of 1 in its own parts."""


class PolicyError(Exception):
    """A policy document contradicts itself or the contract; the text says where and why."""


class Kind(StrEnum):
    """How much of the free stock a channel may claim."""

    POOLED = "POOLED"
    SHARE = "SHARE"
    QUOTA = "QUOTA"
    FROZEN = "FROZEN"


class Shortage(StrEnum):
    """What happens to promises when the stock no longer covers them."""

    KEEP = "keep"
    DEALLOCATE = "deallocate"


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of the document."""


class ChannelSection(_Section, frozen=True):
    """The rule of a channel; a section without fields only names the channel.

    `weight` belongs to SHARE; `overflow`, `rank` (1 is served first) and `min` to QUOTA. Without a kind it is POOLED.
    `max_waiting` is what may wait in it in all.
    """

    kind: Kind | None = None
    weight: Decimal | None = None
    overflow: bool | None = None
    rank: int | None = None
    min: Decimal | None = None
    buffer: Decimal | None = None
    floor: Decimal | None = None
    max_waiting: Decimal | None = None


class SafetySection(_Section, frozen=True):
    """What is never promised: a fixed quantity, a percentage of the stock, or the greater of the two."""

    fixed: Decimal = Decimal(0)
    percent: Decimal = Decimal(0)


class SupplySection(_Section, frozen=True):
    """What is expected, and how far promises reach; durations in days but for `receipt_grace`, in seconds.

    Promises are made up to `horizon` days from today. A reservation is served from the shelf from `ahead` days before
    the day that it wants. What is late counts for `past_due_days`, as if it came `past_due_offset` days from today.
    `receipt_grace` is how long what was received counts before the stock contains it. What is expected counts
    `dock_days` after its day. `lead_time` is how many days it takes to get what nobody has ordered: an estimate for
    those who ask, which is never promised. `project` says whether availability by day is published.
    """

    horizon: int = 180
    ahead: int = 0
    past_due_days: int = 0
    past_due_offset: int = 1
    receipt_grace: int = 60 * 60
    dock_days: int = 0
    lead_time: int | None = None
    project: bool = True


class ItemSection(_Section, frozen=True):
    """What is different for one item; `rule` stands for each of its channels.

    `frozen` says which channels sell nothing whatever their rule, or (false) do although the tenant froze them.
    `step` is the least quantity that is sold: 1 for whole goods. `max_waiting_each` is what may wait of a reservation.
    """

    safety_stock: SafetySection | None = None
    rule: ChannelSection | None = None
    channels: dict[str, ChannelSection] = {}
    frozen: dict[str, bool] = {}
    step: Decimal | None = None
    max_waiting_each: Decimal | None = None
    supply: SupplySection | None = None


class TenantSection(_Section, frozen=True):
    """The channels of a tenant, other names for them, and its rules; `rule` stands for each of its channels.

    `time_limit` is how many seconds after its commit a reservation without a limit of its own expires. `step` is the
    least quantity that is sold: 1 for whole goods, 0.01 where none is written. `max_waiting_each` is what may wait of a
    reservation.
    """

    safety_stock: SafetySection | None = None
    rule: ChannelSection | None = None
    channels: dict[str, ChannelSection] = {}
    frozen: dict[str, bool] = {}
    aliases: dict[str, str] = {}
    shortage: Shortage | None = None
    time_limit: int | None = None
    step: Decimal | None = None
    max_waiting_each: Decimal | None = None
    supply: SupplySection | None = None
    items: dict[str, ItemSection] = {}


class StockSection(_Section, frozen=True):
    """How late facts of stock may come, and what an absolute includes; both in seconds.

    `tail` was a bound on the number of facts, which there is no more: it may be written, and says nothing.
    """

    window: int = 24 * 60 * 60
    skew: int = 0
    tail: int | None = None


class Document(_Section, frozen=True):
    """A policy as it is written.

    `retention` is how long ended reservations are kept, `drift_grace` how long a gap may last before it is published.
    """

    stock: StockSection = StockSection()
    retention: int = 7 * 24 * 60 * 60
    drift_grace: int = 30
    future_tolerance: int = 5 * 60
    unknown_channels: str = "accept"
    unknown_channel_limit: int = 32
    default_channel: str = "ECOM"
    shortage: Shortage = Shortage.KEEP
    tenants: dict[str, TenantSection] = {}
