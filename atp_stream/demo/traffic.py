"""Traffic as upstream would send it: stock, orders, supply, second thoughts, and what goes wrong on the way.

Deterministic but for the clock: a seed gives the same decisions. Every event has a stamp of its own. Now and then there
is a rush on the busiest item: dozens of sales within a second, without keys, so that they come in any order.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from atp_stream.demo import poison, wire

CHANNELS: Final = {"ECOM": 45, "STORE": 25, "B2B": 15, "MARKETPLACE": 15}
EVENT_TYPES: Final = {
    "adjusted": "InventoryAdjusted",
    "counted": "StockAvailabilityChangedEvent",
    "created": "ReservationCreatedEvent",
    "confirmed": "ReservationConfirmedEvent",
    "released": "ReservationReleasedEvent",
    "fulfilled": "ReservationFulfilledEvent",
    "supply_scheduled": "SupplyScheduledEvent",
    "supply_changed": "SupplyChangedEvent",
    "supply_cancelled": "SupplyCancelledEvent",
    "supply_received": "SupplyReceivedEvent",
}
_STEPS: Final = {
    "reserve": 46, "change": 3, "confirm": 9, "release": 12, "fulfil": 14, "restock": 3, "sell": 6, "count": 4,
    "schedule": 4, "slip": 2, "receive": 3, "cancel": 0.3,
}  # fmt: skip
_RUSH: Final = 0.004
_RUSH_SALES: Final = (40, 90)
_DAY_US: Final = 86_400_000_000
Frame = Callable[[str, wire.Event], bytes]  # event type and event to framed Avro


class Message(NamedTuple):
    """A message for the input topic of a kind, to be sent `delay` seconds from now."""

    kind: str
    key: bytes | None
    value: bytes | None
    delay: float = 0.0


@dataclass(slots=True)
class _Item:
    """An item as upstream sees it: what is on its shelf, its open orders, and what is expected, with their units."""

    name: str
    level: int
    has_supplier: bool
    orders: dict[str, int] = field(default_factory=dict)
    supplies: dict[str, int] = field(default_factory=dict)


class Traffic:
    """An endless supply of messages; `frame` writes Avro, without it all is JSON."""

    def __init__(self, *, seed: int = 1, items: int = 40, frame: Frame | None = None) -> None:
        self._random = random.Random(seed)  # noqa: S311 - traffic, not secrets
        self._frame = frame
        self._items = [
            _Item(f"sku-{n:03}", 100 * self._random.randint(10, 60), has_supplier=n % 2 == 0)
            for n in range(1, items + 1)
        ]
        self._weights = [1 / n**1.1 for n in range(1, items + 1)]
        self._stamp = 0
        self._count = 0

    def opening(self, now: int) -> list[Message]:
        """Return what comes first: a count of every item, and the message of the seed's producer snippet."""
        found = [self._message("counted", item, now, onHand=item.level) for item in self._items]
        return [snippet(now), *found]

    def step(self, now: int) -> list[Message]:
        """Return the next event with what may go wrong about it; `now` in microseconds."""
        if self._random.random() < _RUSH:
            return self._rush(now)
        luck = self._random.random()
        if luck < 0.01:  # noqa: PLR2004 - one in a hundred
            return [Message(*poison.choose(self._random, now))]
        message = self._event(now)
        if luck < 0.05:  # noqa: PLR2004 - late: others overtake it
            return [message._replace(delay=self._random.uniform(0.2, 1.5))]
        if luck < 0.08:  # noqa: PLR2004 - twice
            return [message, message._replace(delay=self._random.uniform(0.0, 2.0))]
        return [message]

    def _rush(self, now: int) -> list[Message]:
        """Return a delivery that sells out at once."""
        item, units = self._items[0], self._random.randint(*_RUSH_SALES)
        moves = [self._adjust(item, change, now) for change in (100 * units, *[-100] * units)]
        return [move._replace(delay=self._random.uniform(0.0, 1.0)) for move in moves]

    def _event(self, now: int) -> Message:
        item = self._random.choices(self._items, self._weights)[0]
        step = self._random.choices([*_STEPS], [*_STEPS.values()])[0]
        if step in {"restock", "sell", "count"}:
            return self._stock(step, item, now)
        of_supply = step in {"schedule", "slip", "receive", "cancel"}
        if of_supply and item.has_supplier:
            return self._supply(step, item, now)
        if step == "reserve" or of_supply or not item.orders:
            return self._reserve(item, now)
        return self._follow_up(step, item, self._random.choice([*item.orders]), now)

    def _follow_up(self, step: str, item: _Item, order: str, now: int) -> Message:
        if step == "change":
            item.orders[order] = self._units(1, 6)
            return self._create(item, order, now)
        if step == "confirm":
            return self._message("confirmed", item, now, reservationId=order)
        units = item.orders[order]
        if step == "fulfil" and units > item.level:  # not on the shelf: it cannot leave
            return self._stock("restock", item, now)
        part = 100 * self._random.randint(1, units // 100) if self._random.random() < 0.4 else None  # noqa: PLR2004
        self._take(item, order, part or units)
        if step == "release":
            return self._message("released", item, now, reservationId=order, quantity=part, reason="customer")
        item.level -= part or units
        return self._message("fulfilled", item, now, reservationId=order, quantity=part)

    def _supply(self, step: str, item: _Item, now: int) -> Message:
        day = now // _DAY_US + self._random.randint(0, 9)
        if step == "schedule" or not item.supplies:
            self._count += 1
            supply = f"po-{self._count}"
            units = item.supplies[supply] = self._units(15, 40)
            return self._message("supply_scheduled", item, now, supplyId=supply, quantity=units, expectedDate=day)
        supply = self._random.choice([*item.supplies])
        if step == "slip":
            units = item.supplies[supply]
            return self._message("supply_changed", item, now, supplyId=supply, quantity=units, expectedDate=day + 3)
        units = item.supplies.pop(supply)
        if step == "cancel":
            return self._message("supply_cancelled", item, now, supplyId=supply, reason="the supplier has none")
        return self._adjust(item, units, now, supply_id=supply)  # it moves the stock, and is expected no more

    def _take(self, item: _Item, order: str, units: int) -> None:
        item.orders[order] -= units
        if not item.orders[order]:
            del item.orders[order]

    def _reserve(self, item: _Item, now: int) -> Message:
        self._count += 1
        order = f"order-{self._count}"
        item.orders[order] = self._units(1, 5)
        return self._create(item, order, now)

    def _create(self, item: _Item, order: str, now: int) -> Message:
        flags: dict[str, Any] = {}
        if self._random.random() < 0.2:  # noqa: PLR2004
            flags["allowPartial"] = True
        if self._random.random() < 0.15:  # noqa: PLR2004
            flags["allowBackorder"] = False
        if self._random.random() < 0.1:  # noqa: PLR2004
            flags["priority"] = self._random.randint(1, 3)
        if self._random.random() < 0.1:  # noqa: PLR2004
            flags["requestedDate"] = now // _DAY_US + self._random.randint(1, 7)
        # An order keeps its channel: it is drawn from its name.
        channel = random.Random(order).choices([*CHANNELS], [*CHANNELS.values()])[0]  # noqa: S311
        units = item.orders[order]
        return self._message("created", item, now, reservationId=order, channel=channel, quantity=units, **flags)

    def _stock(self, step: str, item: _Item, now: int) -> Message:
        if step == "count":
            if self._random.random() < 0.3:  # noqa: PLR2004 - something has gone missing
                item.level = item.level // 100 * 7 // 10 * 100
            return self._message("counted", item, now, onHand=item.level)
        return self._adjust(
            item, self._units(15, 40) if step == "restock" else -min(item.level, self._units(1, 4)), now
        )

    def _adjust(self, item: _Item, units: int, now: int, **said: Any) -> Message:
        item.level += units
        event = {
            "event_id": f"adj-{self._next_stamp(now)}",
            "timestamp": self._stamp,
            "product_id": item.name,
            "adjusted_quantity": units,
            "new_quantity": item.level,
            "adjustment_reason": "restock" if units > 0 else "sale",
            "adjusted_by": "user123",
            **said,
        }
        return Message("adjusted", None, self._written("adjusted", event, flat=0.85))

    def _message(self, kind: str, item: _Item, now: int, **said: Any) -> Message:
        stamp = self._next_stamp(now)
        event = {"eventId": f"{kind}-{stamp}", "timestamp": stamp, "itemId": item.name, **said}
        return Message(kind, item.name.encode(), self._written(kind, event, flat=0.4))

    def _written(self, kind: str, event: wire.Event, *, flat: float) -> bytes:
        luck = self._random.random()
        if luck < flat:
            return wire.flat(event)
        if luck < (1 + flat) / 2 or self._frame is None:
            return wire.envelope(EVENT_TYPES[kind], event)
        return self._frame(EVENT_TYPES[kind], event)

    def _units(self, least: int, most: int) -> int:
        return 100 * self._random.randint(least, most)

    def _next_stamp(self, now: int) -> int:
        self._stamp = max(now, self._stamp + 1)
        return self._stamp


def snippet(now: int) -> Message:
    """Return the message of the seed's producer snippet, byte for byte: same fields, same order, no key."""
    event_data = {
        "event_id": "abc123",
        "timestamp": wire.instant(now),
        "product_id": "prod987",
        "adjusted_quantity": 10,
        "new_quantity": 150,
        "adjustment_reason": "restock",
        "adjusted_by": "user123",
    }
    return Message("adjusted", None, json.dumps(event_data).encode("utf-8"))


def item_names(items: int = 40) -> Sequence[str]:
    """Return the items that traffic speaks of, the busiest first."""
    return [f"sku-{n:03}" for n in range(1, items + 1)]
