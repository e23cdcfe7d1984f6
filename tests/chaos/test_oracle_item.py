"""What the oracle says must become of one item, by example."""

from itertools import permutations

import pytest

from chaos.oracle.inputs import Asked
from chaos.oracle.item import Item
from chaos.oracle.policy import FIRST, rules

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
        create = asked("created", 0, reservation="r", channel="ECOM", quantity=1000, expires_at=limit)
        item.asked(create, 2, NOON)
        item.run_out(limit, 3, NOON + 60_000)
        applied = [item.asked(said, 4 + place, NOON + 60_000) for place, said in enumerate([*late, create, *late])]
        assert (10_000 - units, units) == item.rows()["ECOM"]
        assert [True, True, False, False, False] == applied


def test_a_newer_create_for_what_was_rejected_is_no_news():
    item = Item(rules(FIRST, "acme", "lamp"))
    item.asked(asked("created", 0, reservation="r", channel="ECOM", quantity=100, allow_backorder=False), 1, NOON)
    item.asked(asked("counted", 1, absolute=1000), 2, NOON)
    assert not item.asked(asked("created", 2, reservation="r", channel="ECOM", quantity=100), 3, NOON)
    assert (1000, 0) == item.rows()["ECOM"]
