"""The first load that is measured: what is sent, and that a difference would be seen."""

import json

from benchmarks.first_load import differences, load

NOON = 1_700_000_000_000


def test_each_item_is_counted_once_and_then_come_the_open_orders_oldest_first() -> None:
    sent = list(load(30, NOON))
    orders = [json.loads(one.value) for one in sent if one.kind == "created"]
    assert ["counted"] * 30 + ["created"] * 3 == [one.kind for one in sent]
    assert 30 == len({one.item for one in sent})
    assert [("order-0", 1), ("order-10", 2), ("order-20", 3)] == [
        (order["reservationId"], order["quantity"]) for order in orders
    ]
    assert [NOON - 30, NOON - 20, NOON - 10] == [order["timestamp"] for order in orders]


def test_a_load_that_broke_off_is_sent_again_under_the_same_ids() -> None:
    first, again = ([json.loads(one.value)["eventId"] for one in load(20, at)] for at in (NOON, NOON + 5))
    assert first == again


def test_items_as_they_were_sent_do_not_differ() -> None:
    shown = [
        {"item": "item-0000010", "status": 200, "answer": {"on_hand": 10, "reserved": 2}},
        {"item": "item-0000011", "status": 200, "answer": {"on_hand": 11, "reserved": 0}},
    ]
    assert [] == differences(shown, 10)


def test_an_order_for_more_than_is_there_waits() -> None:
    assert [] == differences([{"item": "item-0000040", "status": 200, "answer": {"on_hand": 0, "reserved": 0}}], 40)


def test_one_item_that_is_short_or_missing_is_named() -> None:
    short = {"item": "item-0000010", "status": 200, "answer": {"on_hand": 9, "reserved": 2}}
    missing = {"item": "item-0000011", "status": 404, "problem": {}}
    assert [
        "sent ('item-0000010', 10, 2), but ('item-0000010', 9, 2) is shown",
        "sent ('item-0000011', 11, 0), but ('item-0000011', None, None) is shown",
    ] == differences([short, missing], 10)
