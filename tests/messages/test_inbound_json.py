"""Enveloped and flat JSON, as upstream and the seed's snippet write it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atp_stream.domain import quantity
from atp_stream.domain.commands import AdjustStock, Confirm, CountStock, Fulfil, Release, Reserve
from atp_stream.messages.inbound import Inbound, InputKind, Skipped, Translated
from tests.messages.wire import CAMEL, EVENTS, NOON, Record, command, snake, translate

AT = "2024-05-01T12:00:00Z"


def test_the_seeds_producer_snippet_is_an_adjustment() -> None:
    snippet = {
        "event_id": "abc123",
        "timestamp": datetime(2024, 5, 1, 12, 0, 0, 250_000).isoformat() + "Z",  # noqa: DTZ001 - as utcnow() is
        "product_id": "prod987",
        "adjusted_quantity": 10,
        "new_quantity": 150,
        "adjustment_reason": "restock",
        "adjusted_by": "user123",
    }
    expected = AdjustStock(event_id="abc123", at_us=NOON + 250_000, delta=1000, absolute=15_000)
    assert Translated("acme", "prod987", expected) == translate(InputKind.ADJUSTED, json.dumps(snippet).encode())


def test_the_snippet_of_an_aware_clock_is_read_as_well() -> None:
    stamp = datetime(2024, 5, 1, 12, tzinfo=UTC).isoformat() + "Z"
    assert NOON == command(InputKind.ADJUSTED, {"product_id": "p", "adjusted_quantity": 1, "timestamp": stamp}).at_us


def test_an_adjustments_extras_are_read() -> None:
    content = {
        "event_id": "e",
        "timestamp": AT,
        "tenant_id": "globex",
        "product_id": "p",
        "adjusted_quantity": -2.5,
        "location_id": "berlin",
        "reservation_id": "r",
        "channel": "ECOM",
    }
    expected = AdjustStock(event_id="e", at_us=NOON, delta=-250, location="berlin", reservation="r")
    assert Translated("globex", "p", expected) == translate(InputKind.ADJUSTED, content)


def test_an_adjustment_with_only_the_new_quantity_is_a_count() -> None:
    content = {"event_id": "e", "timestamp": AT, "product_id": "p", "new_quantity": 150, "location_id": "berlin"}
    expected = CountStock(event_id="e", at_us=NOON, on_hand=15_000, location="berlin")
    assert expected == command(InputKind.ADJUSTED, content)


def test_an_adjustment_with_only_the_delta_is_a_delta() -> None:
    content = {"event_id": "e", "timestamp": AT, "product_id": "p", "adjusted_quantity": 0, "new_quantity": None}
    assert AdjustStock(event_id="e", at_us=NOON, delta=0) == command(InputKind.ADJUSTED, content)


def test_a_count_is_read() -> None:
    content = {"eventId": "e", "timestamp": AT, "itemId": "i", "onHand": 12.25, "locationId": "berlin"}
    assert CountStock(event_id="e", at_us=NOON, on_hand=1225, location="berlin") == command(InputKind.COUNTED, content)


def test_upstreams_envelope_of_a_created_reservation_is_read() -> None:
    content = {
        "eventType": "ReservationCreatedEvent",
        "eventId": "e-1",
        "timestamp": AT,
        "aggregateId": "r-1",
        "tenantId": "acme",
        "payload": {
            "reservationId": "r-1",
            "itemId": "item-001",
            "locationId": "berlin",
            "quantity": 5,
            "channel": "ECOM",
        },
    }
    expected = Reserve(event_id="e-1", at_us=NOON, reservation="r-1", quantity=500, channel="ECOM", location="berlin")
    assert Translated("acme", "item-001", expected) == translate(InputKind.CREATED, content)


def test_everything_that_a_created_reservation_may_say_is_read() -> None:
    content = {
        "eventId": "e",
        "timestamp": AT,
        "reservationId": "r",
        "itemId": "i",
        "quantity": "7.50",
        "channel": "B2B",
        "locationId": "berlin",
        "reference": "order 7",
        "expiresAt": 1_714_565_700_000,
        "priority": -3,
        "allowPartial": True,
        "allowBackorder": False,
    }
    expected = Reserve(
        event_id="e",
        at_us=NOON,
        reservation="r",
        quantity=750,
        channel="B2B",
        location="berlin",
        reference="order 7",
        expires_at_us=NOON + 900_000_000,
        priority=-3,
        allow_partial=True,
        allow_backorder=False,
    )
    assert expected == command(InputKind.CREATED, content)


def test_a_created_reservation_may_say_no_more_than_it_must() -> None:
    found = command(InputKind.CREATED, {"reservationId": "r", "itemId": "i", "quantity": 1})
    assert Reserve(event_id=found.event_id, at_us=NOON, reservation="r", quantity=100) == found


def test_a_confirmation_is_read() -> None:
    content = {"eventId": "e", "timestamp": AT, "reservationId": "r", "itemId": "i"}
    assert Confirm(event_id="e", at_us=NOON, reservation="r") == command(InputKind.CONFIRMED, content)


def test_a_release_of_a_part_is_read() -> None:
    content = {
        "eventId": "e",
        "timestamp": AT,
        "reservationId": "r",
        "itemId": "i",
        "quantity": 2,
        "reason": "changed",
    }
    expected = Release(event_id="e", at_us=NOON, reservation="r", quantity=200, reason="changed")
    assert expected == command(InputKind.RELEASED, content)


def test_a_release_without_a_quantity_is_of_all_that_is_left() -> None:
    content = {"eventId": "e", "timestamp": AT, "reservationId": "r", "itemId": "i"}
    assert Release(event_id="e", at_us=NOON, reservation="r") == command(InputKind.RELEASED, content)


def test_a_releases_reason_is_kept_to_its_first_255_characters() -> None:
    content = {"reservationId": "r", "itemId": "i", "reason": "x" * 300}
    assert "x" * 255 == command(InputKind.RELEASED, content).reason


def test_a_fulfilment_is_read() -> None:
    content = {
        "eventId": "e",
        "timestamp": AT,
        "reservationId": "r",
        "itemId": "i",
        "quantity": 2,
        "locationId": "berlin",
    }
    expected = Fulfil(event_id="e", at_us=NOON, reservation="r", quantity=200, location="berlin")
    assert expected == command(InputKind.FULFILLED, content)


@pytest.mark.parametrize("kind", InputKind)
def test_camel_and_snake_case_say_the_same(kind: InputKind) -> None:
    content = {"eventType": EVENTS[kind], "eventId": "e", "timestamp": AT, "tenantId": "globex", **CAMEL[kind]}
    assert translate(kind, content) == translate(kind, snake(content))


@pytest.mark.parametrize("kind", InputKind)
def test_flat_and_enveloped_say_the_same(kind: InputKind) -> None:
    head = {"eventType": EVENTS[kind], "eventId": "e", "timestamp": AT, "tenantId": "globex"}
    assert translate(kind, {**head, **CAMEL[kind]}) == translate(kind, {**head, "payload": CAMEL[kind]})


@pytest.mark.parametrize("kind", InputKind)
def test_the_head_may_stand_in_the_payload(kind: InputKind) -> None:
    head = {"eventId": "e", "timestamp": AT, "tenantId": "globex"}
    assert translate(kind, {**head, **CAMEL[kind]}) == translate(kind, {"payload": {**head, **CAMEL[kind]}})


def test_an_item_may_be_called_item_in_an_adjustment() -> None:
    found = translate(InputKind.ADJUSTED, {"itemId": "i", "adjusted_quantity": 1})
    assert isinstance(found, Translated)
    assert found.item == "i"


def test_no_timestamp_means_kafkas() -> None:
    value = b'{"reservationId":"r","itemId":"i"}'
    found = Inbound({}, "acme").translate(InputKind.CONFIRMED, Record(value, timestamp=1_714_564_800_123))  # type: ignore[arg-type]
    assert isinstance(found, Translated)
    assert found.command.at_us == NOON + 123_000


@pytest.mark.parametrize("kind", InputKind)
def test_without_an_event_id_the_content_names_the_event(kind: InputKind) -> None:
    assert command(kind, {"timestamp": AT, **CAMEL[kind]}) == command(kind, {**CAMEL[kind], "timestamp": AT})
    assert len(command(kind, CAMEL[kind]).event_id) == 32


def test_events_that_differ_have_different_names() -> None:
    base = {"timestamp": AT, "reservationId": "r", "itemId": "i", "quantity": 1}
    changed: list[dict[str, Any]] = [
        {},
        {"timestamp": "2024-05-01T12:00:00.000001Z"},
        {"reservationId": "r2"},
        {"itemId": "i2"},
        {"tenantId": "globex"},
        {"quantity": 2},
        {"quantity": None},
    ]
    found = {command(InputKind.RELEASED, {**base, **change}).event_id for change in changed}
    found.add(command(InputKind.FULFILLED, base).event_id)
    assert len(found) == 8


def test_an_empty_text_is_absent() -> None:
    content = {
        "eventId": "",
        "eventType": "",
        "tenantId": "",
        "reservationId": "r",
        "itemId": "i",
        "quantity": 1,
        "channel": "",
        "locationId": "",
        "reference": "",
    }
    bare = {"reservationId": "r", "itemId": "i", "quantity": 1}
    assert translate(InputKind.CREATED, bare) == translate(InputKind.CREATED, content)


def test_null_is_absent() -> None:
    content = {"reservationId": "r", "itemId": "i", "quantity": None, "payload": None, "timestamp": None}
    assert translate(InputKind.RELEASED, {"reservationId": "r", "itemId": "i"}) == translate(
        InputKind.RELEASED, content
    )


def test_of_two_equal_keys_the_last_one_counts_as_for_every_reader() -> None:
    value = b'{"reservationId":"r","itemId":"i","quantity":1,"quantity":2}'
    assert command(InputKind.CREATED, value).quantity == 200


def test_a_null_value_is_skipped() -> None:
    assert Skipped.NULL == translate(InputKind.CREATED, None)


def test_an_event_of_another_type_is_skipped() -> None:
    assert Skipped.FOREIGN == translate(InputKind.CREATED, {"eventType": "ReservationArchivedEvent"})


def test_an_event_of_another_type_may_use_our_names_for_other_things() -> None:
    content = {"event_type": "ReservationArchivedEvent", "quantity": [1], "itemId": 7}
    assert Skipped.FOREIGN == translate(InputKind.CREATED, content)


@pytest.mark.parametrize("name", ["InventoryAdjusted", "InventoryAdjustedEvent"])
def test_the_word_event_at_the_end_of_a_type_may_be_there_or_not(name: str) -> None:
    content = {"eventType": name, "product_id": "p", "adjusted_quantity": 1}
    assert isinstance(translate(InputKind.ADJUSTED, content), Translated)


@given(st.integers(1, quantity.MAX_HUNDREDTHS), st.integers(0, 4), st.integers(0, 9), st.booleans())
def test_an_amount_is_read_exactly_however_it_is_spelt(hundredths: int, zeros: int, shift: int, quoted: bool) -> None:  # noqa: FBT001
    digits = f"{hundredths:03d}"
    spelt = f"{digits[:-2]}.{digits[-2:]}{'0' * zeros}"
    if shift > 1:
        spelt = f"{hundredths * 10**shift}E-{shift + 2}"
    value = f'{{"reservationId":"r","itemId":"i","quantity":{json.dumps(spelt) if quoted else spelt}}}'
    assert hundredths == command(InputKind.CREATED, value.encode()).quantity
