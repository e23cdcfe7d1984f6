"""What an input event looks like on the wire, whatever its encoding: one form per kind of event.

Every form is flat or has the same fields in its `payload`; the attributes are the wire's own names, camel case
where upstream's design has them and snake case where its producer snippet has them. Only what becomes part of a
command is named; anything else in a message is passed over. `aggregateId` is never read: it is the item's for one
upstream and the reservation's for another. Where a field comes under two names, camel case wins; where a JSON key
comes twice, the last one wins, as for every reader in use.
"""
# ruff: noqa: N815 - the attributes are the wire's own names

from enum import StrEnum
from typing import ClassVar, Final, NewType, Self, TypeAlias

import msgspec

Stamp: TypeAlias = str | int | float
Amount: TypeAlias = msgspec.Raw  # JSON text, so that no digit is lost; forms read from Avro hold other types here
ABSENT: Final = msgspec.Raw()
Document = NewType("Document", msgspec.Raw)  # JSON, or a string that holds it; a form read from Avro holds text
NO_DOCUMENT: Final = Document(ABSENT)
Date = NewType("Date", msgspec.Raw)  # JSON text; a form read from Avro holds other types
NO_DATE: Final = Date(ABSENT)


class InputKind(StrEnum):
    """What an input topic carries."""

    __hash__ = str.__hash__  # that of an enum is Python code, and asked for by every message

    ADJUSTED = "adjusted"
    COUNTED = "counted"
    CREATED = "created"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    FULFILLED = "fulfilled"
    SUPPLY_SCHEDULED = "supply_scheduled"
    SUPPLY_CHANGED = "supply_changed"
    SUPPLY_CANCELLED = "supply_cancelled"
    SUPPLY_RECEIVED = "supply_received"
    POLICY = "policy"


class Skipped(str):
    """Why a record becomes nothing, and rightly so; `what` says more, for the log."""

    __slots__ = ("what",)
    NULL: ClassVar["Skipped"]
    FOREIGN: ClassVar["Skipped"]
    DELETED: ClassVar["Skipped"]
    what: str

    def __new__(cls, word: str, what: str = "") -> Self:
        """Return the word with what it is about; equal to every other of the same word."""
        made = super().__new__(cls, word)
        made.what = what
        return made


Skipped.NULL = Skipped("null", "it has no value")
Skipped.FOREIGN = Skipped("foreign", "it is another event")
Skipped.DELETED = Skipped("deleted", "a row was deleted in the table that it is a change of")

_NAMED: Final = ("tenant", "item", "product", "event", "reservation", "location", "supply")
IDS: Final = frozenset(
    {"channel", "toChannel", "to_channel", "reference", *(f"{name}{end}" for name in _NAMED for end in ("Id", "_id"))}
)
"""Fields that name something: a whole number there is its digits."""


class Form(msgspec.Struct):
    """What every event may say."""

    eventType: str | None = None
    event_type: str | None = None
    eventId: str | None = None
    event_id: str | None = None
    timestamp: Stamp | None = None
    tenantId: str | None = None
    tenant_id: str | None = None
    itemId: str | None = None
    item_id: str | None = None
    payload: "Form | None" = None


class AdjustedForm(Form):
    """InventoryAdjusted; the item is a product there."""

    productId: str | None = None
    product_id: str | None = None
    adjustedQuantity: Amount = ABSENT
    adjusted_quantity: Amount = ABSENT
    newQuantity: Amount = ABSENT
    new_quantity: Amount = ABSENT
    locationId: str | None = None
    location_id: str | None = None
    reservationId: str | None = None
    reservation_id: str | None = None
    supplyId: str | None = None
    supply_id: str | None = None
    payload: "AdjustedForm | None" = None


class CountedForm(Form):
    """StockAvailabilityChangedEvent."""

    onHand: Amount = ABSENT
    on_hand: Amount = ABSENT
    locationId: str | None = None
    location_id: str | None = None
    payload: "CountedForm | None" = None


class ConfirmedForm(Form):
    """ReservationConfirmedEvent, and what all events of reservations have."""

    reservationId: str | None = None
    reservation_id: str | None = None
    payload: "ConfirmedForm | None" = None


class ReleasedForm(ConfirmedForm):
    """ReservationReleasedEvent."""

    quantity: Amount = ABSENT
    reason: str | None = None
    payload: "ReleasedForm | None" = None


class FulfilledForm(ConfirmedForm):
    """ReservationFulfilledEvent."""

    quantity: Amount = ABSENT
    locationId: str | None = None
    location_id: str | None = None
    payload: "FulfilledForm | None" = None


class CreatedForm(ConfirmedForm):
    """ReservationCreatedEvent."""

    quantity: Amount = ABSENT
    channel: str | None = None
    locationId: str | None = None
    location_id: str | None = None
    reference: str | None = None
    expiresAt: Stamp | None = None
    expires_at: Stamp | None = None
    priority: int | None = None
    allowPartial: bool | None = None
    allow_partial: bool | None = None
    allowBackorder: bool | None = None
    allow_backorder: bool | None = None
    requestedDate: Date = NO_DATE
    requested_date: Date = NO_DATE
    payload: "CreatedForm | None" = None


class CancelledSupplyForm(Form):
    """SupplyCancelledEvent, and what all events of supplies have."""

    supplyId: str | None = None
    supply_id: str | None = None
    reason: str | None = None
    payload: "CancelledSupplyForm | None" = None


class ScheduledSupplyForm(CancelledSupplyForm):
    """SupplyScheduledEvent and SupplyChangedEvent."""

    quantity: Amount = ABSENT
    expectedDate: Date = NO_DATE
    expected_date: Date = NO_DATE
    locationId: str | None = None
    location_id: str | None = None
    kind: str | None = None
    firm: bool | None = None
    reference: str | None = None
    payload: "ScheduledSupplyForm | None" = None


class ReceivedSupplyForm(CancelledSupplyForm):
    """SupplyReceivedEvent."""

    quantity: Amount = ABSENT
    locationId: str | None = None
    location_id: str | None = None
    final: bool | None = None
    movesStock: bool | None = None
    moves_stock: bool | None = None
    payload: "ReceivedSupplyForm | None" = None


class PolicyForm(Form):
    """PolicyChangedEvent."""

    action: str | None = None
    channel: str | None = None
    toChannel: str | None = None
    to_channel: str | None = None
    quantity: Amount = ABSENT
    percent: Amount = ABSENT
    policy: Document = NO_DOCUMENT
    payload: "PolicyForm | None" = None


FORMS: dict[InputKind, type[Form]] = {
    InputKind.ADJUSTED: AdjustedForm,
    InputKind.COUNTED: CountedForm,
    InputKind.CREATED: CreatedForm,
    InputKind.CONFIRMED: ConfirmedForm,
    InputKind.RELEASED: ReleasedForm,
    InputKind.FULFILLED: FulfilledForm,
    InputKind.SUPPLY_SCHEDULED: ScheduledSupplyForm,
    InputKind.SUPPLY_CHANGED: ScheduledSupplyForm,
    InputKind.SUPPLY_CANCELLED: CancelledSupplyForm,
    InputKind.SUPPLY_RECEIVED: ReceivedSupplyForm,
    InputKind.POLICY: PolicyForm,
}

EVENT_TYPES: Final = {
    InputKind.ADJUSTED: "InventoryAdjusted",
    InputKind.COUNTED: "StockAvailabilityChangedEvent",
    InputKind.CREATED: "ReservationCreatedEvent",
    InputKind.CONFIRMED: "ReservationConfirmedEvent",
    InputKind.RELEASED: "ReservationReleasedEvent",
    InputKind.FULFILLED: "ReservationFulfilledEvent",
    InputKind.SUPPLY_SCHEDULED: "SupplyScheduledEvent",
    InputKind.SUPPLY_CHANGED: "SupplyChangedEvent",
    InputKind.SUPPLY_CANCELLED: "SupplyCancelledEvent",
    InputKind.SUPPLY_RECEIVED: "SupplyReceivedEvent",
    InputKind.POLICY: "PolicyChangedEvent",
}
