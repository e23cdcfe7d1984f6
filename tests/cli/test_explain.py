"""`atp explain`: what is said of a gap, and of grants that are more than there is."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from atp_stream.cli import main
from atp_stream.cli.channels import note_overgranted
from atp_stream.cli.explain import gap_lines, grant_lines
from tests.cli.test_policy import FakeWorker
from tests.web.examples import resolve

EXPLAINED = resolve("#/paths/~1atp~1{tenant}~1{item}~1explain/get/responses/200/content/application~1json/examples")
VIEW: dict[str, Any] = EXPLAINED["reserved"]["value"]


def quota(channel: str, granted: int, consumed: int, fence: int) -> dict[str, Any]:
    row = {**VIEW["channels"][0], "channel": channel, "kind": "QUOTA"}
    return {**row, "granted": granted, "consumed": consumed, "fence": fence}


OVERGRANTED = {**VIEW, "shortage": True, "channels": [quota("B2B", 1000, 20, 130), quota("STORE", 20, 0, 20)]}


def test_who_has_less_than_was_granted_is_told_with_how_much() -> None:
    expected = [
        "more is granted than is free; what is missing goes to the channel as stock comes in:",
        "  B2B has 130 of the 980 that it was granted and has not used",
    ]
    assert expected == list(grant_lines(OVERGRANTED))


def test_grants_that_the_stock_covers_are_not_worth_a_word() -> None:
    assert [] == list(grant_lines(VIEW))


def test_a_gap_is_told_with_the_facts_that_disagree() -> None:
    gap = {
        "location": None,
        "base": {"quantity": 150, "at": "2026-11-22T14:47:36.998+00:00"},
        "moved": -30,
        "stated": {"quantity": 110, "at": "2026-11-23T08:00:00.000+00:00"},
        "unexplained": -10,
    }
    expected = [
        "gap -10: counts and movements disagree by so much; the counts are believed",
        "  at no location:",
        "            +150  was there at 2026-11-22T14:47:36.998+00:00",
        "             -30  moved since",
        "             -10  unexplained: a movement is missing or late, or the count is wrong",
        "             110  was counted at 2026-11-23T08:00:00.000+00:00",
    ]
    assert expected == list(gap_lines({**VIEW["on_hand"], "gap": -10, "gaps": [gap]}))


def test_stock_that_fits_its_history_has_no_line_of_a_gap() -> None:
    assert [] == list(gap_lines(VIEW["on_hand"]))


def test_both_stand_in_the_text() -> None:
    view = {**OVERGRANTED, "on_hand": {**VIEW["on_hand"], "gap": -10}}
    with FakeWorker(view).serving() as url:
        done = CliRunner().invoke(main, ["explain", "prod987", "--tenant", "acme", "--url", url])
    assert (0, 1, 1) == (done.exit_code, done.stdout.count("gap -10: "), done.stdout.count("  B2B has 130 of the 980"))


def test_a_grant_that_is_more_than_there_is_has_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    with FakeWorker(json.dumps(OVERGRANTED).encode()).serving() as url:
        note_overgranted(url, "acme", "prod987")
    assert capsys.readouterr().err.startswith("note: more is granted than is free; what is missing goes to ")
