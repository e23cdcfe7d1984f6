"""Input records to commands, or a refusal with a reason; one entrance for seven kinds and three wire forms.

Law: `translate` returns a command that says exactly what the record says, or why the record is skipped, or raises
`Refused` or `SchemaUnknown`; no bytes whatever make it do anything else. The same record gives the same command.

Only the item's and the reservation's id are required, and a quantity where one is needed. What is absent:
tenant: the default one; timestamp: the record's Kafka timestamp; event id: a name of kind, tenant, item,
reservation or location, timestamp and quantities. An empty string is absent.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, Protocol

import msgspec

from atp_stream.domain.commands import AdjustStock, AnyCommand, Confirm, CountStock, Fulfil, Release, Reserve
from atp_stream.domain.errors import Refused
from atp_stream.messages import avro_forms, json_forms, policies
from atp_stream.messages.avro_forms import FRAME, Plan, amount
from atp_stream.messages.fields import LONGEST_ID, content_name, kafka_instant, needed_id, optional_id, units
from atp_stream.messages.forms import (
    AdjustedForm,
    ConfirmedForm,
    CountedForm,
    CreatedForm,
    Form,
    FulfilledForm,
    InputKind,
    PolicyForm,
    ReleasedForm,
)
from atp_stream.messages.moments import micros
from atp_stream.messages.reasons import Reason

__all__ = ["LONGEST_ID", "Inbound", "InputKind", "Reason", "Record", "Schemas", "Skipped", "Translated"]

_HIGHEST_PRIORITY: Final = 2**31


class Record(Protocol):
    """What is read of a Kafka record; aiokafka's has it. `timestamp` is in milliseconds."""

    @property
    def value(self) -> bytes | None: ...  # noqa: D102
    @property
    def timestamp(self) -> int: ...  # noqa: D102


class Schemas(Protocol):
    """Where the schemas of framed records are found; the registry's cache."""

    def lookup(self, schema_id: int) -> Any:
        """Return the schema as parsed JSON; raise `SchemaUnknown`, or Refused when there is none."""


class Translated(msgspec.Struct, frozen=True, gc=False):
    """A command and the item that it speaks to; tenant and item are empty where it speaks to all items."""

    tenant: str
    item: str
    command: AnyCommand


class Skipped(StrEnum):
    """Why a record becomes nothing, and rightly so."""

    NULL = "null"
    FOREIGN = "foreign"  # an event of another type


class _Subject(msgspec.Struct, frozen=True, gc=False):
    """What every command is told: whose, which, when, and the event's own name, if it has one."""

    kind: InputKind
    tenant: str
    item: str
    at: int
    event_id: str


class Inbound:
    """Translates records; built once, with the registry's cache and the default tenant, or None."""

    def __init__(self, schemas: Schemas, default_tenant: str | None) -> None:
        self._schemas = schemas
        self._default_tenant = default_tenant
        self._plans: dict[tuple[InputKind, int], Plan | None] = {}

    def translate(self, kind: InputKind, record: Record) -> Translated | Skipped:
        """Return what the record asks for.

        Raises:
            Refused: the record breaks the contract and belongs to the dead letters.
            SchemaUnknown: its schema is not cached yet; fetch it and ask again.
        """
        value = record.value
        if value is None:
            return Skipped.NULL
        form = self._avro(kind, value) if value[:1] == b"\0" else json_forms.decode(kind, value)
        if form is None:
            return Skipped.FOREIGN
        if isinstance(form, PolicyForm):
            return Translated(*policies.order(form, record.timestamp, self._default_tenant))
        subject = self._subject(kind, form, record.timestamp)
        command = _COMMANDS[kind](subject, form if form.payload is None else form.payload)
        return Translated(subject.tenant, subject.item, command)

    def _avro(self, kind: InputKind, value: bytes) -> Form | None:
        if len(value) < FRAME:
            raise Refused(Reason.UNDECODABLE, "cut short before the schema id")
        schema_id = int.from_bytes(value[1:FRAME], "big")
        key = (kind, schema_id)
        try:
            plan = self._plans[key]
        except KeyError:
            plan = self._plans[key] = avro_forms.plan(kind, self._schemas.lookup(schema_id))
        return None if plan is None else avro_forms.read(plan, value)

    def _subject(self, kind: InputKind, form: Form, kafka_timestamp: int) -> _Subject:
        tenant = form.tenantId or form.tenant_id
        event_id = form.eventId or form.event_id
        stamp = form.timestamp
        body = form.payload
        if body is None:
            body = form
        else:
            tenant = tenant or body.tenantId or body.tenant_id
            event_id = event_id or body.eventId or body.event_id
            stamp = body.timestamp if stamp is None else stamp
        tenant = tenant or self._default_tenant
        if not tenant:
            raise Refused(Reason.MISSING_TENANT, "no tenant is named, and no default is set")
        item = body.itemId or body.item_id
        if item is None and type(body) is AdjustedForm:
            item = body.product_id or body.productId
        return _Subject(
            kind,
            needed_id(tenant, "tenant", Reason.MISSING_TENANT),
            needed_id(item, "item", Reason.MISSING_ITEM),
            kafka_instant(kafka_timestamp) if stamp is None else micros(stamp),
            optional_id(event_id, "event id"),
        )


def _adjust(subject: _Subject, form: Any) -> AnyCommand:
    body: AdjustedForm = form
    delta = _first_amount(body.adjusted_quantity, body.adjustedQuantity)
    absolute = _first_amount(body.new_quantity, body.newQuantity)
    location = optional_id(body.locationId or body.location_id, "location")
    event_id = subject.event_id or _name(subject, location, delta, absolute)
    if delta is None:
        if absolute is None:
            raise Refused(Reason.MISSING_QUANTITY, "neither adjusted_quantity nor new_quantity")
        return CountStock(event_id=event_id, at=subject.at, on_hand=absolute, location=location)
    return AdjustStock(
        event_id=event_id,
        at=subject.at,
        delta=delta,
        absolute=absolute,
        location=location,
        reservation=optional_id(body.reservationId or body.reservation_id, "reservation") or None,
    )


def _count(subject: _Subject, form: Any) -> AnyCommand:
    body: CountedForm = form
    on_hand = _first_amount(body.onHand, body.on_hand)
    if on_hand is None:
        raise Refused(Reason.MISSING_QUANTITY, "no onHand")
    location = optional_id(body.locationId or body.location_id, "location")
    event_id = subject.event_id or _name(subject, location, on_hand)
    return CountStock(event_id=event_id, at=subject.at, on_hand=on_hand, location=location)


def _reserve(subject: _Subject, form: Any) -> AnyCommand:
    body: CreatedForm = form
    reservation = _reservation(body)
    quantity = units(body.quantity)
    if quantity is None:
        raise Refused(Reason.MISSING_QUANTITY, "no quantity")
    priority = body.priority or 0
    if not -_HIGHEST_PRIORITY <= priority < _HIGHEST_PRIORITY:
        raise Refused(Reason.BAD_PRIORITY, "beyond 32 bits")
    expires_at = body.expires_at if body.expiresAt is None else body.expiresAt
    partial = body.allow_partial if body.allowPartial is None else body.allowPartial
    backorder = body.allow_backorder if body.allowBackorder is None else body.allowBackorder
    return Reserve(
        event_id=subject.event_id or _name(subject, reservation, quantity),
        at=subject.at,
        reservation=reservation,
        quantity=quantity,
        channel=optional_id(body.channel, "channel") or None,
        location=optional_id(body.locationId or body.location_id, "location"),
        reference=optional_id(body.reference, "reference") or None,
        expires_at=None if expires_at is None else micros(expires_at),
        priority=priority,
        allow_partial=partial is True,
        allow_backorder=backorder is not False,
    )


def _confirm(subject: _Subject, form: Any) -> AnyCommand:
    reservation = _reservation(form)
    event_id = subject.event_id or _name(subject, reservation)
    return Confirm(event_id=event_id, at=subject.at, reservation=reservation)


def _release(subject: _Subject, form: Any) -> AnyCommand:
    body: ReleasedForm = form
    reservation = _reservation(body)
    quantity = units(body.quantity)
    event_id = subject.event_id or _name(subject, reservation, quantity)
    reason = (body.reason or "")[:LONGEST_ID]
    return Release(event_id=event_id, at=subject.at, reservation=reservation, quantity=quantity, reason=reason)


def _fulfil(subject: _Subject, form: Any) -> AnyCommand:
    body: FulfilledForm = form
    reservation = _reservation(body)
    quantity = units(body.quantity)
    location = optional_id(body.locationId or body.location_id, "location")
    event_id = subject.event_id or _name(subject, reservation, quantity)
    return Fulfil(event_id=event_id, at=subject.at, reservation=reservation, quantity=quantity, location=location)


_COMMANDS: Final[dict[InputKind, Callable[[_Subject, Any], AnyCommand]]] = {
    InputKind.ADJUSTED: _adjust,
    InputKind.COUNTED: _count,
    InputKind.CREATED: _reserve,
    InputKind.CONFIRMED: _confirm,
    InputKind.RELEASED: _release,
    InputKind.FULFILLED: _fulfil,
}


def _reservation(body: ConfirmedForm) -> str:
    return needed_id(body.reservationId or body.reservation_id, "reservation", Reason.MISSING_RESERVATION)


def _first_amount(first: object, second: object) -> int | None:
    found = amount(first)
    return amount(second) if found is None else found


def _name(subject: _Subject, *content: str | int | None) -> str:
    return content_name(subject.kind.value, subject.tenant, subject.item, subject.at, *content)
