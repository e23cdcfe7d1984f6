"""Every number of an item is the sum of its terms."""

import pytest
from hypothesis import given

from atp_stream.domain.commands import Entry, Grant
from atp_stream.domain.explanation import Explanation, Term, explain
from atp_stream.domain.standing import lived_by
from atp_stream.domain.state import State
from tests.domain.histories import histories
from tests.domain.log import AT, LAMP, Log, count, fulfil, grant, policy, reserve


def explained(log: Log, name: str = LAMP) -> Explanation:
    item = log.item(name)
    return explain(item, lived_by(State(log.read, log.scan), name, item)[1])


def terms(log: Log, channel: str) -> list[tuple[str, int]]:
    found = next(one for one in explained(log).channels if one.channel == channel)
    return [(term.what, term.quantity) for term in found.terms]


@given(histories())
def test_the_terms_add_up_whatever_happened(entries: list[Entry]) -> None:
    log = Log()
    log.run(entries)
    for name in (key[:-2] for key in log.rows if key.endswith("|i")):
        item, found = log.item(name), explained(log, name)
        assert item.stock.on_hand == sum(term.quantity for term in found.held)
        assert {channel: row.available for channel, row in item.channels.items()} == {
            one.channel: sum(term.quantity for term in one.terms) for one in found.channels
        }


def test_why_120() -> None:
    log = Log()
    log.say(count(15_000), reserve("a", 3_000))
    assert [("on_hand", 15_000), ("safety_stock", 0), ("reserved", -3_000)] == terms(log, "ECOM")
    assert [Term("on_hand", 15_000), Term("safety_stock", 0), Term("reserved", -3_000)] == explained(log).free


def test_what_is_withheld_is_a_term_that_is_derived_again() -> None:
    log = Log()
    log.say(policy({"tenants": {"*": {"channels": {"ECOM": {}}, "safety_stock": {"fixed": 2}}}}), count(900))
    item = log.item()
    item.safety_stock = item.channels["ECOM"].available = 5
    found = explain(item, lived_by(State(log.read, log.scan), LAMP, item)[1])
    assert (
        [Term("on_hand", 900), Term("safety_stock", -200), Term("reserved", 0)] == found.free == found.channels[0].terms
    )


def test_an_item_that_stands_still_shows_nothing_and_withholds_what_it_did_when_it_stopped() -> None:
    log = Log()
    log.say(count(900))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("atp_stream.domain.answers.reserve", lambda *_: 1 / 0)
        log.say(reserve("a", 100))
    log.say(policy({"tenants": {"*": {"channels": {"ECOM": {}}, "safety_stock": {"fixed": 2}}}}))
    free = [("on_hand", 900), ("safety_stock", 0), ("reserved", 0)]
    assert [*free, ("quarantine", -900)] == terms(log, "ECOM")


def test_what_was_shipped_and_is_in_no_count_yet_is_a_term_of_on_hand() -> None:
    log = Log()
    log.say(count(900), reserve("a", 300), fulfil("a", at=AT + 1))
    assert [Term("no_location", 900), Term("shipped", -300)] == explained(log).held


def test_of_stock_stated_twice_only_the_smaller_sum_is_explained() -> None:
    log = Log()
    log.say(count(900, location="north"), count(400))
    assert [Term("no_location", 400)] == explained(log).held


def test_each_kind_of_channel_says_what_is_not_its_own() -> None:
    log = Log()
    rules = {
        "ECOM": {"kind": "QUOTA"},
        "STORE": {"kind": "SHARE", "weight": 0.25, "buffer": 1},
        "B2B": {"kind": "FROZEN"},
        "MARKETPLACE": {"floor": 900},
    }
    log.say(policy({"tenants": {"*": {"channels": rules}}}), count(1_000))
    log.say(Grant(event_id="g", at=AT, channel="ECOM", quantity=400))
    free = [("on_hand", 1_000), ("safety_stock", 0), ("reserved", 0), ("fenced_for_quotas", -400)]
    assert [*free, ("own_fence", 400), ("no_overflow", -600)] == terms(log, "ECOM")
    assert [*free, ("share_of_others", -450), ("buffer", -100)] == terms(log, "STORE")
    assert [*free, ("frozen", -600)] == terms(log, "B2B")
    assert [*free, ("below_floor", -600)] == terms(log, "MARKETPLACE")


def test_a_stock_below_what_is_promised_and_those_who_wait_are_terms() -> None:
    log = Log()
    log.say(count(500), reserve("a", 400), reserve("b", 900), count(300, AT + 1))
    free = [("on_hand", 300), ("safety_stock", 0), ("reserved", -400), ("never_below_zero", 100)]
    assert free == terms(log, "ECOM")
    log.say(count(600, AT + 2))
    assert [("on_hand", 600), ("safety_stock", 0), ("reserved", -400), ("others_wait", -200)] == terms(log, "ECOM")


def test_a_channel_that_became_another_name_may_serve_who_waits_and_shows_nothing() -> None:
    log = Log()
    log.say(count(100), reserve("r", 10, "Ecommerce"))
    log.say(policy({"tenants": {"*": {"channels": {"ECOM": {}}, "aliases": {"Ecommerce": "ECOM"}}}}))
    assert [("on_hand", 100), ("safety_stock", 0), ("reserved", -10), ("closed", -90)] == terms(log, "Ecommerce")


@pytest.mark.parametrize(
    "ecom", [{"kind": "SHARE", "weight": 0.5}, {"kind": "QUOTA"}, {"kind": "FROZEN"}, {"kind": "POOLED", "buffer": 0.1}]
)
def test_another_name_of_any_kind_of_channel_is_closed(ecom: dict[str, object]) -> None:
    log = Log()
    log.say(count(100), reserve("r", 10, "Ecommerce"))
    log.say(policy({"tenants": {"*": {"channels": {"ECOM": ecom}, "aliases": {"Ecommerce": "ECOM"}}}}))
    fenced = []
    if ecom["kind"] == "QUOTA":
        log.say(grant("ECOM", 30))
        fenced = [("fenced_for_quotas", -30)]
    free = [("on_hand", 100), ("safety_stock", 0), ("reserved", -10)]
    assert [*free, *fenced, ("closed", -60 if fenced else -90)] == terms(log, "Ecommerce")


@pytest.mark.parametrize(
    ("on_hand", "reserved", "pool", "shortage"), [(1_000, 0, 600, False), (1_000, 300, 600, False), (400, 0, 0, False),
                                                 (400, 400, 0, False), (399, 0, 0, True)],
)  # fmt: skip
def test_the_pool_is_what_no_fence_takes_and_a_shortage_is_less_than_was_granted(
    on_hand: int, reserved: int, pool: int, shortage: object
) -> None:
    log = Log()
    log.say(policy({"tenants": {"*": {"channels": {"A": {"kind": "QUOTA"}, "B": {}}}}}), count(on_hand))
    log.say(grant("A", 400), *([reserve("a", reserved, "A")] if reserved else []))
    assert (pool, shortage) == (explained(log).pool, explained(log).shortage)


def test_a_closed_channel_says_so_and_a_frozen_one_beside_it_that_it_is_frozen() -> None:
    log = Log()
    log.say(count(900), reserve("a", 200, "B2B"))
    log.say(policy({"unknown_channels": "refuse", "tenants": {"*": {"channels": {"ECOM": {"kind": "FROZEN"}}}}}))
    free = [("on_hand", 900), ("safety_stock", 0), ("reserved", -200)]
    assert [*free, ("closed", -700)] == terms(log, "B2B")
    assert [*free, ("frozen", -700)] == terms(log, "ECOM")


def test_what_the_buffer_leaves_is_held_against_the_floor() -> None:
    log = Log()
    log.say(policy({"tenants": {"*": {"channels": {"A": {"buffer": 2, "floor": 4}, "B": {"buffer": 2, "floor": 5}}}}}))
    log.say(count(600))
    free = [("on_hand", 600), ("safety_stock", 0), ("reserved", 0), ("buffer", -200)]
    assert free == terms(log, "A")
    assert [*free, ("below_floor", -400)] == terms(log, "B")
