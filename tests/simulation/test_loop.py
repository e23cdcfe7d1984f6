"""The loop of the simulation: time that jumps, processes that freeze and die."""

import asyncio
import contextvars
from collections.abc import Callable
from random import Random

import pytest

from tests.simulation.loop import PROCESS, Process, SimLoop, Stuck


def context(process: Process) -> contextvars.Context:
    made = contextvars.Context()
    made.run(PROCESS.set, process)
    return made


@pytest.fixture
def loop():
    made = SimLoop(Random(1))
    yield made
    made.close()


def test_an_hour_takes_no_time(loop: SimLoop) -> None:
    loop.run_until_complete(asyncio.sleep(3600))

    assert 3600 == loop.time()


def test_a_process_keeps_its_order_while_others_come_in_between(loop: SimLoop) -> None:
    seen: list[str] = []
    for name in ("a", "b"):
        own = context(loop.add_process(name))
        for number in range(50):
            loop.call_soon(seen.append, f"{name}{number}", context=own)
    loop.run_until_complete(asyncio.sleep(1))

    assert [f"a{n}" for n in range(50)] == [one for one in seen if one[0] == "a"]
    assert [f"b{n}" for n in range(50)] == [one for one in seen if one[0] == "b"]
    assert sorted(seen, key=lambda one: one[0]) != seen


def test_a_frozen_process_does_later_what_it_had_to_do(loop: SimLoop) -> None:
    seen: list[float] = []
    process = loop.add_process("a")
    loop.call_later(1, lambda: seen.append(loop.time()), context=context(process))
    process.frozen = True
    loop.call_later(5, setattr, process, "frozen", False)
    loop.run_until_complete(asyncio.sleep(6))

    assert [5] == seen


def test_a_killed_process_does_nothing_any_more_and_cleans_nothing_up(loop: SimLoop) -> None:
    seen: list[str] = []

    async def live(wake: Callable[[], object]) -> None:
        try:
            await asyncio.sleep(2)
        finally:
            seen.append("cleaned up")
            wake()

    process = loop.add_process("a")
    task = loop.create_task(live(lambda: None), context=context(process))
    loop.call_later(1, loop.kill, process)
    loop.run_until_complete(asyncio.sleep(3))

    assert [] == seen
    task._log_destroy_pending = False  # type: ignore[attr-defined]


def test_a_world_in_which_nothing_can_happen_any_more_is_noticed(loop: SimLoop) -> None:
    with pytest.raises(Stuck, match="nothing is left to happen"):
        loop.run_until_complete(loop.create_future())
