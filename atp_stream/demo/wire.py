"""The three wire forms that upstream may write: flat JSON, the JSON envelope, and framed Avro."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_QUANTITIES: Final = {"adjusted_quantity", "new_quantity", "onHand", "quantity"}
_STAMPS: Final = {"timestamp", "expiresAt"}
_DATES: Final = {"expectedDate", "requestedDate"}
_HEAD: Final = {"eventId", "event_id", "timestamp", "tenantId", "tenant_id"}
Event = Mapping[str, Any]  # quantities in whole hundredths, stamps in microseconds, dates in days since 1970-01-01


def instant(micros: int) -> str:
    """Return a stamp as upstream's snippet writes it: ISO 8601 with a `Z`."""
    return (_EPOCH + timedelta(microseconds=micros)).replace(tzinfo=None).isoformat() + "Z"


def flat(event: Event) -> bytes:
    """Return the event as flat JSON."""
    return json.dumps(_plain(event)).encode()


def envelope(event_type: str, event: Event) -> bytes:
    """Return the event as `{eventType, eventId, timestamp, aggregateId, tenantId, payload}`."""
    plain = _plain(event)
    head = {
        "eventType": event_type,
        "eventId": plain.get("eventId") or plain.get("event_id"),
        "timestamp": plain["timestamp"],
        "aggregateId": plain.get("itemId") or plain.get("product_id"),
        "tenantId": plain.get("tenantId") or plain.get("tenant_id"),
    }
    payload = {name: said for name, said in plain.items() if name not in _HEAD}
    return json.dumps({**{name: said for name, said in head.items() if said is not None}, "payload": payload}).encode()


def framed(schema: Mapping[str, Any], schema_id: int, event: Event) -> bytes:
    """Return the event in Confluent's framing, written by one of our flat schemas."""
    fields = [_avro(field["type"], event.get(field["name"])) for field in schema["fields"]]
    return b"\0" + schema_id.to_bytes(4, "big") + b"".join(fields)


def _plain(event: Event) -> dict[str, Any]:
    return {name: _json(name, said) for name, said in event.items() if said is not None}


def _json(name: str, said: Any) -> Any:
    if name in _QUANTITIES:
        return said // 100 if said % 100 == 0 else said / 100
    if name in _DATES:
        return (_EPOCH + timedelta(days=said)).date().isoformat()
    return instant(said) if name in _STAMPS else said


def _avro(kind: Any, said: Any) -> bytes:
    if isinstance(kind, list):  # ["null", ...]
        return _long(0) if said is None else _long(1) + _avro(kind[1], said)
    if isinstance(said, bool):
        return b"\1" if said else b"\0"
    if isinstance(said, str):
        text = said.encode()
        return _long(len(text)) + text
    if isinstance(kind, dict) and kind["type"] == "bytes":
        unscaled: bytes = said.to_bytes((said.bit_length() + 8) // 8, "big", signed=True)
        return _long(len(unscaled)) + unscaled
    in_milliseconds = isinstance(kind, dict) and kind.get("logicalType") == "timestamp-millis"
    return _long(said // 1000 if in_milliseconds else said)


def _long(number: int) -> bytes:
    rest = number << 1 if number >= 0 else (-number << 1) - 1
    found = bytearray()
    while rest > 0x7F:  # noqa: PLR2004 - seven bits a byte
        found.append(rest & 0x7F | 0x80)
        rest >>= 7
    found.append(rest)
    return bytes(found)
