"""Every number of an item is the sum of its terms."""

import pytest
from hypothesis import given

from atp_stream.domain.commands import Entry, Grant
from atp_stream.domain.item.policy_history import lived_by
from atp_stream.domain.policy.rules import DEFAULT
from atp_stream.domain.promise.explanation import Absolute, Drifted, Explanation, Term, explain, explain_place
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.rows import Item
from atp_stream.domain.stock.facts import Fact
from atp_stream.domain.stock.rows import Stock
from tests.domain.support.folded_item import adjustment, delta, item_with
from tests.domain.support.folded_item import count as count_at
from tests.domain.support.histories import histories
from tests.domain.support.log import AT, LAMP, Log, adjust, count, fulfil, grant, policy, reserve


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
        patch.setattr("atp_stream.domain.fold.dispatch.reserve", lambda *_: 1 / 0)
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
    log.say(count(300, location="north", at=AT + 1))
    assert [Term("locations", 300)] == explained(log).held


def test_what_left_no_location_is_a_term_beside_those_that_were_counted() -> None:
    log = Log()
    log.say(count(900, location="north"), reserve("a", 300), fulfil("a", at=AT + 1), adjust(50))
    expected = [Term("locations", 900), Term("shipped_from_no_location", -300), Term("no_location", 50)]
    assert expected == explained(log).held


def test_an_item_that_was_not_upgraded_yet_has_one_term() -> None:
    item = Item(stock=Stock(on_hand=700, places={"": [[700, 0, AT, 700], -1]}), channels={})
    assert [Term("before_the_upgrade", 700)] == explain(item, DEFAULT.rules(LAMP)).held


def test_a_location_is_its_newest_absolute_and_what_moved_since() -> None:
    place = explain_place(item_with(count_at(10, 900), delta(11, -200)).location(), 5)
    assert (700, Absolute(10, 900, in_doubt=False), -200, None, 0, None) == (
        place.quantity,
        place.absolute,
        place.since,
        place.gap,
        place.missing,
        place.forgotten_at_us,
    )


def test_a_location_without_an_absolute_has_none_and_misses_nothing() -> None:
    item = item_with(delta(11, 200))
    item.ships(12, 50)
    place = explain_place(item.location(), 5)
    assert (200, None, 200, 0) == (place.quantity, place.absolute, place.since, place.missing)


def test_what_left_a_location_is_missing_until_it_is_counted_again() -> None:
    item = item_with(count_at(10, 900))
    item.ships(12, 50)
    assert 50 == explain_place(item.location(), 5).missing


def test_a_gap_is_reported_with_what_was_shipped_only_where_that_explains_it_better() -> None:
    item = item_with(count_at(10, 900))
    item.ships(12, 50)
    item.takes(adjustment(20, -100, 740))
    assert Drifted(10, 900, -100, 50, 740) == explain_place(item.location(), 5).gap
    item.takes(adjustment(30, -100, 790))
    assert Drifted(10, 900, -200, 0, 790) == explain_place(item.location(), 5).gap


@pytest.mark.parametrize(("facts", "in_doubt"), [
    ([count_at(10, 900), count_at(10, 800)], True),
    ([adjustment(10, -100, 800), adjustment(10, -100, 700)], False),
    ([adjustment(10, -100, 800), adjustment(10, -100, 600)], True),
])  # fmt: skip
def test_an_absolute_is_in_doubt_where_its_instant_contradicts_itself(facts: list[Fact], in_doubt: object) -> None:
    absolute = explain_place(item_with(*facts).location(), 5).absolute
    assert absolute is not None
    assert in_doubt == absolute.in_doubt


def test_an_absolute_that_many_moments_lie_behind_stays_as_sure_as_it_was() -> None:
    later = [delta(20 + number, 1) for number in range(60)]
    sure = explain_place(item_with(count_at(10, 900), *later).location(), 5).absolute
    doubt = explain_place(
        item_with(adjustment(10, -100, 800), adjustment(10, -100, 600), *later).location(), 5
    ).absolute
    assert (Absolute(10, 900, in_doubt=False), Absolute(10, 600, in_doubt=True)) == (sure, doubt)


def test_so_many_of_the_newest_moments_are_shown() -> None:
    item = item_with(*(delta(number, 1) for number in range(7)))
    assert [5, 6] == [one.at_us for one in explain_place(item.location(), 2).recent]


def test_what_is_forgotten_is_reported_by_its_greatest_stamp() -> None:
    item = item_with(count_at(10, 900))
    item.generation = 2
    item.takes(count_at(20, 800))
    assert 10 == explain_place(item.location(), 5).forgotten_at_us


def test_each_kind_of_channel_says_what_is_not_its_own() -> None:
    log = Log()
    rules = {
        "ECOM": {"kind": "QUOTA"},
        "STORE": {"kind": "SHARE", "weight": 0.25, "buffer": 1},
        "B2B": {"kind": "FROZEN"},
        "MARKETPLACE": {"floor": 900},
    }
    log.say(policy({"tenants": {"*": {"channels": rules}}}), count(1_000))
    log.say(Grant(event_id="g", at_us=AT, channel="ECOM", quantity=400))
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
    earmarked = []
    if ecom["kind"] == "QUOTA":
        log.say(grant("ECOM", 30))
        earmarked = [("fenced_for_quotas", -30)]
    free = [("on_hand", 100), ("safety_stock", 0), ("reserved", -10)]
    assert [*free, *earmarked, ("closed", -60 if earmarked else -90)] == terms(log, "Ecommerce")


@pytest.mark.parametrize(
    ("on_hand", "reserved", "pool", "shortage"), [(1_000, 0, 600, False), (1_000, 300, 600, False), (400, 0, 0, False),
                                                 (400, 400, 0, False), (399, 0, 0, True)],
)  # fmt: skip
def test_the_pool_is_what_no_earmark_takes_and_a_shortage_is_less_than_was_granted(
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
