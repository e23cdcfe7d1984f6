"""What an input asks for, read from its own bytes: a question, nothing (not ours), or a breach of the contract."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from atp_stream.oracle import avro
from atp_stream.oracle.history import Names, Record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_US = 86_400_000_000
_MAX_MESSAGE_BYTES = 65_536
_MAX_ID_BYTES = 255
_TOO_LARGE = 10**12
_MIN_MS = 100_000_000_000
_END_MS = 253_402_300_800_000
_HEAD = ("eventId", "event_id", "timestamp", "tenantId", "tenant_id")
_EVENTS = {
    "adjusted": "InventoryAdjusted",
    "counted": "StockAvailabilityChanged",
    "created": "ReservationCreated",
    "confirmed": "ReservationConfirmed",
    "released": "ReservationReleased",
    "fulfilled": "ReservationFulfilled",
    "supply_scheduled": "SupplyScheduled",
    "supply_changed": "SupplyChanged",
    "supply_cancelled": "SupplyCancelled",
    "supply_received": "SupplyReceived",
}
_STOCK = {"adjusted", "counted"}
_SUPPLY = {kind for kind in _EVENTS if kind.startswith("supply")}


class Asked(NamedTuple):
    """A question to one item; `at` in microseconds, quantities in whole hundredths, None where nothing is said.

    `day` is that on which a supply is expected, or for which a reservation asks; days are counted from 1970-01-01.
    `label` is what a supply says for people only.
    """

    kind: str
    tenant: str
    item: str
    event_id: Any
    at_us: int
    reservation: str | None = None
    quantity: int | None = None
    absolute: int | None = None
    channel: str | None = None
    priority: int = 0
    allow_partial: bool = False
    allow_backorder: bool = True
    location: str | None = None
    expires_at_us: int | None = None
    reference: str | None = None
    supply: str | None = None
    day: int | None = None
    firm: bool = True
    final: bool = False
    moves: bool = False
    label: str = ""


class Breach(Exception):
    """The message breaks the contract."""


def kind_of(names: Names, topic: str) -> str:
    """Return what an input topic carries."""
    return next(kind for kind in _EVENTS if getattr(names, kind) == topic)


def ask(names: Names, record: Record, schemas: Mapping[int, Any]) -> Asked | None:
    """Return what a record asks for, None if it is not ours to answer.

    Raises:
        Breach: it belongs to the dead letters.
    """
    if record.value is None:
        return None
    if len(record.value) > _MAX_MESSAGE_BYTES:
        raise Breach("too large")
    kind = kind_of(names, record.topic)
    head = _avro(record.value, schemas) if record.value[:1] == b"\0" else _json(record.value)
    name = head.get("eventType") or head.get("event_type")
    if name and name.removesuffix("Event") != _EVENTS[kind]:
        return None
    payload = head.get("payload")
    body = head if payload is None else payload
    if not isinstance(body, dict):
        raise Breach("a payload that is no object")
    return _asked(kind, names, record, {**body, **{name: head[name] for name in _HEAD if head.get(name) is not None}})


def _avro(value: bytes, schemas: Mapping[int, Any]) -> dict[str, Any]:
    number = avro.schema_id(value)
    schema = None if number is None else schemas.get(number)
    if schema is None:
        raise Breach("unknown schema")
    try:
        found = avro.decode(value[avro.FRAME :], schema)
    except avro.NotAvro as error:
        raise Breach(str(error)) from error
    stamps = {"timestamp", "expiresAt"}
    for field in schema["fields"]:
        if field["name"] in stamps and "micros" in json.dumps(field) and found[field["name"]] is not None:
            found[field["name"]] = Decimal(found[field["name"]]) / 1000
        if '"date"' in json.dumps(field["type"]) and found[field["name"]] is not None:
            found[field["name"]] = (_EPOCH + timedelta(days=found[field["name"]])).date().isoformat()
    return {"eventType": schema["name"].rpartition(".")[2], **found}


def _json(value: bytes) -> dict[str, Any]:
    try:
        found = json.loads(value.decode(), parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, InvalidOperation, RecursionError) as error:
        raise Breach("no JSON") from error
    if not isinstance(found, dict):
        raise Breach("no object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _asked(kind: str, names: Names, record: Record, said: Mapping[str, Any]) -> Asked:
    item = _either(said, "itemId", "item_id")
    if item is None and kind == "adjusted":
        item = _either(said, "product_id", "productId")
    stamp = said.get("timestamp")
    asked = Asked(
        kind=kind,
        tenant=_id(_either(said, "tenantId", "tenant_id") or names.tenant, needed=True),
        item=_id(item, needed=True),
        event_id=_id(_either(said, "eventId", "event_id")),
        at_us=record.timestamp * 1000 if stamp is None else _micros(stamp),
        reservation=_id(_either(said, "reservationId", "reservation_id")) or None,
        location=_id(_either(said, "locationId", "location_id")) or None,
    )
    asked = (_of_stock if kind in _STOCK else _of_supply if kind in _SUPPLY else _of_reservation)(asked, said)
    if not asked.event_id:
        of_supply = (asked.supply, asked.day if asked.supply else None)
        content = (asked.reservation, asked.location, asked.quantity, asked.absolute, *of_supply)
        asked = asked._replace(event_id=(kind, asked.at_us, *content))
    return asked


def _of_stock(asked: Asked, said: Mapping[str, Any]) -> Asked:
    if asked.kind == "counted":
        delta, absolute = None, _hundredths(_either(said, "onHand", "on_hand"))
    else:
        delta = _hundredths(_either(said, "adjusted_quantity", "adjustedQuantity"))
        absolute = _hundredths(_either(said, "new_quantity", "newQuantity"))
    supply = None if asked.kind == "counted" else _id(_either(said, "supplyId", "supply_id")) or None
    if supply is not None and asked.reservation is not None:
        raise Breach("two movements")
    if delta is None and (absolute is None or supply is not None):
        raise Breach("no quantity")
    return asked._replace(quantity=delta, absolute=absolute, supply=supply)


def _of_supply(asked: Asked, said: Mapping[str, Any]) -> Asked:
    supply = _id(_either(said, "supplyId", "supply_id"), needed=True)
    if asked.kind == "supply_cancelled":
        return asked._replace(supply=supply, location=None, reservation=None, label=said.get("reason") or "")
    quantity = _hundredths(said.get("quantity"))
    if quantity is not None and quantity <= 0:
        raise Breach("a quantity that is not positive")
    asked = asked._replace(supply=supply, quantity=quantity, reservation=None)
    if asked.kind == "supply_received":
        moves = _either(said, "movesStock", "moves_stock") is True
        if moves and quantity is None:
            raise Breach("no quantity")
        return asked._replace(final=said.get("final") is True, moves=moves)
    day = _day(_either(said, "expectedDate", "expected_date"))
    if quantity is None or day is None:
        raise Breach("no quantity, or no day")
    reference = _id(said.get("reference")) or None
    return asked._replace(
        day=day, firm=said.get("firm") is not False, label=said.get("kind") or "", reference=reference
    )


def _of_reservation(asked: Asked, said: Mapping[str, Any]) -> Asked:
    if asked.reservation is None or asked.reservation.isspace():
        raise Breach("no reservation")
    quantity = None if asked.kind == "confirmed" else _hundredths(said.get("quantity"))
    if quantity is None and asked.kind == "created":
        raise Breach("no quantity")
    if quantity is not None and quantity <= 0:
        raise Breach("a quantity that is not positive")
    if asked.kind != "created":
        return asked._replace(quantity=quantity)
    expires_at_us = _either(said, "expiresAt", "expires_at")
    priority = said.get("priority") or 0
    if not isinstance(priority, int) or abs(priority) > 2**31:
        raise Breach("a priority that is no small number")
    return asked._replace(
        quantity=quantity,
        channel=_id(said.get("channel")) or None,
        priority=priority,
        allow_partial=_either(said, "allowPartial", "allow_partial") is True,
        allow_backorder=_either(said, "allowBackorder", "allow_backorder") is not False,
        expires_at_us=None if expires_at_us is None else _micros(expires_at_us),
        reference=_id(said.get("reference")) or None,
        day=_day(_either(said, "requestedDate", "requested_date")),
    )


def _either(said: Mapping[str, Any], first: str, second: str) -> Any:
    found = said.get(first)
    return said.get(second) if found is None else found


def _id(found: Any, *, needed: bool = False) -> str:
    if found is None or found == "":
        if needed:
            raise Breach("an id is missing")
        return ""
    if not isinstance(found, str) or len(found.encode()) > _MAX_ID_BYTES or re.search(r"[\x00-\x1f\x7f-\x9f]", found):
        raise Breach("an id that is none")
    if needed and found.isspace():
        raise Breach("an id is missing")
    return found


def _hundredths(found: Any) -> int | None:
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | Decimal | str):
        raise Breach("a quantity that is no number")
    try:
        number = Decimal(found)
        if not abs(number) < _TOO_LARGE or number * 100 % 1:
            raise Breach("a quantity too large or too fine")
    except (ArithmeticError, ValueError) as error:
        raise Breach("a quantity that is no number") from error
    return int(number * 100)


def _day(found: Any) -> int | None:
    """Return the day that a date states, or that an instant falls into."""
    if found is None or found == "":
        return None
    if isinstance(found, str) and len(found) == len("2024-05-01"):
        try:
            day = (date.fromisoformat(found) - _EPOCH.date()).days
        except ValueError as error:
            raise Breach("no day") from error
    else:
        day = _micros(found) // _DAY_US
    if day < 0:
        raise Breach("a day before 1970")
    return day


def _micros(stamp: Any) -> int:
    if isinstance(stamp, str):
        text = stamp[:-1] if stamp.upper().endswith("+00:00Z") else stamp
        try:
            instant = datetime.fromisoformat(text)
        except ValueError as error:
            raise Breach("no timestamp") from error
        if len(text) <= len("2024-05-01"):
            raise Breach("a date without a time of day")
        aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        return (aware - _EPOCH) // timedelta(microseconds=1)
    if isinstance(stamp, bool) or not isinstance(stamp, int | Decimal) or stamp < _MIN_MS:
        raise Breach("no timestamp")
    if stamp >= _END_MS:
        raise Breach("a timestamp behind the year 9999")
    return round(stamp * 1000)
