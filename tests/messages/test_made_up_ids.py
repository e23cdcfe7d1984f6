"""Messages without an id: what tells two of them apart, and that nothing else does."""

from typing import Any

import pytest

from atp_stream.messages.inbound import InputKind
from tests.domain.support.log import Log, count, reserve
from tests.messages.wire import NOON, command

AT = "2024-05-01T12:00:00Z"
SALE: dict[str, Any] = {"product_id": "m", "adjusted_quantity": -1, "timestamp": AT}
SHIPPED: dict[str, Any] = {"itemId": "m", "reservationId": "o", "quantity": 1, "timestamp": AT}


def on_hand_after(kind: InputKind, *contents: dict[str, Any]) -> int:
    """Return on hand of an item of which 100 had been counted, and of which a reservation had asked for 2."""
    log = Log()
    log.say(count(10_000, NOON - 1), reserve("o", 200, at=NOON - 1), log_time=NOON // 1_000)
    log.say(*(command(kind, content) for content in contents), log_time=NOON // 1_000)
    return log.item().stock.on_hand


def test_two_adjustments_of_one_stamp_that_ship_different_reservations_both_count() -> None:
    both = [{**SALE, "reservation_id": "o1"}, {**SALE, "reservation_id": "o2"}]
    assert 9_800 == on_hand_after(InputKind.ADJUSTED, *both)


def test_two_fulfilments_of_one_stamp_from_different_places_both_count() -> None:
    both = [{**SHIPPED, "locationId": "A"}, {**SHIPPED, "locationId": "B"}]
    assert 9_800 == on_hand_after(InputKind.FULFILLED, *both)


@pytest.mark.parametrize(("kind", "content"), [(InputKind.ADJUSTED, SALE), (InputKind.FULFILLED, SHIPPED)])
def test_the_same_message_sent_again_counts_once(kind: InputKind, content: dict[str, Any]) -> None:
    assert 9_900 == on_hand_after(kind, content, content)
