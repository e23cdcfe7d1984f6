"""Events of supplies, and days, as they are written."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from atp_stream.domain.commands import AdjustStock, CancelSupply, ReceiveSupply, ScheduleSupply
from atp_stream.messages import schema_files
from atp_stream.messages.inbound import InputKind
from tests.messages.wire import CAMEL, EVENTS, NOON, Record, avro, command, snake, translate

AT = "2024-05-01T12:00:00Z"
TENTH = 19_853  # 2024-05-10


def scheduled(day: object) -> Any:
    content = {"eventId": "e", "timestamp": AT, "supplyId": "po", "itemId": "i", "quantity": 50, "expectedDate": day}
    return command(InputKind.SUPPLY_SCHEDULED, content)


def test_a_schedule_is_read() -> None:
    content = {"eventId": "e", "timestamp": AT, **CAMEL[InputKind.SUPPLY_SCHEDULED], "reference": "line 3"}
    expected = ScheduleSupply(
        event_id="e", at_us=NOON, supply="s", quantity=100, day=TENTH, location="l", kind="PURCHASE", firm=False,
        reference="line 3",
    )  # fmt: skip
    assert expected == command(InputKind.SUPPLY_SCHEDULED, content)
    assert expected == command(InputKind.SUPPLY_CHANGED, snake(content))


@pytest.mark.parametrize(
    "day", ["2024-05-10", "2024-05-10T23:59:59Z", "2024-05-11T01:00:00+02:00", 1_715_299_200_000, 1_715_385_599_999]
)
def test_a_date_is_that_day_and_an_instant_falls_into_its_day(day: object) -> None:
    assert TENTH == scheduled(day).day


def test_a_cancellation_and_a_receipt_are_read() -> None:
    head = {"eventId": "e", "timestamp": AT, "supplyId": "po", "itemId": "i"}
    cancelled = CancelSupply(event_id="e", at_us=NOON, supply="po", reason="bankrupt")
    assert cancelled == command(InputKind.SUPPLY_CANCELLED, {**head, "reason": "bankrupt"})
    assert ReceiveSupply(event_id="e", at_us=NOON, supply="po") == command(InputKind.SUPPLY_RECEIVED, head)
    part = ReceiveSupply(event_id="e", at_us=NOON, supply="po", quantity=4500, final=True, moves_stock=True)
    content = {**head, "quantity": 45, "final": True, "movesStock": True}
    assert part == command(InputKind.SUPPLY_RECEIVED, content)


def test_an_adjustment_may_name_the_supply_that_it_receives() -> None:
    content = {"event_id": "e", "timestamp": AT, "product_id": "p", "adjusted_quantity": 50, "supply_id": "po"}
    assert AdjustStock(event_id="e", at_us=NOON, delta=5000, supply="po") == command(InputKind.ADJUSTED, content)


def test_a_reservation_may_want_a_day() -> None:
    content = {"reservationId": "r", "itemId": "i", "quantity": 1, "requestedDate": "2024-05-10"}
    assert TENTH == command(InputKind.CREATED, content).wanted
    assert TENTH == command(InputKind.CREATED, snake(content)).wanted


def test_without_an_event_id_another_day_is_another_event() -> None:
    content = {"timestamp": AT, "supplyId": "po", "itemId": "i", "quantity": 50, "expectedDate": "2024-05-10"}
    same = command(InputKind.SUPPLY_SCHEDULED, content), command(InputKind.SUPPLY_SCHEDULED, dict(content))
    later = command(InputKind.SUPPLY_SCHEDULED, {**content, "expectedDate": "2024-05-11"})
    assert same[0] == same[1]
    assert same[0].event_id != later.event_id


@pytest.mark.parametrize("kind", [InputKind.SUPPLY_SCHEDULED, InputKind.SUPPLY_CHANGED])
def test_avro_states_a_day_as_a_date(kind: InputKind) -> None:
    schema = schema_files.schema(EVENTS[kind])
    number = schema_files.events().index(EVENTS[kind]) + 1
    content = {"supplyId": "po", "itemId": "i", "quantity": 50, "expectedDate": "2024-05-10"}

    written = avro(schema, {**content, "quantity": Decimal(50), "expectedDate": date(2024, 5, 10)}, number)
    assert translate(kind, content) == translate(kind, Record(written).value)
