"""The law of stock over large streams: partitions that lag, whole seconds, messages sent again, late counts."""

from random import Random

import pytest

from atp_stream.domain.commands import AdjustStock, AnyCommand
from tests.domain.support.judge import HOUR, SECOND, Judge
from tests.domain.support.log import AT
from tests.domain.support.product import numbers, refusals, widest_row
from tests.domain.support.sizes import nightly
from tests.domain.support.streams import delivered, spoken

FACTS = nightly(5_000, 1_000)
MICROSECOND = 1
WHOLE_SECOND = 1_000_000
MAX_BYTES = 64 * 1024


def hears_all(judge: Judge, messages: list[AnyCommand], step: int, looks: int) -> None:
    """Take messages in as time goes on; look `looks` times."""
    for place, one in enumerate(messages):
        judge.log_time = max(judge.log_time + step, one.at_us // 1_000)
        judge.hears(one)
        if place % (len(messages) // looks) == 0:
            judge.agrees()
    judge.agrees()


@pytest.mark.parametrize("skew", [0, 2 * SECOND])
@pytest.mark.parametrize("stamps", [MICROSECOND, WHOLE_SECOND], ids=["microseconds", "whole seconds"])
@pytest.mark.parametrize("seed", range(nightly(4, 1)))
def test_a_stream_through_partitions_that_lag_comes_to_what_all_of_it_comes_to(
    seed: int, stamps: int, skew: int
) -> None:
    r = Random(f"{seed} {stamps} {skew}")
    lag = r.choice([100, 300, 1_500])
    messages = delivered(r, spoken(r, FACTS, step=50, stamps=stamps), lag=lag, late=2 * lag)
    judge = Judge(skew=skew)
    hears_all(judge, messages, step=20, looks=nightly(500, 25))
    assert {"applied", "duplicate"} == set(judge.outcomes)
    assert widest_row(judge.log) < (MAX_BYTES, "")


@pytest.mark.parametrize("seed", range(nightly(4, 1)))
def test_a_complete_stream_of_the_seeds_form_ends_at_the_true_stock_without_a_gap(seed: int) -> None:
    r = Random(seed)
    said = spoken(r, FACTS, step=50, places=("north", "south", "east"), weights=(100, 0, 0, 0))
    true = sum({one.location: one.absolute or 0 for one in said if isinstance(one, AdjustStock)}.values())
    judge = Judge()
    hears_all(judge, delivered(r, said), step=20, looks=3)
    assert (true, 0) == numbers(judge.log)[:2]


def test_a_crowd_of_one_second_in_doubt_or_not_comes_to_what_all_of_it_comes_to() -> None:
    for seed in range(nightly(20, 3)):
        r = Random(seed)
        said = spoken(r, nightly(2_000, 300), step=1, stamps=60 * WHOLE_SECOND, places=("north",), weights=(9, 1, 0, 0))
        said = [one for one in said if r.random() < 0.999]
        judge = Judge()
        hears_all(judge, delivered(r, said, lag=len(said)), step=1, looks=20)


def test_a_stream_over_many_short_windows_forgets_and_is_right_all_the_same() -> None:
    borders = nightly(300, 40)
    for seed in range(nightly(10, 1)):
        r = Random(seed)
        said = spoken(r, 20 * borders, step=3 * SECOND, places=("north", "south", "east", ""), weights=(60, 30, 5, 0))
        judge = Judge(window=60 * SECOND, skew=r.choice([0, 2 * SECOND]))
        hears_all(judge, delivered(r, said, lag=10, repeated=0.1), step=0, looks=2 * borders)
        assert {"applied", "duplicate"} == set(judge.outcomes)
        assert len(judge.log.rows) < 100


def test_the_same_stream_folded_in_steps_of_any_size_comes_to_the_same() -> None:
    r = Random(3)
    messages = delivered(r, spoken(r, nightly(2_000, 400), step=50, stamps=WHOLE_SECOND), late=100)
    found = set()
    for size in (1, 7, 100, len(messages)):
        judge = Judge(window=HOUR)
        for place in range(0, len(messages), size):
            assert [] == refusals(judge.log.say(*messages[place : place + size], log_time=AT // 1_000 + 60_000))
        found.add(numbers(judge.log))
    assert 1 == len(found)
