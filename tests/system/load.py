"""Random but repeatable traffic in the three wire forms' JSON ones, with duplicates and poison on request."""

import random
import time
from collections.abc import Iterator
from typing import Any

from atp_stream.topics import Topics

CHANNELS = ("ECOM", "STORE", "B2B", "MARKETPLACE")
POISON: tuple[bytes, ...] = (
    b"\xff\xfe not json",
    b"[]",
    b'{"reservationId": "p-1", "itemId": "poison", "quantity": NaN}',
    b'{"reservationId": "p-2", "itemId": "poison", "quantity": 1.505}',
    b'{"reservationId": "p-3", "itemId": "poison", "quantity": 100000000000000000000}',
    b'{"reservationId": "p-4", "itemId": "poison", "quantity": -1}',
    b'{"reservationId": "", "itemId": "poison", "quantity": 1}',
    b'{"itemId": "poison", "quantity": 1}',
    b"\x00\x00\x01\x86\x9f\x02a",  # framed Avro of a schema that the registry does not know
)


class Load:
    """An endless mix over some items; `messages` yields (topic, value)."""

    def __init__(self, topics: Topics, *, seed: int, items: int = 40, poison: float = 0.0) -> None:
        self._topics = topics
        self._random = random.Random(seed)
        self._items = [f"item-{number}" for number in range(items)]
        self._stock = dict.fromkeys(self._items, 0)
        self._open: list[tuple[str, str]] = []
        self._poison = poison
        self._number = 0
        self._mark = f"{seed}-{time.time_ns()}"
        self.poisoned = 0

    def messages(self, count: int) -> Iterator[tuple[str, bytes | dict[str, Any]]]:
        """Yield the next messages."""
        for _ in range(count):
            self._number += 1
            if self._random.random() < self._poison:
                self.poisoned += 1
                yield self._topics.created.name, POISON[self.poisoned % len(POISON)]
                continue
            message = self._message()
            yield message
            if self._random.random() < 0.03:
                yield message  # upstream said it twice

    def _message(self) -> tuple[str, dict[str, Any]]:
        choice = self._random.random()
        item = self._random.choice(self._items)
        about = {"itemId": item, "timestamp": int(time.time() * 1000), "eventId": f"{self._mark}-{self._number}"}
        if choice < 0.25:
            delta = self._random.randrange(1, 30)
            self._stock[item] += delta
            return self._topics.adjusted.name, {
                "event_id": about["eventId"],
                "timestamp": about["timestamp"],
                "product_id": item,
                "adjusted_quantity": delta,
                "new_quantity": self._stock[item],
            }
        if choice < 0.7 or not self._open:
            reservation = f"r-{self._mark}-{self._number}"
            self._open.append((item, reservation))
            quantity = self._random.randrange(1, 8)
            channel = self._random.choice(CHANNELS)
            payload = {"reservationId": reservation, "itemId": item, "quantity": quantity, "channel": channel}
            return self._topics.created.name, {
                "eventType": "ReservationCreatedEvent",
                "eventId": about["eventId"],
                "timestamp": about["timestamp"],
                "tenantId": "acme",
                "payload": payload,
            }
        item, reservation = self._open.pop(self._random.randrange(len(self._open)))
        topic = self._random.choice([self._topics.released, self._topics.fulfilled, self._topics.confirmed])
        if topic is self._topics.confirmed:
            self._open.append((item, reservation))
        return topic.name, {**about, "itemId": item, "reservationId": reservation}
