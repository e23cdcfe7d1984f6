"""The books read Avro by hand, and the demo writes it by hand: both as fastavro does."""

from decimal import Decimal
from io import BytesIO

import fastavro
import pytest

from atp_stream.demo import wire
from atp_stream.messages import schema_files
from atp_stream.oracle import avro

RELEASED = schema_files.schema("AllocationReleasedEvent")
CREATED = schema_files.schema("ReservationCreatedEvent")
EVENT = {
    "eventId": "e-1",
    "timestamp": 1_700_000_000_123_456,
    "tenantId": "zürich",
    "itemId": "widget",
    "reservationId": "r1",
    "channel": "ECOM",
    "quantity": 12_345,
    "priority": -3,
    "allowPartial": True,
}


def written(schema, record):
    out = BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), record)
    return out.getvalue()


@pytest.mark.parametrize("units", ["0", "0.01", "-0.01", "1.27", "1.28", "-1.28", "999999999999.99"])
def test_decimals_are_read_as_fastavro_writes_them(units):
    texts = dict.fromkeys((field["name"] for field in RELEASED["fields"]), "x")
    record = {**texts, "timestamp": 5, "quantity": Decimal(units)}

    assert Decimal(units) == avro.decode(written(RELEASED, record), RELEASED)["quantity"]


def test_an_event_with_optional_fields_is_read_as_fastavro_writes_it():
    record = {**EVENT, "quantity": Decimal("123.45")}

    found = avro.decode(written(CREATED, record), CREATED)

    assert {**dict.fromkeys(field["name"] for field in CREATED["fields"]), **record} == found


def test_an_event_is_framed_as_fastavro_writes_it():
    record = {**EVENT, "quantity": Decimal("123.45")}

    assert b"\0\0\0\0\7" + written(CREATED, record) == wire.framed(CREATED, 7, EVENT)


def test_every_cut_of_a_message_is_found():
    whole = written(CREATED, {**EVENT, "quantity": Decimal("123.45")})

    for end in range(len(whole)):
        with pytest.raises(avro.NotAvro):
            avro.decode(whole[:end], CREATED)


def test_bytes_left_over_are_found():
    with pytest.raises(avro.NotAvro):
        avro.decode(written(CREATED, {**EVENT, "quantity": Decimal(1)}) + b"\0", CREATED)
