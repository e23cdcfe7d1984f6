"""Messages that no one should send, and that someone sends; each in a topic of its kind."""

import json
import random
from collections.abc import Callable
from typing import Any, Final

from atp_stream.demo import wire

Poison = tuple[str, bytes | None, bytes | None]  # kind, key, value
_HOUR_US: Final = 3_600_000_000
_NO_SCHEMA: Final = 987_654_321


def _order(now: int, **said: Any) -> dict[str, Any]:
    event = {"eventId": f"bad-{now}", "timestamp": wire.instant(now), "itemId": "sku-001", "channel": "ECOM"}
    return {**event, "reservationId": f"bad-{now}", "quantity": 1, **said}


def _created(said: dict[str, Any]) -> Poison:
    return "created", None, json.dumps(said).encode()


_KINDS: Final[list[Callable[[int], Poison]]] = [
    lambda _: ("adjusted", None, b"\xff\xfe no text at all"),
    lambda _: ("adjusted", None, b'{"event_id": "cut", "product_id": "sku-00'),
    lambda _: ("adjusted", None, b"[1, 2, 3]"),
    lambda _: ("released", None, b'"released"'),
    lambda _: ("counted", None, b"\0" + _NO_SCHEMA.to_bytes(4, "big") + b"of no schema"),
    lambda now: _created(_order(now, quantity=float("nan"))),
    lambda now: _created(_order(now, quantity=1.005)),
    lambda now: _created(_order(now, quantity=10**20)),
    lambda now: _created(_order(now, quantity=-1)),
    lambda now: _created(_order(now, quantity={"units": 1})),
    lambda now: _created(_order(now, itemId="")),
    lambda now: _created(_order(now, reservationId="a\x07b")),
    lambda now: _created(_order(now, timestamp="yesterday")),
    lambda now: _created(_order(now, timestamp=wire.instant(now + _HOUR_US))),
    # Not poison, but not ours either: a tombstone, and an event of another type.
    lambda _: ("created", b"sku-001", None),
    lambda now: _created(_order(now, eventType="ReservationViewedEvent")),
]


def choose(luck: random.Random, now: int) -> Poison:
    """Return one of them."""
    return luck.choice(_KINDS)(now)
