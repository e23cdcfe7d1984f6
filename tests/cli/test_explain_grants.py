"""`atp explain`: what is said of grants that are more than there is."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from atp_stream.cli import main
from atp_stream.cli.channel_hint import note_overgranted
from atp_stream.cli.explain import grant_lines
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


def test_both_stand_in_the_text() -> None:
    view = {**OVERGRANTED, "on_hand": {**VIEW["on_hand"], "gap": -10}}
    with FakeWorker(view).serving() as url:
        done = CliRunner().invoke(main, ["explain", "prod987", "--tenant", "acme", "--url", url])
    assert (0, 1, 1) == (done.exit_code, done.stdout.count("gap -10: "), done.stdout.count("  B2B has 130 of the 980"))


def test_a_grant_that_is_more_than_there_is_has_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    with FakeWorker(json.dumps(OVERGRANTED).encode()).serving() as url:
        note_overgranted(url, "acme", "prod987")
    assert capsys.readouterr().err.startswith("note: more is granted than is free; what is missing goes to ")
