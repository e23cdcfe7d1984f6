"""One item while a step folds it: the only place where units change between free, reserved and waiting.

Law: reserved of a channel is the sum of its open allocations, waiting the sum of its waiting parts; both are kept
beside the rows that they sum. Availability is derived once, when the step ends: that is what conflates it.
Hot: plain attributes and rows changed in place. Source: domain.md, Availability and Reservation.
"""

from atp_stream.domain import availability
from atp_stream.domain.errors import Refused
from atp_stream.domain.events import (
    AllocationCommitted,
    AllocationReleased,
    AnyEvent,
    AvailabilityCalculated,
    ReleaseReason,
)
from atp_stream.domain.names import encode
from atp_stream.domain.policy import ItemRules
from atp_stream.domain.rows import Allocation, Channel, Item, Reservation, Waiting, queue_prefix, rank
from atp_stream.domain.standing import Standing
from atp_stream.domain.state import State
from atp_stream.domain.stock import Location, Stock, derive


class ItemFold:
    """An item, its rules, and the place in the log that its next events are named by."""

    __slots__ = (
        "_before", "_leaving", "changed", "channels", "due", "events", "is_new",
        "item", "log_time", "name", "offset", "ordinal", "pending", "reserved", "rules", "state", "ticket", "version",
        "waiting",
    )  # fmt: skip

    def __init__(self, state: State, name: str, rules: ItemRules, events: list[AnyEvent]) -> None:
        item: Item | None = state.get(f"{name}|i")
        self.is_new = item is None
        self.reserved = self.waiting = 0
        self._leaving = False
        self._before: dict[str, tuple[int, int]] = {}
        if item is None:
            item = Item(stock=Stock(), channels={channel: Channel() for channel in rules.channels})
        else:
            for channel, row in item.channels.items():
                self._before[channel] = row.available, row.reserved
                self.reserved += row.reserved
                self.waiting += row.waiting
                self._leaving |= row.leaving
        self.state, self.name, self.rules, self.events, self.item = state, name, rules, events, item
        self.channels = item.channels
        self.pending: list[Standing] = []  # policies that this item has still to meet
        self.changed = False
        self.due = item.quarantine is None and (item.work is not None or item.resuming)
        self.offset = self.log_time = self.ordinal = self.version = self.ticket = 0

    # The cause of what follows

    def begin(self, offset: int, log_time: int, ordinal: int = 0) -> None:
        """Say what causes the next changes."""
        self.offset, self.log_time, self.ordinal = offset, log_time, ordinal
        self.version = self.item.version + 1

    def done(self) -> None:
        """Count what was begun as folded."""
        item = self.item
        item.version, item.offset, item.log_time = self.version, self.offset, self.log_time
        self.changed, self.is_new = True, False
        if self._leaving:
            self._dismiss()

    # Rows of stock and of reservations

    def get(self, name: str) -> Location | None:
        """Return the row of a location."""
        row: Location | None = self.state.get(f"{self.name}|l|{encode(name)}")
        return row

    def put(self, name: str, row: Location) -> None:
        """Set the row of a location."""
        self.state.put(f"{self.name}|l|{encode(name)}", row)

    def reservation(self, reservation: str) -> Reservation | None:
        """Return the row of a reservation."""
        row: Reservation | None = self.state.get(f"{self.name}|r|{encode(reservation)}")
        return row

    def keep(self, reservation: str, row: Reservation) -> None:
        """Set the row of a reservation."""
        self.state.put(f"{self.name}|r|{encode(reservation)}", row)

    # Channels and what they may claim

    def channel_for(self, channel: str, limit: int) -> str:
        """Return `channel`, with a row, if the policy lets it have one; `limit` is for channels without a name.

        Raises Refused with reason unknown_channel or too_many_channels.
        """
        rules = self.rules
        if channel in rules.channels:
            return channel
        if not rules.accepts_unknown:
            raise Refused("unknown_channel", channel)
        if channel not in self.channels:
            if sum(one not in rules.channels for one in self.channels) >= limit:
                raise Refused("too_many_channels", f"{channel}: the item has {limit} channels without a name already")
            self.channels[channel] = Channel()
        return channel

    def pool(self) -> int:
        """Return what nobody has claimed."""
        stock = self.item.stock
        return availability.pool(stock.on_hand, availability.safety_stock(self.rules, stock.basis), self.reserved)

    def claim(self, channel: str, priority: int) -> int:
        """Return what a new reservation may take: nothing while one of its priority or above waits in the channel."""
        if channel not in self.rules.channels and self.rules.closed(channel):
            return 0
        row = self.channels[channel]
        if row.waiting:
            if row.blocking and priority <= 0:
                return 0
            head = self.state.first(queue_prefix(self.name, channel))
            if head is not None and head[1].priority >= priority:
                return 0
        return self.pool()

    # Units change hands

    def commit(self, reservation: str, row: Reservation, units: int) -> None:
        """Promise units; the caller has seen that the claim covers them."""
        self.channels[row.channel].reserved += units
        self.reserved += units
        row.allocations.append(Allocation(self.offset, self.ordinal, units))
        self.events.append(
            AllocationCommitted(
                name=self.name, version=self.version, at=self.log_time, offset=self.offset, ordinal=self.ordinal,
                reservation=reservation, channel=row.channel, quantity=units,
            )
        )  # fmt: skip
        self.ordinal += 1

    def give_back(self, reservation: str, row: Reservation, units: int, reason: ReleaseReason) -> None:
        """Take promised units back into the pool, from the newest allocation first."""
        while units:
            allocation = row.allocations[-1]
            part = min(units, allocation.quantity)
            self._close(row, -1, part)
            units -= part
            self.events.append(
                AllocationReleased(
                    name=self.name, version=self.version, at=self.log_time, offset=self.offset, ordinal=self.ordinal,
                    allocation=(allocation.offset, allocation.ordinal), reservation=reservation, channel=row.channel,
                    quantity=part, reason=reason,
                )
            )  # fmt: skip
            self.ordinal += 1

    def hand_over(self, row: Reservation, units: int) -> None:
        """Let promised units leave, from the oldest allocation first; nothing goes back to the pool."""
        while units:
            part = min(units, row.allocations[0].quantity)
            self._close(row, 0, part)
            units -= part

    def _close(self, row: Reservation, place: int, units: int) -> None:
        allocation = row.allocations[place]
        allocation.quantity -= units
        if not allocation.quantity:
            del row.allocations[place]
        self.channels[row.channel].reserved -= units
        self.reserved -= units

    # The queue

    def wait(self, reservation: str, row: Reservation, units: int) -> None:
        """Let units wait at the place in the log of the present cause."""
        part = Waiting(reservation=reservation, quantity=units, priority=row.priority, allow_partial=row.allow_partial)
        self.state.put(queue_prefix(self.name, row.channel) + rank(row.priority, self.offset), part)
        row.queued.append(self.offset)
        channel = self.channels[row.channel]
        channel.blocking += row.priority >= 0
        self._count_waiting(row, units)

    def stop_waiting(self, row: Reservation, units: int, *, newest: bool) -> None:
        """Let units wait no more, beginning with the newest part, or with the oldest."""
        place = -1 if newest else 0
        while units:
            key = queue_prefix(self.name, row.channel) + rank(row.priority, row.queued[place])
            part = self._part(key)
            taken = min(units, part.quantity)
            self.shorten(key, part, row, taken)
            units -= taken

    def shorten(self, key: str, part: Waiting, row: Reservation, units: int) -> None:
        """Take units from one waiting part; an empty part is gone."""
        part.quantity -= units
        if part.quantity:
            self.state.put(key, part)
        else:
            self.state.delete(key)
            row.queued.remove(int(key[-16:], 16))
            self.channels[row.channel].blocking -= part.priority >= 0
        self._count_waiting(row, -units)

    def _part(self, key: str) -> Waiting:
        part: Waiting | None = self.state.get(key)
        assert part is not None  # noqa: S101  (a reservation knows only parts that have a row)
        return part

    def _count_waiting(self, row: Reservation, units: int) -> None:
        row.waiting += units
        self.channels[row.channel].waiting += units
        self.waiting += units

    def queue_again(self, row: Reservation, priority: int, *, allow_partial: bool) -> None:
        """Give the waiting parts of a reservation another priority and flag; they keep their place in the log."""
        prefix = queue_prefix(self.name, row.channel)
        for offset in row.queued:
            key = prefix + rank(row.priority, offset)
            part = self._part(key)
            self.channels[row.channel].blocking += (priority >= 0) - (part.priority >= 0)
            part.priority, part.allow_partial = priority, allow_partial
            self.state.delete(key)
            self.state.put(prefix + rank(priority, offset), part)

    # Policy

    def meet(self, rules: ItemRules) -> None:
        """Live by other rules: channels come and go, and what a floor or skew means may have changed."""
        channels, old = self.channels, self.rules
        for channel in rules.channels:
            channels.setdefault(channel, Channel()).leaving = False
        for channel, row in channels.items():
            if channel not in rules.channels and (channel in old.channels or rules.closed(channel)):
                row.leaving = self._leaving = True
        derive(self.item.stock, rules.stock)
        self.rules = rules

    def _dismiss(self) -> None:
        """Drop the channels that policy no longer has and nothing holds open."""
        for channel in [c for c, row in self.channels.items() if row.leaving and not row.reserved and not row.waiting]:
            del self.channels[channel]

    # The end of the step

    def publish(self) -> None:
        """Derive what the channels show, put the item's row, and tell each pair that is not the committed one."""
        item, rules, before = self.item, self.rules, self._before
        runs = item.quarantine is None
        if runs:
            item.safety_stock = availability.safety_stock(rules, item.stock.basis)
        free = availability.pool(item.stock.on_hand, item.safety_stock, self.reserved)
        named = rules.channels
        place = 0
        for channel, row in item.channels.items():
            rule = named.get(channel)
            if not runs or (rule is None and rules.closed(channel)):
                row.available = 0
            else:
                row.available = availability.shown(free, rule or rules.other, row.blocking)
            if before.get(channel) != (row.available, row.reserved):
                self._tell(place, channel, row.available, row.reserved)
            place += 1
        for channel, pair in before.items():
            if channel not in item.channels and pair != (0, 0):
                self._tell(place, channel, 0, 0)
                place += 1
        self.state.put(f"{self.name}|i", item)

    def _tell(self, place: int, channel: str, available: int, reserved: int) -> None:
        item = self.item
        self.events.append(
            AvailabilityCalculated(
                name=self.name, version=item.version, at=item.log_time, offset=item.offset, ordinal=place,
                channel=channel, available=available, reserved=reserved,
            )
        )  # fmt: skip
