"""What the oracle says must become of one item, by example."""

from itertools import permutations

import pytest

from atp_stream.oracle.inputs import Asked
from atp_stream.oracle.item import Item
from atp_stream.oracle.policy import FIRST, rules

NOON = 1_700_000_000_000  # milliseconds
SECOND = 1_000_000  # of event time


def asked(kind, second, **said):
    return Asked(kind, "acme", "lamp", f"{kind} {second}", NOON * 1000 + second * SECOND, **said)


@pytest.mark.parametrize("units", [800, 1200])
def test_a_newer_create_and_a_confirm_after_the_limit_give_the_same_in_either_order(units):
    for late in permutations(
        [asked("created", 1, reservation="r", channel="ECOM", quantity=units), asked("confirmed", 2, reservation="r")]
    ):
        item = Item(rules(FIRST, "acme", "lamp"))
        limit = NOON * 1000 + 60 * SECOND
        item.asked(asked("counted", 0, absolute=10_000), 1, NOON)
        create = asked("created", 0, reservation="r", channel="ECOM", quantity=1000, expires_at_us=limit)
        item.asked(create, 2, NOON)
        item.run_out(limit, 3, NOON + 60_000)
        applied = [item.asked(said, 4 + place, NOON + 60_000) for place, said in enumerate([*late, create, *late])]
        assert (10_000 - units, units) == item.rows()["ECOM"]
        assert [True, True, False, False, False] == applied


def test_a_newer_create_for_what_was_rejected_is_answered_once():
    item = Item(rules(FIRST, "acme", "lamp"))
    item.asked(asked("created", 0, reservation="r", channel="ECOM", quantity=100, allow_backorder=False), 1, NOON)
    item.asked(asked("counted", 1, absolute=1000), 2, NOON)
    again = asked("created", 2, reservation="r", channel="ECOM", quantity=100)

    assert item.asked(again, 3, NOON)
    assert [("r", "REJECTED", "already_ended")] == [(t.reservation, t.outcome, t.reason) for t in item.reported]
    assert not item.asked(again, 4, NOON)
    assert (1000, 0) == item.rows()["ECOM"]


def test_a_newer_create_for_what_has_expired_is_answered_and_says_what_a_confirm_would_claim():
    item = Item(rules(FIRST, "acme", "lamp"))
    limit = NOON * 1000 + 60 * SECOND
    item.asked(asked("counted", 0, absolute=1000), 1, NOON)
    item.asked(asked("created", 0, reservation="r", channel="ECOM", quantity=100, expires_at_us=limit), 2, NOON)
    item.run_out(limit, 3, NOON + 60_000)

    assert item.asked(asked("created", 2, reservation="r", channel="ECOM", quantity=300), 4, NOON + 60_000)
    assert [("r", "REJECTED", "expired")] == [(t.reservation, t.outcome, t.reason) for t in item.reported]
    item.asked(asked("confirmed", 3, reservation="r"), 5, NOON + 60_000)
    assert (700, 300) == item.rows()["ECOM"]


def test_the_newest_request_loses_its_promise_whatever_commit_served_it():
    item = Item(rules({"tenants": {"*": {"channels": {"ECOM": {}}, "shortage": "deallocate"}}}, "acme", "lamp"))
    for number in range(1, 7):
        item.asked(asked("created", number, reservation=f"r{number}", channel="ECOM", quantity=1000), number, NOON)
    item.asked(asked("counted", 10, absolute=6000), 10, NOON)
    item.asked(asked("counted", 11, absolute=3000), 11, NOON)

    assert ["r6", "r5", "r4"] == [reported.reservation for reported in item.reported]
    assert [[[number, 1000]] for number in (4, 5, 6)] == [item.claims[f"r{number}"].backorders for number in (4, 5, 6)]
    assert (0, 3000) == item.rows()["ECOM"]


def test_whole_goods_are_promised_and_shown_in_whole_units():
    section = {"channels": {"ECOM": {}, "STORE": {"buffer": 0.5}}, "safety_stock": {"percent": 1}, "step": 1}
    item = Item(rules({"tenants": {"*": section}}, "acme", "lamp"))
    item.asked(asked("counted", 0, absolute=450), 1, NOON)

    assert (100, {"ECOM": (300, 0), "STORE": (200, 0)}) == (item.safety_stock, item.rows())
    item.asked(asked("created", 1, reservation="r", channel="ECOM", quantity=325, allow_partial=True), 2, NOON)
    assert [("committed", 300), ("denied", 25)] == [(reported.topic, reported.quantity) for reported in item.reported]


def test_what_left_without_a_place_moves_with_its_reservation():
    item = Item(rules(FIRST, "acme", "lamp"))
    for place, location in enumerate("ab"):
        item.asked(asked("counted", 0, absolute=5000, location=location), place, NOON)
    said = {"reservation": "o", "channel": "ECOM", "quantity": 300}
    item.asked(asked("created", 1, **said, location="a"), 2, NOON)
    item.asked(asked("created", 2, **said, location="b"), 3, NOON)
    item.asked(asked("fulfilled", 3, reservation="o"), 4, NOON)
    item.asked(asked("counted", 4, absolute=4700, location="b"), 5, NOON)

    assert ("b", 9700) == (item.claims["o"].location, item.on_hand)
