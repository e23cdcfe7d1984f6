"""The ledger recomputed from the list of all commands: slow, and obviously right.

It keeps no sum, no queue and no index: on hand is recounted from all that was said, reserved is summed, and the queue
is sorted, each time one of them is asked for. It knows no bounds and no steps, and shares no line with the product.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from atp_stream.domain.commands import AdjustStock, Confirm, CountStock, Entry, Fulfil, Release, Reserve, SetPolicy
from chaos.oracle.stock import Gone, Said, StockModel

FIRST_POLICY: dict[str, Any] = {"tenants": {"*": {"channels": {"ECOM": {}, "STORE": {}, "B2B": {}, "MARKETPLACE": {}}}}}


@dataclass
class Order:
    """One reservation; `promised` and `waits` are [place in the log, units]."""

    channel: str = ""
    asked: str | None = None
    created_at: int | None = None
    requested: int = 0
    released: int = 0
    shipped: list[tuple[int, int, str]] = field(default_factory=list)  # by events: stamp, units, location
    adjusted: int = 0
    promised: list[list[int]] = field(default_factory=list)
    waits: list[list[int]] = field(default_factory=list)
    priority: int = 0
    partial: bool = False
    backorder: bool = True
    confirmed: bool = False
    location: str = ""
    over: bool = False
    heard: set[str] = field(default_factory=set)
    release_rest: bool = False
    fulfil_rest: tuple[int, str] | None = None

    def by_events(self) -> int:
        return sum(units for _, units, _ in self.shipped)

    def moved(self) -> int:
        return max(self.by_events(), self.adjusted)

    def not_in_adjustments(self) -> list[Gone]:
        """Return the shipments without the first units, which adjustments took out of the stock already."""
        skip, gone = self.adjusted, []
        for at, units, location in self.shipped:
            kept = max(0, units - skip)
            skip = max(0, skip - units)
            if kept:
                gone.append(Gone(at, kept, location))
        return gone


class ItemModel:
    """One item: everything is asked of the lists."""

    def __init__(self, tenant: str, item: str, document: dict[str, Any]) -> None:
        self.tenant, self.item, self.document = tenant, item, document
        self.said: list[Said] = []
        self.orders: dict[str, Order] = {}
        self.channels: dict[str, bool] = dict.fromkeys(self.named(), False)  # True: policy no longer has it
        self.events: list[tuple[Any, ...]] = []

    # What the policy says

    def section(self) -> dict[str, Any]:
        tenants = self.document.get("tenants", {})
        found: dict[str, Any] = tenants.get(self.tenant, tenants.get("*", {}))
        return found

    def special(self) -> dict[str, Any]:
        found: dict[str, Any] = self.section().get("items", {}).get(self.item, {})
        return found

    def named(self) -> list[str]:
        return list({**self.section().get("channels", {}), **self.special().get("channels", {})})

    def aliases(self) -> dict[str, str]:
        found: dict[str, str] = self.section().get("aliases", {})
        return found

    def accepts_unknown(self) -> bool:
        return bool(self.document.get("unknown_channels", "accept") == "accept")

    def rule(self, channel: str) -> dict[str, Any]:
        section, special = self.section(), self.special()
        for rule in (
            special.get("channels", {}).get(channel),
            special.get("rule"),
            section.get("channels", {}).get(channel),
            section.get("rule"),
        ):
            if rule:
                found: dict[str, Any] = rule
                return found
        return {}

    def safety_stock(self) -> int:
        safety = self.special().get("safety_stock", self.section().get("safety_stock", {}))
        part = max(0, self.stock().numbers().basis) * int(safety.get("percent", 0))
        return max(int(safety.get("fixed", 0) * 100), (part + 99) // 100)

    def closed(self, channel: str) -> bool:
        return channel not in self.named() and (not self.accepts_unknown() or channel in self.aliases())

    # What there is

    def stock(self) -> StockModel:
        gone = [one for order in self.orders.values() for one in order.not_in_adjustments()]
        return StockModel(self.document.get("stock", {}).get("skew", 0) * 1_000_000, list(self.said), gone)

    def on_hand(self) -> int:
        return self.stock().numbers().on_hand

    def reserved(self, channel: str | None = None) -> int:
        orders = [order for order in self.orders.values() if channel in (None, order.channel)]
        return sum(units for order in orders for _, units in order.promised)

    def pool(self) -> int:
        return max(0, max(0, self.on_hand() - self.safety_stock()) - self.reserved())

    def queue(self, channel: str) -> list[tuple[int, int, str]]:
        """Return the waiting parts of a channel in the order of service."""
        return sorted(
            (-order.priority, place, name)
            for name, order in self.orders.items()
            if order.channel == channel
            for place, _ in order.waits
        )

    def available(self, channel: str) -> int:
        if self.closed(channel) or any(-priority >= 0 for priority, _, _ in self.queue(channel)):
            return 0
        rule = self.rule(channel)
        shown = max(0, self.pool() - int(rule.get("buffer", 0) * 100))
        return 0 if shown < int(rule.get("floor", 0) * 100) else shown

    # What happens

    def meet(self, document: dict[str, Any]) -> None:
        named_before = self.named()
        self.document = document
        self.channels |= dict.fromkeys(self.named(), False)
        for channel in self.channels:
            if channel not in self.named() and (channel in named_before or self.closed(channel)):
                self.channels[channel] = True
        self.refill(-1)

    def refill(self, cause: int) -> None:
        shut: set[str] = set()
        while True:
            heads = [self.queue(c)[0] for c in self.channels if c not in shut and not self.closed(c) and self.queue(c)]
            if not heads or not self.pool():
                break
            _, place, name = min(heads)
            order = self.orders[name]
            part = next(part for part in order.waits if part[0] == place)
            if part[1] > self.pool() and not order.partial:
                shut.add(order.channel)
                continue
            self.promise(name, min(part[1], self.pool()), cause)
            part[1] -= self.events[-1][2]
            order.waits = [part for part in order.waits if part[1]]
        gone = [c for c, leaving in self.channels.items() if leaving and not self.reserved(c) and not self.queue(c)]
        for channel in gone:
            del self.channels[channel]

    def promise(self, name: str, units: int, cause: int) -> None:
        self.orders[name].promised.append([cause, units])
        self.events.append(("committed", name, units))

    def ask(self, name: str, units: int, cause: int) -> None:
        order = self.orders[name]
        behind = any(-priority >= order.priority for priority, _, _ in self.queue(order.channel))
        claim = 0 if behind or self.closed(order.channel) else self.pool()
        taken = units if units <= claim else claim if order.partial else 0
        if taken:
            self.promise(name, taken, cause)
        if units > taken:
            self.events.append(("denied", name, units - taken))
            if order.backorder:
                order.waits.append([cause, units - taken])
        self.settle(order)

    def settle(self, order: Order) -> None:
        order.over |= order.created_at is not None and not order.promised and not order.waits

    def take(self, order: Order, name: str, units: int) -> None:
        """Take units back: what waits first, the newest first."""
        for part in reversed(order.waits):
            taken = min(units, part[1])
            part[1] -= taken
            units -= taken
        for part in reversed(order.promised):
            taken = min(units, part[1])
            part[1] -= taken
            units -= taken
            if taken:
                self.events.append(("released", name, taken))
        self.sweep_empty(order)

    def leave(self, order: Order, units: int) -> None:
        """Let units leave: what is promised first, the oldest first."""
        for part in [*order.promised, *order.waits]:
            taken = min(units, part[1])
            part[1] -= taken
            units -= taken
        self.sweep_empty(order)

    def sweep_empty(self, order: Order) -> None:
        order.promised = [part for part in order.promised if part[1]]
        order.waits = [part for part in order.waits if part[1]]
        self.settle(order)

    def reserve(self, command: Reserve, cause: int) -> str:
        channel = command.channel or self.document.get("default_channel", "ECOM")
        channel = self.aliases().get(channel, channel)
        order = self.orders.get(command.reservation)
        if order is None or order.created_at is None:
            if channel not in self.named() and not self.accepts_unknown():
                return "unknown_channel"
            self.channels.setdefault(channel, False)
            order = self.orders.setdefault(command.reservation, Order())
            self.create(order, command, channel, cause)
            return ""
        if command.channel != order.asked and channel != self.aliases().get(order.channel, order.channel):
            return "reservation_conflict"
        if not order.over and command.at > order.created_at:
            grown = command.quantity - order.requested
            self.describe(order, command)
            if grown > 0:
                self.ask(command.reservation, grown, cause)
            else:
                held = sum(part[1] for part in [*order.promised, *order.waits])
                target = max(0, order.requested - order.released - order.moved())
                self.take(order, command.reservation, max(0, held - target))
        return ""

    def describe(self, order: Order, command: Reserve) -> None:
        order.created_at, order.requested = command.at, command.quantity
        order.priority, order.partial = command.priority, command.allow_partial
        order.backorder = command.allow_backorder

    def create(self, order: Order, command: Reserve, channel: str, cause: int) -> None:
        order.channel, order.asked, order.location = channel, command.channel, command.location
        self.describe(order, command)
        order.shipped = [(at, units, location or order.location) for at, units, location in order.shipped]
        if order.release_rest:
            order.released += max(0, order.requested - order.released - order.moved())
        elif order.fulfil_rest is not None:
            at, location = order.fulfil_rest
            units = max(0, order.requested - order.released - order.by_events())
            order.shipped.append((at, units, location or order.location))
        net = max(0, order.requested - order.released - order.moved())
        if net:
            self.ask(command.reservation, net, cause)
        self.settle(order)

    def release(self, command: Release) -> None:
        order = self.orders.setdefault(command.reservation, Order())
        if command.event_id in order.heard:
            return
        order.heard.add(command.event_id)
        if order.created_at is None:
            order.release_rest |= command.quantity is None and order.fulfil_rest is None
            order.released += command.quantity or 0
        else:
            left = max(0, order.requested - order.released - order.moved())
            units = left if command.quantity is None else command.quantity
            order.released += min(left, units)
            self.take(order, command.reservation, units)

    def fulfil(self, command: Fulfil) -> None:
        order = self.orders.setdefault(command.reservation, Order())
        if command.event_id in order.heard:
            return
        order.heard.add(command.event_id)
        if order.created_at is None and command.quantity is None:
            order.fulfil_rest = order.fulfil_rest or (command.at, command.location)
            return
        left = max(0, order.requested - order.released - order.by_events())
        units = left if command.quantity is None else command.quantity
        before = order.moved()
        order.shipped.append((command.at, units, command.location or order.location))
        self.leave(order, order.moved() - before)

    def adjust(self, command: AdjustStock | CountStock) -> None:
        if any(said.id == command.event_id and said.location == command.location for said in self.said):
            return
        if isinstance(command, CountStock):
            self.said.append(Said(command.at, command.event_id, None, command.on_hand, False, command.location))
            return
        ships = command.reservation is not None and command.delta < 0
        self.said.append(Said(command.at, command.event_id, command.delta, command.absolute, ships, command.location))
        if command.reservation is not None and ships:
            order = self.orders.setdefault(command.reservation, Order())
            before = order.moved()
            order.adjusted -= command.delta
            self.leave(order, order.moved() - before)


class Model:
    """The whole partition."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.items: dict[str, ItemModel] = {}
        self.refused: list[tuple[int, str]] = []
        self.document = FIRST_POLICY
        for entry in entries:
            self.hear(entry)

    def hear(self, entry: Entry) -> None:
        command = entry.command
        if isinstance(command, SetPolicy):
            self.document = msgspec.json.decode(command.document)
            for item in self.items.values():
                item.meet(self.document)
            return
        if command.at > entry.log_time * 1000 + self.document.get("future_tolerance", 300) * 1_000_000:
            self.refused.append((entry.offset, "future"))
            return
        tenant, name = entry.name.split("|")
        item = self.items.get(entry.name) or ItemModel(tenant, name, self.document)
        match command:
            case Reserve():
                reason = item.reserve(command, entry.offset)
                if reason:
                    self.refused.append((entry.offset, reason))
                    return
            case Release():
                item.release(command)
            case Fulfil():
                item.fulfil(command)
            case Confirm():
                order = item.orders.setdefault(command.reservation, Order())
                order.confirmed |= not order.over
            case AdjustStock() | CountStock():
                item.adjust(command)
        self.items[entry.name] = item
        item.refill(entry.offset)
