"""Quotas by example: what is earmarked, borrowed, and given back to where it came from."""

from typing import Any

from tests.domain.support.log import AT, Log, count, fulfil, grant, move, policy, release, reserve, revoke

TWO_QUOTAS = {"A": {"kind": "QUOTA"}, "B": {"kind": "QUOTA"}}


def log_with(channels: dict[str, Any], units: int) -> Log:
    log = Log()
    log.say(policy({"tenants": {"*": {"channels": channels}}}), count(units))
    return log


def earmarked(log: Log, channel: str) -> tuple[int, int]:
    row = log.item().channels[channel]
    return row.granted, row.consumed


def test_a_quota_without_a_grant_has_nothing() -> None:
    log = log_with({"A": {"kind": "QUOTA"}, "B": {}}, 1_000)
    assert ((0, 0), (1_000, 0)) == (log.shows("A"), log.shows("B"))


def test_a_grant_is_taken_out_of_the_pool() -> None:
    log = log_with({"A": {"kind": "QUOTA"}, "B": {}}, 1_000)
    log.say(grant("A", 300))
    assert ((300, 0), (700, 0)) == (log.shows("A"), log.shows("B"))


def test_g2_percentages_are_of_what_is_free_and_the_minimum_is_the_least() -> None:
    log = log_with(
        {
            "A": {"kind": "QUOTA", "rank": 1, "min": 100},
            "B": {"kind": "QUOTA", "rank": 2},
            "C": {"kind": "QUOTA", "rank": 3, "min": 300},
            "D": {"kind": "QUOTA", "rank": 4},
        },
        100_000,
    )
    log.say(grant("A", percent=4_000), grant("B", percent=1_000), grant("C", percent=2_000), grant("D", percent=3_000))
    assert [40_000, 10_000, 30_000, 20_000] == [log.shows(channel)[0] for channel in "ABCD"]
    log.say(count(30_000, AT + 1))
    assert [10_000, 0, 20_000, 0] == [log.shows(channel)[0] for channel in "ABCD"]
    log.say(count(200_000, AT + 2))
    assert [40_000, 10_000, 30_000, 30_000] == [log.shows(channel)[0] for channel in "ABCD"]


def test_a_percentage_is_rounded_down_to_the_hundredth() -> None:
    log = log_with({"A": {"kind": "QUOTA"}}, 10)
    log.say(grant("A", percent=3_333))
    assert (3, 0) == earmarked(log, "A")


def test_a_percentage_is_of_what_safety_stock_and_promises_leave() -> None:
    log = Log()
    channels = {"A": {"kind": "QUOTA"}, "B": {}}
    log.say(policy({"tenants": {"*": {"channels": channels, "safety_stock": {"fixed": 2}}}}), count(1_000))
    log.say(reserve("r", 300, "B"), grant("A", percent=5_000))
    assert (250, 0) == earmarked(log, "A")


def test_a_earmark_is_not_filled_again_when_stock_comes() -> None:
    log = log_with({"A": {"kind": "QUOTA"}, "B": {}}, 1_000)
    log.say(grant("A", percent=5_000), reserve("r", 500, "A"), count(9_000, AT + 1))
    assert ((0, 500), (8_500, 0)) == (log.shows("A"), log.shows("B"))


def test_g3_one_channel_that_takes_all_it_can_leaves_the_others_their_halves() -> None:
    log = log_with(TWO_QUOTAS, 50_000)
    log.say(grant("A", 100_000), grant("B", 100_000))
    assert [(25_000, 0), (25_000, 0)] == [log.shows("A"), log.shows("B")]
    log.say(reserve("much", 100_000, "A", allow_partial=True, allow_backorder=False))
    assert [(0, 25_000), (25_000, 0)] == [log.shows("A"), log.shows("B")]
    log.say(reserve("more", 1, "A", allow_backorder=False))
    assert [(0, 25_000), (25_000, 0)] == [log.shows("A"), log.shows("B")]


def test_stock_that_comes_back_restores_the_earmarks() -> None:
    log = log_with(TWO_QUOTAS, 1_000)
    log.say(grant("A", 600), grant("B", 400), count(500, AT + 1))
    assert [(300, 0), (200, 0)] == [log.shows("A"), log.shows("B")]
    log.say(count(1_000, AT + 2))
    assert [(600, 0), (400, 0)] == [log.shows("A"), log.shows("B")]


def test_a_quota_that_is_empty_borrows_and_gives_back_where_it_came_from() -> None:
    log = log_with({"A": {"kind": "QUOTA", "overflow": True}, "B": {}}, 1_000)
    log.say(grant("A", 300), reserve("r", 500, "A"))
    assert ((500, 500), (500, 0), (300, 300)) == (log.shows("A"), log.shows("B"), earmarked(log, "A"))
    log.say(release("r", 200))
    assert ((700, 300), (700, 0), (300, 300)) == (log.shows("A"), log.shows("B"), earmarked(log, "A"))
    log.say(release("r", 100))
    assert ((800, 200), (700, 0), (300, 200)) == (log.shows("A"), log.shows("B"), earmarked(log, "A"))
    log.say(release("r"))
    assert ((1_000, 0), (700, 0), (300, 0)) == (log.shows("A"), log.shows("B"), earmarked(log, "A"))


def test_a_quota_without_overflow_does_not_borrow() -> None:
    log = log_with({"A": {"kind": "QUOTA"}, "B": {}}, 1_000)
    log.say(grant("A", 300), reserve("r", 301, "A", allow_backorder=False))
    assert ((300, 0), (700, 0)) == (log.shows("A"), log.shows("B"))


def test_what_is_shipped_leaves_the_earmark_before_the_pool() -> None:
    log = log_with({"A": {"kind": "QUOTA", "overflow": True}, "B": {}}, 1_000)
    log.say(grant("A", 300), reserve("r", 500, "A"), fulfil("r", 400, at=AT + 1), release("r"))
    assert ((600, 0), (600, 0), (300, 300)) == (log.shows("A"), log.shows("B"), earmarked(log, "A"))


def test_the_newest_allocation_is_given_back_first() -> None:
    log = log_with({"A": {"kind": "QUOTA", "overflow": True}, "B": {}}, 1_000)
    log.say(grant("A", 300), reserve("r", 500, "A"), grant("A", 100), reserve("r", 600, "A", at=AT + 1))
    assert (400, 400) == earmarked(log, "A")
    log.say(release("r", 150))
    assert (400, 300) == earmarked(log, "A")


def test_granted_units_that_are_consumed_cannot_be_revoked() -> None:
    log = log_with({"A": {"kind": "QUOTA"}, "B": {}}, 1_000)
    log.say(grant("A", 300), reserve("r", 200, "A"), revoke("A", 150))
    assert ((200, 200), (0, 200), (800, 0)) == (earmarked(log, "A"), log.shows("A"), log.shows("B"))


def test_a_revoke_without_a_quantity_takes_all_that_is_left() -> None:
    log = log_with({"A": {"kind": "QUOTA"}, "B": {}}, 1_000)
    log.say(grant("A", 300), revoke("A"))
    assert ((0, 0), (1_000, 0)) == (earmarked(log, "A"), log.shows("B"))


def test_a_move_takes_from_one_earmark_what_it_gives_to_the_other() -> None:
    log = log_with(TWO_QUOTAS, 1_000)
    log.say(grant("A", 300), grant("B", 100), move("A", "B", 300))
    assert ((0, 0), (400, 0)) == (log.shows("A"), log.shows("B"))


def test_a_grant_serves_who_waits_in_the_channel() -> None:
    log = log_with({"A": {"kind": "QUOTA"}, "B": {}}, 1_000)
    log.say(reserve("r", 200, "A"), grant("A", 200))
    assert ((0, 200), (800, 0)) == (log.shows("A"), log.shows("B"))


def test_a_revoke_serves_who_waits_for_the_pool() -> None:
    log = log_with({"A": {"kind": "QUOTA"}, "B": {}}, 1_000)
    log.say(grant("A", 900), reserve("r", 200, "B"), revoke("A", 100))
    assert ((800, 0), (0, 200)) == (log.shows("A"), log.shows("B"))


def test_grant_and_consumption_survive_another_kind() -> None:
    log = log_with({"A": {"kind": "QUOTA"}, "B": {}}, 1_000)
    log.say(grant("A", 300), reserve("r", 100, "A"), policy({"tenants": {"*": {"channels": {"A": {}, "B": {}}}}}))
    assert ((900, 100), (900, 0)) == (log.shows("A"), log.shows("B"))
    log.say(policy({"tenants": {"*": {"channels": {"A": {"kind": "QUOTA"}, "B": {}}}}}))
    assert ((200, 100), (700, 0), (300, 100)) == (log.shows("A"), log.shows("B"), earmarked(log, "A"))


def test_what_was_promised_out_of_the_pool_is_no_consumption() -> None:
    log = log_with({"A": {}, "B": {}}, 1_000)
    log.say(reserve("r", 400, "A"), policy({"tenants": {"*": {"channels": TWO_QUOTAS}}}), grant("A", 100))
    assert ((100, 0), (100, 400)) == (earmarked(log, "A"), log.shows("A"))


def test_a_frozen_quota_takes_no_part() -> None:
    log = log_with({"A": {"kind": "QUOTA"}, "B": {}}, 1_000)
    log.say(grant("A", 300), policy({"tenants": {"*": {"channels": {"A": {"kind": "FROZEN"}, "B": {}}}}}))
    assert ((0, 0), (1_000, 0)) == (log.shows("A"), log.shows("B"))


def test_a_count_below_what_is_reserved_shows_as_short_and_leaves_the_promises() -> None:
    log = log_with({"A": {"kind": "QUOTA", "overflow": True}, "B": {}}, 1_000)
    log.say(grant("A", 300), reserve("r", 500, "A"), reserve("s", 400, "B"), count(600, AT + 1))
    assert ((0, 500), (0, 400)) == (log.shows("A"), log.shows("B"))
    log.say(count(1_100, AT + 2))
    assert ((200, 500), (200, 400)) == (log.shows("A"), log.shows("B"))
