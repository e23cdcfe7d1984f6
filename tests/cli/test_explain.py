"""What `atp explain` prints of an explanation."""

import importlib
import re
from typing import Any

import pytest
from click.testing import CliRunner

from atp_stream.cli import main

AT, LATER = "2026-11-22T14:47:36.998+00:00", "2026-11-22T15:00:00.000+00:00"
ABSOLUTE = {"at": AT, "quantity": 90, "in_doubt": False}
GAP = {"base": {"at": AT, "quantity": 100}, "moved": -5, "shipped": 0, "found": 90, "unexplained": -5}
PLACE = {
    "location": "north", "quantity": 90, "absolute": ABSOLUTE, "since": 0, "gap": None, "missing": 0, "instants": [],
    "forgotten": None,
}  # fmt: skip


def view(*places: dict[str, Any], **on_hand: Any) -> dict[str, Any]:
    stock = {"quantity": 90, "terms": [], "places": list(places), "places_next": None, "gap": 0, "split": False}
    return {
        "tenant": "acme", "item": "lamp", "version": 2, "as_of": AT, "channels": [], "reservations": [], "next": None,
        "cause": {"log": "log/0/1", "input": "in/0/0", "at": AT}, "on_hand": stock | on_hand, "shortage": False,
    }  # fmt: skip


def printed(monkeypatch: pytest.MonkeyPatch, shown: dict[str, Any], *options: str) -> tuple[list[str], str]:
    """Return the lines between the head and the reservations, and what was asked for."""
    asked = []

    async def fetch(url: str, *_: str) -> dict[str, Any]:
        asked.append(url)
        return shown

    monkeypatch.setattr(importlib.import_module("atp_stream.cli.explain"), "fetch", fetch)
    done = CliRunner().invoke(main, ["explain", "lamp", "--tenant", "acme", "--url", "http://worker", *options])
    assert 0 == done.exit_code, done.output
    return [re.sub(" +", " ", line) for line in done.stdout.splitlines()[2:-1]], asked[0]


def test_on_hand_is_printed_as_a_sum_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    terms = [
        {"what": "locations", "quantity": 97},
        {"what": "shipped", "quantity": -3},
        {"what": "shipped_from_no_location", "quantity": -4},
    ]
    expected = [
        "on hand 90",
        " +97 held at locations",
        " -3 shipped, in no count yet",
        " -4 shipped from no known location, not in all counts yet",
    ]
    assert expected == printed(monkeypatch, view(terms=terms))[0]


def test_a_location_says_what_was_counted_and_what_moved_since(monkeypatch: pytest.MonkeyPatch) -> None:
    place = PLACE | {"quantity": 88.5, "since": -1.5, "missing": 3}
    expected = f" at north: 88.5 = 90 at {AT}, and -1.5 since; 3 shipped, in no count yet"
    assert expected == printed(monkeypatch, view(place))[0][1]


def test_a_location_without_a_count_shows_its_quantity(monkeypatch: pytest.MonkeyPatch) -> None:
    place = PLACE | {"location": None, "absolute": None, "since": 90}
    assert " at no location: 90" == printed(monkeypatch, view(place))[0][1]


def test_doubt_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    place = PLACE | {"absolute": ABSOLUTE | {"in_doubt": True}}
    assert f" at north: 90 = 90 at {AT}, in doubt, and +0 since" == printed(monkeypatch, view(place))[0][1]


@pytest.mark.parametrize(
    ("gap", "line"),
    [
        (GAP, f"at {AT} there were 100; 5 left since; at {LATER} there were 90: 5 missing without a reason"),
        (
            GAP | {"moved": 2, "shipped": 4, "found": 99, "unexplained": 1},
            f"at {AT} there were 100; 2 came since; 4 were shipped; at {LATER} there were 99:"  # noqa: ISC004
            " 1 too many without a reason",
        ),
        (
            GAP | {"moved": 0, "unexplained": -10},
            f"at {AT} there were 100; at {LATER} there were 90: 10 missing without a reason",
        ),
    ],
)
def test_a_gap_says_which_two_statements_disagree(
    monkeypatch: pytest.MonkeyPatch, gap: dict[str, Any], line: str
) -> None:
    place = PLACE | {"absolute": ABSOLUTE | {"at": LATER}, "gap": gap}
    assert f" {line}" == printed(monkeypatch, view(place))[0][2]


def test_more_locations_are_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    lines, asked = printed(monkeypatch, view(PLACE, places_next="north"), "--places-after", "east & west")
    assert " more: --places-after north" == lines[-1]
    assert "http://worker/atp/acme/lamp/explain?limit=10&places_after=east+%26+west" == asked


def test_a_day_is_printed_with_its_supplies_and_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    terms = [
        {"what": "supply", "quantity": 10, "supply": "po-3", "date": "2027-02-03"},
        {"what": "other_supplies", "quantity": 2},
        {"what": "arriving", "quantity": 1},
        {"what": "promised", "quantity": -4},
        {"what": "kept_for_later", "quantity": -5, "date": "2027-02-04"},
    ]
    row = {"channel": "ECOM", "kind": "POOLED", "available": 4, "terms": terms}
    by_day = view() | {"channels": [row], "today": "2027-02-01", "date": "2027-02-03"}
    lines, asked = printed(monkeypatch, by_day, "--date", "2027-02-03")
    assert [
        "on hand 90",
        "available in ECOM (POOLED) on 2027-02-03: 4",
        " +10 supply po-3, expected on 2027-02-03",
        " +2 other supplies, expected by then",
        " +1 received, and not in the stock yet",
        " -4 promised by then, in all channels",
        " -5 kept for what is promised by 2027-02-04",
    ] == lines
    assert "http://worker/atp/acme/lamp/explain?limit=10&date=2027-02-03" == asked


def test_what_is_promised_to_a_reservation_by_day_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    order = {"reservation": "o", "channel": "ECOM", "status": "PROMISED", "reserved": 0, "promised": 15, "waiting": 0,
             "priority": 0, "expires_at": None}  # fmt: skip
    lines, _ = printed(monkeypatch, view() | {"reservations": [order, order]})
    assert " o ECOM PROMISED reserved 0, promised 15, waiting 0, priority 0" == lines[-1]
