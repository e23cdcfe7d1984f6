"""Events out: exact bytes, names that never change, and fastavro as the judge of the hand-written encoder."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import msgspec
import pytest
from fastavro import parse_schema, schemaless_reader
from hypothesis import given

from atp_stream.domain import names, quantity
from atp_stream.domain.events import OF_MANY, AvailabilityCalculated, Published, StockDrifted
from atp_stream.messages import schema_files
from atp_stream.messages.errors import RegistryUnavailable, SchemaMissing
from atp_stream.messages.outbound import EVENTS, Outbound, Role
from atp_stream.messages.output_values import avro_amount
from atp_stream.records import Output
from atp_stream.settings import Wire
from tests.messages.happened import (
    AT,
    CALCULATED,
    COMMITTED,
    DENIED,
    DRIFTED,
    EVERY,
    FLAT,
    GENESIS,
    IDS,
    PROJECTED,
    PROMISED,
    PUBLISHED,
    RELEASED,
    RESOLVED,
    TOPICS,
    value_of,
)
from tests.messages.wire import avro

AVRO = Outbound(GENESIS, Wire.AVRO, IDS, TOPICS)
AMOUNTS: dict[type, tuple[str, str]] = {
    AvailabilityCalculated: ("available", "available"),
    StockDrifted: ("on_hand", "onHand"),
}
JSON = Outbound(GENESIS, Wire.JSON, {}, TOPICS)


def content_of(record: Output) -> Any:
    """Return what fastavro reads in an Avro record."""
    schema = parse_schema(schema_files.schema(record.event))
    return schemaless_reader(BytesIO(value_of(record)[5:]), schema, None)


def test_availability_says_what_the_seed_says() -> None:
    expected = (
        b'{"eventType":"AvailabilityCalculatedEvent","eventId":"760854897640919c3021a1f35ce4034a","timestamp":1714564800123,'
        b'"tenantId":"acme","payload":{"itemId":"item-001","channel":"ECOM","available":120,"reserved":30}}'
    )
    assert expected == value_of(JSON.encode(CALCULATED, 3))


def test_a_commit_in_the_envelope() -> None:
    expected = (
        b'{"eventType":"AllocationCommittedEvent","eventId":"9f1c2b3a4d5e6f70-3-42-1","timestamp":1714564800123,'
        b'"tenantId":"acme","payload":{"allocationId":"alloc-9f1c2b3a4d5e6f70-3-42-1","itemId":"item-001",'
        b'"channel":"ECOM","quantity":5.25}}'
    )
    assert expected == value_of(JSON.encode(COMMITTED, 3))


def test_a_release_names_its_commit() -> None:
    expected = {
        "eventId": "9f1c2b3a4d5e6f70-3-42-1",
        "timestamp": datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=AT),
        "tenantId": "acme",
        "allocationId": "alloc-9f1c2b3a4d5e6f70-3-40-2",
        "itemId": "item-001",
        "channel": "ECOM",
        "quantity": Decimal("5.25"),
        "reason": "REDUCED",
        "reservationId": "r",
    }
    assert expected == content_of(AVRO.encode(RELEASED, 3))


def test_a_denial_says_how_much_and_why() -> None:
    expected = {
        "eventId": "9f1c2b3a4d5e6f70-3-42-1",
        "timestamp": datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=AT),
        "tenantId": "acme",
        "reservationId": "r",
        "itemId": "item-001",
        "channel": "ECOM",
        "quantity": Decimal(5),
        "outcome": "PARTIAL",
        "reason": "rest_waits",
    }
    assert expected == content_of(AVRO.encode(DENIED, 3))


def test_a_promise_says_the_days_and_the_units() -> None:
    expected = (
        b'{"eventType":"ReservationPromisedEvent","eventId":"9f1c2b3a4d5e6f70-3-42-1","timestamp":1714564800123,'
        b'"tenantId":"acme","payload":{"reservationId":"r","itemId":"item-001","channel":"ECOM",'
        b'"requestedDate":"2026-12-14","lines":[{"date":"2026-12-14","quantity":50},'
        b'{"date":"2026-12-19","quantity":0.01}],"waiting":0,"allocated":3,"reason":"ASKED"}}'
    )
    assert expected == value_of(JSON.encode(PROMISED, 3))
    no_day = msgspec.structs.replace(PROMISED, wanted=None, lines=())
    content = content_of(AVRO.encode(no_day, 3))
    assert (None, []) == (content["requestedDate"], content["lines"])
    written = content_of(AVRO.encode(PROMISED, 3))
    assert [(date(2026, 12, 14), Decimal(50)), (date(2026, 12, 19), Decimal("0.01"))] == [
        (line["date"], line["quantity"]) for line in written["lines"]
    ]


def test_a_projection_says_on_which_days_it_changes() -> None:
    expected = {
        "asOf": date(2026, 11, 27),
        "horizon": date(2027, 5, 26),
        "now": Decimal(70),
        "steps": [{"date": date(2026, 12, 17), "available": Decimal(95)}],
    }
    written = content_of(AVRO.encode(PROJECTED, 3))
    assert expected == {name: written[name] for name in expected}


def test_a_drift_says_by_how_much_and_since_when() -> None:
    expected = (
        b'{"eventType":"StockDriftDetectedEvent","eventId":"9f1c2b3a4d5e6f70-3-42-1","timestamp":1714564800123,'
        b'"tenantId":"acme","payload":{"itemId":"item-001","gap":-2.50,"onHand":120,"since":1714564770123}}'
    )
    assert expected == value_of(JSON.encode(DRIFTED, 3))


def test_the_end_of_a_drift_is_an_event_of_its_own() -> None:
    record = AVRO.encode(RESOLVED, 3)
    assert "StockDriftResolvedEvent" == record.event
    expected = {
        "eventId": "9f1c2b3a4d5e6f70-3-42-1",
        "timestamp": datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=AT),
        "tenantId": "acme",
        "itemId": "item-001",
        "onHand": Decimal(120),
        "since": datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=AT - 90_000),
    }
    assert expected == content_of(record)


@pytest.mark.parametrize(
    ("event", "role", "key"),
    [
        (CALCULATED, Role.AVAILABILITY, b"acme|item-001|ECOM"),
        (COMMITTED, Role.COMMITTED, b"acme|item-001"),
        (RELEASED, Role.RELEASED, b"acme|item-001"),
        (DENIED, Role.DENIED, b"acme|item-001"),
        (PROMISED, Role.PROMISED, b"acme|item-001"),
        (PROJECTED, Role.PROJECTED, b"acme|item-001|ECOM"),
        (DRIFTED, Role.DRIFT_DETECTED, b"acme|item-001"),
        (RESOLVED, Role.DRIFT_RESOLVED, b"acme|item-001"),
    ],
    ids=list(Role),
)
@pytest.mark.parametrize("outbound", [AVRO, JSON], ids=["avro", "json"])
def test_each_event_has_its_topic_and_key(event: Published, role: Role, key: bytes, outbound: Outbound) -> None:
    record = outbound.encode(event, 3)
    assert (f"topic of {role}", 0, key) == (record.topic, record.partition, record.key)


@pytest.mark.parametrize("outbound", [AVRO, JSON], ids=["avro", "json"])
def test_headers_say_version_cause_and_genesis(outbound: Outbound) -> None:
    expected = [("atp-version", b"7"), ("atp-cause", b"3-42"), ("atp-genesis", b"9f1c2b3a4d5e6f70")]
    assert expected == outbound.encode(CALCULATED, 3).headers


@pytest.mark.parametrize("outbound", [AVRO, JSON], ids=["avro", "json"])
def test_a_committed_allocation_names_its_reservation_in_a_header(outbound: Outbound) -> None:
    named = [header for header in outbound.encode(COMMITTED, 3).headers if header[0] == "atp-reservation"]
    assert [("atp-reservation", COMMITTED.reservation.encode())] == named


def test_the_parts_of_a_key_are_encoded() -> None:
    event = msgspec.structs.replace(CALCULATED, name=names.join("a|b", "50%"), channel="x|y")
    record = JSON.encode(event, 0)
    assert record.key == b"a%7Cb|50%25|x%7Cy"
    assert json.loads(value_of(record))["tenantId"] == "a|b"
    assert json.loads(value_of(record))["payload"]["itemId"] == "50%"
    assert json.loads(value_of(record))["payload"]["channel"] == "x|y"


def availability_id(genesis: str = GENESIS, partition: int = 3, **change: Any) -> str:
    """Return the event id of a changed availability."""
    event = msgspec.structs.replace(CALCULATED, **change)
    found: str = json.loads(value_of(Outbound(genesis, Wire.JSON, {}, TOPICS).encode(event, partition)))["eventId"]
    return found


def test_an_availability_is_named_by_genesis_item_channel_and_version() -> None:
    changed = [
        availability_id(),
        availability_id("0000000000000000"),
        availability_id(name="acme|item-002"),
        availability_id(channel="B2B"),
        availability_id(version=8),
    ]
    assert len(set(changed)) == 5


def test_an_availability_keeps_its_name_however_the_log_is_cut_into_steps() -> None:
    assert availability_id() == availability_id(partition=4, offset=50, ordinal=9, log_time_ms=AT + 1)


def test_what_a_policy_causes_is_named_by_its_item_too() -> None:
    one, other = (msgspec.structs.replace(COMMITTED, ordinal=OF_MANY + 2, name=name) for name in ("acme|a", "acme|b"))
    ids = [json.loads(value_of(JSON.encode(event, 3)))["payload"]["allocationId"] for event in (one, other)]
    assert [f"alloc-{GENESIS}-3-42-2"] * 2 == [name.rpartition("-")[0] for name in ids]
    assert len(set(ids)) == 2


def test_a_release_names_the_commit_that_a_policy_caused() -> None:
    promised = msgspec.structs.replace(COMMITTED, ordinal=OF_MANY + 2)
    given_back = msgspec.structs.replace(RELEASED, allocation=(promised.offset, promised.ordinal))

    ids = [json.loads(value_of(JSON.encode(event, 3)))["payload"]["allocationId"] for event in (promised, given_back)]

    assert ids[0] == ids[1]


def test_ids_are_the_same_on_both_wires() -> None:
    for event in EVERY:
        assert json.loads(value_of(JSON.encode(event, 3)))["eventId"] == content_of(AVRO.encode(event, 3))["eventId"]


@pytest.mark.parametrize("role", Role)
def test_avro_without_the_id_of_a_schema_cannot_start(role: Role) -> None:
    with pytest.raises(SchemaMissing, match=f"no schema of {EVENTS[role]} as we write it: run `atp init`"):
        Outbound(GENESIS, Wire.AVRO, {other: 1 for other in Role if other is not role}, TOPICS)
    assert issubclass(SchemaMissing, RegistryUnavailable)


def test_a_text_may_be_longer_than_any_id() -> None:
    event = msgspec.structs.replace(DENIED, reason="é" * 5000)
    assert content_of(AVRO.encode(event, 3))["reason"] == "é" * 5000


@given(PUBLISHED)
def test_the_bytes_are_those_that_fastavro_writes(event: Published) -> None:
    record = AVRO.encode(event, 5)
    schema = schema_files.schema(record.event)
    bare = _without_logical_types(schema)
    content = schemaless_reader(BytesIO(value_of(record)[5:]), parse_schema(bare), None)
    assert record.value == avro(bare, content, IDS[next(role for role in EVENTS if EVENTS[role] == record.event)])


def _without_logical_types(schema: Any) -> Any:
    # fastavro's datetimes and its decimals of 18 digits are narrower than what is drawn here.
    if isinstance(schema, list):
        return [_without_logical_types(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "logicalType" in schema:
        return schema["type"]
    return {name: _without_logical_types(part) for name, part in schema.items()}


@given(FLAT)
def test_what_avro_says_is_what_happened(event: Published) -> None:
    record = AVRO.encode(event, 5)
    schema = parse_schema(_without_logical_types(schema_files.schema(record.event)))
    found: Any = schemaless_reader(BytesIO(value_of(record)[5:]), schema, None)
    assert [event.log_time_ms, *names.split(event.name)] == [found["timestamp"], found["tenantId"], found["itemId"]]
    mine, theirs = AMOUNTS.get(type(event), ("quantity", "quantity"))
    assert getattr(event, mine) == int.from_bytes(found[theirs], "big", signed=True)


@given(FLAT)
def test_both_wires_say_the_same(event: Published) -> None:
    envelope: Any = json.loads(value_of(JSON.encode(event, 5)), parse_float=str, parse_int=str)
    schema = _without_logical_types(schema_files.schema(AVRO.encode(event, 5).event))
    found: Any = schemaless_reader(BytesIO(value_of(AVRO.encode(event, 5))[5:]), parse_schema(schema), None)
    flat = {"eventId": envelope["eventId"], "timestamp": int(envelope["timestamp"]), "tenantId": envelope["tenantId"]}
    for name, value in envelope["payload"].items():
        plain = int(value) if isinstance(found[name], int) else value
        flat[name] = avro_amount(quantity.parse(value))[1:] if isinstance(found[name], bytes) else plain
    assert found == flat
