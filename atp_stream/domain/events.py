"""What happened, in the past tense: the answers of the fold.

Quantities are whole hundredths, `log_time_ms` is log time in milliseconds. `offset` and `ordinal` are the place of the
cause in the item log: with the partition and the genesis they name the event, so that no id is ever random. A command
has one item; a policy or a tick has many, so ordinals of what they caused begin at OF_MANY, below 0, and count per
item: the id of such an event contains the item too. An availability is named by item, channel and version.
"""

from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

import msgspec

from atp_stream.domain.commands import AnyCommand
from atp_stream.domain.reasons import DenialReason

OF_MANY: Final = -(10**9)
"""The ordinal of the first event that a policy or a tick causes for an item."""


class ReleaseReason(StrEnum):
    """Why committed units went back to the pool."""

    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    REDUCED = "REDUCED"
    SUPPLY_LOST = "SUPPLY_LOST"


class DenialOutcome(StrEnum):
    """What became of the part of a reservation that was not committed."""

    BACKORDERED = "BACKORDERED"
    PARTIAL = "PARTIAL"
    REJECTED = "REJECTED"


class PromiseReason(StrEnum):
    """Why what a reservation is promised by day has changed."""

    ASKED = "ASKED"
    SUPPLY = "SUPPLY"
    EARLIER = "EARLIER"
    LATER = "LATER"
    NO_DATE = "NO_DATE"
    REDEEMED = "REDEEMED"
    ENDED = "ENDED"


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something that is published about one item."""

    name: str
    version: int
    log_time_ms: int
    offset: int
    ordinal: int


class AvailabilityCalculated(Event, frozen=True):
    """The row of a channel changed; the first value always counts as a change."""

    channel: str
    available: int
    reserved: int


class AllocationCommitted(Event, frozen=True):
    """Units were promised to a reservation. The allocation's name is (offset, ordinal) of this event."""

    reservation: str
    channel: str
    quantity: int


class AllocationReleased(Event, frozen=True):
    """Promised units went back to the pool; `allocation` is the (offset, ordinal) of its commit."""

    allocation: tuple[int, int]
    reservation: str
    channel: str
    quantity: int
    reason: ReleaseReason


class ReservationDenied(Event, frozen=True):
    """A reservation, or a part of it, was not committed; `quantity` is that part."""

    reservation: str
    channel: str
    quantity: int
    outcome: DenialOutcome
    reason: DenialReason


class ReservationPromised(Event, frozen=True):
    """What a reservation is promised by day has changed: `lines` are days and units, as they are now.

    `waiting` units have no day, `allocated` units are reserved on the shelf.
    """

    reservation: str
    channel: str
    wanted: int | None
    lines: tuple[tuple[int, int], ...]
    waiting: int
    allocated: int
    reason: PromiseReason


class AvailabilityProjected(Event, frozen=True):
    """What a channel may promise by day has changed: `now`, and the days on which it becomes another quantity.

    Without a day nothing of the item has a date any more.
    """

    channel: str
    today: int
    until: int
    now: int
    steps: tuple[tuple[int, int], ...]


class StockDrifted(Event, frozen=True):
    """Counts and movements of an item have disagreed by `gap` since log time `since_ms`, or agree again.

    Told once the gap has stood for the policy's grace; `resolved` with a gap of 0 ends it.
    """

    gap: int
    on_hand: int
    since_ms: int
    resolved: bool


class Deferred(NamedTuple):
    """A command that was kept for a while, with the input that it was made from: its log record has gone by."""

    command: AnyCommand
    source: bytes
    original: bytes


class CommandRefused(Event, frozen=True):
    """A command broke a rule that only the fold can see; its message goes to the dead letters.

    `kept` is there if the command had to wait for its item: its log record has gone by long ago.
    """

    reason: str
    detail: str
    deferred: Deferred | None = None


Published: TypeAlias = (
    AvailabilityCalculated
    | AllocationCommitted
    | AllocationReleased
    | ReservationDenied
    | ReservationPromised
    | AvailabilityProjected
    | StockDrifted
)
AnyEvent: TypeAlias = Published | CommandRefused
