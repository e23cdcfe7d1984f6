"""Channels that come and go, other names for them, and two who want the same unit, by example."""

from typing import Any

import pytest

from atp_stream.domain.events import AllocationCommitted, AnyEvent, AvailabilityCalculated, CommandRefused
from atp_stream.domain.item.open_item import MAX_WITHDRAWN
from tests.domain.support.log import AT, Log, count, edit, fulfil, grant, policy, release, reserve

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
    events = log.say(release("r"))
    assert [(0, 0)] == [
        (e.available, e.reserved) for e in events if isinstance(e, AvailabilityCalculated) and e.channel == "STORE"
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
    events = log.say(
        reserve("one", 1, "ECOM", allow_backorder=False), reserve("two", 1, "STORE", allow_backorder=False)
    )
    assert ["one"] == [event.reservation for event in events if isinstance(event, AllocationCommitted)]
    assert ((0, 1), (0, 0)) == (log.shows(), log.shows("STORE"))


def renamed(ecom: dict[str, Any], **rest: Any) -> dict[str, Any]:
    """Return a policy in which Ecommerce, a channel until then, is another name of ECOM."""
    return {"tenants": {"*": {"channels": {"ECOM": ecom, "STORE": {}}, "aliases": {"Ecommerce": "ECOM"}, **rest}}}


def test_what_waits_in_a_channel_that_became_an_alias_is_served_and_then_the_row_goes() -> None:
    log = log_with({"ECOM": {}, "Ecommerce": {}})
    log.say(reserve("r", 60, "Ecommerce"), reserve("waits", 50, "Ecommerce"), policy(renamed({})))
    assert ((40, 0), (0, 60), 50) == (log.shows(), log.shows("Ecommerce"), log.item().channels["Ecommerce"].waiting)
    log.say(count(120, AT + 1))
    assert ((10, 0), (0, 110)) == (log.shows(), log.shows("Ecommerce"))
    log.say(fulfil("r", at=AT + 2), release("waits"))
    assert ["ECOM", "STORE"] == [*shown(log)]


def test_an_alias_is_served_in_parts_and_where_unknown_channels_are_refused_and_may_still_grow() -> None:
    log = log_with({"ECOM": {}, "Ecommerce": {}})
    log.say(reserve("r", 150, "Ecommerce", allow_partial=True))
    log.say(policy({**renamed({"kind": "POOLED"}, rule={"kind": "FROZEN"}), "unknown_channels": "refuse"}))
    log.say(count(130, AT + 1))
    assert (0, 130) == log.shows("Ecommerce")
    log.say(count(200, AT + 2), reserve("r", 160, "Ecommerce", at=AT + 1))
    assert ((40, 0), (0, 160)) == (log.shows(), log.shows("Ecommerce"))


@pytest.mark.parametrize("parts", [False, True])
def test_an_alias_takes_of_the_pool_no_more_than_the_share_of_its_channel(parts: object) -> None:
    log = log_with({"ECOM": {}, "Ecommerce": {}})
    share = {"kind": "SHARE", "weight": 0.1}
    log.say(reserve("r", 1, "Ecommerce"), policy(renamed(share)), reserve("r", 60, at=AT + 1, allow_partial=parts))
    taken = 1 + (9 if parts else 0)  # a tenth of 99, once
    assert ((0, taken), 60 - taken) == (log.shows("Ecommerce"), log.item().channels["Ecommerce"].waiting)
    log.say(release("r", 60 - taken - 8))
    assert (0, taken + 8) == log.shows("Ecommerce")


@pytest.mark.parametrize("parts", [False, True])
def test_an_alias_takes_of_the_pool_no_more_than_the_earmark_of_its_channel(parts: object) -> None:
    log = log_with({"ECOM": {"kind": "QUOTA"}, "STORE": {}, "Ecommerce": {}})
    log.say(grant("ECOM", 30), reserve("r", 1, "Ecommerce"), policy(renamed({"kind": "QUOTA"})))
    log.say(reserve("r", 70, at=AT + 1, allow_partial=parts))
    taken = 1 + (30 if parts else 0)
    assert ((30, 0), (0, taken)) == (log.shows(), log.shows("Ecommerce"))
    log.say(release("r", 70 - taken - 30))
    assert ((30, 0), (0, taken + 30)) == (log.shows(), log.shows("Ecommerce"))


@pytest.mark.parametrize("parts", [False, True])
def test_an_alias_of_a_quota_that_overflows_takes_the_pool_and_not_the_earmark(parts: object) -> None:
    log = log_with({"ECOM": {"kind": "QUOTA"}, "STORE": {}, "Ecommerce": {}})
    log.say(grant("ECOM", 30), reserve("waits", 90, "Ecommerce", allow_partial=parts))
    log.say(policy(renamed({"kind": "QUOTA", "overflow": True})))
    assert ((100, 0) if not parts else (30, 0), 70 if parts else 0) == (log.shows(), log.shows("Ecommerce")[1])
    log.say(count(120, AT + 1))
    assert ((30, 0), (0, 90)) == (log.shows(), log.shows("Ecommerce"))


def test_what_was_granted_to_a_channel_is_earmarked_no_longer_once_it_is_an_alias() -> None:
    log = log_with({"ECOM": {"kind": "QUOTA"}, "STORE": {}, "Ecommerce": {"kind": "QUOTA"}})
    log.say(grant("Ecommerce", 30), reserve("r", 10, "Ecommerce"))
    assert (70, 0) == log.shows("STORE")
    log.say(policy(renamed({"kind": "QUOTA"})))
    assert (90, 0) == log.shows("STORE")


def test_an_alias_does_not_count_among_the_shares() -> None:
    log = log_with({"ECOM": {}, "Ecommerce": {}})
    log.say(reserve("r", 20, "Ecommerce"), policy(renamed({"kind": "SHARE", "weight": 0.75})))
    assert ((60, 0), False) == (log.shows(), log.item().scaled)


def test_what_waits_in_an_alias_of_a_frozen_channel_waits_until_that_thaws() -> None:
    log = log_with({"ECOM": {}, "Ecommerce": {}})
    log.say(reserve("waits", 110, "Ecommerce"), policy(renamed({"kind": "FROZEN"})), count(120, AT + 1))
    assert (0, 0) == log.shows("Ecommerce")
    log.say(policy(renamed({})))
    assert (0, 110) == log.shows("Ecommerce")


def test_what_waits_in_a_channel_that_policy_closed_waits_until_it_is_named_again() -> None:
    log = log_with({"ECOM": {}, "STORE": {}}, unknown_channels="refuse")
    log.say(reserve("waits", 110, "STORE"))
    log.say(policy({"unknown_channels": "refuse", "tenants": {"*": {"channels": {"ECOM": {}}}}}), count(120, AT + 1))
    assert ((120, 0), (0, 0)) == (log.shows(), log.shows("STORE"))
    log.say(policy({"unknown_channels": "refuse", "tenants": {"*": {"channels": ECOM_AND_STORE}}}))
    assert (10, 110) == log.shows("STORE")


def test_no_quota_is_granted_to_a_channel_that_is_closed() -> None:
    log = log_with({"ECOM": {}, "STORE": {}}, unknown_channels="refuse")
    section = {"channels": {"ECOM": {}}, "rule": {"kind": "QUOTA"}}
    log.say(reserve("r", 10, "STORE"), policy({"unknown_channels": "refuse", "tenants": {"*": section}}))
    assert ["not_a_quota"] == refusals(log.say(grant("STORE", 10)))


def test_what_was_granted_to_a_channel_that_goes_serves_at_once_who_waits_for_it() -> None:
    log = log_with({"ECOM": {}, "A": {"kind": "QUOTA"}}, unknown_channels="accept")
    log.say(grant("A", 30), reserve("r", 10, "A"), reserve("waits", 80, "ECOM"))
    log.say(policy({"tenants": {"*": {"channels": {"ECOM": {}}, "rule": {"kind": "QUOTA"}, "shortage": "keep"}}}))
    log.say(edit("acme", {"channels": {"ECOM": {"kind": "QUOTA", "overflow": True}}}))
    assert ((0, 0), 80) == (log.shows(), log.item().channels["ECOM"].waiting)
    log.say(release("r"))
    assert ((20, 80), ["ECOM"]) == (log.shows(), [*shown(log)])


def test_a_channel_that_only_a_rejected_reservation_named_has_no_row_and_publishes_nothing() -> None:
    log = log_with(ECOM_AND_STORE)
    events = log.say(reserve("r", 500, "zz", allow_backorder=False))
    assert (["ECOM", "STORE"], [], []) == ([*shown(log)], shown_of(events, "zz"), log.item().withdrawn)
    log.say(reserve("s", 10, "zz"))
    assert (90, 10) == log.shows("zz")


def test_a_channel_that_only_a_reservation_released_before_its_create_named_has_no_row() -> None:
    log = log_with(ECOM_AND_STORE)
    log.say(release("r"), reserve("r", 10, "zz"), fulfil("s", 5, at=AT + 1), reserve("s", 5, "zz"))
    assert ["ECOM", "STORE"] == [*shown(log)]


def test_a_channel_in_which_something_was_promised_keeps_its_row_after_a_rejection() -> None:
    log = log_with(ECOM_AND_STORE)
    log.say(reserve("r", 10, "zz"), release("r"), reserve("s", 500, "zz", allow_backorder=False))
    assert (100, 0) == log.shows("zz")


def test_a_channel_that_was_withdrawn_and_named_by_a_rejected_reservation_stays_withdrawn() -> None:
    log = log_with({"ECOM": {}, "STORE": {}}, unknown_channels="accept")
    log.say(edit("acme", {"channels": {"STORE": None}}))
    events = log.say(reserve("r", 500, "STORE", allow_backorder=False))
    assert (["ECOM"], [], ["STORE"]) == ([*shown(log)], shown_of(events, "STORE"), log.item().withdrawn)


def test_a_channel_withdrawn_within_the_step_publishes_its_zeros_although_a_rejected_reservation_names_it() -> None:
    log = log_with({"ECOM": {}, "STORE": {}}, unknown_channels="accept")
    events = log.say(edit("acme", {"channels": {"STORE": None}}), reserve("r", 500, "STORE", allow_backorder=False))
    assert (["ECOM"], [(0, 0)], ["STORE"]) == ([*shown(log)], shown_of(events, "STORE"), log.item().withdrawn)


def shown_of(events: list[AnyEvent], channel: str) -> list[tuple[int, int]]:
    found = [event for event in events if isinstance(event, AvailabilityCalculated) and event.channel == channel]
    return [(event.available, event.reserved) for event in found]


def test_a_channel_that_was_taken_away_and_comes_back_does_not_publish_its_zeros_twice() -> None:
    log = log_with(ECOM_AND_STORE)
    away, back = edit("acme", {"channels": {"STORE": None}}), edit("acme", {"channels": {"STORE": {}}})
    assert [(0, 0)] == shown_of(log.say(away), "STORE")
    log.say(count(0, AT + 1))
    assert [] == shown_of(log.say(back), "STORE")
    assert [(7, 0)] == shown_of(log.say(count(7, AT + 2)), "STORE")
    assert [(0, 0)] == shown_of(log.say(edit("acme", {"channels": {"STORE": None}})), "STORE")
    assert [(7, 0)] == shown_of(log.say(edit("acme", {"channels": {"STORE": {}}})), "STORE")


def test_a_channel_that_came_and_went_within_one_step_has_published_its_zeros() -> None:
    log = log_with(ECOM_AND_STORE, unknown_channels="accept")
    closed = {"unknown_channels": "refuse", "tenants": {"*": {"channels": ECOM_AND_STORE}}}
    events = log.say(reserve("r", 10, "POPUP"), release("r"), policy(closed), reserve("s", 1, "ECOM"))
    assert [(0, 0)] == shown_of(events, "POPUP")
    named = {"tenants": {"*": {"channels": {**ECOM_AND_STORE, "POPUP": {"kind": "FROZEN"}}}}}
    assert [] == shown_of(log.say(policy(named)), "POPUP")


def test_a_channel_that_comes_goes_and_comes_back_within_one_step_publishes_its_first_value() -> None:
    log = log_with(ECOM_AND_STORE, units=0, unknown_channels="accept")
    closed = {"unknown_channels": "refuse", "tenants": {"*": {"channels": ECOM_AND_STORE}}}
    named = {"tenants": {"*": {"channels": {**ECOM_AND_STORE, "POPUP": {}}}}}
    events = log.say(reserve("r", 10, "POPUP"), release("r"), policy(closed), reserve("s", 1), policy(named), count(0))
    assert [(0, 0)] == shown_of(events, "POPUP")
    assert [] == log.item().withdrawn


def test_so_many_withdrawn_channels_are_remembered_and_no_more() -> None:
    names = [f"{'long ' * 9}{number}" for number in range(MAX_WITHDRAWN + 1)]
    log = log_with({"ECOM": {}}, units=0)
    for some in (names[:1], names[1:30], names[30:]):
        log.say(policy({"tenants": {"*": {"channels": {"ECOM": {}, **{name: {} for name in some}}}}}))
    log.say(policy({"tenants": {"*": {"channels": {"ECOM": {}}}}}))
    assert {20} == {len(known) for known in log.item().withdrawn}
    assert MAX_WITHDRAWN == len(log.item().withdrawn)
    assert [(0, 0)] == shown_of(log.say(edit("acme", {"channels": {names[0]: {}}})), names[0])
    assert [] == shown_of(log.say(edit("acme", {"channels": {names[1]: {}}})), names[1])
