"""What `explain` shows of the stock: its terms, its locations page by page, and which statements disagree."""

from typing import Any

import msgspec

from atp_stream.domain.commands import AnyCommand
from atp_stream.domain.policy.rules import DEFAULT
from atp_stream.domain.state.overlay import State
from atp_stream.web.explain import describe
from atp_stream.web.places import MAX_PLACES, page_of
from tests.domain.support.log import AT, LAMP, Log, adjust, count, fulfil, reserve

MICROS = 1_000
NOON = "2023-11-14T22:13:20.000+00:00"
LATER = "2023-11-14T22:13:20.001+00:00"


def on_hand(*commands: AnyCommand, after: str = "", limit: int = MAX_PLACES) -> Any:
    log = Log()
    log.say(*commands)
    item = log.item()
    places = page_of(State(log.read, log.scan), LAMP, item.stock, after, limit)
    shown = describe("acme", "lamp", item, DEFAULT.rules(LAMP), "log/0", places, {})
    return msgspec.json.decode(msgspec.json.encode(shown))["on_hand"]


def place(*commands: AnyCommand) -> Any:
    (found,) = on_hand(*commands)["places"]
    return found


def test_on_hand_is_the_sum_of_its_terms() -> None:
    shown = on_hand(
        count(900, location="north"), reserve("a", 300), fulfil("a", location="north", at=AT + 1), adjust(50)
    )  # fmt: skip
    terms = [
        {"what": "locations", "quantity": 9},
        {"what": "shipped", "quantity": -3},
        {"what": "no_location", "quantity": 0.5},
    ]
    assert (6.5, terms) == (shown["quantity"], shown["terms"])


def test_a_location_shows_its_newest_absolute_and_what_moved_since() -> None:
    shown = place(count(900), adjust(-250, at=AT + 1_000))
    assert (6.5, {"at": NOON, "quantity": 9, "in_doubt": False}, -2.5) == (
        shown["quantity"],
        shown["absolute"],
        shown["since"],
    )


def test_a_location_of_which_nothing_was_stated_has_only_what_moved() -> None:
    shown = place(adjust(400))
    assert (4, None, 4, None) == tuple(shown[key] for key in ("quantity", "absolute", "since", "gap"))


def test_what_was_shipped_and_is_in_no_count_is_missing() -> None:
    assert 3 == place(count(900), reserve("a", 300), fulfil("a", at=AT + 1))["missing"]


def test_a_gap_names_both_statements_and_what_happened_between() -> None:
    gap = place(count(10_000), adjust(-300, at=AT + 1), adjust(-200, 9_000, at=AT + 1_000))["gap"]
    assert {
        "base": {"at": NOON, "quantity": 100},
        "moved": -5,
        "shipped": 0,
        "found": 90,
        "unexplained": -5,
    } == gap


def test_shipments_that_explain_a_part_of_a_gap_are_reported() -> None:
    gap = place(count(900), reserve("a", 300), fulfil("a", at=AT + 1), adjust(100, 600, at=AT + 1_000))["gap"]
    assert (9, 1, 3, 6, -1) == (
        gap["base"]["quantity"],
        *(gap[key] for key in ("moved", "shipped", "found", "unexplained")),
    )


def test_a_gap_that_the_shipments_explain_is_none() -> None:
    assert place(count(900), reserve("a", 300), fulfil("a", at=AT + 1), adjust(100, 700, at=AT + 1_000))["gap"] is None


def test_statements_of_one_moment_that_contradict_are_in_doubt() -> None:
    shown = place(count(1_000), count(800))
    assert ({"at": NOON, "quantity": 8, "in_doubt": True}, 8) == (shown["absolute"], shown["instants"][0]["end"])


def test_the_newest_ten_moments_are_shown_with_the_ends_that_they_state() -> None:
    moved = [adjust(-100, at=AT + number * MICROS) for number in range(1, 12)]
    shown = place(count(5_000), *moved, adjust(200, 4_100, at=AT + 12 * MICROS))["instants"]
    last = {"at": "2023-11-14T22:13:20.012+00:00", "delta": 2, "end": 41}
    assert (10, {"at": "2023-11-14T22:13:20.003+00:00", "delta": -1, "end": None}, last) == (
        len(shown),
        shown[0],
        shown[-1],
    )


def test_the_end_of_the_newest_absolute_is_the_one_that_counts() -> None:
    shown = place(count(2_000), adjust(-500, 1_500, at=AT + 1_000), adjust(500, 2_000, at=AT + 1_000))
    assert (20, {"at": LATER, "delta": 0, "end": 20}) == (shown["absolute"]["quantity"], shown["instants"][1])


def test_locations_come_in_pages_in_the_order_of_their_keys() -> None:
    said = [count(100, location=name) for name in ("b", "c", "a")] + [adjust(100)]
    first, second = on_hand(*said, limit=2), on_hand(*said, after="a", limit=2)
    assert ([None, "a"], "a") == ([one["location"] for one in first["places"]], first["places_next"])
    assert (["b", "c"], None) == ([one["location"] for one in second["places"]], second["places_next"])
