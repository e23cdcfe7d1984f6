"""What breaks the contract, and the stable reason that it is refused for."""

from typing import Any

import pytest

from atp_stream.domain.errors import Refused
from atp_stream.messages.inbound import Inbound, InputKind, Translated
from tests.messages.wire import CAMEL, Record, command, reason, translate

STOCK = (InputKind.ADJUSTED, InputKind.COUNTED)
RESERVATIONS = [kind for kind in InputKind if "reservationId" in CAMEL[kind] and kind is not InputKind.ADJUSTED]
CREATED = {"reservationId": "r", "itemId": "i", "quantity": 1}


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b" ",
        b"null",
        b"5",
        b'"text"',
        b"[]",
        b"[{}]",
        b"{",
        b"{} {}",
        b"NaN",
        b'{"quantity":NaN}',
        b'{"quantity":Infinity}',
        b'{"quantity":01}',
        b'{"itemId":"\xff"}',
        b'{"itemId":"\xed\xa0\x80"}',
        b'{"itemId":"\\ud800"}',
        b'{"itemId":"\\udc00\\ud800"}',
        b"\x01\0\0\0\1",
        b"Obj\x01",
        b'{"deep":' + b"[" * 100_000,
        b'{"deep":' + b'{"a":' * 100_000,
        b'{"payload":' * 100_000,
        b"\0",
        b"\0\0\0\1",
    ],
    ids=lambda value: f"{value[:20]}",
)
def test_what_is_neither_json_nor_framed_avro_is_undecodable(value: bytes) -> None:
    assert reason(InputKind.CREATED, value) == "undecodable"


@pytest.mark.parametrize("kind", InputKind)
@pytest.mark.parametrize("absent", [None, "", " \t\u2003"], ids=["null", "empty", "blank"])
def test_an_item_must_be_named(kind: InputKind, absent: str | None) -> None:
    content = {name: absent if name in ("itemId", "productId") else value for name, value in CAMEL[kind].items()}
    assert reason(kind, content) == "missing_item"


@pytest.mark.parametrize("kind", RESERVATIONS)
@pytest.mark.parametrize("absent", [None, "", "  "], ids=["null", "empty", "blank"])
def test_a_reservation_must_be_named(kind: InputKind, absent: str | None) -> None:
    assert reason(kind, {**CAMEL[kind], "reservationId": absent}) == "missing_reservation"


@pytest.mark.parametrize("kind", [kind for kind in InputKind if kind.startswith("supply")])
@pytest.mark.parametrize("absent", [None, "", "  "], ids=["null", "empty", "blank"])
def test_a_supply_must_be_named(kind: InputKind, absent: str | None) -> None:
    assert reason(kind, {**CAMEL[kind], "supplyId": absent}) == "missing_supply"


def test_a_supply_needs_a_quantity_and_a_day() -> None:
    kind = InputKind.SUPPLY_SCHEDULED
    assert reason(kind, {**CAMEL[kind], "quantity": None}) == "missing_quantity"
    assert reason(kind, {**CAMEL[kind], "quantity": 0}) == "not_positive"
    assert reason(kind, {**CAMEL[kind], "expectedDate": None}) == "missing_date"


@pytest.mark.parametrize("day", ["2026-13-01", "soon", True, [], 17, "2026-12-1"])
def test_what_is_no_day_is_refused(day: object) -> None:
    kind = InputKind.SUPPLY_SCHEDULED
    assert reason(kind, {**CAMEL[kind], "expectedDate": day}) == "bad_timestamp"
    assert reason(InputKind.CREATED, {**CAMEL[InputKind.CREATED], "requestedDate": day}) == "bad_timestamp"


def test_a_receipt_that_moves_the_stock_says_by_how_much() -> None:
    kind = InputKind.SUPPLY_RECEIVED
    assert reason(kind, {**CAMEL[kind], "quantity": None}) == "missing_quantity"


def test_a_movement_is_of_a_reservation_or_of_a_supply() -> None:
    adjusted = {"product_id": "p", "adjusted_quantity": 1, "supply_id": "s"}
    assert reason(InputKind.ADJUSTED, {**adjusted, "reservation_id": "r"}) == "two_movements"
    assert reason(InputKind.ADJUSTED, {"product_id": "p", "new_quantity": 1, "supply_id": "s"}) == "missing_quantity"


def test_an_aggregate_is_no_item_and_no_reservation() -> None:
    assert reason(InputKind.COUNTED, {"aggregateId": "i", "payload": {"onHand": 1}}) == "missing_item"
    content = {"aggregateId": "r", "payload": {"itemId": "i"}}
    assert reason(InputKind.CONFIRMED, content) == "missing_reservation"


def test_in_an_envelope_only_the_payload_names_items() -> None:
    assert reason(InputKind.COUNTED, {"itemId": "i", "payload": {"onHand": 1}}) == "missing_item"


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (InputKind.ADJUSTED, {"product_id": "p"}),
        (InputKind.ADJUSTED, {"product_id": "p", "adjusted_quantity": None}),
        (InputKind.COUNTED, {"itemId": "i"}),
        (InputKind.CREATED, {"reservationId": "r", "itemId": "i"}),
    ],
    ids=["adjusted", "adjusted null", "counted", "created"],
)
def test_a_quantity_must_be_there_where_one_is_needed(kind: InputKind, content: Any) -> None:
    assert reason(kind, content) == "missing_quantity"


@pytest.mark.parametrize("kind", [InputKind.CREATED, InputKind.RELEASED, InputKind.FULFILLED])
@pytest.mark.parametrize("quantity", [0, -1, -0.01, "0.00"])
def test_units_that_are_claimed_given_back_or_shipped_are_positive(kind: InputKind, quantity: Any) -> None:
    assert reason(kind, {**CAMEL[kind], "quantity": quantity}) == "not_positive"


@pytest.mark.parametrize("kind", [InputKind.ADJUSTED, InputKind.COUNTED])
def test_stock_may_be_negative(kind: InputKind) -> None:
    content = {"itemId": "i", "onHand": -5, "new_quantity": -5}
    assert command(kind, content).on_hand == -500


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        (b"1.001", "quantity_too_fine"),
        (b"100000000000000000000", "quantity_too_large"),
        (b"1e999999", "quantity_too_large"),
        (b"9" * 5000, "quantity_too_large"),
        (b'"NaN"', "quantity_not_finite"),
        (b"true", "quantity_not_a_number"),
        (b"[1]", "quantity_not_a_number"),
        (b'{"value":1}', "quantity_not_a_number"),
    ],
    ids=lambda value: str(value[:20]),
)
def test_a_quantity_that_is_none_is_refused_with_its_own_reason(quantity: bytes, expected: str) -> None:
    assert expected == reason(InputKind.CREATED, b'{"reservationId":"r","itemId":"i","quantity":' + quantity + b"}")


@pytest.mark.parametrize(
    "change",
    [
        {"itemId": 7.5},
        {"itemId": True},
        {"itemId": ["i"]},
        {"reservationId": True},
        {"channel": {}},
        {"allowPartial": 1},
        {"allowBackorder": "yes"},
        {"priority": "high"},
        {"priority": 1.5},
        {"priority": True},
        {"eventType": 5},
        {"payload": []},
        {"payload": "text"},
        {"payload": {"payload": {"itemId": 5}}},
    ],
    ids=str,
)
def test_a_field_of_the_wrong_type_is_refused(change: dict[str, Any]) -> None:
    assert reason(InputKind.CREATED, {**CREATED, **change}) == "wrong_type"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"eventType": 5}, "eventType is a whole number: text is expected"),
        ({"eventType": {"name": "Created"}}, "eventType is an object: text is expected"),
        ({"event_type": ["Created"]}, "event_type is a list: text is expected"),
        ({"payload": {"eventType": True}}, "payload.eventType is true or false: text is expected"),
        ({"itemId": 7.5}, "itemId is a number with a fraction: text is expected"),
        ({"priority": 1.5}, "priority is a number with a fraction: a whole number is expected"),
        ({"allowPartial": "yes"}, "allowPartial is text: true or false is expected"),
        ({"payload": "text"}, "payload is text: an object is expected"),
        ({"timestamp": {}}, "timestamp is an object: a number or text is expected"),
    ],
    ids=str,
)
def test_a_wrong_type_is_reported_by_its_field_in_plain_words(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(Refused) as refused:
        translate(InputKind.CREATED, {**CREATED, **change})
    assert expected == refused.value.detail


@pytest.mark.parametrize(
    "change",
    [
        {"timestamp": True},
        {"timestamp": [2024, 5, 1, 12, 0]},
        {"timestamp": "yesterday"},
        {"timestamp": 1_714_564_800},
        {"expiresAt": {}},
        {"expires_at": " "},
        {"payload": {**CREATED, "timestamp": {}}},
    ],
    ids=str,
)
def test_a_timestamp_that_is_no_instant_is_refused(change: dict[str, Any]) -> None:
    assert reason(InputKind.CREATED, {**CREATED, **change}) == "bad_timestamp"


def test_a_timestamp_beyond_what_a_double_holds_is_refused() -> None:
    value = b'{"reservationId":"r","itemId":"i","timestamp":1e400}'
    assert reason(InputKind.CONFIRMED, value) == "bad_timestamp"


def test_a_record_without_any_timestamp_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        Inbound({}, "acme").translate(  # type: ignore[arg-type]
            InputKind.CONFIRMED, Record(b'{"reservationId":"r","itemId":"i"}', timestamp=-1)
        )
    assert refused.value.reason == "bad_timestamp"


@pytest.mark.parametrize("priority", [2**31, -(2**31) - 1, 10**30])
def test_a_priority_beyond_32_bits_is_refused(priority: int) -> None:
    assert reason(InputKind.CREATED, b'{"reservationId":"r","itemId":"i","quantity":1,"priority":%d}' % priority) == (
        "bad_priority"
    )


@pytest.mark.parametrize("tenant", [None, "", "  "], ids=["null", "empty", "blank"])
def test_without_a_default_tenant_one_must_be_named(tenant: str | None) -> None:
    assert reason(InputKind.CREATED, {**CREATED, "tenantId": tenant}, tenant=None) == "missing_tenant"


IDS = ("tenantId", "itemId", "reservationId", "eventId", "channel", "locationId", "reference")


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("text", ["x" * 256, "é" * 128], ids=["ascii", "two bytes each"])
def test_an_id_over_255_bytes_is_refused(name: str, text: str) -> None:
    assert reason(InputKind.CREATED, {**CREATED, name: text}) == "id_too_long"


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("letter", ["\0", "\n", "\x1b", "\x7f", "é\x85"], ids=ascii)
def test_a_control_character_in_an_id_is_refused(name: str, letter: str) -> None:
    assert reason(InputKind.CREATED, {**CREATED, name: f"a{letter}b"}) == "control_character"


@pytest.mark.parametrize("text", ["x" * 255, "é" * 127 + "x", "a|b%c", " a ", "東京", "😀"], ids=ascii)
def test_any_other_id_is_kept_as_it_is(text: str) -> None:
    content = {**CREATED, "reservationId": text, "itemId": text, "tenantId": text, "eventId": text}
    found = translate(InputKind.CREATED, content)
    assert isinstance(found, Translated)
    assert {text} == {found.tenant, found.item, found.command.event_id, found.command.reservation}  # type: ignore[union-attr]
