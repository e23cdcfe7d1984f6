"""What happened, in the past tense: the answers of the fold.

Quantities are whole hundredths, `at` is log time in milliseconds. `offset` and `ordinal` are the place of the
cause in the item log: with the partition and the genesis they name the event, so that no id is ever random. A command
has one item; a policy has many, so ordinals of what a policy caused begin at OF_POLICY, below 0, and count per item:
such an event is named by its item too. An availability is named by item, channel and version.
"""

from enum import StrEnum
from typing import Final

import msgspec

from atp_stream.domain.commands import AnyCommand

OF_POLICY: Final = -(10**9)
"""The ordinal of the first event that a policy causes for an item."""


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


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something that consumers are told about one item."""

    name: str
    version: int
    at: int
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
    reason: str


class CommandRefused(Event, frozen=True):
    """A command broke a rule that only the fold can see; its message goes to the dead letters.

    `held` is the command if it was kept in quarantine until now: its log record has gone by long ago.
    """

    reason: str
    detail: str
    held: AnyCommand | None = None


AnyEvent = AvailabilityCalculated | AllocationCommitted | AllocationReleased | ReservationDenied | CommandRefused
