"""Input records to commands, or a refusal with a reason; one entrance for all kinds and wire forms.

Law: `translate` returns a command that says exactly what the record says, or why the record is skipped, or raises
`Refused` or `SchemaUnknown`; no bytes whatever make it do anything else. The same record gives the same command.

Only the item's and the reservation's id are required, and a quantity where one is needed. What is absent:
tenant: the default one; timestamp: that of the headers, else the record's Kafka timestamp; event id: that of the
headers, else a name of all that tells two events apart (kind, tenant, item, reservation, location, timestamp and
quantities, but never the record's place: a message that is sent again has another one). An empty string is absent.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from atp_stream.domain.commands import AdjustStock, AnyCommand, Confirm, CountStock, Fulfil, Release, Reserve
from atp_stream.domain.errors import Refused
from atp_stream.domain.reasons import Reason
from atp_stream.messages import avro_decoder, headers, json_decoder, policy_changes, supplies
from atp_stream.messages.amounts import amount
from atp_stream.messages.avro_decoder import FRAME, Plans
from atp_stream.messages.input_events import (
    AdjustedForm,
    ConfirmedForm,
    CountedForm,
    CreatedForm,
    Form,
    FulfilledForm,
    InputKind,
    PolicyForm,
    ReleasedForm,
    Skipped,
)
from atp_stream.messages.limits import MAX_ID_BYTES
from atp_stream.messages.registered import Language
from atp_stream.messages.subject import Subject
from atp_stream.messages.timestamps import day_of, micros
from atp_stream.messages.validation import kafka_instant, needed_id, optional_id, units
from atp_stream.records import Record

__all__ = ["MAX_ID_BYTES", "Inbound", "InputKind", "Reason", "Schemas", "Skipped", "Translated"]

_MAX_PRIORITY: Final = 2**31
_STOCK: Final = frozenset({InputKind.ADJUSTED, InputKind.COUNTED})
_ITEM_FIELDS: Final = "itemId (or item_id, product_id, productId)"


class Schemas(Protocol):
    """Where the schemas of framed records are found; the registry's cache."""

    def lookup(self, schema_id: int) -> Any:
        """Return the schema, as `registered` says; raise `SchemaUnknown`, or Refused when there is none."""


class Translated(msgspec.Struct, frozen=True, gc=False):
    """A command and the item that it speaks to; tenant and item are empty where it speaks to all items."""

    tenant: str
    item: str
    command: AnyCommand


class Inbound:
    """Translates records; built once, with the registry's cache and the default tenant, or None."""

    def __init__(self, schemas: Schemas, default_tenant: str | None) -> None:
        self._schemas = schemas
        self._default_tenant = default_tenant
        self._plans: dict[tuple[InputKind, int], Plans | Refused | None] = {}  # None: JSON behind the frame

    def translate(self, kind: InputKind, record: Record) -> Translated | Skipped:
        """Return what the record asks for.

        Raises:
            Refused: the record breaks the contract and belongs to the dead letters.
            SchemaUnknown: its schema is not cached yet; fetch it and ask again.
        """
        value = record.value
        if value is None:
            return _deleted(kind, Skipped.NULL, record.key)
        form = self._framed(kind, value) if value[:1] == b"\0" else json_decoder.decode(kind, value)
        if record.headers and not isinstance(form, Skipped):
            form = headers.complete(kind, form, record.headers)
        if isinstance(form, Skipped):
            return _deleted(kind, form, b"row") if form == Skipped.DELETED else form
        if isinstance(form, PolicyForm):
            return Translated(*policy_changes.policy_change(form, record.timestamp, self._default_tenant))
        subject = self._subject(kind, form, record.timestamp)
        command = _COMMANDS[kind](subject, form if form.payload is None else form.payload)
        return Translated(subject.tenant, subject.item, command)

    def _framed(self, kind: InputKind, value: bytes) -> Form | Skipped:
        if len(value) < FRAME:
            raise Refused(Reason.UNDECODABLE, "cut short before the schema id")
        schema_id = int.from_bytes(value[1:FRAME], "big")
        key = (kind, schema_id)
        try:
            plans = self._plans[key]
        except KeyError:
            plans = self._plans[key] = _plans(kind, self._schemas.lookup(schema_id))
        if isinstance(plans, Refused):
            raise Refused(plans.reason, f"schema {schema_id}: {plans.detail}")
        return json_decoder.decode(kind, value[FRAME:]) if plans is None else avro_decoder.read(plans, value)

    def _subject(self, kind: InputKind, form: Form, kafka_timestamp_ms: int) -> Subject:
        tenant = form.tenantId or form.tenant_id
        event_id = form.eventId or form.event_id
        stamp = form.timestamp
        body = form.payload
        if body is None:
            body = form
        else:
            tenant = tenant or body.tenantId or body.tenant_id
            event_id = event_id or body.eventId or body.event_id
            stamp = stamp or body.timestamp
        tenant = tenant or self._default_tenant
        if not tenant:
            raise Refused(Reason.MISSING_TENANT, "neither tenantId nor tenant_id is there, and no default is set")
        item = body.itemId or body.item_id
        if item is None and type(body) is AdjustedForm:
            item = body.product_id or body.productId
        return Subject(
            kind,
            needed_id(tenant, "tenant", Reason.MISSING_TENANT),
            needed_id(item, "item", Reason.MISSING_ITEM, _ITEM_FIELDS),
            micros(stamp) if stamp or stamp == 0 else kafka_instant(kafka_timestamp_ms),
            optional_id(event_id, "event id"),
        )


def _plans(kind: InputKind, schema: Any) -> Plans | Refused | None:
    """Return how to read what a schema wrote, None for JSON; a refusal is kept as well, for it may have cost much."""
    if isinstance(schema, Language) and schema.is_json:
        return None
    try:
        return avro_decoder.plan(kind, schema)
    except Refused as refused:
        return refused


def _deleted(kind: InputKind, skipped: Skipped, key: bytes | None) -> Skipped:
    """Return the skip of what says that something is gone; of stock that is not to pass unnoticed.

    Raises:
        Refused: `tombstone`.
    """
    if key and kind in _STOCK:
        raise Refused(Reason.TOMBSTONE, "stock was deleted, and still counts here: send a count of 0")
    return skipped


def _adjust(subject: Subject, form: Any) -> AnyCommand:
    body: AdjustedForm = form
    delta = _first_amount(body.adjusted_quantity, body.adjustedQuantity)
    absolute = _first_amount(body.new_quantity, body.newQuantity)
    location = optional_id(place, "location") if (place := body.locationId or body.location_id) else ""
    reservation = optional_id(named, "reservation") if (named := body.reservationId or body.reservation_id) else ""
    supply = optional_id(named, "supply") if (named := body.supplyId or body.supply_id) else ""
    if supply and reservation:
        raise Refused(Reason.TWO_MOVEMENTS, f"reservation {reservation} and supply {supply}")
    of_supply = (supply,) if supply else ()
    event_id = subject.event_id or subject.named(location, delta, absolute, reservation, *of_supply)
    if delta is None:
        if absolute is None:
            raise Refused(Reason.MISSING_QUANTITY, "neither adjusted_quantity nor new_quantity")
        if supply:
            raise Refused(Reason.MISSING_QUANTITY, f"supply {supply} is named, and no adjusted_quantity")
        return CountStock(event_id=event_id, at_us=subject.at_us, on_hand=absolute, location=location)
    return AdjustStock(
        event_id=event_id,
        at_us=subject.at_us,
        delta=delta,
        absolute=absolute,
        location=location,
        reservation=reservation or None,
        supply=supply or None,
    )


def _count(subject: Subject, form: Any) -> AnyCommand:
    body: CountedForm = form
    on_hand = _first_amount(body.onHand, body.on_hand)
    if on_hand is None:
        raise Refused(Reason.MISSING_QUANTITY, "neither onHand nor on_hand")
    location = optional_id(place, "location") if (place := body.locationId or body.location_id) else ""
    event_id = subject.event_id or subject.named(location, on_hand)
    return CountStock(event_id=event_id, at_us=subject.at_us, on_hand=on_hand, location=location)


def _reserve(subject: Subject, form: Any) -> AnyCommand:
    body: CreatedForm = form
    reservation = _reservation(body)
    quantity = units(body.quantity)
    if quantity is None:
        raise Refused(Reason.MISSING_QUANTITY, "no quantity")
    priority = body.priority or 0
    if not -_MAX_PRIORITY <= priority < _MAX_PRIORITY:
        raise Refused(Reason.BAD_PRIORITY, "beyond 32 bits")
    expires_at = body.expires_at if body.expiresAt is None else body.expiresAt
    partial = body.allow_partial if body.allowPartial is None else body.allowPartial
    backorder = body.allow_backorder if body.allowBackorder is None else body.allowBackorder
    return Reserve(
        event_id=subject.event_id or subject.named(reservation, quantity),
        at_us=subject.at_us,
        reservation=reservation,
        quantity=quantity,
        channel=optional_id(body.channel, "channel") or None,
        location=optional_id(place, "location") if (place := body.locationId or body.location_id) else "",
        reference=optional_id(body.reference, "reference") if body.reference else None,
        expires_at_us=micros(expires_at) if expires_at or expires_at == 0 else None,
        priority=priority,
        allow_partial=partial is True,
        allow_backorder=backorder is not False,
        wanted=_day(body.requestedDate, body.requested_date),
    )


def _confirm(subject: Subject, form: Any) -> AnyCommand:
    reservation = _reservation(form)
    event_id = subject.event_id or subject.named(reservation)
    return Confirm(event_id=event_id, at_us=subject.at_us, reservation=reservation)


def _release(subject: Subject, form: Any) -> AnyCommand:
    body: ReleasedForm = form
    reservation = _reservation(body)
    quantity = units(body.quantity)
    event_id = subject.event_id or subject.named(reservation, quantity)
    reason = (body.reason or "")[:MAX_ID_BYTES]
    return Release(event_id=event_id, at_us=subject.at_us, reservation=reservation, quantity=quantity, reason=reason)


def _fulfil(subject: Subject, form: Any) -> AnyCommand:
    body: FulfilledForm = form
    reservation = _reservation(body)
    quantity = units(body.quantity)
    location = optional_id(place, "location") if (place := body.locationId or body.location_id) else ""
    event_id = subject.event_id or subject.named(reservation, quantity, location)
    return Fulfil(event_id=event_id, at_us=subject.at_us, reservation=reservation, quantity=quantity, location=location)


_COMMANDS: Final[dict[InputKind, Callable[[Subject, Any], AnyCommand]]] = {
    InputKind.ADJUSTED: _adjust,
    InputKind.COUNTED: _count,
    InputKind.CREATED: _reserve,
    InputKind.CONFIRMED: _confirm,
    InputKind.RELEASED: _release,
    InputKind.FULFILLED: _fulfil,
    InputKind.SUPPLY_SCHEDULED: supplies.schedule,
    InputKind.SUPPLY_CHANGED: supplies.schedule,
    InputKind.SUPPLY_CANCELLED: supplies.cancel,
    InputKind.SUPPLY_RECEIVED: supplies.receive,
}


def _reservation(body: ConfirmedForm) -> str:
    found = body.reservationId or body.reservation_id
    return needed_id(found, "reservation", Reason.MISSING_RESERVATION, "reservationId (or reservation_id)")


def _first_amount(first: object, second: object) -> int | None:
    found = amount(first)
    return amount(second) if found is None else found


def _day(first: object, second: object) -> int | None:
    found = day_of(first)
    return day_of(second) if found is None else found
