"""Records as upstream writes them, in all three forms."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any, NamedTuple

import msgspec
from fastavro import parse_schema, schemaless_writer

from atp_stream.domain.errors import Refused
from atp_stream.messages import schema_files
from atp_stream.messages.errors import SchemaUnknown
from atp_stream.messages.inbound import Inbound, InputKind, Skipped, Translated

NOON = 1_714_564_800_000_000  # 2024-05-01T12:00:00Z
EVENTS = {
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


SUPPLY: dict[str, Any] = {
    "supplyId": "s",
    "itemId": "i",
    "quantity": 1,
    "expectedDate": "2024-05-10",
    "locationId": "l",
    "kind": "PURCHASE",
    "firm": False,
}
CAMEL: dict[InputKind, dict[str, Any]] = {
    InputKind.ADJUSTED: {
        "productId": "i",
        "adjustedQuantity": 1,
        "newQuantity": 2,
        "locationId": "l",
        "reservationId": "r",
    },
    InputKind.COUNTED: {"itemId": "i", "onHand": 1, "locationId": "l"},
    InputKind.CREATED: {
        "reservationId": "r",
        "itemId": "i",
        "quantity": 1,
        "locationId": "l",
        "expiresAt": "2024-05-01T12:00:00Z",
        "allowPartial": True,
        "allowBackorder": False,
    },
    InputKind.CONFIRMED: {"reservationId": "r", "itemId": "i"},
    InputKind.RELEASED: {"reservationId": "r", "itemId": "i", "quantity": 1},
    InputKind.FULFILLED: {"reservationId": "r", "itemId": "i", "quantity": 1, "locationId": "l"},
    InputKind.SUPPLY_SCHEDULED: SUPPLY,
    InputKind.SUPPLY_CHANGED: SUPPLY,
    InputKind.SUPPLY_CANCELLED: {"supplyId": "s", "itemId": "i"},
    InputKind.SUPPLY_RECEIVED: {
        "supplyId": "s",
        "itemId": "i",
        "quantity": 1,
        "locationId": "l",
        "final": True,
        "movesStock": True,
    },
    InputKind.POLICY: {"action": "MOVE", "itemId": "i", "channel": "B2B", "toChannel": "ECOM", "quantity": 1},
}


def snake(content: Any) -> Any:
    """Return the content under snake-case names."""
    return {"".join(f"_{c.lower()}" if c.isupper() else c for c in name): value for name, value in content.items()}


class Record(NamedTuple):
    """What intake is handed; Kafka's own timestamp is noon."""

    value: bytes | None
    timestamp: int = NOON // 1000
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()


class Known:
    """Schemas by id; the contract's are 1 and up in the order of their names."""

    def __init__(self, extra: Mapping[int, Any] | None = None) -> None:
        ours = {number: schema_files.schema(event) for number, event in enumerate(schema_files.events(), start=1)}
        self.schemas = {**ours, **(extra or {})}

    def lookup(self, schema_id: int) -> Any:
        """Return the schema, or say that it is unknown."""
        try:
            return self.schemas[schema_id]
        except KeyError:
            raise SchemaUnknown(schema_id) from None


def avro(schema: Any, content: Any, schema_id: int | None = None) -> bytes:
    """Return framed bytes as fastavro writes them; the id is the contract's unless it is given."""
    if schema_id is None:
        schema_id = schema_files.events().index(schema["name"]) + 1
    stream = BytesIO()
    schemaless_writer(stream, parse_schema(schema), content)
    return b"\0" + schema_id.to_bytes(4, "big") + stream.getvalue()


def translate(kind: InputKind, content: Any, tenant: str | None = "acme") -> Translated | Skipped:
    """Translate bytes, or what is to be JSON."""
    value = content if isinstance(content, bytes | None) else msgspec.json.encode(content)
    return Inbound(Known(), tenant).translate(kind, Record(value))


def command(kind: InputKind, content: Any) -> Any:
    """Return the command that a record becomes."""
    found = translate(kind, content)
    assert isinstance(found, Translated)
    return found.command


def reason(kind: InputKind, content: Any, tenant: str | None = "acme") -> str:
    """Return why a record is refused."""
    try:
        found = translate(kind, content, tenant)
    except Refused as refused:
        return refused.reason
    raise AssertionError(found)
