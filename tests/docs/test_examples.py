"""The worked examples of the rule pages, folded: what the pages say is what the code does."""

from itertools import permutations
from typing import Any

import pytest

from atp_stream.domain.commands import AnyCommand
from atp_stream.domain.events import AllocationReleased, ReservationDenied, StockDrifted
from atp_stream.domain.reservations.balances import Status, allocated, status
from atp_stream.domain.state.rows import Item
from tests.domain.support.log import AT, NOON, Log, adjust, confirm, count, edit, fulfil, grant, policy, reserve, tick

SECOND = 1_000_000
MINUTE = 60 * SECOND
TEN = AT - 120 * MINUTE  # ten o'clock; log time is noon


def item_after(*commands: AnyCommand, first: Any = None) -> Item:
    log = Log()
    if first is not None:
        log.say(policy(first))
    log.say(*commands)
    return log.item()


def on_hand(*commands: AnyCommand, first: Any = None) -> int:
    return item_after(*commands, first=first).stock.on_hand


def document(*, channels: Any = None, **tenant: Any) -> Any:
    return {"tenants": {"*": {"channels": channels or {"ECOM": {}}, **tenant}}}


# docs/rules/stock.md#value


def test_the_table_of_a_value_in_every_order() -> None:
    facts: list[AnyCommand] = [
        count(100_00, TEN),
        adjust(-3_00, at=TEN + 5 * MINUTE),
        adjust(-2_00, 95_00, TEN + 10 * MINUTE),
        adjust(1_00, at=TEN + 12 * MINUTE),
    ]

    assert [100_00, 97_00, 95_00, 96_00] == [on_hand(*facts[: place + 1]) for place in range(4)]
    assert {96_00} == {on_hand(*order) for order in permutations(facts)}


# docs/rules/stock.md#end-of-instant, docs/rules/stock.md#doubt, docs/rules/stock.md#losses-at-a-count


def test_two_sales_of_one_second_end_at_the_smaller_value() -> None:
    assert {8_00} == {on_hand(*order) for order in permutations([adjust(-1_00, 9_00), adjust(-1_00, 8_00)])}


@pytest.mark.parametrize(("before", "end"), [(20_00, 20_00), (15_00, 15_00), (17_00, 15_00)])
def test_a_chain_that_closes_on_itself_ends_where_it_began_if_that_is_one_of_its_values(before: int, end: int) -> None:
    assert end == on_hand(count(before, TEN), adjust(-5_00, 15_00), adjust(5_00, 20_00))


def test_two_counts_of_one_instant_give_the_smaller() -> None:
    assert 8_00 == on_hand(count(50_00, TEN), count(10_00), count(8_00))


@pytest.mark.parametrize(("delta", "end"), [(-2_00, 8_00), (2_00, 10_00)])
def test_a_loss_at_the_instant_of_a_count_counts_and_a_gain_does_not(delta: int, end: int) -> None:
    assert end == on_hand(count(10_00), adjust(delta))


# docs/rules/stock.md#gap, docs/rules/stock.md#drift


def test_the_gap_of_the_example_is_five_and_is_reported_after_the_grace() -> None:
    log = Log()
    facts = count(100_00, TEN), adjust(-3_00, at=TEN + MINUTE), adjust(-2_00, 90_00, TEN + 2 * MINUTE)
    at_once = log.say(*facts)
    later = log.say(tick(AT + 31 * SECOND), log_time=NOON + 31_000)

    assert -5_00 == log.item().stock.gap
    assert [] == [event for event in at_once if isinstance(event, StockDrifted)]
    assert [-5_00] == [event.gap for event in later if isinstance(event, StockDrifted)]


# docs/rules/stock.md#split


def test_of_sums_with_and_without_locations_the_smaller_is_on_hand() -> None:
    item = item_after(count(60_00, location="berlin"), count(50_00, location="hamburg"), count(100_00))

    assert (100_00, True) == (item.stock.on_hand, item.stock.split)


# docs/rules/stock.md#included


@pytest.mark.parametrize(
    ("skew", "after", "expected"),
    [(0, 60 * MINUTE, 90_00), (60, 30 * SECOND, 80_00), (-60, -30 * SECOND, 90_00), (0, -30 * SECOND, 80_00)],
)
def test_a_count_includes_a_shipment_as_the_skew_says(skew: int, after: int, expected: int) -> None:
    commands = (
        count(100_00, TEN - 60 * MINUTE),
        reserve("order-1", 10_00),
        fulfil("order-1", at=TEN),
        count(90_00, TEN + after),
    )

    assert 90_00 == on_hand(*commands[:3], first={**document(), "stock": {"skew": skew}})
    assert expected == on_hand(*commands, first={**document(), "stock": {"skew": skew}})


# docs/rules/stock.md#pairing


@pytest.mark.parametrize(("location", "left"), [("berlin", 5_00), ("", 5_00), ("hamburg", 10_00)])
def test_reports_of_one_location_are_one_shipment_and_of_two_are_two(location: str, left: int) -> None:
    log = Log()
    log.say(
        count(50_00, TEN, location="berlin"),
        count(50_00, TEN, location="hamburg"),
        reserve("order-1", 5_00),
        fulfil("order-1", 5_00, location="berlin"),
        adjust(-5_00, location=location, reservation="order-1"),
    )

    assert 100_00 - left == log.item().stock.on_hand


# docs/rules/reservations.md#request, docs/rules/reservations.md#max-waiting


@pytest.mark.parametrize(
    ("units", "flags", "became", "rest", "reason"),
    [
        (6_00, {}, Status.COMMITTED, 0, None),
        (9_00, {"allow_partial": True}, Status.PARTIAL, 3_00, "rest_waits"),
        (9_00, {"allow_partial": True, "allow_backorder": False}, Status.PARTIAL, 3_00, "rest_dropped"),
        (9_00, {}, Status.BACKORDERED, 9_00, "rest_waits"),
        (9_00, {"allow_backorder": False}, Status.REJECTED, 9_00, "rest_dropped"),
        (20_00, {}, Status.REJECTED, 20_00, "too_much_waits"),
    ],
)
def test_the_table_of_a_request(units: int, flags: Any, became: Status, rest: int, reason: str | None) -> None:
    log = Log()
    log.say(policy(document(max_waiting_each=10)), count(6_00))
    events = log.say(reserve("order-1", units, **flags))

    denied = [(event.quantity, event.reason) for event in events if isinstance(event, ReservationDenied)]
    assert became == status(log.reservation("order-1"))
    assert ([(rest, reason)] if rest else []) == denied


# docs/rules/reservations.md#grow-shrink


def test_a_smaller_quantity_takes_what_waits_before_the_allocation() -> None:
    log = Log()
    log.say(count(6_00), reserve("order-1", 10_00, allow_partial=True))
    before = log.reservation("order-1")
    log.say(reserve("order-1", 5_00, at=AT + 1))
    row = log.reservation("order-1")

    assert (6_00, 4_00) == (allocated(before), before.waiting)
    assert (5_00, 0) == (allocated(row), row.waiting)


# docs/rules/reservations.md#deallocate


def test_a_loss_takes_back_the_newest_requests_and_spares_what_is_confirmed() -> None:
    log = Log()
    log.say(policy(document(shortage="deallocate")))
    log.say(count(100_00, TEN), reserve("a", 50_00), reserve("b", 30_00), reserve("c", 20_00))
    log.say(confirm("a"))
    events = log.say(count(70_00))

    taken = [(event.reservation, event.quantity) for event in events if isinstance(event, AllocationReleased)]
    assert [("c", 20_00), ("b", 10_00)] == taken


# docs/rules/availability.md#formula, docs/rules/availability.md#step, docs/rules/availability.md#basis


def test_what_is_reserved_in_one_pooled_channel_is_gone_for_all() -> None:
    item = item_after(count(150_00), reserve("order-1", 30_00))

    assert {120_00} == {channel.available for channel in item.channels.values()}


def test_with_whole_goods_twelve_and_a_half_on_hand_are_twelve() -> None:
    log = Log()
    log.say(policy(document(step=1)), count(12_50))
    shown = log.shows()
    log.say(reserve("order-1", 12_20))

    assert (12_00, 0) == shown
    assert 12_20 == log.reservation("order-1").waiting


def test_a_shipment_does_not_change_a_safety_stock_in_percent() -> None:
    log = Log()
    log.say(policy(document(safety_stock={"percent": 5})), count(200_00, TEN))
    before = log.item().safety_stock
    log.say(reserve("order-1", 50_00), fulfil("order-1"))

    assert (10_00, 10_00, 140_00) == (before, log.item().safety_stock, log.shows()[0])


# docs/rules/availability.md#share


@pytest.mark.parametrize(("weights", "claims"), [((0.25, 0.1), (25_00, 10_00)), ((0.8, 0.8), (50_00, 50_00))])
def test_shares_are_parts_of_the_pool_and_count_in_proportion_above_one(weights: Any, claims: Any) -> None:
    rules = {name: {"kind": "SHARE", "weight": weight} for name, weight in zip("AB", weights, strict=True)}
    log = Log()
    log.say(policy(document(channels=rules)), count(100_00))

    assert claims == (log.shows("A")[0], log.shows("B")[0])
    assert (sum(weights) > 1) == log.item().scaled


# docs/rules/availability.md#shortage


def test_the_table_of_the_shortage_rule() -> None:
    ranked = [(40, 1, 100), (10, 2, 0), (20, 3, 300), (30, 4, 0)]
    rules = {f"C{rank}": {"kind": "QUOTA", "rank": rank, "min": least} for _, rank, least in ranked}
    log = Log()
    log.say(policy(document(channels=rules)), count(1000_00, TEN))
    log.say(*(grant(f"C{rank}", percent=percent * 100) for percent, rank, _ in ranked))
    at_first = [log.shows(f"C{rank}")[0] for rank in (1, 2, 3, 4)]
    log.say(count(300_00))

    assert [400_00, 100_00, 300_00, 200_00] == at_first
    assert [100_00, 0, 200_00, 0] == [log.shows(f"C{rank}")[0] for rank in (1, 2, 3, 4)]


# docs/rules/time.md#expiry


def test_twenty_of_a_hundred_come_back_after_a_quarter_of_an_hour() -> None:
    log = Log()
    log.say(policy(document(time_limit=15 * 60)), count(100_00))
    log.say(reserve("order-1", 20_00))
    reserved = log.shows()
    log.say(tick(AT + 15 * MINUTE), log_time=NOON + 15 * 60_000)

    assert ((80_00, 20_00), (100_00, 0)) == (reserved, log.shows())


# docs/rules/policy.md#freeze-precedence, docs/rules/policy.md#set


def test_an_item_may_sell_in_a_channel_that_its_tenant_froze() -> None:
    log = Log()
    items = {"lamp": {"frozen": {"ECOM": False}}}
    log.say(policy(document()), count(10_00))
    log.say(edit("acme", {"frozen": {"ECOM": True}}))
    frozen = log.shows()[0]
    log.say(edit("acme", {"items": items}))

    assert (0, 10_00) == (frozen, log.shows()[0])
