"""Shares of the pool, frozen channels, buffers and floors by example."""

from typing import Any

from tests.domain.support.log import AT, Log, count, edit_item, fulfil, grant, policy, release, reserve


def log_with(channels: dict[str, Any], units: int, **rest: Any) -> Log:
    log = Log()
    log.say(policy({"tenants": {"*": {"channels": channels, **rest}}}), count(units))
    return log


def shown(log: Log) -> dict[str, int]:
    return {channel: row.available for channel, row in log.item().channels.items()}


def test_g1_what_is_reserved_in_one_channel_is_not_available() -> None:
    log = log_with({"ECOM": {}}, 15_000)
    log.say(reserve("r", 3_000))
    assert (12_000, 3_000) == log.shows()


def test_a_share_is_a_part_of_the_pool_rounded_down() -> None:
    log = log_with({"A": {"kind": "SHARE", "weight": 0.3333}, "B": {}}, 100)
    assert {"A": 33, "B": 100} == shown(log)


def test_a_share_is_of_what_earmarks_and_promises_leave() -> None:
    log = log_with({"A": {"kind": "SHARE", "weight": 0.5}, "B": {"kind": "QUOTA"}, "C": {}}, 1_000)
    log.say(grant("B", 200), reserve("r", 300, "C"))
    assert {"A": 250, "B": 200, "C": 500} == shown(log)


def test_a_share_follows_the_stock() -> None:
    log = log_with({"A": {"kind": "SHARE", "weight": 0.5}}, 1_000)
    log.say(count(80, AT + 1))
    assert {"A": 40} == shown(log)


def test_shares_of_more_than_all_count_in_proportion_and_are_flagged() -> None:
    weights = {"A": 1, "B": 0.5, "C": 0.5}
    log = log_with({channel: {"kind": "SHARE", "weight": weight} for channel, weight in weights.items()}, 1_000)
    assert {"A": 500, "B": 250, "C": 250} == shown(log)
    assert log.item().scaled


def test_shares_of_exactly_all_are_not_flagged() -> None:
    log = log_with({"A": {"kind": "SHARE", "weight": 0.4}, "B": {"kind": "SHARE", "weight": 0.6}}, 1_000)
    assert {"A": 400, "B": 600} == shown(log)
    assert not log.item().scaled


def test_the_shares_that_count_are_those_of_the_item() -> None:
    log = log_with({"A": {"kind": "SHARE", "weight": 0.6}, "B": {}}, 1_000)
    log.say(edit_item({"channels": {"B": {"kind": "SHARE", "weight": 0.6}}}))
    assert {"A": 500, "B": 500} == shown(log)
    log.say(edit_item(None))
    assert {"A": 600, "B": 1_000} == shown(log)


def test_a_part_of_a_share_goes_to_a_new_reservation_that_allows_it() -> None:
    log = log_with({"A": {"kind": "SHARE", "weight": 0.5}}, 1_000)
    log.say(reserve("r", 800, "A", allow_partial=True))
    assert (500, 300) == (log.item().channels["A"].reserved, log.item().channels["A"].waiting)


def test_who_waits_for_a_share_is_served_wholly_or_not_at_all() -> None:
    log = log_with({"A": {"kind": "SHARE", "weight": 0.5}}, 0)
    log.say(reserve("r", 300, "A", allow_partial=True), count(500, AT + 1))
    assert (0, 300) == (log.item().channels["A"].reserved, log.item().channels["A"].waiting)
    log.say(count(600, AT + 2))
    assert (300, 0) == (log.item().channels["A"].reserved, log.item().channels["A"].waiting)


def test_in_a_pooled_channel_who_waits_takes_what_there_is() -> None:
    log = log_with({"A": {}}, 0)
    log.say(reserve("r", 300, "A", allow_partial=True), count(100, AT + 1))
    assert (100, 200) == (log.item().channels["A"].reserved, log.item().channels["A"].waiting)


def test_reserve_then_release_restores_every_channel() -> None:
    kinds = {"A": {"kind": "SHARE", "weight": 0.25}, "B": {"kind": "QUOTA", "overflow": True}, "C": {}}
    log = log_with(kinds, 1_000)
    log.say(grant("B", 100))
    before = shown(log)
    log.say(reserve("a", 99, "A"), reserve("b", 333, "B"), reserve("c", 7, "C"))
    assert {"A": 140, "B": 561, "C": 561} == shown(log)
    log.say(release("b"), release("a"), release("c"))
    assert before == shown(log)


def test_a_frozen_channel_sells_nothing_and_whoever_waits_there_stays() -> None:
    log = log_with({"A": {}, "B": {}}, 0)
    log.say(reserve("r", 10, "A"), edit_item({"frozen": {"A": True}}), count(100, AT + 1))
    log.say(reserve("s", 1, "A", allow_backorder=False))
    assert ((0, 0), 10, (100, 0)) == (log.shows("A"), log.item().channels["A"].waiting, log.shows("B"))
    log.say(edit_item({"frozen": {"A": None}}))
    assert (90, 10) == log.shows("A")


def test_what_is_promised_in_a_frozen_channel_is_shipped_all_the_same() -> None:
    log = log_with({"A": {}, "B": {}}, 100)
    log.say(reserve("r", 10, "A"), edit_item({"frozen": {"A": True}}), fulfil("r", 10, at=AT + 1))
    assert ((0, 0), (90, 0)) == (log.shows("A"), log.shows("B"))


def test_a_buffer_and_a_floor_count_after_the_claim() -> None:
    log = log_with({"A": {"kind": "SHARE", "weight": 0.5, "buffer": 1, "floor": 3}}, 1_000)
    assert {"A": 400} == shown(log)
    log.say(count(700, AT + 1))
    assert {"A": 0} == shown(log)
    log.say(reserve("r", 350, "A", allow_backorder=False))
    assert (0, 350) == log.shows("A")
