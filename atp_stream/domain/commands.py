"""What is asked of the ledger, in the imperative.

A command is one input event in the domain's own words; intake makes it, the item log orders it, the fold
answers it. Quantities are whole hundredths, event times are microseconds since the epoch (UTC), days are counted from
1970-01-01 (UTC).
"""

import msgspec


class Command(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="command"):
    """Something that an upstream event, or an operator, asks for."""

    event_id: str
    at_us: int = msgspec.field(name="at")


class AdjustStock(Command, tag="adjust", frozen=True):
    """Move the stock by `delta`; `absolute` is the stock after it, where upstream says so.

    `reservation` names the reservation that the movement ships, `supply` the supply that it receives (or, below 0,
    takes a receipt back of), if it is one.
    """

    delta: int
    absolute: int | None = None
    location: str = ""
    reservation: str | None = None
    supply: str | None = None


class CountStock(Command, tag="count", frozen=True):
    """State what is physically held, not net of reservations."""

    on_hand: int
    location: str = ""


class Reserve(Command, tag="reserve", frozen=True):
    """Claim units for a customer order; `channel` None means the policy's default channel.

    `wanted` is the day for which they are asked, None for as soon as can be.
    """

    reservation: str
    quantity: int
    channel: str | None = None
    location: str = ""
    reference: str | None = None
    expires_at_us: int | None = msgspec.field(default=None, name="expires_at")
    priority: int = 0
    allow_partial: bool = False
    allow_backorder: bool = True
    wanted: int | None = None


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


class ScheduleSupply(Command, tag="schedule_supply", frozen=True):
    """Expect units on a day: `quantity` is the whole that is ordered, whatever has come of it.

    What is not `firm` is shown and not promised. `kind` and `reference` are for people.
    """

    supply: str
    quantity: int
    day: int
    location: str = ""
    kind: str = ""
    firm: bool = True
    reference: str | None = None


class CancelSupply(Command, tag="cancel_supply", frozen=True):
    """Expect a supply no more."""

    supply: str
    reason: str = ""


class ReceiveSupply(Command, tag="receive_supply", frozen=True):
    """Say that units of a supply have come; `quantity` None means all that is open.

    Behind a `final` receipt nothing more comes. Unless it `moves_stock`, another message adds them to the stock.
    """

    supply: str
    quantity: int | None = None
    location: str = ""
    final: bool = False
    moves_stock: bool = False


class SetPolicy(Command, tag="policy", frozen=True):
    """Replace the whole policy of this log partition; `document` is its JSON text."""

    document: msgspec.Raw


class EditPolicy(Command, tag="edit_policy", frozen=True):
    """Change the section of one tenant in the policy of this log partition; `patch` is a JSON merge patch (RFC 7396).

    A tenant without a section of its own starts from a copy of the section `*`. A channel is frozen by
    `{"frozen": {"ECOM": true}}`, and thawed by `null` in the place of `true`.
    """

    tenant: str
    patch: msgspec.Raw


class EditItem(Command, tag="edit_item", frozen=True):
    """Change what the policy says of one item; `patch` is a JSON merge patch on the item's section.

    From then on that section stands in place of what the policy document writes for the item; `null` removes it.
    """

    patch: msgspec.Raw


class Grant(Command, tag="grant", frozen=True):
    """Earmark units for a QUOTA channel: `quantity`, or `percent` of what is free now, at least the rule's minimum.

    Exactly one of the two is given; `percent` is in hundredths of one per cent.
    """

    channel: str
    quantity: int | None = None
    percent: int | None = None


class Revoke(Command, tag="revoke", frozen=True):
    """Take granted units back, as far as they are not consumed; `quantity` None means all of them."""

    channel: str
    quantity: int | None = None


class Move(Command, tag="move", frozen=True):
    """Take granted units that are not consumed from one QUOTA channel and grant them to another: both or neither."""

    channel: str
    to: str
    quantity: int


class Tick(Command, tag="tick", frozen=True):
    """Say that all input up to the moment `at_us` is in the log: time limits up to then, and to log time, are over."""


class Elapse(Command, tag="elapse", frozen=True):
    """Let time pass: nobody sends this, it stands in the place of what a partial look at the log leaves out."""


class ResumeItem(Command, tag="resume", frozen=True):
    """End the quarantine of an item and fold what was kept for it."""


PolicyCommand = EditItem | Grant | Revoke | Move
"""A command by which an operator steers one item."""

SupplyCommand = ScheduleSupply | CancelSupply | ReceiveSupply
"""A command about what is expected."""

AnyCommand = (
    AdjustStock | CountStock | Reserve | Confirm | Release | Fulfil | ScheduleSupply | CancelSupply | ReceiveSupply
    | SetPolicy | EditPolicy | EditItem | Grant | Revoke | Move | Tick | ResumeItem | Elapse
)  # fmt: skip

PolicyOfPartition = SetPolicy | EditPolicy
"""A command that changes the policy of a whole partition."""

OF_PARTITION = SetPolicy | EditPolicy | Tick | Elapse
"""A command to a whole partition."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A command at its place in the item log.

    `name` is the log record's key: tenant and item, percent-encoded, joined by `|`; for commands to a whole
    partition it is `|`. `log_time_ms` is the greatest append time seen so far in the partition, in milliseconds.
    `source` ("topic/partition/offset") and `original` are the input record that it was made from, for people and for
    the dead letters; empty for what operators append.
    """

    partition: int
    offset: int
    log_time_ms: int
    name: str
    command: AnyCommand
    source: bytes = b""
    original: bytes = b""
