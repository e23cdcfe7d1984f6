"""Items with supplies and wanted days: supplies are late, early, partial, repeated or never come, and are promised.

An item knows what is on its shelf and what is open of its orders; everything else is chance. Receipts come in three
ways: as an adjustment that names the supply, as a receipt that moves the stock, and as a receipt that does not, with or
without an adjustment that moves it.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from atp_stream.demo.traffic import Message

DAY: Final = 86_400_000_000
"""Microseconds."""

_CHANNELS: Final = ("ECOM", "STORE", "B2B")
_DAYS: Final = (-1, 0, 0, 0, 1, 1, 1, 2, 3, 5, 9, 200)  # from today, on which something is expected
_WANTED: Final = (None, None, None, 0, 1, 1, 2, 3, 5)
_MAX_SUPPLIES: Final = 4  # of an item at a time
_KINDS: Final = {"supply_scheduled", "supply_changed", "supply_cancelled", "supply_received"}
_REPEATED: Final = 0.05


@dataclass(slots=True)
class _Item:
    """What is on the shelf of an item, what was ordered for it, and its open reservations with their units."""

    name: str
    shelf: int = 0
    supplies: list[str] = field(default_factory=list)
    orders: dict[str, int] = field(default_factory=dict)


class Dated:
    """Makes messages about items with dates; `write` puts an event of a kind on the wire.

    With `max_open` an item never has more open orders, and a supply that gets no more messages does not stay open.
    """

    def __init__(
        self, luck: random.Random, *, items: int = 3, write: Callable[[str, dict[str, Any]], bytes],
        max_open: int | None = None,
    ) -> None:  # fmt: skip
        self._luck = luck
        self._write = write
        self._max_open = max_open
        self._items = [_Item(f"dated-{number}") for number in range(1, items + 1)]
        self._names = self._stamp = 0
        self._last: Message | None = None
        self._acts: dict[Callable[[_Item, int], list[Message]], int] = {
            self._schedule: 9,
            self._change: 6,
            self._cancel: 1,
            self._receive: 9,
            self._take_back: 1,
            self._order: 16,
            self._ask_anew: 4,
            self._confirm: 3,
            self._release: 4,
            self._fulfil: 6,
            self._count: 3,
            self._sell: 3,
        }

    def opening(self, now: int) -> list[Message]:
        """Return a count of each item."""
        for item in self._items:
            item.shelf = self._units()
        return [message for item in self._items for message in self._count(item, now)]

    def step(self, now: int) -> list[Message]:
        """Return what happens next; `now` in microseconds."""
        if self._last is not None and self._luck.random() < _REPEATED:
            return [self._last]
        act = self._luck.choices([*self._acts], [*self._acts.values()])[0]
        found = act(self._luck.choice(self._items), now)
        self._last = found[-1]
        return found

    # Supplies

    def _schedule(self, item: _Item, now: int) -> list[Message]:
        if len(item.supplies) >= _MAX_SUPPLIES:
            return self._change(item, now)
        self._names += 1
        item.supplies.append(f"po-{self._names}")
        return [self._state("supply_scheduled", item, item.supplies[-1], now)]

    def _change(self, item: _Item, now: int) -> list[Message]:
        if not item.supplies:
            return self._schedule(item, now)
        return [self._state("supply_changed", item, self._luck.choice(item.supplies), now)]

    def _state(self, kind: str, item: _Item, supply: str, now: int) -> Message:
        day = now // DAY + self._luck.choice(_DAYS)
        firm = None if self._luck.random() < 0.9 else False
        place = self._luck.choice((None, None, "dock"))
        return self._message(
            kind, item, now, supplyId=supply, quantity=self._units(), expectedDate=day, firm=firm, locationId=place
        )

    def _cancel(self, item: _Item, now: int) -> list[Message]:
        if not item.supplies:
            return self._schedule(item, now)
        supply = item.supplies.pop(self._luck.randrange(len(item.supplies)))
        return [self._message("supply_cancelled", item, now, supplyId=supply, reason="the supplier has none")]

    def _receive(self, item: _Item, now: int) -> list[Message]:
        if not item.supplies:
            return self._schedule(item, now)
        supply, luck = self._luck.choice(item.supplies), self._luck.random()
        if self._luck.random() >= 0.4:
            return self._received(item, supply, luck, now)
        item.supplies.remove(supply)  # what still comes of it is unexpected
        found = self._received(item, supply, luck, now)
        if self._max_open:
            found.append(self._message("supply_cancelled", item, now, supplyId=supply, reason="that was all"))
        return found

    def _received(self, item: _Item, supply: str, luck: float, now: int) -> list[Message]:
        units = self._units()
        if luck < 0.5:
            return [self._adjust(item, units, now, supply_id=supply)]
        if luck < 0.65:
            item.shelf += units
            return [self._message("supply_received", item, now, supplyId=supply, quantity=units, movesStock=True)]
        final = True if self._luck.random() < 0.3 else None
        whole = None if self._luck.random() < 0.2 else units
        receipt = self._message("supply_received", item, now, supplyId=supply, quantity=whole, final=final)
        if luck < 0.75:
            return [receipt]
        stock = self._adjust(item, units, now, **({"supply_id": supply} if luck < 0.9 else {}))
        return [stock, receipt] if luck < 0.8 else [receipt, stock._replace(delay=self._luck.uniform(0.0, 2.0))]

    def _take_back(self, item: _Item, now: int) -> list[Message]:
        if not item.supplies:
            return self._schedule(item, now)
        return [self._adjust(item, -min(item.shelf, self._units()), now, supply_id=self._luck.choice(item.supplies))]

    # Reservations

    def _order(self, item: _Item, now: int) -> list[Message]:
        if len(item.orders) == self._max_open:
            oldest = next(iter(item.orders))
            del item.orders[oldest]
            return [self._message("released", item, now, reservationId=oldest)]
        self._names += 1
        order = f"dated-order-{self._names}"
        item.orders[order] = self._units()
        return [self._create(item, order, now)]

    def _ask_anew(self, item: _Item, now: int) -> list[Message]:
        """Ask for another day, for other units, or for both."""
        if not item.orders:
            return self._order(item, now)
        order = self._luck.choice([*item.orders])
        if self._luck.random() < 0.5:
            item.orders[order] = self._units()
        return [self._create(item, order, now)]

    def _create(self, item: _Item, order: str, now: int) -> Message:
        own = random.Random(order)  # an order keeps its channel and its flags
        wanted = self._luck.choice(_WANTED)
        return self._message(
            "created",
            item,
            now,
            reservationId=order,
            channel=own.choice(_CHANNELS),
            quantity=item.orders[order],
            requestedDate=None if wanted is None else now // DAY + wanted,
            allowPartial=True if own.random() < 0.4 else None,
            allowBackorder=False if own.random() < 0.1 else None,
            priority=own.choice((-1, 1, 2)) if own.random() < 0.2 else None,
            expiresAt=now + own.choice((4_000_000, 2 * DAY)) if own.random() < 0.1 else None,
        )

    def _confirm(self, item: _Item, now: int) -> list[Message]:
        if not item.orders:
            return self._order(item, now)
        return [self._message("confirmed", item, now, reservationId=self._luck.choice([*item.orders]))]

    def _release(self, item: _Item, now: int) -> list[Message]:
        return self._end("released", item, now)

    def _fulfil(self, item: _Item, now: int) -> list[Message]:
        return self._end("fulfilled", item, now)

    def _end(self, kind: str, item: _Item, now: int) -> list[Message]:
        if not item.orders:
            return self._order(item, now)
        order = self._luck.choice([*item.orders])
        units = self._units() if self._luck.random() < 0.4 else None
        left = item.orders[order] - (units or item.orders[order])
        if kind == "fulfilled":
            item.shelf = max(0, item.shelf - (units or item.orders[order]))
        if left > 0:
            item.orders[order] = left
        else:
            del item.orders[order]
        return [self._message(kind, item, now, reservationId=order, quantity=units)]

    # Stock

    def _count(self, item: _Item, now: int) -> list[Message]:
        if self._luck.random() < 0.3:  # something has gone missing, or was found
            item.shelf = self._units() * self._luck.randint(0, 3)
        return [self._message("counted", item, now, onHand=item.shelf)]

    def _sell(self, item: _Item, now: int) -> list[Message]:
        return [self._adjust(item, -min(item.shelf, self._units()), now)]

    def _adjust(self, item: _Item, units: int, now: int, **said: Any) -> Message:
        item.shelf += units
        self._names += 1
        event = {
            "event_id": f"dated-adjusted-{self._names}",
            "timestamp": self._next_stamp(now),
            "product_id": item.name,
            "adjusted_quantity": units,
            "new_quantity": item.shelf if self._luck.random() < 0.5 else None,
            **said,
        }
        return Message("adjusted", None, self._write("adjusted", event))

    def _message(self, kind: str, item: _Item, now: int, **said: Any) -> Message:
        self._names += 1
        event = {"eventId": f"{kind}-{self._names}", "timestamp": self._next_stamp(now), "itemId": item.name, **said}
        key = said.get("supplyId", item.name) if kind in _KINDS else item.name
        return Message(kind, key.encode(), self._write(kind, event))

    def _units(self) -> int:
        return 100 * self._luck.choice((1, 2, 3, 5, 8, 13))

    def _next_stamp(self, now: int) -> int:
        self._stamp = max(now, self._stamp + 1)
        return self._stamp
