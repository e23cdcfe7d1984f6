"""What has ended and is asked for again, by example: the answer is an event; and ids are known per kind."""

import pytest

from atp_stream.domain.commands import AnyCommand
from atp_stream.domain.events import AllocationCommitted
from atp_stream.domain.reservations.balances import Status
from tests.domain.reservations.test_lifecycle import state_of, summary
from tests.domain.support.limits import MINUTE, at, log_with, status_of, ticks
from tests.domain.support.log import AT, NOON, Log, confirm, count, fulfil, release, reserve

WEEK = 7 * 24 * 60 * MINUTE


@pytest.mark.parametrize("end", [release("o"), fulfil("o", at=AT + 1), release("o", 4)])
def test_a_newer_create_of_what_has_ended_is_answered_so_and_is_no_duplicate(end: AnyCommand) -> None:
    log = log_with(10)
    log.say(reserve("o", 4), end)
    before = log.shows(), log.item().duplicates, state_of(log, "o")
    assert [("REJECTED", "o", 3, "already_ended")] == summary(log.say(reserve("o", 3, at=AT + 2)))
    assert before == (log.shows(), log.item().duplicates, state_of(log, "o"))


def test_a_newer_create_of_what_was_rejected_is_answered_so() -> None:
    log = log_with(2)
    log.say(reserve("o", 4, allow_backorder=False), count(10, AT + 1))
    assert [("REJECTED", "o", 4, "already_ended")] == summary(log.say(reserve("o", 4, at=AT + 2)))
    assert Status.REJECTED is state_of(log, "o")


def test_the_same_newer_create_again_and_an_older_one_are_duplicates() -> None:
    log = log_with(10)
    newer = reserve("o", 3, at=AT + 2)
    log.say(reserve("o", 4), release("o"), newer)
    assert [] == summary(log.say(newer, reserve("o", 3, at=AT + 1), reserve("o", 4)))
    assert 3 == log.item().duplicates


def test_each_newer_create_of_what_has_ended_is_answered() -> None:
    log = log_with(10)
    log.say(reserve("o", 4), release("o"))
    events = log.say(reserve("o", 3, at=AT + 1), reserve("o", 2, at=AT + 2))
    assert [("REJECTED", "o", 3, "already_ended"), ("REJECTED", "o", 2, "already_ended")] == summary(events)


def test_what_has_ended_and_was_asked_for_again_is_kept_for_the_whole_retention() -> None:
    log = log_with(10)
    log.say(reserve("o", 4), release("o"))
    again = reserve("o", 4, at=(NOON + WEEK - 1) * 1_000)
    log.say(again, log_time=NOON + WEEK - 1)
    ticks(log, WEEK)
    assert Status.RELEASED is state_of(log, "o")
    ticks(log, 2 * WEEK)
    assert [("refused", "too_old")] == summary(log.say(again, log_time=NOON + 2 * WEEK))


def test_a_newer_create_of_what_has_expired_is_answered_and_says_what_a_confirm_in_time_claims() -> None:
    log = log_with(10)
    log.say(reserve("r", 4, expires_at=at(MINUTE)))
    ticks(log, MINUTE)
    summary_then = summary(log.say(reserve("r", 6, at=AT + 1), log_time=NOON + MINUTE))
    assert ([("REJECTED", "r", 6, "expired")], Status.EXPIRED) == (summary_then, status_of(log))
    events = log.say(confirm("r", at(MINUTE - 1)), log_time=NOON + MINUTE)
    assert [6] == [event.quantity for event in events if isinstance(event, AllocationCommitted)]


def test_a_release_and_a_fulfilment_of_one_id_both_count() -> None:
    log = log_with(10)
    log.say(reserve("o", 4), release("o", 1, event_id="e"), fulfil("o", 2, at=AT + 1, event_id="e"))
    assert ((7, 1), 8) == (log.shows(), log.item().stock.on_hand)
    log.say(release("o", 1, event_id="e"), fulfil("o", 2, at=AT + 1, event_id="e"))
    assert ((7, 1), 2) == (log.shows(), log.item().duplicates)


def test_an_id_that_an_earlier_version_remembered_is_known_for_both_kinds() -> None:
    log = Log()
    log.say(count(10), reserve("o", 4))
    row = log.reservation("o")
    row.known = ["e"]
    log.put("acme|lamp|r|o", row)
    log.say(release("o", 1, event_id="e"), fulfil("o", 2, at=AT + 1, event_id="e"))
    assert (6, 4) == log.shows()
