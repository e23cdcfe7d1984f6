"""What the views show of rows, as JSON: exact numbers, plain names, nothing made up."""

from typing import Any

import msgspec
import pytest

from atp_stream.domain.commands import Entry
from atp_stream.domain.policy.rules import DEFAULT, parse
from atp_stream.domain.reservations.backorder_queue import closing
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.rows import Channel, Drift, Item
from atp_stream.domain.stock.rows import Stock
from atp_stream.web import policies, reservations
from atp_stream.web.availability import describe
from atp_stream.web.formatting import moment
from atp_stream.web.places import MAX_PLACES, Places, page_of
from tests.domain.support.folding import tight_bounds
from tests.domain.support.log import AT, LAMP, NOON, Log, adjust, count, fulfil, policy, release, reserve


def item(row: Item) -> str:
    return msgspec.json.encode(describe("acme", "lamp", row, DEFAULT.rules("acme|lamp"), Places([], None))).decode()


def first_places(log: Log, limit: int = MAX_PLACES) -> Places:
    return page_of(State(log.read, log.scan), LAMP, log.item().stock, "", limit)


def reservation(log: Log, name: str = "a") -> Any:
    row = log.reservation(name)
    ids = [f"id-{number}" for number in range(len(row.allocations))]
    return msgspec.json.decode(msgspec.json.encode(reservations.describe(row, ids)))


def test_an_amount_is_an_exact_number_however_large() -> None:
    row = Item(stock=Stock(on_hand=99_999_999_999_999), channels={"ECOM": Channel(available=99_999_999_999_901)})
    assert '"on_hand":999999999999.99,' in item(row)
    assert '"available":999999999999.01,' in item(row)


def test_a_negative_stock_is_shown_as_it_is() -> None:
    assert '"on_hand":-0.05,' in item(Item(stock=Stock(on_hand=-5), channels={}))


def test_what_is_promised_but_no_longer_there_is_short() -> None:
    log = Log()
    log.say(count(1000), reserve("a", 800), count(500, AT + 1))
    assert '"on_hand":5,"safety_stock":0,"reserved":8,"short":3,' in item(log.item())


def test_channels_and_locations_come_in_the_order_of_their_names() -> None:
    log = Log()
    log.say(count(3, location="north"), count(4, location="east"), count(2))
    shown = describe("acme", "lamp", log.item(), DEFAULT.rules("acme|lamp"), first_places(log))
    assert ["B2B", "ECOM", "MARKETPLACE", "STORE"] == [channel["channel"] for channel in shown["channels"]]
    assert [None, "east", "north"] == [place["location"] for place in shown["locations"]]
    assert shown["locations_next"] is None


def test_of_many_locations_a_page_is_shown_and_behind_which_to_go_on() -> None:
    log = Log()
    log.say(count(3, location="north"), count(4, location="east"), count(2))
    shown = describe("acme", "lamp", log.item(), DEFAULT.rules("acme|lamp"), first_places(log, 2))
    assert ([None, "east"], "east") == ([one["location"] for one in shown["locations"]], shown["locations_next"])


def test_a_channel_says_which_reservation_closes_it() -> None:
    log = Log()
    log.say(count(1000), reserve("later", 9_000), reserve("first", 5_000, priority=1), reserve("s", 9_000, "STORE"))
    log.say(reserve("s", 8_000, "STORE", priority=-1, at=AT + 1))
    state, row = State(log.read, log.scan), log.item()
    shown = describe("acme", "lamp", row, DEFAULT.rules(LAMP), first_places(log), closing(state, LAMP, row))
    channels = {channel["channel"]: channel.get("closed_by") for channel in shown["channels"]}
    first = {"reservation": "first", "waiting": msgspec.Raw(b"50"), "priority": 1}
    assert {"B2B": None, "ECOM": first, "MARKETPLACE": None, "STORE": None} == channels


def test_stock_with_and_without_locations_is_marked() -> None:
    log = Log()
    log.say(count(900, location="north"), count(400))
    assert '"on_hand":4,' in item(log.item())
    assert '"split":true,' in item(log.item())


def test_a_stock_that_fits_its_history_has_no_drift() -> None:
    assert '"gap":0,"drift":null,' in item(Item(stock=Stock(), channels={}))


def test_what_was_odd_about_the_facts_is_counted() -> None:
    row = Item(stock=Stock(), channels={}, late=5, past=4, stale=3, duplicates=2, unpaired=1)
    assert '"facts":{"late":5,"past":4,"stale":3,"duplicates":2,"unpaired":1},' in item(row)


def test_a_gap_says_since_when_and_what_was_reported_of_it() -> None:
    row = Item(stock=Stock(gap=-250), channels={}, drift=Drift(since_ms=1_700_000_000_000))
    shown = item(row)
    assert '"gap":-2.50,"drift":{"since":"2023-11-14T22:13:20.000+00:00","told":null},' in shown
    row.drift = Drift(since_ms=1_700_000_000_000, reported=-250)
    assert '"told":-2.50}' in item(row)


def test_what_is_odd_about_an_item_is_marked() -> None:
    odd = Item(stock=Stock(on_hand=-1), channels={}, scaled=True)
    assert '"negative":true,"split":false,"scaled":true,' in item(odd)


def test_a_channel_says_by_which_rule_it_lives_and_what_is_fenced_off_for_it() -> None:
    policy = parse(
        b'{"unknown_channels":"refuse","tenants":{"*":{"channels":{"B2B":{"kind":"QUOTA"},"ECOM":{},'
        b'"STORE":{"kind":"SHARE","weight":0.5}},"frozen":{"ECOM":true}}}}'
    )
    channels = {"B2B": Channel(granted=1000, consumed=250), **{name: Channel() for name in ("ECOM", "GONE", "STORE")}}
    row = Item(stock=Stock(), channels=channels)
    shown = describe("acme", "lamp", row, policy.rules("acme|lamp"), Places([], None))
    kinds = {channel["channel"]: str(channel["kind"]) for channel in shown["channels"]}
    assert {"B2B": "QUOTA", "ECOM": "FROZEN", "GONE": "CLOSED", "STORE": "SHARE"} == kinds
    assert (b"10", b"2.50") == tuple(bytes(shown["channels"][0][name]) for name in ("granted", "consumed"))


def test_rules_are_shown_in_units_and_seconds_with_what_belongs_to_each_kind() -> None:
    policy = parse(
        b'{"tenants":{"*":{"safety_stock":{"fixed":2,"percent":1.5},"max_waiting_each":5,"time_limit":900,"shortage":"deallocate",'
        b'"aliases":{"Web":"ECOM"},"rule":{"buffer":1},"channels":{"ECOM":{"kind":"SHARE","weight":0.25,"floor":3,'
        b'"max_waiting":9},'
        b'"B2B":{"kind":"QUOTA","rank":2,"min":100,"overflow":true}}}}}'
    )
    shown = msgspec.json.decode(msgspec.json.encode(policies.describe(policy, policy.rules("acme|lamp"))))
    assert {
        "default_channel": "ECOM",
        "safety_stock": {"fixed": 2, "percent": 1.5},
        "step": 0.01,
        "max_waiting_each": 5,
        "shortage": "deallocate",
        "time_limit": 900,
        "channels": [
            {"channel": "B2B", "kind": "QUOTA", "buffer": 0, "floor": 0, "rank": 2, "min": 100, "overflow": True},
            {"channel": "ECOM", "kind": "SHARE", "buffer": 0, "floor": 3, "max_waiting": 9, "weight": 0.25},
        ],
        "other_channels": {"kind": "POOLED", "buffer": 1, "floor": 0},
        "aliases": {"Web": "ECOM"},
    } == shown


def in_force(log: Log) -> Any:
    return policies.in_force(State(log.read, log.scan), "log/0")


def test_the_policy_is_shown_as_it_is_written_with_the_record_that_made_it_so() -> None:
    log = Log()
    log.say(count(500), policy({"tenants": {"*": {"rule": {"buffer": 1}}}}), count(400))
    shown = in_force(log)
    assert b'{"tenants":{"*":{"rule":{"buffer":1}}}}' == bytes(shown["document"])
    assert ({"log": "log/0/1", "at": "2023-11-14T22:13:20.000+00:00"}, True) == (shown["since"], shown["met_by_all"])


def test_before_any_change_the_policy_is_the_default_one() -> None:
    shown = in_force(Log())
    assert (None, DEFAULT.document) == (shown["since"], parse(bytes(shown["document"])).document)


def test_while_a_sweep_is_under_way_not_all_items_have_met_the_policy() -> None:
    log = Log()
    with tight_bounds(served=1, enough=1):
        for number in range(3):
            log.say(count(500), name=f"acme|lamp-{number}")
        log.step([Entry(0, 9, NOON, "|", policy({"tenants": {"*": {"rule": {"buffer": 1}}}}))])
        assert not in_force(log)["met_by_all"]


def test_an_item_shows_how_many_commands_are_deferred_for_it() -> None:
    log = Log()
    log.say(count(500))
    shown = policies.of_item(State(log.read, log.scan), LAMP, Item(stock=Stock(), channels={}, deferred=2))
    assert (2, 0) == (shown["kept"], policies.of_item(State(log.read, log.scan), "acme|chair", None)["kept"])


def test_a_quarantined_item_says_so() -> None:
    row = Item(stock=Stock(), channels={}, quarantine="ZeroDivisionError()")
    assert '"quarantine":"ZeroDivisionError()"' in item(row)
    assert "quarantine" not in item(Item(stock=Stock(), channels={}))


def test_a_reservation_in_parts_shows_what_it_has_and_what_it_waits_for() -> None:
    log = Log()
    log.say(count(500), reserve("a", 800, allow_partial=True, priority=2, reference="order 7", location="north"))
    shown = reservation(log)
    assert ("PARTIAL", "ECOM", 8, 5, 3) == tuple(
        shown[key] for key in ("status", "channel", "requested", "reserved", "waiting")
    )
    assert (2, True, True, "order 7", "north") == tuple(
        shown[key] for key in ("priority", "allow_partial", "allow_backorder", "reference", "location")
    )
    assert [{"allocation": "id-0", "quantity": 5}] == shown["allocations"]


def test_a_reservation_that_ended_shows_where_its_units_went() -> None:
    log = Log()
    log.say(adjust(900, 900), reserve("a", 500), fulfil("a", 200), release("a"))
    shown = reservation(log)
    assert ("RELEASED", 5, 2, 3, 0, []) == tuple(
        shown[key] for key in ("status", "requested", "fulfilled", "released", "reserved", "allocations")
    )


def test_a_release_before_its_create_is_pending_and_guesses_nothing() -> None:
    log = Log()
    log.say(release("a", 300))
    shown = reservation(log)
    assert ("PENDING", None, 0, 3, None, None) == tuple(
        shown[key] for key in ("status", "channel", "requested", "released", "created_at", "expires_at")
    )


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000+00:00"),
        (1_795_358_858_862_999, "2026-11-22T14:47:38.862+00:00"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999+00:00"),  # the last that a message may state
    ],
)
def test_a_moment_is_cut_to_the_millisecond_and_never_rounded(microseconds: int, text: str) -> None:
    assert text == moment(microseconds)
