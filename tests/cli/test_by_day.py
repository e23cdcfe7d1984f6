"""Supplies that are sent, and what is asked by day: the messages, the questions, and what is printed of the answers."""

import importlib
import json
from typing import Any

import pytest
from click.testing import CliRunner

from atp_stream.cli import main
from atp_stream.cli.producing import Place
from atp_stream.cli.promise import in_words
from tests.cli.test_policy import NOWHERE, FakeWorker

DAYS: dict[str, Any] = {
    "tenant": "acme", "item": "bike", "channel": "ECOM", "today": "2027-02-01", "horizon": "2027-07-31", "on_hand": 20,
    "reserved": 3, "promised": 15, "projected": 17, "now": 12, "arriving": 0, "past_due": [], "version": 6,
    "as_of": "now", "days": [{"date": "2027-02-01", "supply": 0.5, "promised": 0, "projected": 17, "available": 12}],
}  # fmt: skip
COULD: dict[str, Any] = {
    "tenant": "acme", "item": "bike", "channel": "ECOM", "quantity": 14, "requested_date": None, "now": 12,
    "date": "2027-02-06", "lines": [{"date": "2027-02-06", "quantity": 14}], "waiting": 0, "basis": "SUPPLY",
    "why_not": None, "version": 6, "as_of": "now",
}  # fmt: skip


def atp(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, arguments, env={"ATP_BROKER": NOWHERE, "ATP_DEFAULT_TENANT": "acme"})
    return done.exit_code, done.stdout, done.stderr


def asked(view: dict[str, Any], *arguments: str) -> tuple[list[str], list[str]]:
    """Return the lines that a command prints, and what it asks."""
    worker = FakeWorker(view)
    with worker.serving() as url:
        code, out, err = atp(*arguments, "--url", url)
    assert (0, "") == (code, err)
    return out.splitlines(), worker.asked


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Give the topics and messages that are sent, as they are."""
    found: list[tuple[str, Any]] = []

    async def produce(_: Any, topic: str, __: bytes | None, value: bytes) -> Place:
        message = json.loads(value)
        for name in ("eventId", "event_id", "timestamp", "tenantId", "tenant_id"):
            message.pop(name, None)
        found.append((topic, message))
        return Place(topic, 0, 0)

    monkeypatch.setattr(importlib.import_module("atp_stream.cli.send"), "produce", produce)
    return found


# What is sent


def test_a_supply_states_the_whole_quantity_and_its_day(sent: list[tuple[str, Any]]) -> None:
    words = ["--date", "2026-12-10", "--kind", "PURCHASE", "--location", "DC", "--tentative", "--reference", "4711"]
    assert (0, "inventory.core.supply.scheduled partition 0 offset 0\n", "") == atp(
        "send", "supply", "bike", "po-7", "50.5", *words
    )
    stated = {"supplyId": "po-7", "itemId": "bike", "quantity": 50.5, "expectedDate": "2026-12-10", "locationId": "DC",
              "kind": "PURCHASE", "firm": False, "reference": "4711"}  # fmt: skip
    assert [("inventory.core.supply.scheduled", stated)] == sent


def test_a_supply_is_cancelled_by_its_name(sent: list[tuple[str, Any]]) -> None:
    assert 0 == atp("send", "supply", "bike", "po-7", "--cancel")[0]
    assert [("inventory.core.supply.cancelled", {"supplyId": "po-7", "itemId": "bike"})] == sent


def test_a_receipt_says_how_it_is_meant(sent: list[tuple[str, Any]]) -> None:
    assert 0 == atp("send", "receipt", "bike", "po-7")[0]
    assert 0 == atp("send", "receipt", "bike", "po-7", "45", "--final", "--moves-stock", "--location", "DC")[0]
    whole = {"supplyId": "po-7", "itemId": "bike"}
    part = {**whole, "quantity": 45, "final": True, "movesStock": True, "locationId": "DC"}
    assert [("inventory.core.supply.received", whole), ("inventory.core.supply.received", part)] == sent


def test_an_adjustment_names_the_supply_that_it_receives(sent: list[tuple[str, Any]]) -> None:
    assert 0 == atp("send", "adjustment", "bike", "--delta", "10", "--supply", "po-7")[0]
    assert "po-7" == sent[0][1]["supply_id"]


def test_a_reservation_names_the_day_that_it_wants(sent: list[tuple[str, Any]]) -> None:
    assert 0 == atp("send", "reservation", "bike", "order-1", "5", "--date", "2026-12-10")[0]
    assert "2026-12-10" == sent[0][1]["requestedDate"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["supply", "bike", "po-7", "50"], "give UNITS and --date, or --cancel"),
        (["supply", "bike", "po-7", "--date", "2026-12-10"], "give UNITS and --date, or --cancel"),
        (["supply", "bike", "po-7", "50", "--cancel"], "what is cancelled has neither UNITS nor --date"),
        (["supply", "bike", "po-7", "50", "--date", "10.12.2026"], "workers would refuse this: "),
        (["supply", "bike", "po-7", "0", "--date", "2026-12-10"], "(not_positive)"),
        (["receipt", "bike", "po-7", "--moves-stock"], "(missing_quantity)"),
        (["reservation", "bike", "order-1", "5", "--date", "soon"], "(bad_timestamp)"),
        (["adjustment", "bike", "--delta", "-1", "--supply", "po-7", "--reservation", "r"], "(two_movements)"),
    ],
)
def test_what_cannot_be_meant_is_not_sent(words: list[str], said: str, sent: list[tuple[str, Any]]) -> None:
    code, out, err = atp("send", *words)
    assert (2, "", []) == (code, out, sent)
    assert said in err


# What is asked


def test_days_are_printed_as_a_table_that_begins_with_the_shelf() -> None:
    lines, paths = asked(DAYS, "get", "bike", "ECOM", "--days", "1")
    assert [
        "acme bike ECOM  on hand 20, reserved 3, promised 15  (version 6, today 2027-02-01)",
        "date             supply     promised    projected    available",
        "now                   -            -           17           12",
        "2027-02-01          0.5            0           17           12",
    ] == lines
    assert ["/atp/acme/bike/projection?days=1&channel=ECOM"] == paths


def test_what_arrives_and_what_is_late_is_reported_with_the_days() -> None:
    late = [{"date": "2027-01-30", "quantity": 4, "counts_on": day} for day in (None, "2027-02-02")]
    lines, paths = asked({**DAYS, "arriving": 5, "past_due": late}, "get", "bike", "--days", "30")
    assert "promised 15, arriving 5  (version" in lines[0]
    assert [
        "past due: 4 expected on 2027-01-30, not counted",
        "past due: 4 expected on 2027-01-30, counted on 2027-02-02",
    ] == lines[-2:]
    assert ["/atp/acme/bike/projection?days=30"] == paths


def test_a_promise_is_asked_for_with_all_that_a_reservation_would_state() -> None:
    words = ["--channel", "B 2", "--date", "2027-02-06", "--allow-partial", "--priority", "-1"]
    lines, paths = asked(COULD, "promise", "bike", "14.5", *words)
    assert ["14 of bike in ECOM can be promised for 2027-02-06; now 12. Nothing is held."] == lines
    query = "quantity=14.50&channel=B+2&date=2027-02-06&partial=true&priority=-1"
    assert [f"/atp/acme/bike/promise?{query}"] == paths


def test_days_and_promises_are_json_for_programs() -> None:
    assert [DAYS] == [json.loads(line) for line in asked(DAYS, "get", "bike", "--days", "7", "--json")[0]]
    assert [COULD] == [json.loads(line) for line in asked(COULD, "promise", "bike", "14", "--json")[0]]


def test_several_days_are_reported_with_their_parts() -> None:
    lines = [{"date": "2027-02-01", "quantity": 12}, {"date": "2027-02-06", "quantity": 2}]
    expected = "14 of bike in ECOM can be promised: 12 for 2027-02-01, 2 for 2027-02-06. Nothing is held."
    assert expected == in_words({**COULD, "lines": lines})


@pytest.mark.parametrize(
    ("why_not", "words"),
    [
        ("others_wait", "others wait in front of it"),
        ("frozen", "the channel is frozen"),
        ("beyond_horizon", "there is not enough up to the horizon"),
        ("too_far", "the day lies beyond the horizon"),
        ("quarantine", "the item is quarantined"),
        ("new_reason", "new_reason"),
    ],
)
def test_what_has_no_day_says_why_in_words(why_not: str, words: str) -> None:
    none = {**COULD, "date": None, "lines": [], "waiting": 14, "why_not": why_not}
    assert f"14 of bike in ECOM cannot be promised: {words}; now 12." == in_words(none)


def test_of_a_part_that_has_a_day_the_rest_says_why_it_would_wait() -> None:
    part = {**COULD, "date": None, "lines": [{"date": "2027-02-01", "quantity": 12}], "waiting": 2,
            "why_not": "beyond_horizon"}  # fmt: skip
    assert (
        "14 of bike in ECOM can be promised in part: 12 for 2027-02-01; 2 would wait, for there is not enough up to the"
        " horizon. Nothing is held."
    ) == in_words(part)


@pytest.mark.parametrize(
    "words", [["get", "bike", "--days", "7"], ["promise", "bike", "14"], ["explain", "bike", "--date", "2027-02-01"]]
)
def test_a_worker_that_does_not_know_days_is_distinguished_from_one_that_does(words: list[str]) -> None:
    with FakeWorker({"tenant": "acme"}).serving() as url:
        code, out, err = atp(*words, "--url", url)
    assert (1, "") == (code, out)
    assert "it is an older worker, or none of ours" in err
