"""The oracle and the real fold agree on what is remembered; a fold that forgets sooner or later is objected to."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atp_stream.domain.stock import generations, place
from atp_stream.domain.stock.generations import StockTime
from atp_stream.domain.stock.place import Place
from atp_stream.oracle import check
from tests.chaos.forgetting import history
from tests.domain.support.sizes import seeds

Fault = Callable[[], AbstractContextManager[object]]


@seeds(1_000, 8)
@given(st.integers(0, 2**32))
def test_they_agree_on_each_fact_over_many_generations(seed: int) -> None:
    report = check(history(seed))

    assert [] == report.objections
    assert 0 < report.applied
    assert 0 < report.duplicates


def test_such_a_history_has_facts_of_each_fate() -> None:
    reports = [check(history(seed)) for seed in range(3)]

    assert 500 < sum(report.applied for report in reports)
    assert 100 < sum(report.duplicates for report in reports)
    assert 15 < sum(report.past for report in reports)
    assert 15 < sum(report.refused["stale"] for report in reports)


def remembering(windows: float) -> ExitStack:
    """Let a fold take a window for longer, or for shorter, than it is."""
    begin, renew = StockTime.begin, StockTime.renew
    stack = ExitStack()
    stack.enter_context(patch.object(StockTime, "begin", lambda t, now, length: begin(t, now, int(length * windows))))
    stack.enter_context(patch.object(StockTime, "renew", lambda t, length: renew(t, int(length * windows))))
    return stack


def _known_at_present(one: Place, mark: str) -> bool:
    return one.generation == one.row.generation and mark in one.row.ids


def _known_in_the_row(one: Place, mark: str) -> bool:
    passed = one.generation - one.row.generation
    return passed < 2 and (mark in one.row.ids or (not passed and mark in one.row.ids_before))


def knowing_rows_alone() -> ExitStack:
    """Let a location know only the ids in its row, which has room for few."""
    stack = ExitStack()
    stack.enter_context(patch.object(place, "MAX_IDS", 8))
    stack.enter_context(patch.object(Place, "knows", _known_in_the_row))
    return stack


def _forgotten_a_generation_early(one: Place) -> int:
    row = one.row
    return max(row.forgotten_at_us, row.before_at_us, row.newest_at_us if one.generation > row.generation else -1)


FAULTS: dict[str, Fault] = {
    "what came 0.9 windows ago is forgotten": lambda: remembering(0.9),
    "what came 0.98 windows ago is forgotten": lambda: remembering(0.98),
    "what came 2.04 windows ago is remembered": lambda: remembering(1.02),
    "what came three windows ago is remembered": lambda: remembering(1.5),
    "nothing is ever too late": lambda: patch.object(Place, "forgotten_at_us", -1),
    "stamps are forgotten with their generation": lambda: patch.object(
        Place, "forgotten_at_us", property(_forgotten_a_generation_early)
    ),
    "ids are forgotten with their generation": lambda: patch.object(Place, "knows", _known_at_present),
    "ids beyond those in the row are forgotten": knowing_rows_alone,
    "a silence counts in full": lambda: patch.object(generations, "SILENCE_PARTS", 1),
    "a silence counts an eighth": lambda: patch.object(generations, "SILENCE_PARTS", 8),
    "another window never begins": lambda: patch.object(StockTime, "renew", lambda *_: None),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fold_that_remembers_otherwise_is_objected_to(name: str) -> None:
    for seed in range(2):
        with FAULTS[name]():
            spoiled = history(seed)

        assert not check(spoiled).balanced
