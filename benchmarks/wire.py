"""The events as messages: for us as upstream sends them, for the peers in the form that is easiest for them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from atp_stream.demo import wire
from benchmarks.traffic import Happening

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EVENTS: Final = {
    "created": "ReservationCreatedEvent",
    "released": "ReservationReleasedEvent",
    "fulfilled": "ReservationFulfilledEvent",
}
_encode = msgspec.json.Encoder().encode

Frame = Callable[[str, dict[str, Any]], bytes]
"""Event type and fields (amounts in hundredths, stamps in microseconds) to framed Avro."""


class Message(NamedTuple):
    """A record of one of our input topics; `at` is its time, in microseconds."""

    kind: str
    at: int
    value: bytes


def message(happening: Happening, begins: int, frame: Frame) -> Message:
    """Return the event as upstream sends it, a millisecond after the one before.

    Adjustments are flat JSON as in the seed; of the reservations' events every second one is Avro.
    """
    at = begins + happening.number * 1_000
    if happening.kind == "adjusted":
        return Message(happening.kind, at, _adjustment(happening, at))
    said: dict[str, Any] = {
        "eventId": f"event-{happening.number:08d}",
        "itemId": happening.item,
        "reservationId": happening.reservation,
    }
    if happening.kind == "created":
        said["channel"] = happening.channel
    if happening.kind == "released":
        said["reason"] = "CANCELLED"
    if happening.number % 2:
        said |= {"quantity": happening.quantity * 100, "timestamp": at, "tenantId": "acme"}
        return Message(happening.kind, at, frame(_EVENTS[happening.kind], said))
    said |= {"quantity": happening.quantity, "timestamp": instant(at)}
    return Message(happening.kind, at, _encode(said))


def framing(schemas: dict[str, Any], ids: dict[str, int]) -> Frame:
    """Return what frames an event, from the schemas and their ids by event type."""
    return lambda event, said: wire.framed(schemas[event], ids[event], said)


def _adjustment(happening: Happening, at: int) -> bytes:
    return _encode(
        {
            "event_id": f"event-{happening.number:08d}",
            "timestamp": instant(at),
            "product_id": happening.item,
            "adjusted_quantity": happening.quantity,
            "new_quantity": happening.level,
            "adjustment_reason": "restock",
            "adjusted_by": "user123",
        }
    )


def for_peers(happening: Happening) -> bytes:
    """Return the event as the peers get it: JSON, keyed by its item, all kinds in one topic, in order."""
    return _encode(
        {
            "kind": happening.kind,
            "eventId": f"event-{happening.number:08d}",
            "timestamp": instant(happening.number * 1_000),
            "itemId": happening.item,
            "quantity": happening.quantity,
            "onHand": happening.level,
            "reservationId": happening.reservation,
            "channel": happening.channel,
        }
    )


def instant(micros: int) -> str:
    """Return a stamp as upstream writes it."""
    return (_EPOCH + timedelta(microseconds=micros)).replace(tzinfo=None).isoformat() + "Z"
