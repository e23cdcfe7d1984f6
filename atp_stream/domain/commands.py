"""What is asked of the ledger, in the imperative.

A command is one input event in the domain's own words; intake makes it, the item log orders it, the fold
answers it. Quantities are whole hundredths, event times are microseconds since the epoch (UTC).
"""

from typing import NamedTuple

import msgspec


class Command(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="command"):
    """Something that an upstream event, or an operator, asks for."""

    event_id: str
    at: int


class AdjustStock(Command, tag="adjust", frozen=True):
    """Move the stock by `delta`; `absolute` is the stock after it, where upstream says so.

    `reservation` names the reservation that the movement ships, if it is one.
    """

    delta: int
    absolute: int | None = None
    location: str = ""
    reservation: str | None = None


class CountStock(Command, tag="count", frozen=True):
    """State what is physically held, not net of reservations."""

    on_hand: int
    location: str = ""


class Reserve(Command, tag="reserve", frozen=True):
    """Claim units for a customer order; `channel` None means the policy's default channel."""

    reservation: str
    quantity: int
    channel: str | None = None
    location: str = ""
    reference: str | None = None
    expires_at: int | None = None
    priority: int = 0
    allow_partial: bool = False
    allow_backorder: bool = True


class Confirm(Command, tag="confirm", frozen=True):
    """Take the time limit away from a reservation."""

    reservation: str


class Release(Command, tag="release", frozen=True):
    """Give units back; `quantity` None means all that is left."""

    reservation: str
    quantity: int | None = None
    reason: str = ""


class Fulfil(Command, tag="fulfil", frozen=True):
    """Ship units; `quantity` None means all that is left."""

    reservation: str
    quantity: int | None = None
    location: str = ""


class SetPolicy(Command, tag="policy", frozen=True):
    """Replace the whole policy of this log partition; `document` is its JSON text."""

    document: msgspec.Raw


class ResumeItem(Command, tag="resume", frozen=True):
    """End the quarantine of an item and fold what was kept for it."""


AnyCommand = AdjustStock | CountStock | Reserve | Confirm | Release | Fulfil | SetPolicy | ResumeItem


class Entry(NamedTuple):
    """A command at its place in the item log.

    `name` is the log record's key: tenant and item, percent-encoded, joined by `|`; for commands to a whole
    partition it is `|`. `log_time` is the greatest append time seen so far in the partition, in milliseconds.
    """

    partition: int
    offset: int
    log_time: int
    name: str
    command: AnyCommand
