"""Schemas that would make a short message endless are refused before anything is read by them."""

import json
import time
from io import BytesIO
from typing import Any

import pytest
from fastavro import parse_schema, schemaless_writer

from atp_stream.domain.errors import Refused
from atp_stream.messages import avro_decoder, schema_bounds
from atp_stream.messages.inbound import Inbound, InputKind, Translated
from tests.messages.wire import Known, Record


def record(*fields: Any, name: str = "ReservationConfirmedEvent") -> dict[str, Any]:
    named = [{"name": name, "type": kind} for name, kind in (("reservationId", "string"), ("itemId", "string"))]
    more = [{"name": f"f{number}", "type": kind} for number, kind in enumerate(fields)]
    return {"type": "record", "name": name, "fields": [*named, *more]}


def nested(levels: int) -> Any:
    found: Any = "long"
    for level in range(levels):
        found = {"type": "record", "name": f"R{level}", "fields": [{"name": "f", "type": found}]}
    return found


def doubling(levels: int) -> Any:
    """Return a type of 2 ** levels nulls, of which each level is named once and used twice."""
    found: Any = {"type": "record", "name": "D0", "fields": [{"name": "a", "type": "null"}]}
    for level in range(1, levels):
        halves = [{"name": "a", "type": found}, {"name": "b", "type": f"D{level - 1}"}]
        found = {"type": "record", "name": f"D{level}", "fields": halves}
    return found


def array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def empty(count: int) -> dict[str, Any]:
    fields = [{"name": f"n{number}", "type": "null"} for number in range(count)]
    return {"type": "record", "name": f"Empty{count}", "fields": fields}


ITSELF = {"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]}
ONE_BYTE = {"type": "record", "name": "Wide", "fields": [*empty(40)["fields"], {"name": "x", "type": "boolean"}]}
HOSTILE = {
    "holds itself": record(ITSELF),
    "holds itself in an array": record({"type": "record", "name": "T", "fields": [{"name": "t", "type": array("T")}]}),
    "deep": record(nested(40)),
    "very deep": record(nested(3_000)),
    "a text without end": json.loads("[" * 900 + "]" * 900),
    "an array of null": record(array("null")),
    "an array of empty records": record(array(empty(0))),
    "an array of records of nulls": record(array(empty(3))),
    "an array of fixed of size 0": record(array({"type": "fixed", "name": "F", "size": 0})),
    "an array of one byte and forty nulls": record(array(ONE_BYTE)),
    "a map of many nulls": record({"type": "map", "values": empty(50)}),
    "two to the thirtieth nulls": record(doubling(30)),
    "many fields": record(*["long"] * 2_100),
}


@pytest.mark.parametrize("schema", HOSTILE.values(), ids=HOSTILE)
def test_a_schema_without_bounds_is_a_bad_schema_within_a_moment(schema: Any) -> None:
    inbound, began = Inbound(Known({99: schema}), "acme"), time.monotonic()
    value = b"\0\0\0\0\x63" + b"\x02r\x02i" + b"\x02" * 20_000

    with pytest.raises(Refused) as refused:
        inbound.translate(InputKind.CONFIRMED, Record(value))

    assert ("bad_schema", True) == (refused.value.reason, time.monotonic() - began < 5)


HARMLESS = {
    "an array of records with nullable fields": (
        array(
            {"type": "record", "name": "L", "fields": [{"name": f"l{n}", "type": ["null", "long"]} for n in range(9)]}
        ),
        [{f"l{n}": None for n in range(9)}] * 500,
    ),
    "an array of a union with a wide record": (
        array(
            ["null", {"type": "record", "name": "W", "fields": [{"name": f"w{n}", "type": "int"} for n in range(30)]}]
        ),
        [{f"w{n}": n for n in range(30)}, None],
    ),
    "one name used twice": (nested(3), {"f": {"f": {"f": 1}}}),
    "twenty levels": (nested(20), None),
    "a map of longs": ({"type": "map", "values": "long"}, {"a": 1}),
    "a few nulls": (empty(5), {f"n{number}": None for number in range(5)}),
}


@pytest.mark.parametrize(("kind", "content"), HARMLESS.values(), ids=HARMLESS)
def test_what_has_bounds_is_read(kind: Any, content: Any) -> None:
    if content is None:
        content = 1
        for _ in range(20):
            content = {"f": content}
    schema, stream = record(kind), BytesIO()
    schemaless_writer(stream, parse_schema(schema), {"reservationId": "r", "itemId": "i", "f0": content})

    found = Inbound(Known({99: schema}), "acme").translate(
        InputKind.CONFIRMED, Record(b"\0\0\0\0\x63" + stream.getvalue())
    )

    assert isinstance(found, Translated)


def test_a_refused_schema_is_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Any] = []
    branches = schema_bounds.branches

    def counted(schema: Any) -> Any:
        looks.append(schema)
        return branches(schema)

    monkeypatch.setattr(avro_decoder, "branches", counted)
    inbound = Inbound(Known({99: HOSTILE["deep"]}), "acme")

    for _ in range(3):
        with pytest.raises(Refused, match="bad_schema: schema 99: deeper than 32 levels"):
            inbound.translate(InputKind.CONFIRMED, Record(b"\0\0\0\0\x63"))

    assert 1 == len(looks)


@pytest.mark.parametrize(
    "coded", [b"\x02" * 20_000, b"\xff" * 60_000, b"\x80" * 60_000, b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01" * 6_000]
)
def test_counts_and_lengths_beyond_the_message_end_it_within_a_moment(coded: bytes) -> None:
    schema, began = record(array(array({"type": "map", "values": array("string")}))), time.monotonic()
    inbound = Inbound(Known({99: schema}), "acme")

    with pytest.raises(Refused) as refused:
        inbound.translate(InputKind.CONFIRMED, Record(b"\0\0\0\0\x63\x02r\x02i" + coded))

    assert ("undecodable", True) == (refused.value.reason, time.monotonic() - began < 5)
