"""The rows of stock: they sum up, and those of forgotten generations are as good as not there, purged or not."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from atp_stream.domain.stock import place as place_module
from tests.domain.support.big_log import BigLog, Rows
from tests.domain.support.judge import MICROSECONDS, MINUTE, SECOND, Judge
from tests.domain.support.product import (
    generation_of,
    numbers,
    present_generation,
    rows_of_generations,
    values_of_places,
)
from tests.domain.support.sizes import nightly
from tests.domain.support.streams import delivered, spoken


class NeverPurged(Rows):
    """Rows of which those that are forgotten stay, whatever is deleted."""

    def pop(self, key: str, default: Any = None) -> Any:
        if key.startswith("|g|") and generation_of(key) < present_generation(self) - 1:
            return None
        return super().pop(key, default)


def purge(rows: Rows) -> None:
    """Delete all rows that are forgotten."""
    generations = {key: generation_of(key) for key in rows if key.startswith("|g|")}
    for key, generation in generations.items():
        if generation < max(generations.values()) - 1:
            rows.pop(key)


def numbers_over_borders(seed: int, rows: Rows, after_each: Callable[[Rows], None]) -> list[object]:
    """Take in a stream over many short windows; return what was published after each fact."""
    r = Random(seed)
    said = spoken(r, nightly(2_000, 400), step=2 * SECOND, places=("north", "south"), weights=(60, 30, 5, 5))
    judge = Judge(window=MINUTE, log=BigLog())
    rows.update(judge.log.rows)
    rows.order = sorted(rows)
    judge.log.rows = rows
    found: list[object] = []
    for one in delivered(r, said, lag=10, repeated=0.2):
        judge.passes(max(judge.log_time, one.at_us // MICROSECONDS))
        found.append((judge.says(one), numbers(judge.log)))
        after_each(rows)
    return found


def nothing(_: Rows) -> None:
    return


@pytest.mark.parametrize("seed", range(nightly(5, 1)))
def test_what_is_reported_never_depends_on_how_far_a_purge_got(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place_module, "MAX_IDS", 8)  # of a few facts a window, most get rows of their own
    found = numbers_over_borders(seed, Rows(), nothing)
    kept = NeverPurged()
    assert found == numbers_over_borders(seed, kept, nothing)
    assert len(rows_of_generations_in(kept)) > 10
    assert found == numbers_over_borders(seed, Rows(), purge)


def rows_of_generations_in(rows: Rows) -> set[int]:
    return {generation_of(key) for key in rows if key.startswith("|g|")}


def test_the_places_hold_what_the_model_says_and_sum_up_to_what_the_item_says() -> None:
    r = Random(1)
    judge = Judge(window=MINUTE, log=BigLog())
    said = spoken(r, nightly(2_000, 400), step=SECOND, places=("north", "south", "east"), weights=(60, 30, 5, 0))
    for place, one in enumerate(delivered(r, said, lag=10)):
        judge.passes(max(judge.log_time, one.at_us // MICROSECONDS))
        judge.hears(one)
        if place % 10 == 0:
            values = {name: held.value for name, held in judge.books.model().places().items()}
            assert values == values_of_places(judge.log)
            assert numbers(judge.log).on_hand == sum(values.values())
    assert len(rows_of_generations(judge.log)) < 400
