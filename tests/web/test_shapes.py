"""What the views show of rows, as JSON: exact numbers, plain names, nothing made up."""

from typing import Any

import msgspec
import pytest

from atp_stream.domain.rows import Channel, Item
from atp_stream.domain.stock import Stock
from atp_stream.web import reservations
from atp_stream.web.availability import describe, moment
from tests.domain.log import AT, Log, adjust, count, fulfil, release, reserve


def item(row: Item) -> str:
    return msgspec.json.encode(describe("acme", "lamp", row)).decode()


def reservation(log: Log, name: str = "a") -> Any:
    row = log.reservation(name)
    ids = [f"id-{number}" for number in range(len(row.allocations))]
    return msgspec.json.decode(msgspec.json.encode(reservations.describe(row, ids)))


def test_an_amount_is_an_exact_number_however_large() -> None:
    row = Item(stock=Stock(on_hand=99_999_999_999_999), channels={"ECOM": Channel(available=99_999_999_999_901)})
    assert '"on_hand":999999999999.99,' in item(row)
    assert '"available":999999999999.01,' in item(row)


def test_a_negative_stock_is_shown_as_it_is() -> None:
    assert '"on_hand":-0.05,' in item(Item(stock=Stock(on_hand=-5), channels={}))


def test_what_is_promised_but_no_longer_there_is_short() -> None:
    log = Log()
    log.say(count(1000), reserve("a", 800), count(500, AT + 1))
    assert '"on_hand":5,"safety_stock":0,"reserved":8,"short":3,' in item(log.item())


def test_channels_and_locations_come_in_the_order_of_their_names() -> None:
    log = Log()
    log.say(count(3, location="north"), count(4, location="east"), count(2))
    shown = describe("acme", "lamp", log.item())
    assert ["B2B", "ECOM", "MARKETPLACE", "STORE"] == [channel["channel"] for channel in shown["channels"]]
    assert [None, "east", "north"] == [place["location"] for place in shown["locations"]]


def test_stock_with_and_without_locations_is_marked() -> None:
    log = Log()
    log.say(count(900, location="north"), count(400))
    assert '"on_hand":4,' in item(log.item())
    assert '"split":true,' in item(log.item())


def test_a_quarantined_item_says_so() -> None:
    row = Item(stock=Stock(), channels={}, quarantine="ZeroDivisionError()")
    assert '"quarantine":"ZeroDivisionError()"' in item(row)
    assert "quarantine" not in item(Item(stock=Stock(), channels={}))


def test_a_reservation_in_parts_shows_what_it_has_and_what_it_waits_for() -> None:
    log = Log()
    log.say(count(500), reserve("a", 800, allow_partial=True, priority=2, reference="order 7", location="north"))
    shown = reservation(log)
    assert ("PARTIAL", "ECOM", 8, 5, 3) == tuple(
        shown[key] for key in ("status", "channel", "requested", "reserved", "waiting")
    )
    assert (2, True, True, "order 7", "north") == tuple(
        shown[key] for key in ("priority", "allow_partial", "allow_backorder", "reference", "location")
    )
    assert [{"allocation": "id-0", "quantity": 5}] == shown["allocations"]


def test_a_reservation_that_ended_shows_where_its_units_went() -> None:
    log = Log()
    log.say(adjust(900, 900), reserve("a", 500), fulfil("a", 200), release("a"))
    shown = reservation(log)
    assert ("RELEASED", 5, 2, 3, 0, []) == tuple(
        shown[key] for key in ("status", "requested", "fulfilled", "released", "reserved", "allocations")
    )


def test_a_release_before_its_create_is_pending_and_guesses_nothing() -> None:
    log = Log()
    log.say(release("a", 300))
    shown = reservation(log)
    assert ("PENDING", None, 0, 3, None, None) == tuple(
        shown[key] for key in ("status", "channel", "requested", "released", "created_at", "expires_at")
    )


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000+00:00"),
        (1_795_358_858_862_999, "2026-11-22T14:47:38.862+00:00"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999+00:00"),  # the last that a message may state
    ],
)
def test_a_moment_is_cut_to_the_millisecond_and_never_rounded(microseconds: int, text: str) -> None:
    assert text == moment(microseconds)
