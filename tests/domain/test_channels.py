"""Channels that come and go, other names for them, and two who want the same unit, by example."""

from typing import Any

from atp_stream.domain.events import AllocationCommitted, AnyEvent, AvailabilityCalculated, CommandRefused
from tests.domain.log import AT, Log, count, edit, fulfil, grant, policy, release, reserve

ECOM_AND_STORE: dict[str, Any] = {"ECOM": {}, "STORE": {}}


def log_with(channels: dict[str, Any], units: int = 100, **rest: object) -> Log:
    log = Log()
    log.say(policy({"tenants": {"*": {"channels": channels}}, **rest}), count(units))
    return log


def refusals(events: list[AnyEvent]) -> list[str]:
    return [event.reason for event in events if isinstance(event, CommandRefused)]


def shown(log: Log, name: str = "acme|lamp") -> dict[str, int]:
    return {channel: row.available for channel, row in log.item(name).channels.items()}


def test_a_channel_removed_with_open_reservations_stays_until_they_have_left() -> None:
    log = log_with(ECOM_AND_STORE, unknown_channels="refuse")
    log.say(reserve("r", 10, "STORE"), reserve("waits", 500, "STORE"))
    closed = {"unknown_channels": "refuse", "tenants": {"*": {"channels": {"ECOM": {}}}}}
    log.say(policy(closed))
    assert ((90, 0), (0, 10)) == (log.shows(), log.shows("STORE"))
    log.say(count(900, AT + 1), fulfil("r", 4, at=AT + 2), release("waits"))
    assert (0, 6) == log.shows("STORE")
    told = log.say(release("r"))
    assert [(0, 0)] == [
        (e.available, e.reserved) for e in told if isinstance(e, AvailabilityCalculated) and e.channel == "STORE"
    ]
    assert {"ECOM": 896} == shown(log)


def test_a_channel_that_was_removed_and_comes_back_has_no_grant() -> None:
    log = log_with({"ECOM": {}, "A": {"kind": "QUOTA"}})
    log.say(grant("A", 10), edit("acme", {"channels": {"A": None}}))
    log.say(edit("acme", {"channels": {"A": {"kind": "QUOTA"}}}))
    assert {"ECOM": 100, "A": 0} == shown(log)


def test_an_alias_is_another_name_of_a_channel() -> None:
    log = Log()
    section = {"channels": ECOM_AND_STORE, "aliases": {"Ecommerce": "ECOM"}}
    log.say(policy({"tenants": {"*": section}}), count(100), reserve("r", 10, "Ecommerce"))
    assert ((90, 10), ["ECOM", "STORE"]) == (log.shows(), [*shown(log)])
    assert [] == refusals(log.say(reserve("r", 20, "ECOM", at=AT + 1)))
    assert (80, 20) == log.shows()


def test_an_unknown_channel_is_pooled_where_it_is_accepted() -> None:
    log = log_with(ECOM_AND_STORE, unknown_channels="accept")
    assert [] == refusals(log.say(reserve("r", 10, "POPUP")))
    assert (90, 10) == log.shows("POPUP")


def test_an_unknown_channel_is_refused_where_it_is_not() -> None:
    log = log_with(ECOM_AND_STORE, unknown_channels="refuse")
    rows = dict(log.rows)
    assert ["unknown_channel"] == refusals(log.say(reserve("r", 10, "POPUP")))
    assert rows == log.rows


def test_of_two_who_race_for_the_last_unit_exactly_one_gets_it() -> None:
    log = log_with(ECOM_AND_STORE, units=1)
    told = log.say(reserve("one", 1, "ECOM", allow_backorder=False), reserve("two", 1, "STORE", allow_backorder=False))
    assert ["one"] == [event.reservation for event in told if isinstance(event, AllocationCommitted)]
    assert ((0, 1), (0, 0)) == (log.shows(), log.shows("STORE"))
