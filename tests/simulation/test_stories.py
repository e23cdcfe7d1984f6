"""Exactly once under every fault, in stories by the thousand: no clock, no network, the engine's own code.

    SIMULATION_SEEDS=5000      so many seeds, however long it takes
    SIMULATION_SEEDS=700-800   these
A seed that fails is played again alone with SIMULATION_SEEDS=N-N; `play(N).faults` says what was done in it.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.simulation.story import Outcome, Story, play, small_and_patched

SEEDS = 250
SECONDS = 15.0  # a slow machine plays fewer of them


@pytest.fixture(autouse=True)
def small() -> Iterator[None]:
    with small_and_patched():
        yield


def seeds() -> tuple[range, float]:
    """Return the seeds to play, and for how long."""
    wanted = os.environ.get("SIMULATION_SEEDS", "")
    if not wanted:
        return range(SEEDS), SECONDS
    first, _, last = wanted.rpartition("-")
    return range(int(first or 0), int(last) + bool(first)), float("inf")


@pytest.mark.timeout(0)
def test_whatever_strikes_every_input_counts_once_and_nothing_is_stuck() -> None:
    wanted, seconds = seeds()
    began = time.monotonic()
    outcomes: list[Outcome] = []
    for seed in wanted:
        outcomes.append(play(seed))
        if outcomes[-1].objections or time.monotonic() - began > seconds:
            break

    last = outcomes[-1]
    rate = len(outcomes) / (time.monotonic() - began) * 60
    print(f"{len(outcomes)} stories, {rate:.0f} a minute, ends: {_ends(outcomes)}")  # noqa: T201 - for long runs
    assert [] == last.objections, f"seed {last.seed}: {last.faults}"


def _ends(outcomes: list[Outcome]) -> Counter[str]:
    return sum((one.ends for one in outcomes), Counter())


@pytest.mark.parametrize("seed", [703507])  # stopped just as intake has dropped the producer of a failed round
def test_a_story_that_has_failed_once_ends_well(seed: int) -> None:
    assert [] == play(seed).objections


def test_a_seed_gives_the_same_story_again() -> None:
    first, again = Story(11), Story(11)

    assert first.play() == again.play()
    assert first.outcome.faults
    assert first.broker.partitions.keys() == again.broker.partitions.keys()
    assert [len(log) for log in first.broker.partitions.values()] == [
        len(log) for log in again.broker.partitions.values()
    ]


def test_everything_that_can_be_done_to_a_worker_is_done_somewhere() -> None:
    struck = Counter(" ".join(fault.split()[2:]) for seed in range(100) for fault in play(seed).faults)

    expected = {f"{what} {kind}" for what in ("kill at", "lose", "delay") for kind in ("append", "produce", "end")}
    assert expected | {"kill", "stop", "add", "freeze", "freeze at produce", "forget offset produce"} <= struck.keys()
