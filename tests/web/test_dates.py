"""The views by date: right against the events, the ledger's own decisions and a model that recounts all messages."""

from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from atp_stream.domain.commands import AnyCommand, Entry
from atp_stream.domain.events import AvailabilityProjected, CommandRefused
from atp_stream.domain.item.dates import lines_of
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.item.policy_history import lived_by
from atp_stream.domain.policy.rules import Policy
from atp_stream.domain.state.overlay import State
from atp_stream.web import projection, promise, supplies
from atp_stream.web.dates import opened
from atp_stream.web.explain import OnDay, describe, on_day, page
from atp_stream.web.formatting import date_of
from atp_stream.web.places import Places
from atp_stream.web.problems import Problem
from atp_stream.web.promise import Asked
from tests.domain.model.partition import Model
from tests.domain.support.dated_histories import UNITS, dated_histories
from tests.domain.support.days import DAY, PLAIN, TODAY, cancel, comes, day, receive, schedule, wants
from tests.domain.support.histories import CHANNELS
from tests.domain.support.log import AT, LAMP, NOON, Log, adjust, count, policy, reserve
from tests.domain.support.sizes import nightly

HISTORIES = settings(max_examples=nightly(10_000, 40))
FAR = 30
"""Days that lie behind every horizon of a random history."""


def after(*commands: AnyCommand, document: Any = PLAIN) -> Log:
    log = Log()
    log.say(policy(document), *commands)
    return log


def first_days() -> Log:
    """Return the example of D365 on its first day, counted from TODAY."""
    log = after(count(2000), reserve("a", 300), schedule("po-3", 1000, 2), wants("b", 1500, 3))
    log.say(schedule("po-5", 100, 4), schedule("po-6", 300, 5))
    return log


def look(log: Log, log_time: int = NOON) -> tuple[OpenItem, Policy]:
    return opened(State(log.read, log.scan), LAMP, log.item(), log_time)


def plain(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def projected(log: Log, channel: str = "ECOM", first: int | None = None, days: int = 7, log_time: int = NOON) -> Any:
    return plain(projection.describe(look(log, log_time)[0], channel, first, days))


def asked(log: Log, quantity: int, log_time: int = NOON, **rest: Any) -> Any:
    return plain(promise.describe(*look(log, log_time), Asked(quantity, **rest)))


def expected(log: Log) -> dict[str, Any]:
    shown = plain(supplies.page(look(log)[0], log.scan(f"{LAMP}|s|"), 100))
    return {one.pop("supply"): one for one in shown["supplies"]}


def explained(log: Log, ahead: int, log_time: int = NOON) -> OnDay:
    return on_day(look(log, log_time)[0], State(log.read, log.scan), day(ahead))


def terms_of(log: Log, ahead: int, channel: str = "ECOM") -> list[tuple[Any, ...]]:
    """Return the terms of a day, days counted from TODAY."""
    (found,) = [one for one in explained(log, ahead).explanation.channels if one.channel == channel]
    return [(*term[:2], *([term.supply] if term.supply else []), *([term.day - TODAY] if term.day else []))
            for term in found.terms]  # fmt: skip


# Laws


def played(entries: list[Entry]) -> tuple[Log, int]:
    """Return the log of a history with an item, and its last log time."""
    log = Log()
    log.run(entries)
    assume(log.rows.get(f"{LAMP}|i") is not None)
    return log, entries[-1].log_time_ms


@HISTORIES
@given(dated_histories())
def test_the_days_are_those_of_a_model_that_recounts(entries: list[Entry]) -> None:
    log, log_time = played(entries)
    assume(all(event.reason != "stale" for event in log.events if isinstance(event, CommandRefused)))  # no such model
    model = Model(entries).items[LAMP]
    curve, safety = model.curve(), model.safety_stock()
    for channel in log.item().channels:
        shown = projection.describe(look(log, log_time)[0], channel, None, FAR)
        found = {one["date"]: float(one["projected"]) * 100 for one in plain(shown["days"])}
        grown, units = plain(shown["projected"]) + plain(shown["arriving"]), []
        for one in plain(shown["days"]):
            grown += one["supply"] - one["promised"]
            units.append(100 * grown)
        assert list(found.values()) == pytest.approx(units)
        wanted = {one: units + safety for one, units in curve.items() if one >= 0}
        assert list(found.values()) == [pytest.approx(wanted[one]) for one in sorted(wanted)[: len(found)]]
        assert 100 * plain(shown["projected"]) == pytest.approx(curve[-1] + safety)


@HISTORIES
@given(dated_histories())
def test_the_days_are_those_of_the_newest_event(entries: list[Entry]) -> None:
    log, log_time = played(entries)
    events = {one.channel: one for one in log.events if isinstance(one, AvailabilityProjected)}
    item, _ = look(log, log_time)
    assume(item.rules.supply.project)
    for channel, row in log.item().channels.items():
        shown = plain(projection.describe(item, channel, None, FAR))
        assert float(shown["now"]) * 100 == pytest.approx(row.available)
        event = events.get(channel)
        if event is None:
            continue
        first = item.dates.today
        steps = dict(event.steps)
        for place, one in enumerate(shown["days"]):
            last = max((on for on in steps if on <= first + place), default=None)
            assert 100 * one["available"] == pytest.approx(event.now if last is None else steps[last])


@HISTORIES
@given(dated_histories())
def test_the_terms_of_every_day_add_up_to_what_the_view_shows(entries: list[Entry]) -> None:
    log, log_time = played(entries)
    item, _ = look(log, log_time)
    curve = item.dates.curve()
    for on in range(item.dates.today, curve.end + 1):
        found = on_day(item, State(log.read, log.scan), on)
        assert found.available == {
            one.channel: sum(term.quantity for term in one.terms) for one in found.explanation.channels
        }
        kept = [term.quantity for term in found.explanation.free if term.what == "kept_for_later"]
        there = [term.quantity for term in found.explanation.free if term.what in {"on_hand", "reserved", "supply",
                 "other_supplies", "arriving", "promised"}]  # fmt: skip
        assert curve.there[curve.place(on)] == sum(there)
        assert all(units < 0 for units in kept)


ASKS = st.builds(
    Asked,
    quantity=st.sampled_from(UNITS),
    channel=st.sampled_from(CHANNELS[:5]),
    day=st.none() | st.integers(-1, 10).map(day),
    partial=st.booleans(),
    priority=st.integers(-1, 1),
)


@HISTORIES
@given(dated_histories(), st.lists(ASKS, min_size=1, max_size=5))
def test_what_could_be_promised_is_what_the_ledger_then_promises(entries: list[Entry], asks: list[Asked]) -> None:
    log, log_time = played(entries)
    for number, ask in enumerate(asks):
        wanted = ask if ask.day is None else ask._replace(day=ask.day + log_time // DAY - TODAY)
        try:
            could: Any = plain(promise.describe(*look(log, log_time), wanted))
        except Problem:
            could = None
        item, *_ = look(log, log_time)
        today = item.dates.today
        refused = decided(log, f"asks {number}", wanted, log_time)
        if could is None or refused:
            why = "unknown-channel" if could is None else could["why_not"]
            assert (why, refused) in REFUSALS
            continue
        row = log.reservation(f"asks {number}")
        held = sum(part.quantity for part in row.allocations)
        lines = [*([(today, held)] if held else []), *lines_of(row)]
        assert [{"date": date_of(on), "quantity": units / 100} for on, units in lines] == could["lines"]
        assert (wanted.quantity - sum(units for _, units in lines)) / 100 == could["waiting"]


REFUSALS: list[tuple[str, list[str]]] = [
    ("unknown-channel", ["unknown_channel"]), ("unknown-channel", ["too_many_channels"]), ("too_far", ["too_far"]),
    ("unknown-channel", ["too_far"]),  # it is both: each names the first that it finds
]  # fmt: skip


def decided(log: Log, reservation: str, wanted: Asked, log_time: int) -> list[str]:
    """Let the ledger decide of a reservation; return why it refuses it, if it does."""
    before = len(log.events)
    log.say(
        reserve(
            reservation, wanted.quantity, wanted.channel, log_time * 1_000, wanted=wanted.day,
            priority=wanted.priority, allow_partial=wanted.partial,
        ),
        log_time=log_time,
    )  # fmt: skip
    return [event.reason for event in log.events[before:] if isinstance(event, CommandRefused)]


# The days of a channel


def test_the_days_of_the_example_of_d365() -> None:
    shown = projected(first_days())
    rows = [tuple(one[name] for name in ("supply", "promised", "projected", "available")) for one in shown["days"]]
    assert [
        (0, 0, 17, 12), (0, 0, 17, 12), (10, 0, 27, 12), (0, 15, 12, 12), (1, 0, 13, 13), (3, 0, 16, 16), (0, 0, 16, 16)
    ] == rows  # fmt: skip
    head = {"today": "2023-11-14", "horizon": "2024-05-12", "on_hand": 20, "reserved": 3, "promised": 15,
            "projected": 17, "now": 12, "arriving": 0, "past_due": [], "version": 6}  # fmt: skip
    assert head == {name: shown[name] for name in head}


def test_an_item_without_dates_has_the_same_every_day() -> None:
    shown = projected(after(count(2000), reserve("a", 300)), days=2)
    assert [(17, 17), (17, 17)] == [(one["projected"], one["available"]) for one in shown["days"]]


def test_an_item_of_which_nothing_was_said_for_days_is_shown_as_of_today() -> None:
    shown = projected(after(count(2000)), log_time=NOON + 3 * DAY, days=1)
    assert ("2023-11-17", ["2023-11-17"]) == (shown["today"], [one["date"] for one in shown["days"]])


def test_a_boundary_that_no_tick_has_passed_is_not_passed_by_the_clock() -> None:
    shown = projected(first_days(), log_time=NOON + 9 * DAY, days=1)
    assert "2023-11-16" == shown["today"]  # the day of po-3: tomorrow it would be late


def test_days_begin_where_they_are_asked_for_but_not_before_today() -> None:
    log = first_days()
    assert "2023-11-18" == projected(log, first=day(4))["days"][0]["date"]
    assert "2023-11-14" == projected(log, first=day(-9))["days"][0]["date"]


def test_no_day_lies_beyond_the_horizon() -> None:
    log = first_days()
    assert "2024-05-12" == projected(log, first=day(170), days=367)["days"][-1]["date"]
    assert [] == projected(log, first=day(181))["days"]


def test_what_is_late_is_reported_and_counts_as_the_policy_says() -> None:
    late: list[AnyCommand] = [count(500), schedule("po", 700, 0)]
    shown = []
    for rules in ({}, {"past_due_days": 3, "past_due_offset": 2}):
        log = after(*late, document={"tenants": {"*": {"channels": {"ECOM": {}}, "supply": rules}}})
        comes(log, 1)
        shown.append(projected(log, log_time=NOON + DAY))
    assert [{"date": "2023-11-14", "quantity": 7, "counts_on": None}] == shown[0]["past_due"]
    assert [{"date": "2023-11-14", "quantity": 7, "counts_on": "2023-11-17"}] == shown[1]["past_due"]
    assert [[5] * 7, [5, 5, 12, 12, 12, 12, 12]] == [[one["available"] for one in each["days"]] for each in shown]


def test_received_units_that_the_stock_does_not_contain_arrive_today() -> None:
    log = after(count(500, AT - 1), schedule("po", 700, 2), receive("po", 400))
    shown = projected(log, days=3)
    assert (4, 5, [9, 9, 12]) == (shown["arriving"], shown["now"], [one["available"] for one in shown["days"]])


# What could be promised


def test_what_is_there_is_promised_for_today() -> None:
    shown = asked(first_days(), 1200)
    assert ("2023-11-14", "ON_HAND", None, 12) == tuple(shown[name] for name in ("date", "basis", "why_not", "now"))


def test_what_is_not_there_is_promised_whole_for_the_earliest_day() -> None:
    shown = asked(first_days(), 1400)
    assert ("2023-11-19", "SUPPLY", [{"date": "2023-11-19", "quantity": 14}], 0) == tuple(
        shown[name] for name in ("date", "basis", "lines", "waiting")
    )


def test_what_may_move_to_an_earlier_day_at_once_is_shown_for_that_day() -> None:
    """A share of the shelf is 2.33 of 7; the promise of 3 that stands on the supply moves to what nobody else needs."""
    shares = {"ECOM": {"kind": "SHARE", "weight": 0.3333}, "POPUP": {"kind": "SHARE", "weight": 0.5}}
    log = after(count(700), schedule("po", 800, 3), document={"tenants": {"*": {"channels": shares}}})
    shown = asked(log, 300)
    assert (2.33, [{"date": "2023-11-14", "quantity": 3}], "ON_HAND") == (shown["now"], shown["lines"], shown["basis"])


def test_a_part_may_be_taken_and_the_rest_later() -> None:
    lines = [{"date": "2023-11-14", "quantity": 12}, {"date": "2023-11-19", "quantity": 2}]
    assert lines == asked(first_days(), 1400, partial=True)["lines"]


def test_what_the_shelf_covers_for_a_later_day_needs_no_supply() -> None:
    shown = asked(first_days(), 100, day=day(3))
    assert ("2023-11-17", "2023-11-17", "ON_HAND") == (shown["requested_date"], shown["date"], shown["basis"])


def test_what_has_no_day_could_be_there_after_the_lead_time() -> None:
    supply = {"lead_time": 40}
    log = after(count(500), document={"tenants": {"*": {"channels": {"ECOM": {}}, "supply": supply}}})
    shown = [asked(log, 9900, day=wanted) for wanted in (None, day(60))]
    assert [("2023-12-24", [], "LEAD_TIME"), ("2024-01-13", [], "LEAD_TIME")] == [
        (one["date"], one["lines"], one["basis"]) for one in shown
    ]


@pytest.mark.parametrize(
    ("quantity", "wanted", "why_not"),
    [(9900, None, "beyond_horizon"), (100, 181, "too_far"), (9900, 5, "beyond_horizon")],
)
def test_what_has_no_day_says_why(quantity: int, wanted: int | None, why_not: str) -> None:
    shown = asked(first_days(), quantity, day=None if wanted is None else day(wanted))
    assert (None, [], quantity / 100, None, why_not) == tuple(
        shown[name] for name in ("date", "lines", "waiting", "basis", "why_not")
    )


def test_who_waits_stands_in_front_of_those_of_no_higher_priority() -> None:
    log = after(count(500), reserve("big", 9900))
    assert ["others_wait", None] == [asked(log, 100, priority=priority)["why_not"] for priority in (0, 1)]


def test_a_frozen_channel_promises_nothing() -> None:
    log = after(count(500), document={"tenants": {"*": {"channels": {"ECOM": {"kind": "FROZEN"}}}}})
    assert ("frozen", 0) == (asked(log, 100)["why_not"], asked(log, 100)["now"])


def test_a_quarantined_item_promises_nothing_on_any_day() -> None:
    log = first_days()
    row = log.item()
    row.quarantine = "KeyError"
    log.put(f"{LAMP}|i", row)
    assert ("quarantine", [0] * 7) == (asked(log, 100)["why_not"], [one["available"] for one in projected(log)["days"]])
    assert {"ECOM": 0, "B2B": 0} == explained(log, 3).available
    assert 0 == sum(one[1] for one in terms_of(log, 3))


def test_a_channel_that_the_policy_would_open_is_asked_as_any_other() -> None:
    assert ("NEW", 12, "ON_HAND") == tuple(
        asked(first_days(), 100, channel="NEW")[name] for name in ("channel", "now", "basis")
    )


def test_a_channel_that_the_policy_refuses_is_unknown() -> None:
    log = after(count(500), document={"unknown_channels": "refuse", "tenants": {"*": {"channels": {"ECOM": {}}}}})
    with pytest.raises(Problem, match="the item can have no channel 'NEW'"):
        asked(log, 100, channel="NEW")


def test_asking_changes_nothing() -> None:
    log = first_days()
    rows = dict(log.rows)
    asked(log, 1400, partial=True)
    assert rows == log.rows


# Supplies


def test_a_supply_says_what_has_come_of_it() -> None:
    log = after(count(500), schedule("po", 700, 2, kind="PURCHASE", location="DC", reference="4711"))
    log.say(adjust(300, at=AT + 1, supply="po"))
    assert {
        "status": "OPEN", "expected_date": "2023-11-16", "counts_on": "2023-11-16", "quantity": 7, "received": 3,
        "open": 4, "over": 0, "firm": True, "location": "DC", "kind": "PURCHASE", "reference": "4711",
    } == expected(log)["po"]  # fmt: skip


def test_each_supply_says_its_state() -> None:
    log = after(
        schedule("open", 700, 2), schedule("late", 700, -1), schedule("closed", 700, 2), receive("closed", 900, AT + 1),
        schedule("cancelled", 700, 2), cancel("cancelled", AT + 1), receive("pending", 100),
        schedule("tentative", 700, 2, firm=False), schedule("far", 700, 400),
    )  # fmt: skip
    shown = expected(log)
    names = ("status", "counts_on", "quantity", "open", "over")
    assert {
        "open": ("OPEN", "2023-11-16", 7, 7, 0),
        "late": ("PAST_DUE", None, 7, 7, 0),
        "closed": ("CLOSED", None, 7, 0, 2),
        "cancelled": ("CANCELLED", None, 0, 0, 0),
        "pending": ("PENDING", None, 0, 0, 0),
        "tentative": ("OPEN", None, 7, 7, 0),
        "far": ("OPEN", None, 7, 7, 0),
    } == {supply: tuple(one[name] for name in names) for supply, one in shown.items()}


def test_of_many_supplies_a_page_is_shown_and_behind_which_to_go_on() -> None:
    log = first_days()
    item, rows = look(log)[0], list(log.scan(f"{LAMP}|s|"))
    first = supplies.page(item, iter(rows), 2)
    second = supplies.page(item, iter(rows[2:]), 2)
    assert (["po-3", "po-5"], "po-5") == ([one["supply"] for one in first["supplies"]], first["next"])
    assert (["po-6"], None) == ([one["supply"] for one in second["supplies"]], second["next"])


# Why


def test_a_day_is_explained_by_what_is_expected_and_what_is_kept() -> None:
    assert [
        ("on_hand", 2000), ("safety_stock", 0), ("reserved", -300), ("supply", 1000, "po-3", 2),
        ("kept_for_later", -1500, 3),
    ] == terms_of(first_days(), 2)  # fmt: skip


def test_on_the_day_of_a_promise_it_is_promised_and_no_longer_kept() -> None:
    assert [
        ("on_hand", 2000), ("safety_stock", 0), ("reserved", -300), ("supply", 1000, "po-3", 2), ("promised", -1500)
    ] == terms_of(first_days(), 3)  # fmt: skip


def test_of_more_than_twenty_supplies_the_rest_are_one_term() -> None:
    log = after(*(schedule(f"po-{number:02}", 100, number) for number in range(25)))
    terms = terms_of(log, 24)
    assert ("supply", 100, "po-00") == terms[3][:3]
    assert (20, ("other_supplies", 500)) == (len([one for one in terms if one[0] == "supply"]), terms[-1])


@pytest.mark.parametrize("ahead", [-1, 181])
def test_a_day_that_the_curve_has_not_is_unknown(ahead: int) -> None:
    with pytest.raises(Problem, match="the days of the item are 2023-11-14 to 2024-05-12, the horizon"):
        explained(first_days(), ahead)


def test_the_explanation_says_of_which_day_it_is() -> None:
    log = first_days()
    item, state = log.item(), State(log.read, log.scan)
    rules = lived_by(state, LAMP, item)[1]
    shown = plain(describe("acme", "lamp", item, rules, "log/0", Places([], None), {}, by_date=explained(log, 2)))
    assert ("2023-11-14", "2023-11-16") == (shown["today"], shown["date"])
    (ecom,) = [one for one in shown["channels"] if one["channel"] == "ECOM"]
    assert {"what": "supply", "quantity": 10, "supply": "po-3", "date": "2023-11-16"} == ecom["terms"][3]
    assert 12 == ecom["available"]


def test_a_reservation_that_is_only_promised_is_listed_among_the_open_ones() -> None:
    log = first_days()
    shown = plain(page(LAMP, log.scan(f"{LAMP}|r|"), 10))["reservations"]
    assert [("a", 3, 0), ("b", 0, 15)] == [(one["reservation"], one["reserved"], one["promised"]) for one in shown]
