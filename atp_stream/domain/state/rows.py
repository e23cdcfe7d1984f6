"""What each row of an item holds; `row_keys` says how it is found, `row_types` of which type it is.

Quantities are whole hundredths. `offset` is a place in the item log, a name that ends in `_ms` or `_us` is in
milliseconds (log time) or microseconds (event times). Every row can be written as JSON; a field that has its default is
left out, so that a field added later is read from old rows as its default.
"""

from enum import StrEnum

import msgspec

from atp_stream.domain.commands import AnyCommand
from atp_stream.domain.stock.rows import Stock


class Row(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """A row of the state, or a part of one; the fold changes rows in place."""


class Channel(Row):
    """One channel of an item: `available` and `reserved` are what was published when the step was committed.

    `waiting` counts units, `blocking` the waiting parts of priority 0 or more: while there is one, `available` is 0.
    `granted` units were earmarked for it, `consumed` of them were committed (or have left since).
    `leaving` marks a channel that policy no longer has; it goes once nothing is reserved, promised or waits in it.
    `promised` units are promised for a day.
    """

    available: int = 0
    reserved: int = 0
    waiting: int = 0
    blocking: int = 0
    granted: int = 0
    consumed: int = 0
    leaving: bool = False
    promised: int = 0


class Work(Row):
    """Work on many reservations that a command, a policy or a tick at `offset` began and did not finish.

    `ordinal` is the number of its next event. In this order, what is set is done: `index` (open promises are noted in
    the order in which they would be taken back, from this key on), `until_us` (timers up to this moment run out),
    `lose` (promises are taken back while units are short); then those who wait are served, where `closed` are the
    channels whose head could not be served in this pass. Of an item with dates, `roll` is the day that comes, `closed`
    are queues, and `late` is how far the promises that are late were looked at, by channel, since `freed` units came
    free by the use of earmarks; with `enough` of them one that was looked at could be helped.
    """

    offset: int
    log_time_ms: int = msgspec.field(name="log_time")
    ordinal: int
    index: str | None = None
    until_us: int | None = msgspec.field(default=None, name="until")
    lose: bool = False
    closed: list[str] = []
    roll: int | None = None
    late: dict[str, str] = {}
    freed: int = 0
    enough: int | None = None


class Drift(Row):
    """A gap that there has been since log time `since_ms`.

    `reported` is the one that was last published, 0 for none; `timer_us` is when the grace of this one is over.
    """

    since_ms: int = msgspec.field(name="since")
    reported: int = msgspec.field(default=0, name="told")
    timer_us: int | None = msgspec.field(default=None, name="timer")


class Item(Row):
    """One item: its stock, its channels, and the cause of its last change.

    `version` counts the commands and slices folded for the item, without duplicates and refusals. `past` counts facts
    that a newer absolute held already, `unpaired` adjustments whose reservation was forgotten. `policy` is the offset
    of the newest policy that it has surely met (-1: the default policy). `safety_stock` is what was withheld when the
    step was committed. `quarantine` says which fault of ours stopped the item; `deferred` counts the commands that wait
    since then, or for work to finish, and `stopped` is the generation in which that began; `resuming` says that they
    are being folded. `source` is the input ("topic/partition/offset") of the last change, empty if an operator or time
    caused it. `own` is the JSON that a command wrote for this item alone; `known_changes` are the last such commands.
    `timer_us` is no later than its earliest timer. `purged_at_us` is the stamp of the newest create that was purged.
    `scaled` says that the weights of its shares sum to more than 1, and count in proportion. `withdrawn` are the last
    channels that have no row any more; 0 was the last that was published of them. `dated` says that something of it has
    a date; the row of the curve says what. `supply_purged_at_us` is the stamp of the newest statement of a supply that
    was purged.
    """

    stock: Stock
    channels: dict[str, Channel]
    version: int = 0
    policy: int = -1
    offset: int = -1
    log_time_ms: int = msgspec.field(default=0, name="log_time")
    safety_stock: int = 0
    late: int = 0
    past: int = 0
    unpaired: int = 0
    stale: int = 0
    duplicates: int = 0
    work: Work | None = None
    quarantine: str | None = None
    deferred: int = msgspec.field(default=0, name="held")
    stopped: int | None = None
    resuming: bool = False
    source: str = ""
    own: str | None = None
    known_changes: list[str] = msgspec.field(default=[], name="heard")
    timer_us: int | None = msgspec.field(default=None, name="timer")
    purged_at_us: int | None = msgspec.field(default=None, name="purged_at")
    drift: Drift | None = None
    scaled: bool = False
    withdrawn: list[str] = []
    dated: bool = False
    supply_purged_at_us: int | None = msgspec.field(default=None, name="supply_purged_at")


class Allocation(msgspec.Struct, array_like=True, gc=False):
    """Units promised by one commit, named by the place of that commit; `quantity` is what is still open of them.

    `earmarked` of them came from the channel's quota, and go back there. `asked_at` is the place in the log of the
    request that they answer, -1 if that is the commit's own.
    """

    offset: int
    ordinal: int
    quantity: int
    earmarked: int = 0
    asked_at: int = -1


class Promise(msgspec.Struct, array_like=True, gc=False):
    """Units promised for a day; `place` is that of their request in the log, `earmarked` of them came from a quota."""

    place: int
    quantity: int
    earmarked: int
    day: int


class MatchedShipment(msgspec.Struct, array_like=True, gc=False):
    """Units that left by a fulfilment stamped `at_us`, from the `location` that it states, "" if none.

    `repeated` of them are reported by an adjustment too, which moved the stock in their place. A fulfilment of all that
    was left states no location for them, as some may have left elsewhere: those that are not repeated left `place`, ""
    if none is known. A row that was written before locations were kept apart has None there.
    """

    at_us: int
    quantity: int
    location: str
    repeated: int = 0
    place: str | None = None


class End(StrEnum):
    """How a reservation ended."""

    FULFILLED = "FULFILLED"
    RELEASED = "RELEASED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


class Remainder(Row):
    """A fulfilment of all that is left, which came before the create that will say how much that is."""

    at_us: int = msgspec.field(name="at")
    location: str = ""


class Reservation(Row):
    """One reservation; `at_us` is the stamp of its newest create, None while only its release or the like has come.

    `asked` is the channel as it was stated, `channel` the one that it stands for. `requested` is the last quantity
    asked for; `released` is what release events gave back of it, `excess` what they named beyond it. Units moved are
    the greater of `fulfilled` (by events) and `adjusted` (by adjustments that name the reservation), and `apart` more
    where these left different locations. `shipments` are the shipments, which an adjustment may turn out to repeat (or
    `unmatched` units of them, for which there was no room), `adjusted_at` the adjustments by location. When time ended
    it, `dropped` units had been denied for good before. `queued` are the offsets of its waiting parts, oldest first,
    `waiting` is their sum. `released_by` and `fulfilled_by` are the events that have come, each known among those of
    its kind; `known` are those of both kinds in a row that was written before they were kept apart. `expires_at_us` is
    the limit that was asked for, or the one that the tenant's default gave it at its commit. `timer_us` is when time
    ends it, or when it is purged after its end: `purge_at_us`. `taken_back` is its place among the promises that a loss
    takes back.
    """

    channel: str = ""
    asked: str | None = None
    at_us: int | None = msgspec.field(default=None, name="at")
    requested: int = 0
    released: int = 0
    excess: int = 0
    fulfilled: int = 0
    adjusted: int = 0
    allocations: list[Allocation] = []
    waiting: int = 0
    queued: list[int] = []
    priority: int = 0
    allow_partial: bool = False
    allow_backorder: bool = True
    expires_at_us: int | None = msgspec.field(default=None, name="expires_at")
    confirmed: bool = False
    location: str = ""
    reference: str | None = None
    ended: End | None = None
    release_rest: bool = False
    fulfil_rest: Remainder | None = None
    shipments: list[MatchedShipment] = msgspec.field(default=[], name="moved")
    adjusted_at: dict[str, int] = {}
    apart: int = 0
    unmatched: int = msgspec.field(default=0, name="untold")
    dropped: int = 0
    known: list[str] = []
    released_by: list[str] = []
    fulfilled_by: list[str] = []
    timer_us: int | None = msgspec.field(default=None, name="timer")
    purge_at_us: int | None = msgspec.field(default=None, name="purge_at")
    taken_back: str | None = None
    wanted: int | None = None
    undue: bool = False
    promises: list[Promise] = []


class Backorder(Row):
    """A part of a reservation that waits; its place in the queue is in its key."""

    reservation: str
    quantity: int
    priority: int = 0
    allow_partial: bool = False


class Ranked(Row):
    """A promise in a queue, or `quantity` units of one that was lost; its rank is in its key."""

    reservation: str
    quantity: int = 0


class DeferredCommand(Row):
    """A command deferred while its item is quarantined or has work to finish; its offset is in its key.

    `generation` is that of its arrival: with it the command is answered. Versions before 0.2 did not note it.
    """

    log_time_ms: int = msgspec.field(name="log_time")
    command: AnyCommand
    source: bytes = b""
    original: bytes = b""
    generation: int = 0


class Due(Row):
    """Marks by its key alone: an item with unfinished work or in quarantine, a timer, a promise, a reference."""
