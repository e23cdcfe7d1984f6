"""How much may wait, by example: of one reservation, and in a channel in all."""

from typing import Any

import pytest

from atp_stream.domain.policy.rules import parse
from atp_stream.domain.reservations.balances import Status
from tests.domain.reservations.test_lifecycle import state_of, summary
from tests.domain.support.log import AT, Log, confirm, count, edit_item, policy, reserve


def log_with(units: int, channels: dict[str, Any], **rest: Any) -> Log:
    log = Log()
    log.say(policy({"tenants": {"*": {"channels": channels, **rest}}}), count(units))
    return log


def test_a_request_of_which_more_would_wait_than_policy_allows_is_rejected() -> None:
    log = log_with(10, {"ECOM": {}}, max_waiting_each=0.05)
    assert [("REJECTED", "big", 16, "too_much_waits")] == summary(log.say(reserve("big", 16)))
    assert ((10, 0), Status.REJECTED) == (log.shows(), state_of(log, "big"))


def test_up_to_the_bound_a_reservation_waits() -> None:
    log = log_with(10, {"ECOM": {}}, max_waiting_each=0.12)
    assert [("BACKORDERED", "o", 12, "rest_waits")] == summary(log.say(reserve("o", 12)))


def test_of_a_reservation_that_takes_parts_what_is_there_is_promised_and_the_rest_dropped() -> None:
    log = log_with(10, {"ECOM": {}}, max_waiting_each=0.05)
    events = log.say(reserve("big", 16, allow_partial=True))
    assert [("committed", "big", 10), ("PARTIAL", "big", 6, "too_much_waits")] == summary(events)


def test_what_grows_beyond_the_bound_keeps_what_it_has() -> None:
    log = log_with(10, {"ECOM": {}}, max_waiting_each=0.05)
    log.say(reserve("o", 14, allow_partial=True))
    events = log.say(reserve("o", 16, allow_partial=True, at=AT + 1))
    assert [("REJECTED", "o", 2, "too_much_waits")] == summary(events)
    assert ((0, 10), 4, Status.PARTIAL) == (log.shows(), log.item().channels["ECOM"].waiting, state_of(log, "o"))


def test_a_channel_is_closed_to_what_would_wait_beyond_its_bound() -> None:
    log = log_with(0, {"ECOM": {"max_waiting": 0.1}, "STORE": {}})
    log.say(reserve("a", 8))
    assert [("REJECTED", "b", 3, "too_much_waits")] == summary(log.say(reserve("b", 3)))
    assert [("BACKORDERED", "c", 2, "rest_waits")] == summary(log.say(reserve("c", 2)))
    assert [("BACKORDERED", "d", 3, "rest_waits")] == summary(log.say(reserve("d", 3, "STORE")))


def test_an_item_has_a_bound_of_its_own() -> None:
    log = log_with(0, {"ECOM": {}}, max_waiting_each=0.05)
    log.say(edit_item({"max_waiting_each": 0}))
    assert [("REJECTED", "a", 1, "too_much_waits")] == summary(log.say(reserve("a", 1)))


def test_what_a_loss_takes_back_waits_whatever_the_bound() -> None:
    log = log_with(10, {"ECOM": {"max_waiting": 0}}, max_waiting_each=0, shortage="deallocate")
    log.say(reserve("o", 8), confirm("o"), count(5, AT + 1))
    assert ((0, 5), 3) == (log.shows(), log.item().channels["ECOM"].waiting)


@pytest.mark.parametrize(
    "document",
    [
        b'{"tenants":{"*":{"max_waiting_each":3,"channels":{"A":{"max_waiting":7}}}}}',
        b'{"tenants":{"*":{"max_waiting_each":9,"rule":{"max_waiting":7},"items":{"b":{"max_waiting_each":3}}}}}',
    ],
)
def test_bounds_are_read_where_they_are_written(document: bytes) -> None:
    rules = parse(document).rules("a|b")
    assert (300, 700) == (rules.max_waiting_each, rules.rule("A").max_waiting)
