"""A few items to which much happens at once, as on a busy day.

There are bursts without keys, which therefore come over all partitions in any order: deltas without an absolute, sales
in the seed's form, and sales that all have the same whole second; with counts in between. Messages are repeated after
hundreds of others; some are repeated, or come for the first time, so late that they are near the limit of what is
remembered. Thousands of shipments are in no count: from places that are counted, from others, and from no place. One
item is at hundreds of places.
"""

import random
from bisect import bisect_left
from collections.abc import Callable
from operator import itemgetter
from typing import Any, Final

from atp_stream.demo.traffic import Message

DELTAS: Final = "hot-deltas"
SALES: Final = "hot-sales"
SECONDS: Final = "hot-seconds"
SHIPPED: Final = "hot-shipped"
STORES: Final = "hot-stores"
_FROM: Final = (None, None, "berlin", "hamburg", "a place that nobody counts")
_SECOND_US: Final = 1_000_000
_APART_MESSAGES: Final = 300  # how many messages lie between one and its repetition
_REPEAT_WINDOWS: Final = 0.4  # how many windows a repetition may be late and must still be known
_LATE_WINDOWS: Final = (0.7, 3.3)  # how many windows late a fact may be: known, in time, past or stale
_PLENTY: Final = 10_000_000
_moment = itemgetter(0)


class Hot:
    """Makes messages about hot items; `write` puts an event of a kind on the wire. `window` is in seconds."""

    def __init__(self, luck: random.Random, *, window: float, write: Callable[[str, dict[str, Any]], bytes]) -> None:
        self._luck = luck
        self._window = window * _SECOND_US
        self._write = write
        self._levels = dict.fromkeys((DELTAS, SALES, SECONDS), 300_000)
        self._places = [f"store-{number:03}" for number in range(300)]
        self._made: list[tuple[int, Message]] = []  # by the moment at which it was made
        self._withheld: list[tuple[int, Message]] = []  # what is sent late, by the moment at which it is
        self._stamp = 0
        self._names = 0
        self._acts: dict[Callable[[int], list[Message]], int] = {
            self._deltas: 3,
            self._sales: 3,
            self._seconds: 3,
            self._counts: 3,
            self._again: 12,
            self._late: 4,
            self._ship: 24,
            self._move_somewhere: 10,
        }

    def opening(self, now: int) -> list[Message]:
        """Return a count of each item: of the one at many places, at each place."""
        counts = [self._count(item, now) for item in self._levels]
        counts += [self._stated(SHIPPED, place, _PLENTY, now) for place in ("berlin", "hamburg")]
        return [*counts, *(self._stated(STORES, place, 100, now) for place in self._places)]

    def step(self, now: int) -> list[Message]:
        """Return what happens next; `now` in microseconds."""
        act = self._luck.choices([*self._acts], [*self._acts.values()])[0]
        return act(now)

    def _deltas(self, now: int) -> list[Message]:
        return [self._move(DELTAS, self._luck.choice((-200, -100, -100, 100, 250)), now) for _ in self._burst(50, 200)]

    def _sales(self, now: int) -> list[Message]:
        return [self._move(SALES, -25 * self._luck.randint(1, 8), now, states=True) for _ in self._burst(30, 120)]

    def _seconds(self, now: int) -> list[Message]:
        """Return sales of one second, and sometimes a count among them; some state no absolute."""
        second = now // _SECOND_US * _SECOND_US
        sales = [self._move(SECONDS, -100, second, states=self._luck.random() < 0.95) for _ in self._burst(30, 120)]
        return [*sales, self._count(SECONDS, now)] if self._luck.random() < 0.3 else sales

    def _burst(self, least: int, most: int) -> range:
        return range(self._luck.randint(least, most))

    def _move(self, item: str, units: int, at: int, *, states: bool = False) -> Message:
        """Return an adjustment that comes within a second of the others."""
        if self._levels[item] + units < 0:  # a delivery in between
            units = 300_000
        self._levels[item] += units
        event = self._event("adjusted", at if item == SECONDS else self._next_stamp(at))
        event |= {"product_id": item, "adjusted_quantity": units}
        if states:
            event["new_quantity"] = self._levels[item]
        return self._message("adjusted", at, event, self._luck.uniform(0.0, 1.0))

    def _count(self, item: str, now: int) -> Message:
        at = now // _SECOND_US * _SECOND_US if item == SECONDS else now
        return self._stated(item, None, self._levels[item], at)

    def _stated(self, item: str, place: str | None, units: int, at: int) -> Message:
        event = self._event("counted", at if item == SECONDS else self._next_stamp(at))
        return self._message("counted", at, {**event, "itemId": item, "locationId": place, "onHand": units})

    def _counts(self, now: int) -> list[Message]:
        item = self._luck.choice([*self._levels, SHIPPED])
        return [self._stated(SHIPPED, "hamburg", _PLENTY, now) if item == SHIPPED else self._count(item, now)]

    def _again(self, now: int) -> list[Message]:
        """Return some messages of hundreds of messages ago, but within the window."""
        first = bisect_left(self._made, now - _REPEAT_WINDOWS * self._window, key=_moment)
        return self._some(self._made[first:-_APART_MESSAGES])

    def _late(self, now: int) -> list[Message]:
        """Withhold a fact; return those withheld before that are due, and some messages that are as old."""
        self._withheld.append((now + self._lateness(), self._move(DELTAS, 100, now)))
        del self._made[-1]
        last = bisect_left(self._made, now - self._lateness(), key=_moment)
        found = self._some(self._made[max(0, last - _APART_MESSAGES) : last])
        due = [message for at, message in self._withheld if at < now]
        self._withheld = [(at, message) for at, message in self._withheld if at >= now]
        return [*found, *due]

    def _lateness(self) -> int:
        return int(self._luck.uniform(*_LATE_WINDOWS) * self._window)

    def _some(self, made: list[tuple[int, Message]]) -> list[Message]:
        return [message._replace(delay=0.0) for _, message in self._luck.sample(made, min(len(made), 5))]

    def _ship(self, now: int) -> list[Message]:
        """Return some orders and the messages of their shipments, which sometimes come first."""
        found: list[Message] = []
        for _ in self._burst(4, 12):
            created = self._event("created", self._next_stamp(now))
            order = {"itemId": SHIPPED, "reservationId": f"hot-order-{self._names}", "quantity": 100}
            created |= {**order, "channel": "ECOM", "locationId": self._luck.choice(_FROM)}
            found.append(self._message("created", now, created, self._luck.uniform(0.0, 0.5)))
            found.append(self._leave(order, now))
        return found

    def _leave(self, order: dict[str, Any], now: int) -> Message:
        """Let an order leave: by a fulfilment, or by an adjustment that names it."""
        kind = "adjusted" if self._luck.random() < 0.25 else "fulfilled"
        left, delay = self._event(kind, self._next_stamp(now)), self._luck.uniform(0.3, 2.0)
        if kind == "fulfilled":
            left |= {**order, "locationId": self._luck.choice(_FROM)}
        else:
            left |= {"product_id": SHIPPED, "reservation_id": order["reservationId"], "location_id": "berlin"}
            left["adjusted_quantity"] = -order["quantity"]
        return self._message(kind, now, left, delay)

    def _move_somewhere(self, now: int) -> list[Message]:
        event = self._event("adjusted", self._next_stamp(now))
        place, units = self._luck.choice(self._places), self._luck.choice((-100, 100))
        event |= {"product_id": STORES, "location_id": place, "adjusted_quantity": units}
        return [self._message("adjusted", now, event)]

    def _event(self, kind: str, at: int) -> dict[str, Any]:
        self._names += 1
        return {"event_id" if kind == "adjusted" else "eventId": f"hot-{kind}-{self._names}", "timestamp": at}

    def _message(self, kind: str, now: int, event: dict[str, Any], delay: float = 0.0) -> Message:
        message = Message(kind, None, self._write(kind, event), delay)
        self._made.append((max(now, self._made[-1][0] if self._made else 0), message))
        return message

    def _next_stamp(self, now: int) -> int:
        self._stamp = max(now, self._stamp + 1)
        return self._stamp
