"""Rows of older versions: an item keeps its numbers, and what comes later meets them rightly."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from atp_stream.domain.commands import AnyCommand
from atp_stream.domain.events import AllocationReleased
from tests.domain.support.log import AT, LAMP, NOON, Log, count, policy, tick
from tests.domain.support.product import Counters, numbers

SAMPLES: list[dict[str, Any]] = json.loads((Path(__file__).parent.parent / "samples" / "old_items.json").read_text())
PROMISES: dict[str, str] = json.loads((Path(__file__).parent.parent / "samples" / "old_promises.json").read_text())
"""The rows of an item that takes promises back: six requests of 10, r1 to r6, which one count of 60 served."""
PARTS = 10


def log_with(sample: dict[str, Any]) -> Log:
    """Return a log whose rows are those of a sample, folded up to there by an older version."""
    log = Log()
    log.say(*[tick(0)] * 100, log_time=NOON)
    log.rows.clear()
    log.steps.clear()
    log.rows.update({key: row.encode() for key, row in sample["rows"].items()})
    return log


def samples(part: int) -> list[dict[str, Any]]:
    return SAMPLES[part::PARTS]


@pytest.mark.parametrize("part", range(PARTS))
def test_an_item_of_an_older_version_keeps_its_numbers(part: int) -> None:
    for sample in samples(part):
        log = log_with(sample)
        document = json.loads(sample["rows"].get("|policy", "{}")).get("document", {})
        log.say(policy({**document, "drift_grace": 31}), log_time=NOON + 1)  # every item meets it
        assert sample["numbers"] == list(numbers(log))


@pytest.mark.parametrize("part", range(PARTS))
def test_what_comes_later_counts_as_if_the_item_had_always_been_of_this_version(part: int) -> None:
    for sample in samples(part):
        log = log_with(sample)
        for later in sample["later"]:
            command: AnyCommand = msgspec.convert(later["command"], AnyCommand)
            before = Counters(log)
            events = log.say(command, log_time=later["log_time"])
            right, found = later["numbers"], list(numbers(log))
            if right[1] is None:
                right, found = [*right[:1], *right[2:]], [*found[:1], *found[2:]]
            assert (later["outcome"], right) == (before.outcome(Counters(log), events), found), (command, sample)


def test_no_row_of_the_old_form_is_left() -> None:
    for sample in SAMPLES:
        log = log_with(sample)
        log.say(count(1, event_id="last"), log_time=NOON + 1)
        assert [] == [key for key in log.rows if key.startswith(f"{LAMP}|l|")]


def test_open_promises_of_an_older_version_are_taken_back_by_the_place_of_their_request() -> None:
    log = Log()
    log.say(*[tick(0)] * 100, log_time=NOON)
    log.rows = {key: row.encode() for key, row in PROMISES.items()}
    events = log.say(count(30, AT + 1), log_time=NOON + 1)
    assert ["r6", "r5", "r4"] == [event.reservation for event in events if isinstance(event, AllocationReleased)]
