"""One item while a step folds it: the only place where units change between free, reserved and waiting.

Law: reserved of a channel is the sum of its open allocations, waiting the sum of its backordered parts, consumed what
was taken from its earmark and not given back; all are kept beside the rows that they sum. What the channels show is
derived once, when the step ends (`publication`). Hot: plain attributes and rows changed in place.
Source: docs/rules/availability.md#formula, docs/rules/reservations.md#units-return.
"""

from bisect import insort
from typing import Final

from atp_stream.domain.errors import Refused
from atp_stream.domain.events import (
    AllocationCommitted,
    AllocationReleased,
    AnyEvent,
    ReleaseReason,
)
from atp_stream.domain.item import time_limit
from atp_stream.domain.item.dates import ItemDates
from atp_stream.domain.item.policy_history import PolicyVersion
from atp_stream.domain.limits import Limits
from atp_stream.domain.names import short_id
from atp_stream.domain.policy.item_rules import ItemRules
from atp_stream.domain.policy.rules import Policy
from atp_stream.domain.policy.schema import Kind
from atp_stream.domain.promise import availability
from atp_stream.domain.promise.claims import Claim, claims
from atp_stream.domain.reasons import Reason
from atp_stream.domain.row_keys import item_key, queue_prefix, reservation_key
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.rows import Allocation, Channel, Item, Reservation
from atp_stream.domain.stock.fold import StockFold
from atp_stream.domain.stock.rows import Stock

MAX_WITHDRAWN: Final = 64
"""How many channels that policy took away are remembered: for one that comes back, 0 is not published once more."""

WITHDRAWN: Final = (0, 0)
"""What is published last of a channel that goes: nothing available, nothing reserved."""


class OpenItem:
    """An item, its rules, and the place in the log that its next events are named by."""

    __slots__ = (
        "__weakref__", "_dates", "_leaving", "changed", "channels", "due", "events", "is_new", "limits", "log_time_ms",
        "name", "offset", "ordinal", "pending", "reserved", "row", "rules", "shown", "source", "state", "stock",
        "ticket", "unindexed", "version", "waiting",
    )  # fmt: skip

    def __init__(self, state: State, name: str, policy: Policy, events: list[AnyEvent], limits: Limits) -> None:
        item: Item | None = state.get(item_key(name))
        self.is_new = item is None
        self.reserved = self.waiting = 0
        self._leaving = self.unindexed = False
        self.shown: dict[str, tuple[int, int] | None] = {}  # last published of each channel; None: nothing, ever
        rules = policy.rules(name, None if item is None else item.own)
        if item is None:
            item = Item(stock=Stock(), channels={channel: Channel() for channel in rules.channels})
        else:
            for channel, row in item.channels.items():
                self.shown[channel] = row.available, row.reserved
                self.reserved += row.reserved
                self.waiting += row.waiting
                self._leaving |= row.leaving
        self.limits = limits
        self.state, self.name, self.rules, self.events, self.row = state, name, rules, events, item
        self.channels = item.channels
        self.stock = StockFold(state, name, item.stock, has_rows=not self.is_new)
        self.pending: list[PolicyVersion] = []  # policies that this item has still to meet
        self.changed = False
        self.due = self.is_due
        self.offset = self.log_time_ms = self.ordinal = self.version = self.ticket = 0
        self.source = b""
        self._dates: ItemDates | None = None

    @property
    def dates(self) -> ItemDates:
        """Return what of the item has a date; `row.dated` says whether anything has."""
        if self._dates is None:
            self._dates = ItemDates(self)
        return self._dates

    @property
    def has_dates(self) -> bool:
        """Return whether `dates` was opened."""
        return self._dates is not None

    @property
    def has_news(self) -> bool:
        """Return whether the present command has changed what has a date."""
        return self._dates is not None and self._dates.is_touched

    @property
    def is_due(self) -> bool:
        """Return whether the item has begun work to finish."""
        item = self.row
        return item.quarantine is None and (item.work is not None or item.resuming or item.stock.upgrading is not None)

    # The cause of what follows

    def begin(self, offset: int, log_time_ms: int, ordinal: int = 0, source: bytes = b"") -> None:
        """Say what causes the next changes."""
        self.offset, self.log_time_ms, self.ordinal, self.source = offset, log_time_ms, ordinal, source
        self.version = self.row.version + 1

    def done(self) -> None:
        """Count what was begun as folded."""
        item = self.row
        item.version, item.offset, item.log_time_ms = self.version, self.offset, self.log_time_ms
        item.source = self.source.decode()
        if item.work is not None:
            item.work.ordinal = self.ordinal
        self.changed, self.is_new = True, False
        self.dismiss()

    def reservation(self, reservation: str) -> Reservation | None:
        """Return the row of a reservation; `saving.save` sets it."""
        row: Reservation | None = self.state.get(reservation_key(self.name, reservation))
        return row

    # Channels and what they may claim

    def channel_for(self, channel: str, limit: int) -> str:
        """Return `channel`, with a row, if the policy lets it have one; `limit` is for channels without a name.

        Raises Refused with reason unknown_channel or too_many_channels.
        """
        rules = self.rules
        if channel in rules.channels:
            return channel
        if not rules.accepts_unknown:
            raise Refused(
                Reason.UNKNOWN_CHANNEL, f"the policy does not name {channel}, and `unknown_channels` is `refuse`"
            )
        if channel not in self.channels:
            if sum(one not in rules.channels for one in self.channels) >= limit:
                raise Refused(
                    Reason.TOO_MANY_CHANNELS, f"{channel}: the item has {limit} such already (unknown_channel_limit)"
                )
            self._open(channel)
        return channel

    def forget(self, channel: str) -> None:
        """Take back the row that this command gave a channel: nothing is in it, and nothing was published of it."""
        del self.channels[channel]
        if channel in self.shown:
            self._withdraw(channel)

    def restore(self, channel: str) -> None:
        """Make sure that a channel which policy may have removed has a row; it goes once it is empty again."""
        if channel not in self.channels:
            self._open(channel).leaving = self._leaving = True

    def _open(self, channel: str) -> Channel:
        row = self.channels[channel] = Channel()
        known = short_id(channel)
        if known in self.row.withdrawn:
            self.row.withdrawn.remove(known)
            self.shown.setdefault(channel, WITHDRAWN)
        return row

    def free(self) -> int:
        """Return what nobody was promised: with dates, as much of it as is not needed at any later point."""
        if self.row.dated:
            return self.dates.curve().levels[0]
        stock, rules = self.row.stock, self.rules
        return availability.free(
            stock.on_hand, availability.safety_stock(rules, stock.basis), self.reserved, rules.step
        )

    def claim(self, channel: str) -> Claim:
        """Return what a request at the head of a channel's queue may take."""
        if self.rules.plain:
            return Claim(0, 0 if self.rules.rule(channel).kind is Kind.FROZEN else self.free())
        return claims(self.free(), self.rules, self.channels)[channel]

    def is_blocked(self, channel: str, priority: int) -> bool:
        """Return whether a new reservation has to wait behind one of its priority or above."""
        row = self.channels[channel]
        if not row.waiting:
            return False
        if row.blocking and priority <= 0:
            return True
        head = self.state.first(queue_prefix(self.name, channel))
        return head is not None and head[1].priority >= priority

    # Units change hands

    def commit(
        self, reservation: str, row: Reservation, units: int, asked_at: int = -1, earmarked: int | None = None
    ) -> None:
        """Promise units, of the earmark first; the caller has seen that the claim covers them.

        `asked_at` is the place of the request in the log, if it is not the present cause; `earmarked` says how many of
        the units are counted in the channel's quota already.
        """
        channel = self.channels[row.channel]
        if earmarked is None:
            earmarked = 0 if self.rules.plain else min(units, self.claim(row.channel).earmark)
            channel.consumed += earmarked
        channel.reserved += units
        self.reserved += units
        time_limit.begin_default(row, self.rules, self.log_time_ms)
        allocation = Allocation(self.offset, self.ordinal, units, earmarked, asked_at)
        if row.allocations:
            insort(row.allocations, allocation, key=_request)
        else:
            row.allocations.append(allocation)
        self.events.append(
            AllocationCommitted(
                name=self.name, version=self.version, log_time_ms=self.log_time_ms, offset=self.offset,
                ordinal=self.ordinal, reservation=reservation, channel=row.channel, quantity=units,
            )
        )  # fmt: skip
        self.ordinal += 1

    def give_back(self, reservation: str, row: Reservation, units: int, reason: ReleaseReason) -> None:
        """Take promised units back, from the newest allocation first, each to where it came from."""
        while units:
            units -= self.give_back_newest(reservation, row, units, reason)

    def give_back_newest(self, reservation: str, row: Reservation, units: int, reason: ReleaseReason) -> int:
        """Take up to `units` of the newest allocation back, pool before earmark, and return how many it had."""
        allocation = row.allocations[-1]
        part = min(units, allocation.quantity)
        earmarked = max(0, part - (allocation.quantity - allocation.earmarked))
        self.channels[row.channel].consumed -= earmarked
        self._close(row, -1, part, earmarked)
        self.events.append(
            AllocationReleased(
                name=self.name, version=self.version, log_time_ms=self.log_time_ms, offset=self.offset,
                ordinal=self.ordinal, allocation=(allocation.offset, allocation.ordinal), reservation=reservation,
                channel=row.channel, quantity=part, reason=reason,
            )
        )  # fmt: skip
        self.ordinal += 1
        return part

    def hand_over(self, row: Reservation, units: int) -> None:
        """Let promised units leave, from the oldest allocation first, earmark before pool; nothing goes back."""
        while units:
            allocation = row.allocations[0]
            part = min(units, allocation.quantity)
            self._close(row, 0, part, min(part, allocation.earmarked))
            units -= part

    def _close(self, row: Reservation, place: int, units: int, earmarked: int) -> None:
        allocation = row.allocations[place]
        allocation.quantity -= units
        allocation.earmarked -= earmarked
        if not allocation.quantity:
            del row.allocations[place]
        self.channels[row.channel].reserved -= units
        self.reserved -= units

    # Policy

    def meet(self, rules: ItemRules) -> None:
        """Live by other rules: channels come and go, and what a floor means may have changed."""
        channels, old = self.channels, self.rules
        for channel in rules.channels:
            (channels.get(channel) or self._open(channel)).leaving = False
        for channel, row in channels.items():
            if channel not in rules.channels and (channel in old.channels or rules.closed(channel)):
                row.leaving = self._leaving = True
        self.unindexed |= rules.deallocates and not old.deallocates
        self.rules = rules
        if self.row.dated:
            self.dates.changed()

    def dismiss(self) -> None:
        """Drop the channels that policy no longer has and nothing holds open: their grants are free again."""
        if not self._leaving:
            return
        held = (c for c, row in self.channels.items() if row.leaving and not row.reserved and not row.waiting)
        for channel in [c for c in held if not self.channels[c].promised]:
            del self.channels[channel]
            self.shown.setdefault(channel, None)
            self._withdraw(channel)

    def _withdraw(self, channel: str) -> None:
        self.row.withdrawn = [*self.row.withdrawn[1 - MAX_WITHDRAWN :], short_id(channel)]


def _request(allocation: Allocation) -> int:
    """Return the place in the log of the request that an allocation answers: allocations stand in that order."""
    return allocation.offset if allocation.asked_at < 0 else allocation.asked_at
