"""Faults of brokers strike one at a time, and are counted when they strike."""

import heapq
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from atp_stream.devstack import Stack
from atp_stream.settings import Settings
from chaos.brokers import Brokers


class Timeline:
    """What is due later, and a clock that stops until the test lets it go on."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = 0

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Let something happen in so many seconds."""
        self._numbers += 1
        heapq.heappush(self._due, (self.now + seconds, self._numbers, act))

    def go_on(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while self._due and self._due[0][0] <= until:
            self.now, _, act = heapq.heappop(self._due)
            act()
        self.now = until


@pytest.fixture
def timeline() -> Timeline:
    """Give a clock."""
    return Timeline()


@pytest.fixture
def brokers(tmp_path: Path, timeline: Timeline, monkeypatch: pytest.MonkeyPatch) -> Brokers:
    """Give three brokers that were never started: what is sent to them goes nowhere, and they are well at once."""
    stack = Stack(tmp_path, tmp_path, brokers=3)
    monkeypatch.setattr(stack, "launch_broker", lambda *_: None)
    monkeypatch.setattr(Brokers, "_whole", lambda _: True)
    monkeypatch.setattr(Brokers, "_leader", lambda _: 1)
    return Brokers(stack, Settings(), random.Random(1), timeline.later)


def elect(brokers: Brokers, number: int, moment: str) -> None:
    """Write what the log of a broker says when it becomes the controller."""
    line = f"{moment} INFO [RaftManager id={number + 1}] Completed transition to Leader(epoch=1) from Candidate"
    brokers._stack.brokers[number].log.write_text(line)


def test_a_fault_waits_until_the_one_before_has_healed(brokers: Brokers, timeline: Timeline) -> None:
    brokers.strike("leader_killed")
    brokers.strike("below_min_isr")

    assert {"leader_killed": 1} == brokers.struck
    timeline.go_on(60)
    assert {"leader_killed": 1, "below_min_isr": 1} == brokers.struck
    timeline.go_on(60)
    assert not brokers.away


def test_the_controller_that_was_elected_last_is_the_one_that_is_killed(
    brokers: Brokers, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, moment in enumerate(("2026-11-28 21:00:07,001", "2026-11-28 21:00:09,120", "2026-11-28 20:59:59,999")):
        elect(brokers, number, moment)
    killed: list[int] = []
    monkeypatch.setattr(brokers._stack, "kill_broker", killed.append)

    brokers.strike("controller_killed")

    assert ([1], []) == (killed, brokers.notes)


def test_it_is_said_when_no_log_names_a_controller(brokers: Brokers) -> None:
    for child in brokers._stack.brokers:
        child.log.write_text("")

    brokers.strike("controller_killed")

    assert ["no log names a controller: the first broker is taken for it"] == brokers.notes


def test_the_leader_is_frozen_and_goes_on(
    brokers: Brokers, timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[signal.Signals] = []
    monkeypatch.setattr(brokers._stack.brokers[1], "signal", sent.append)

    brokers.strike("broker_frozen")
    timeline.go_on(60)

    assert [signal.SIGSTOP, signal.SIGCONT] == sent
