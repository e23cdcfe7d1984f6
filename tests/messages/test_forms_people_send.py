"""Forms that people send, and what once went wrong with them: names of records, ids in headers, empty stamps, sums."""

from typing import Any

import pytest

from atp_stream.domain.errors import Refused
from atp_stream.messages.inbound import Inbound, InputKind, Translated
from atp_stream.messages.registered import Language
from tests.messages.wire import Record, avro

COUNT: dict[str, Any] = {"itemId": "i", "onHand": 5}


class One:
    """A registry with one schema."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema

    def lookup(self, _: int) -> Any:
        return self._schema


def command(kind: InputKind, value: bytes, schema: Any = None, headers: Any = (), **record: Any) -> Any:
    found = Inbound(One(schema), "acme").translate(kind, Record(value, headers=headers, **record))
    assert isinstance(found, Translated), found
    return found.command


def value_schema(name: str) -> dict[str, Any]:
    fields = [{"name": "itemId", "type": "string"}, {"name": "onHand", "type": "long"}]
    return {"type": "record", "name": name, "fields": fields}


@pytest.mark.parametrize("name", ["ConnectDefault", "KsqlDataSourceSchema", "record", "Value"])
def test_a_record_under_a_name_that_is_no_events_is_read_by_its_fields(name: str) -> None:
    schema = value_schema(name)
    assert command(InputKind.COUNTED, avro(schema, COUNT, 9), schema).on_hand == 500


def test_a_record_that_is_not_ours_by_name_and_has_none_of_our_fields_is_a_letter() -> None:
    schema = {"type": "record", "name": "Value", "fields": [{"name": "other", "type": "string"}]}
    with pytest.raises(Refused) as refused:
        command(InputKind.COUNTED, avro(schema, {"other": "x"}, 9), schema)
    assert refused.value.reason == "bad_schema"


def test_a_type_with_its_namespace_is_ours() -> None:
    value = b'{"eventType":"com.erp.inventory.core.events.InventoryAdjusted","product_id":"p","adjusted_quantity":1}'
    assert command(InputKind.ADJUSTED, value).delta == 100


def test_a_record_time_in_seconds_is_no_time() -> None:
    with pytest.raises(Refused) as refused:
        command(InputKind.COUNTED, b'{"itemId":"i","onHand":5}', timestamp=1_714_564_800)
    assert refused.value.reason == "bad_timestamp"


def test_a_frame_of_protobuf_is_refused_in_words() -> None:
    with pytest.raises(Refused, match="a schema in PROTOBUF; Avro and JSON Schema are read"):
        command(InputKind.COUNTED, b"\0\0\0\0\7\0\x0a\1i", Language("PROTOBUF"))


def test_the_record_of_a_union_is_read() -> None:
    schema = value_schema("Value")
    assert command(InputKind.COUNTED, b"\0\0\0\0\7\2" + avro(schema, COUNT, 7)[5:], ["null", schema]).on_hand == 500


def test_empty_stamps_are_absent() -> None:
    plain = b'{"reservationId":"r","itemId":"i","quantity":1}'
    empty = b'{"reservationId":"r","itemId":"i","quantity":1,"timestamp":"","expiresAt":""}'
    assert command(InputKind.CREATED, plain) == command(InputKind.CREATED, empty)


def test_an_escaped_digit_is_a_digit() -> None:
    assert command(InputKind.CREATED, b'{"reservationId":"r","itemId":"i","quantity":"1\\u0030"}').quantity == 1000


@pytest.mark.parametrize("text", ["30.000000000000004", "29.999999999999996"])
def test_a_sum_of_floats_is_the_hundredth_that_it_means(text: str) -> None:
    assert command(InputKind.COUNTED, b'{"itemId":"i","onHand":%s}' % text.encode()).on_hand == 3000


def test_what_is_further_from_a_hundredth_is_too_fine() -> None:
    with pytest.raises(Refused) as refused:
        command(InputKind.COUNTED, b'{"itemId":"i","onHand":30.0000001}')
    assert refused.value.reason == "quantity_too_fine"


@pytest.mark.parametrize("header", ["ce_id", "id"])
def test_a_header_names_an_event_that_does_not_name_itself(header: str) -> None:
    value = b'{"itemId":"i","onHand":5}'
    first = command(InputKind.COUNTED, value, headers=((header, b"a"),))
    again = command(InputKind.COUNTED, value, headers=((header, b"a"),), timestamp=1_714_564_801_000)
    other = command(InputKind.COUNTED, value, headers=((header, b"b"),))
    assert first.event_id == again.event_id
    assert first.event_id != other.event_id


def test_the_id_of_the_message_comes_before_that_of_its_headers() -> None:
    value = b'{"eventId":"own","itemId":"i","onHand":5}'
    assert command(InputKind.COUNTED, value, headers=(("id", b"a"),)).event_id == "own"


def test_the_time_of_a_cloud_event_is_its_timestamp() -> None:
    value = b'{"itemId":"i","onHand":5}'
    headers = (("ce_id", b"a"), ("ce_time", b"2024-05-01T12:00:01Z"))
    assert command(InputKind.COUNTED, value, headers=headers).at_us == 1_714_564_801_000_000


def refused(kind: InputKind, value: bytes, schema: Any = None) -> tuple[str, str]:
    with pytest.raises(Refused) as error:
        command(kind, value, schema)
    return error.value.reason, error.value.detail


def test_a_cloud_event_with_its_data_in_base64_is_a_letter_that_says_what_is_missing() -> None:
    value = b'{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"eyJpdGVtSWQiOiJpIn0="}'
    missing = "no item id: itemId (or item_id, product_id, productId) is absent or empty"
    assert ("missing_item", missing) == refused(InputKind.COUNTED, value)


def change_schema(*fields: str) -> dict[str, Any]:
    """Return Debezium's envelope with some of its fields."""
    row = {"type": "record", "name": "Row", "fields": value_schema("")["fields"]}
    types: dict[str, Any] = {"before": ["null", row], "after": row, "op": "string"}
    if "before" in fields:
        types["after"] = ["null", "Row"]
    return {"type": "record", "name": "Envelope", "fields": [{"name": one, "type": types[one]} for one in fields]}


@pytest.mark.parametrize("fields", [("before", "after", "op"), ("after", "op")])
def test_the_row_after_a_change_is_read_whether_there_is_one_before_it_or_not(fields: tuple[str, ...]) -> None:
    schema = change_schema(*fields)
    content = {name: said for name, said in {"before": None, "after": COUNT, "op": "c"}.items() if name in fields}
    assert command(InputKind.COUNTED, avro(schema, content, 9), schema).on_hand == 500


def test_an_after_without_an_operation_is_no_change_in_avro_and_none_in_json() -> None:
    schema = change_schema("after")
    assert "bad_schema" == refused(InputKind.COUNTED, avro(schema, {"after": COUNT}, 9), schema)[0]
    assert "missing_item" == refused(InputKind.COUNTED, b'{"after":{"itemId":"i","onHand":5}}')[0]
