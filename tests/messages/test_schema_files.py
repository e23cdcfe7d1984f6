"""The schemas: the seed's field for field, documented, and open to those who hold the seed's own."""

import json
import re
from io import BytesIO
from typing import Any

import pytest
from fastavro import parse_schema, schemaless_reader

from atp_stream.domain.events import Published
from atp_stream.messages import schema_files
from atp_stream.messages.input_events import EVENT_TYPES, FORMS
from atp_stream.messages.outbound import EVENTS, Outbound
from atp_stream.settings import Wire
from tests.messages.happened import AT, CALCULATED, COMMITTED, GENESIS, IDS, TOPICS, value_of
from tests.messages.wire import avro

# As in the seed, to the letter: `logicalType` stands beside `type`, where Avro ignores it.
SEED = {
    "AvailabilityCalculatedEvent": json.loads("""
{
  "type": "record",
  "name": "AvailabilityCalculatedEvent",
  "namespace": "com.erp.inventory.atp.events",
  "fields": [
    { "name": "eventId", "type": "string" },
    { "name": "timestamp", "type": "long", "logicalType": "timestamp-millis" },
    { "name": "tenantId", "type": "string" },
    { "name": "itemId", "type": "string" },
    { "name": "channel", "type": "string" },
    { "name": "available", "type": { "type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2 } },
    { "name": "reserved", "type": { "type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2 } }
  ]
}
"""),
    "AllocationCommittedEvent": json.loads("""
{
  "type": "record",
  "name": "AllocationCommittedEvent",
  "namespace": "com.erp.inventory.atp.events",
  "fields": [
    { "name": "eventId", "type": "string" },
    { "name": "timestamp", "type": "long", "logicalType": "timestamp-millis" },
    { "name": "tenantId", "type": "string" },
    { "name": "allocationId", "type": "string" },
    { "name": "itemId", "type": "string" },
    { "name": "channel", "type": "string" },
    { "name": "quantity", "type": { "type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2 } }
  ]
}
"""),
}
SEEDED = [("AvailabilityCalculatedEvent", CALCULATED), ("AllocationCommittedEvent", COMMITTED)]


def bare(field: dict[str, Any]) -> Any:
    """Return name and type of a field, the logical type at its proper place."""
    declared = field["type"]
    if "logicalType" in field:
        declared = {"type": declared, "logicalType": field["logicalType"]}
    return field["name"], declared


@pytest.mark.parametrize("event", SEED)
def test_the_seeds_schemas_are_kept_field_for_field(event: str) -> None:
    ours, seed = schema_files.schema(event), SEED[event]
    assert [bare(field) for field in seed["fields"]] == [bare(field) for field in ours["fields"]]
    assert (seed["namespace"], seed["name"], seed["type"]) == (ours["namespace"], ours["name"], ours["type"])


@pytest.mark.parametrize(("name", "event"), SEEDED)
def test_a_consumer_with_only_the_seeds_schema_reads_our_bytes(name: str, event: Published) -> None:
    coded = BytesIO(value_of(Outbound(GENESIS, Wire.AVRO, IDS, TOPICS).encode(event, 3))[5:])
    found: Any = schemaless_reader(coded, parse_schema(SEED[name]), None)
    assert (AT, "acme", "item-001", "ECOM") == tuple(found[n] for n in ("timestamp", "tenantId", "itemId", "channel"))
    assert coded.read() == b""


@pytest.mark.parametrize(("name", "event"), SEEDED)
def test_ours_resolves_to_the_seeds_schema(name: str, event: Published) -> None:
    coded = BytesIO(value_of(Outbound(GENESIS, Wire.AVRO, IDS, TOPICS).encode(event, 3))[5:])
    found: Any = schemaless_reader(coded, parse_schema(schema_files.schema(name)), parse_schema(SEED[name]))
    assert [field["name"] for field in SEED[name]["fields"]] == list(found)
    assert found["itemId"] == "item-001"


@pytest.mark.parametrize(("name", "event"), SEEDED)
def test_the_seeds_schema_resolves_to_ours(name: str, event: Published) -> None:
    ours = value_of(Outbound(GENESIS, Wire.AVRO, IDS, TOPICS).encode(event, 3))
    content = schemaless_reader(BytesIO(ours[5:]), parse_schema(SEED[name]), None)
    written = avro(SEED[name], content, IDS[next(role for role in EVENTS if EVENTS[role] == name)])
    reads = parse_schema(schema_files.schema(name))
    found: Any = schemaless_reader(BytesIO(written[5:]), parse_schema(SEED[name]), reads)
    assert ours == written
    assert content == found


def test_there_is_a_schema_for_every_event_in_and_out() -> None:
    assert sorted([*EVENT_TYPES.values(), *EVENTS.values()]) == schema_files.events()


@pytest.mark.parametrize("event", schema_files.events())
def test_every_record_and_field_is_documented(event: str) -> None:
    schema = schema_files.schema(event)
    assert [] == [part["name"] for part in (schema, *schema["fields"]) if len(part.get("doc", "")) < 8]


@pytest.mark.parametrize("event", schema_files.events())
def test_what_may_be_absent_is_null_by_default(event: str) -> None:
    optional = [field for field in schema_files.schema(event)["fields"] if isinstance(field["type"], list)]
    assert [(field["name"], field["type"][0], field["default"]) for field in optional] == [
        (field["name"], "null", None) for field in optional
    ]


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_only_ids_and_needed_quantities_are_required(kind: Any) -> None:
    required = {f["name"] for f in schema_files.schema(EVENT_TYPES[kind])["fields"] if not isinstance(f["type"], list)}
    assert required <= {"reservationId", "supplyId", "itemId", "product_id", "quantity", "onHand", "action"}
    assert required <= set(FORMS[kind].__struct_fields__)


@pytest.mark.parametrize("event", schema_files.events())
def test_inputs_are_stamped_in_microseconds_and_outputs_in_the_seeds_milliseconds(event: str) -> None:
    stamps = re.findall(r"timestamp-\w+", json.dumps(schema_files.schema(event)))
    unit = "timestamp-micros" if event in EVENT_TYPES.values() else "timestamp-millis"
    assert {unit} == set(stamps)


def test_a_schema_that_the_contract_has_not_is_an_error() -> None:
    with pytest.raises(KeyError):
        schema_files.schema("ReservationArchivedEvent")
