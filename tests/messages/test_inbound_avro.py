"""Framed Avro: by the contract's schemas, and by those that upstream may have instead."""

from decimal import Decimal
from typing import Any

import pytest

from atp_stream.domain.commands import AdjustStock, AnyCommand, Confirm, CountStock, Fulfil, Release, Reserve
from atp_stream.domain.errors import Refused
from atp_stream.messages import schema_files
from atp_stream.messages.errors import SchemaUnknown
from atp_stream.messages.inbound import Inbound, InputKind, Skipped, Translated
from tests.messages.wire import CAMEL, EVENTS, NOON, Known, Record, avro, reason, snake, translate

FULL: list[tuple[InputKind, dict[str, Any], AnyCommand]] = [
    (
        InputKind.ADJUSTED,
        {
            "event_id": "e",
            "timestamp": NOON + 1,
            "product_id": "i",
            "adjusted_quantity": Decimal("-2.50"),
            "new_quantity": Decimal(150),
            "adjustment_reason": "sold",
            "adjusted_by": "user123",
            "tenant_id": "globex",
            "location_id": "berlin",
            "reservation_id": "r",
        },
        AdjustStock(event_id="e", at_us=NOON + 1, delta=-250, absolute=15_000, location="berlin", reservation="r"),
    ),
    (
        InputKind.COUNTED,
        {
            "eventId": "e",
            "timestamp": NOON + 1,
            "tenantId": "globex",
            "itemId": "i",
            "onHand": Decimal("999999999999.99"),
            "locationId": "berlin",
        },
        CountStock(event_id="e", at_us=NOON + 1, on_hand=99_999_999_999_999, location="berlin"),
    ),
    (
        InputKind.CREATED,
        {
            "eventId": "e",
            "timestamp": NOON + 1,
            "tenantId": "globex",
            "reservationId": "r",
            "itemId": "i",
            "locationId": "berlin",
            "quantity": Decimal(5),
            "channel": "ECOM",
            "reference": "order 7",
            "expiresAt": NOON + 900_000_000,
            "priority": -3,
            "allowPartial": True,
            "allowBackorder": False,
        },
        Reserve(
            event_id="e",
            at_us=NOON + 1,
            reservation="r",
            quantity=500,
            channel="ECOM",
            location="berlin",
            reference="order 7",
            expires_at_us=NOON + 900_000_000,
            priority=-3,
            allow_partial=True,
            allow_backorder=False,
        ),
    ),
    (
        InputKind.CONFIRMED,
        {"eventId": "e", "timestamp": NOON + 1, "tenantId": "globex", "reservationId": "r", "itemId": "i"},
        Confirm(event_id="e", at_us=NOON + 1, reservation="r"),
    ),
    (
        InputKind.RELEASED,
        {
            "eventId": "e",
            "timestamp": NOON + 1,
            "tenantId": "globex",
            "reservationId": "r",
            "itemId": "i",
            "quantity": Decimal("0.01"),
            "reason": "changed",
        },
        Release(event_id="e", at_us=NOON + 1, reservation="r", quantity=1, reason="changed"),
    ),
    (
        InputKind.FULFILLED,
        {
            "eventId": "e",
            "timestamp": NOON + 1,
            "tenantId": "globex",
            "reservationId": "r",
            "itemId": "i",
            "quantity": Decimal(2),
            "locationId": "berlin",
        },
        Fulfil(event_id="e", at_us=NOON + 1, reservation="r", quantity=200, location="berlin"),
    ),
]


@pytest.mark.parametrize(("kind", "content", "expected"), FULL, ids=[str(kind) for kind, _, _ in FULL])
def test_all_that_our_schema_can_say_is_read(kind: InputKind, content: dict[str, Any], expected: AnyCommand) -> None:
    value = avro(schema_files.schema(EVENTS[kind]), content)
    assert Translated("globex", "i", expected) == translate(kind, value)


@pytest.mark.parametrize("kind", InputKind)
def test_the_contract_has_a_field_for_all_that_a_form_reads(kind: InputKind) -> None:
    fields = {field["name"] for field in schema_files.schema(EVENTS[kind])["fields"]}
    wanted = snake(CAMEL[kind]) if kind is InputKind.ADJUSTED else CAMEL[kind]
    assert set(wanted) <= fields


def test_what_is_left_out_means_the_same_as_in_json() -> None:
    value = avro(
        schema_files.schema("ReservationCreatedEvent"), {"reservationId": "r", "itemId": "i", "quantity": Decimal(1)}
    )
    bare = {"reservationId": "r", "itemId": "i", "quantity": 1}
    assert translate(InputKind.CREATED, bare) == translate(InputKind.CREATED, value)


def created(**fields: Any) -> dict[str, Any]:
    """Return a schema of a created event as some other team would write it."""
    types = {"reservationId": "string", "itemId": "string", "quantity": "long", **fields}
    return {
        "type": "record",
        "name": "ReservationCreatedEvent",
        "fields": [{"name": name, "type": kind} for name, kind in types.items()],
    }


def read(schema: Any, **content: Any) -> Any:
    """Return the command of what that team writes."""
    value = avro(schema, {"reservationId": "r", "itemId": "i", "quantity": 5, **content}, 99)
    found = Inbound(Known({99: schema}), "acme").translate(InputKind.CREATED, Record(value))
    assert isinstance(found, Translated)
    return found.command


DECIMAL_4 = {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
MICROS = {"type": "long", "logicalType": "timestamp-micros"}
FIXED = {"type": "fixed", "name": "Amount", "size": 8, "logicalType": "decimal", "precision": 18, "scale": 2}


@pytest.mark.parametrize(
    ("declared", "written", "expected"),
    [
        ("int", 5, 500),
        ("long", 5, 500),
        ("double", 5.25, 525),
        ("double", 0.1, 10),
        ("float", 5.25, 525),
        ("string", "5.25", 525),
        (DECIMAL_4, Decimal("5.2500"), 525),
        (FIXED, Decimal("5.25"), 525),
        ({"type": "bytes", "logicalType": "decimal", "precision": 18}, Decimal(5), 500),
        (["string", "long", "null"], 5, 500),
    ],
    ids=lambda value: f"{value}"[:40],
)
def test_upstream_may_write_quantities_in_another_type(declared: Any, written: Any, expected: int) -> None:
    assert expected == read(created(quantity=declared), quantity=written).quantity


@pytest.mark.parametrize(
    ("declared", "written", "expected"),
    [
        ({"type": "long", "logicalType": "timestamp-millis"}, 1_714_564_800_123, NOON + 123_000),
        ({"type": "long", "logicalType": "timestamp-micros"}, NOON + 7, NOON + 7),
        ({"type": "long", "logicalType": "timestamp-nanos"}, NOON * 1000 + 7999, NOON + 7),
        ("long", 1_714_564_800_123, NOON + 123_000),
        ("string", "2024-05-01T12:00:00Z", NOON),
        ("double", 1_714_564_800_123.5, NOON + 123_500),
        (["null", "long"], None, NOON),
    ],
    ids=lambda value: f"{value}"[:50],
)
def test_timestamps_are_read_in_the_unit_that_their_schema_states(declared: Any, written: Any, expected: int) -> None:
    assert expected == read(created(timestamp=declared), timestamp=written).at_us


def test_a_logical_type_beside_the_type_is_taken_as_it_was_meant() -> None:
    schema = created(timestamp="long")
    schema["fields"][-1]["logicalType"] = "timestamp-micros"
    assert NOON + 7 == read(schema, timestamp=NOON + 7).at_us


def test_what_is_none_of_ours_is_passed_over() -> None:
    schema = created(extra=["null", "double"], note="string", flag="boolean", raw="bytes", many="long")
    found = read(schema, extra=1.5, note="n" * 200, flag=True, raw=b"\xff", many=-(2**63))
    assert found.quantity == 500


def test_a_schema_that_is_not_flat_is_read_as_well() -> None:
    schema = created(
        lines={"type": "array", "items": {"type": "map", "values": "long"}},
        channel={"type": "enum", "name": "Channel", "symbols": ["STORE", "ECOM"]},
        id={"type": "string", "logicalType": "uuid"},
    )
    found = read(schema, lines=[{"a": 1}], channel="ECOM", id="f1c1b9f6-9a2c-4d4b-8a51-6a27b64a4b86")
    assert (500, "ECOM") == (found.quantity, found.channel)


def test_a_record_of_another_name_is_skipped() -> None:
    schema = {**created(), "name": "com.erp.ReservationArchivedEvent"}
    value = avro(schema, {"reservationId": "r", "itemId": "i", "quantity": 5}, 99)
    assert Skipped.FOREIGN == Inbound(Known({99: schema}), None).translate(InputKind.CREATED, Record(value))


def test_a_schema_that_is_not_cached_is_asked_for() -> None:
    with pytest.raises(SchemaUnknown) as unknown:
        translate(InputKind.CREATED, b"\0\xff\0\0\1 ")
    assert unknown.value.schema_id == 0xFF000001


@pytest.mark.parametrize(
    "schema",
    [None, 5, "string", [], {"type": "record"}, {"type": "record", "name": "R"}, {"type": "enum", "name": "E"}],
    ids=str,
)
def test_what_is_no_avro_record_is_a_bad_schema(schema: Any) -> None:
    with pytest.raises(Refused) as refused:
        Inbound(Known({99: schema}), "acme").translate(InputKind.CREATED, Record(b"\0\0\0\0\x63"))
    assert refused.value.reason == "bad_schema"


@pytest.mark.parametrize(
    ("fields", "content", "expected"),
    [
        ({"quantity": "bytes"}, {"quantity": b"\x01"}, "wrong_type"),
        ({"quantity": "boolean"}, {"quantity": True}, "wrong_type"),
        ({"quantity": "double"}, {"quantity": 5.001}, "quantity_too_fine"),
        ({"quantity": "double"}, {"quantity": float("nan")}, "quantity_not_finite"),
        ({"quantity": "float"}, {"quantity": 0.1}, "quantity_too_fine"),
        ({"quantity": DECIMAL_4}, {"quantity": Decimal("5.0001")}, "quantity_too_fine"),
        ({"itemId": "double"}, {"itemId": 5.0}, "wrong_type"),
        ({"timestamp": MICROS}, {"timestamp": 1_714_564_800_123}, "bad_timestamp"),
        ({"timestamp": MILLIS}, {"timestamp": 1_714_564_800}, "bad_timestamp"),
        ({"itemId": "bytes"}, {"itemId": b"i"}, "wrong_type"),
        ({"priority": "boolean"}, {"priority": True}, "wrong_type"),
        ({"allowPartial": "int"}, {"allowPartial": 1}, "wrong_type"),
        ({"timestamp": "bytes"}, {"timestamp": b"1"}, "bad_timestamp"),
        ({"timestamp": "int"}, {"timestamp": 1_714_564_800}, "bad_timestamp"),
        ({"expiresAt": "boolean"}, {"expiresAt": True}, "bad_timestamp"),
    ],
    ids=lambda value: f"{value}"[:40],
)
def test_a_field_of_a_type_that_cannot_mean_it_is_refused(
    fields: dict[str, Any], content: dict[str, Any], expected: str
) -> None:
    with pytest.raises(Refused) as refused:
        read(created(**fields), **content)
    assert expected == refused.value.reason


WRITTEN = avro(schema_files.schema("ReservationConfirmedEvent"), {"reservationId": "r", "itemId": "i", "eventId": "e"})


@pytest.mark.parametrize("length", range(len(WRITTEN)))
def test_bytes_cut_short_are_undecodable(length: int) -> None:
    assert reason(InputKind.CONFIRMED, WRITTEN[:length]) == "undecodable"


def test_bytes_behind_the_end_are_undecodable() -> None:
    assert reason(InputKind.CONFIRMED, WRITTEN + b"\0") == "undecodable"


def test_bytes_behind_the_end_of_a_nested_record_are_undecodable() -> None:
    schema = created(lines={"type": "array", "items": "long"})
    value = avro(schema, {"reservationId": "r", "itemId": "i", "quantity": 5, "lines": [1]}, 99) + b"\0"
    with pytest.raises(Refused) as refused:
        Inbound(Known({99: schema}), "acme").translate(InputKind.CREATED, Record(value))
    assert refused.value.reason == "undecodable"
