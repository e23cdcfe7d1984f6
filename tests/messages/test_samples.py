"""Rows and log records as version 0.1.0 wrote them: newer code must go on reading them, to the same meaning."""

from typing import Any

import pytest

from atp_stream.domain.commands import (
    AdjustStock,
    AnyCommand,
    Confirm,
    CountStock,
    Fulfil,
    Release,
    Reserve,
    ResumeItem,
)
from atp_stream.domain.state.rows import Backorder, Item, Reservation
from atp_stream.messages.rows import decode_command, decode_row

AT = 1_700_000_000_000_000

COMMANDS: dict[bytes, AnyCommand] = {
    b'{"command":"adjust","delta":1000,"absolute":1000,"location":"A","reservation":"r9","event_id":"e1",'
    b'"at":1700000000000000}': AdjustStock(
        event_id="e1", at_us=AT, delta=1000, absolute=1000, location="A", reservation="r9"
    ),
    b'{"command":"count","on_hand":900,"event_id":"e2","at":1700000000000000}': CountStock(
        event_id="e2", at_us=AT, on_hand=900
    ),
    b'{"command":"reserve","reservation":"r1","quantity":5000,"channel":"ECOM","expires_at":1700000000000009,'
    b'"priority":2,"allow_partial":true,"event_id":"e3","at":1700000000000000}': Reserve(
        event_id="e3",
        at_us=AT,
        reservation="r1",
        quantity=5000,
        channel="ECOM",
        expires_at_us=AT + 9,
        priority=2,
        allow_partial=True,
    ),
    b'{"command":"confirm","reservation":"r1","event_id":"e4","at":1700000000000000}': Confirm(
        event_id="e4", at_us=AT, reservation="r1"
    ),
    b'{"command":"release","reservation":"r1","quantity":100,"reason":"x","event_id":"e5",'
    b'"at":1700000000000000}': Release(event_id="e5", at_us=AT, reservation="r1", quantity=100, reason="x"),
    b'{"command":"fulfil","reservation":"r1","quantity":100,"location":"A","event_id":"e6",'
    b'"at":1700000000000000}': Fulfil(event_id="e6", at_us=AT, reservation="r1", quantity=100, location="A"),
    b'{"command":"resume","event_id":"e7","at":1700000000000000}': ResumeItem(event_id="e7", at_us=AT),
}
ITEM = (
    b'{"stock":{"on_hand":800,"gap":0,"basis":900,"split":true,"named":[1000,0,1000,1],"places":{"A":[[1000,0,'
    b'1700000000000000,1000],-4611686018427387904],"":[[900,0,1700000000000001,900],-4611686018427387904]},'
    b'"shipments":{"A":[[1700000000000005,100,1700000000000005]]}},"channels":{"ECOM":{"reserved":800,"waiting":4000,'
    b'"blocking":1},"STORE":{}},"version":6,"offset":6,"log_time":1700000000000}'
)
RESERVATION = (
    b'{"channel":"ECOM","asked":"ECOM","at":1700000000000002,"requested":5000,"released":100,"fulfilled":100,'
    b'"allocations":[[3,0,800]],"waiting":4000,"queued":[3],"priority":2,"allow_partial":true,"confirmed":true,'
    b'"moved":[[1700000000000005,100,"A"]],"known":["e5","e6"]}'
)


@pytest.mark.parametrize(("written", "meant"), COMMANDS.items(), ids=lambda value: type(value).__name__)
def test_a_command_of_0_1_0_means_what_it_meant(written: bytes, meant: AnyCommand) -> None:
    assert meant == decode_command(written)


def test_an_item_of_0_1_0_has_its_stock_and_channels() -> None:
    row: Item = decode_row("acme|lamp|i", ITEM)

    assert (800, 900, 100) == (row.stock.on_hand, row.stock.basis, row.stock.shipments["A"][0][1])
    assert (800, 4000, 0) == (
        row.channels["ECOM"].reserved,
        row.channels["ECOM"].waiting,
        row.channels["STORE"].waiting,
    )
    assert (6, 6, 1_700_000_000_000) == (row.version, row.offset, row.log_time_ms)


def test_a_reservation_of_0_1_0_has_its_allocations_and_what_it_knows() -> None:
    row: Reservation = decode_row("acme|lamp|r|r1", RESERVATION)

    assert (3, 0, 800) == (row.allocations[0].offset, row.allocations[0].ordinal, row.allocations[0].quantity)
    assert (4000, [3], ["e5", "e6"], True) == (row.waiting, row.queued, row.known, row.confirmed)


def test_a_place_in_a_queue_of_0_1_0_is_read() -> None:
    key = "acme|lamp|q|ECOM|7ffffffffffffffd0000000000000003"
    written = b'{"reservation":"r1","quantity":4000,"priority":2,"allow_partial":true}'

    assert Backorder(reservation="r1", quantity=4000, priority=2, allow_partial=True) == decode_row(key, written)


def test_a_field_that_newer_code_adds_does_not_stop_older_code() -> None:
    row: Any = decode_row("acme|lamp|q|ECOM|0", b'{"reservation":"r1","quantity":4000,"added_later":[1]}')

    assert Backorder(reservation="r1", quantity=4000) == row
