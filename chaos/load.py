"""The load of a run: the demo's traffic, and tenants, locations, shared instants, odd channels, hot items, dates.

All of it follows from the seed and the clock. It uses only what the oracle knows; each location is counted before it
is used.
"""

import random
from dataclasses import dataclass, field
from typing import Any, Final

from atp_stream.demo import poison, wire
from atp_stream.demo.traffic import EVENT_TYPES, Frame, Message
from chaos.dated import Dated
from chaos.hot import Hot

_CHANNELS: Final = {"ECOM": 40, "Ecommerce": 5, "STORE": 22, "B2B": 14, "MARKETPLACE": 13, "OUTLET": 4, None: 2}
_STEPS: Final = {
    "reserve": 44, "change": 4, "confirm": 8, "release": 12, "fulfil": 14, "ship": 2, "restock": 7, "sell": 5,
    "count": 4,
}  # fmt: skip
_PLACES: Final = ("berlin", "hamburg", "a|b%")
_SELLERS: Final = (None, None, None, "acme", "b|c")  # None: the default tenant
_MAX_LIMIT_US: Final = 6_000_000  # microseconds
_LATE, _TWICE, _POISON, _SAME_INSTANT, _NAMELESS, _ENDED = 0.06, 0.04, 0.01, 0.03, 0.03, 0.2
_MAX_ENDED: Final = 5  # ended orders of an item that messages still name, if `max_open` is set
_HOT: Final = 0.03
_DATED: Final = 0.12
WINDOW_S: Final = 60
"""The shortest window that a policy may have, so that a run of minutes lasts several of them."""


@dataclass(slots=True)
class _Item:
    """An item as upstream sees it: what is on its shelves, its open orders with their units, and those that ended."""

    name: str
    tenant: str | None
    shelves: dict[str, int]
    orders: dict[str, int] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    stamp: int = 0


class Load:
    """An endless supply of messages; `frame` writes Avro, without it all is JSON.

    `hot` is the share of hot items, `dated` that of items with dates. `window` (seconds) is that of the policy: what is
    repeated comes within it, or up to three windows later. With `max_open`, an item never has more open orders: before
    one more comes, the oldest ends, and soon no message names it any more. So what a product must remember does not
    grow.
    """

    def __init__(
        self, *, seed: int, items: int = 80, frame: Frame | None = None, hot: float = _HOT, dated: float = _DATED,
        window: float = WINDOW_S, max_open: int | None = None,
    ) -> None:  # fmt: skip
        self._luck = random.Random(seed)
        self._frame = frame
        self._max_open = max_open
        self._items = [self._made(number) for number in range(1, items + 1)]
        self._weights = [1 / number**0.4 for number in range(1, items + 1)]
        self._hot_share = hot
        self._dated_share = dated
        self._dated = Dated(
            self._luck, write=lambda kind, event: self._written(kind, event, flat=0.5), max_open=max_open
        )
        self._hot = Hot(self._luck, window=window, write=lambda kind, event: self._written(kind, event, flat=0.7))
        self._stamp = 0
        self._count = 0

    def _made(self, number: int) -> _Item:
        luck = self._luck
        places = _PLACES[: luck.randint(2, 3)] if number % 3 == 0 else ("",)
        shelves = {place: 100 * luck.randint(10, 60) for place in places}
        return _Item(f"sku-{number:03}", luck.choice(_SELLERS), shelves)

    def opening(self, now: int) -> list[Message]:
        """Return a count of every shelf."""
        counts = [self._count_shelf(item, place, now) for item in self._items for place in item.shelves]
        counts += self._dated.opening(now) if self._dated_share else ()
        return [*counts, *(self._hot.opening(now) if self._hot_share else ())]

    def step(self, now: int) -> list[Message]:
        """Return the next event, which may be late, repeated or poison; `now` in microseconds."""
        if self._hot_share and self._luck.random() < self._hot_share:
            return self._hot.step(now)
        luck = self._luck.random()
        if luck < _POISON:
            return [Message(*poison.choose(self._luck, now))]
        is_dated = self._dated_share and self._luck.random() < self._dated_share
        messages = self._dated.step(now) if is_dated else self._event(now)
        if luck < _POISON + _LATE:
            return [message._replace(delay=self._luck.uniform(0.2, 2.5)) for message in messages]
        if luck < _POISON + _LATE + _TWICE:
            return [*messages, *(message._replace(delay=self._luck.uniform(0.0, 3.0)) for message in messages)]
        return messages

    def _event(self, now: int) -> list[Message]:
        item = self._luck.choices(self._items, self._weights)[0]
        step = self._luck.choices([*_STEPS], [*_STEPS.values()])[0]
        place = self._luck.choice([*item.shelves])
        if step == "count":
            return [self._count_shelf(item, place, now)]
        if step in {"restock", "sell"}:
            return [self._adjust(step, item, place, now)]
        if step == "reserve" and len(item.orders) == self._max_open:
            return self._follow_up(self._luck.choice(("release", "fulfil")), item, next(iter(item.orders)), place, now)
        if step == "reserve" or not item.orders:
            return [self._reserve(item, now)]
        return self._follow_up(step, item, self._luck.choice([*item.orders]), place, now)

    def _follow_up(self, step: str, item: _Item, order: str, place: str, now: int) -> list[Message]:
        if step == "change":
            return [self._change(item, order, now)]
        if step == "confirm":
            return [self._message("confirmed", item, now, reservationId=order)]
        units = item.orders[order]
        part = 25 * self._luck.randint(1, units // 25) if self._luck.random() < 0.4 else None
        if step == "release":
            return self._release(item, order, part, now)
        if (part or units) > item.shelves[place]:  # what is not there cannot leave
            return [self._adjust("restock", item, place, now)]
        self._take(item, order, part or units)
        item.shelves[place] -= part or units
        event = self._message("fulfilled", item, now, reservationId=order, quantity=part, locationId=place or None)
        if step == "ship":  # the warehouse reports it too, and sometimes it alone
            shipped = self._adjustment(item, place, -(part or units), now, reservation_id=order)
            return [shipped] if self._luck.random() < 0.3 else [event, shipped]
        return [event]

    def _change(self, item: _Item, order: str, now: int) -> Message:
        if item.ended and self._luck.random() < _ENDED:  # somebody does not know of its end
            return self._create(item, self._luck.choice(item.ended), self._units(1, 6), now)
        item.orders[order] = self._units(1, 6)
        return self._create(item, order, item.orders[order], now)

    def _release(self, item: _Item, order: str, part: int | None, now: int) -> list[Message]:
        units = item.orders[order]
        self._take(item, order, part or units)
        event = f"part-{self._count}"  # sometimes a release and a fulfilment have the same id
        found = [
            self._message("released", item, now, reservationId=order, quantity=part, eventId=event, reason="customer")
        ]
        if part and 2 * part <= units:
            self._take(item, order, part)
            found.append(self._message("fulfilled", item, now, reservationId=order, quantity=part, eventId=event))
        return found

    def _take(self, item: _Item, order: str, units: int) -> None:
        item.orders[order] -= units
        if not item.orders[order]:
            del item.orders[order]
            item.ended.append(order)
            if self._max_open:
                del item.ended[:-_MAX_ENDED]

    def _reserve(self, item: _Item, now: int) -> Message:
        self._count += 1
        order = f"order-{self._count}"
        item.orders[order] = self._units(1, 5)
        return self._create(item, order, item.orders[order], now)

    def _create(self, item: _Item, order: str, units: int, now: int) -> Message:
        own = random.Random(order)  # an order keeps its channel and flags: they follow from its name
        flags: dict[str, Any] = {
            "allowPartial": True if own.random() < 0.2 else None,
            "allowBackorder": False if own.random() < 0.15 else None,
            "priority": own.randint(1, 3) if own.random() < 0.1 else None,
            "expiresAt": now + own.randint(100_000, _MAX_LIMIT_US) if own.random() < 0.15 else None,
            "reference": f"web-{order}" if own.random() < 0.1 else None,
            "locationId": self._luck.choice([None, *item.shelves]) or None,  # a change may name another
        }
        channel = own.choices([*_CHANNELS], [*_CHANNELS.values()])[0]
        return self._message("created", item, now, reservationId=order, channel=channel, quantity=units, **flags)

    def _count_shelf(self, item: _Item, place: str, now: int) -> Message:
        if self._luck.random() < 0.3:  # something has gone missing
            item.shelves[place] = item.shelves[place] * 8 // 10
        return self._message("counted", item, now, onHand=item.shelves[place], locationId=place or None)

    def _adjust(self, step: str, item: _Item, place: str, now: int) -> Message:
        units = self._units(15, 40) if step == "restock" else -min(item.shelves[place], self._units(1, 4))
        item.shelves[place] += units
        return self._adjustment(item, place, units, now)

    def _adjustment(self, item: _Item, place: str, units: int, now: int, **said: Any) -> Message:
        stamp = self._next_stamp(item, now)
        event = {
            "event_id": None if self._luck.random() < _NAMELESS else f"adj-{self._count}-{stamp}-{units}",
            "timestamp": stamp,
            "product_id": item.name,
            "tenant_id": item.tenant,
            "location_id": place or None,
            "adjusted_quantity": units,
            "new_quantity": item.shelves[place] if self._luck.random() < 0.9 else None,
            "adjustment_reason": "restock" if units > 0 else "sale",
            "adjusted_by": "user123",
            **said,
        }
        return Message("adjusted", None, self._written("adjusted", event, flat=0.85))

    def _message(self, kind: str, item: _Item, now: int, **said: Any) -> Message:
        stamp = self._next_stamp(item, now)
        self._count += 1
        event = {
            "eventId": None if self._luck.random() < _NAMELESS else f"{kind}-{self._count}",
            "timestamp": stamp,
            "tenantId": item.tenant,
            "itemId": item.name,
            **said,
        }
        return Message(kind, item.name.encode(), self._written(kind, event, flat=0.4))

    def _written(self, kind: str, event: wire.Event, *, flat: float) -> bytes:
        luck = self._luck.random()
        if luck < flat:
            return wire.flat(event)
        if luck < (1 + flat) / 2 or self._frame is None:
            return wire.envelope(EVENT_TYPES[kind], event)
        return self._frame(EVENT_TYPES[kind], event)

    def _units(self, least: int, most: int) -> int:
        return 100 * self._luck.randint(least, most) + self._luck.choice((0, 0, 0, 25, 50))

    def _next_stamp(self, item: _Item, now: int) -> int:
        """Return a new stamp, but sometimes the last one of this item."""
        if item.stamp and self._luck.random() < _SAME_INSTANT:
            return item.stamp
        self._stamp = item.stamp = max(now, self._stamp + 1)
        return item.stamp
