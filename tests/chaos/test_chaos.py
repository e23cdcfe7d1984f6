"""Real workers, killed at the worst moments: nothing is lost; and with a guard switched off, the harness sees it."""

from dataclasses import replace
from pathlib import Path

import pytest

from atp_stream.devstack import Stack
from atp_stream.settings import Settings
from chaos.report import Report
from chaos.run import Options, Run
from chaos.schedule import Fault
from tests.conftest import JAVA, settings_on

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(240)]


def ran(options: Options, settings: Settings, stack: Stack, directory: Path) -> Report:
    return Run(options, replace(settings, default_tenant="demo"), stack, directory, print).play()


def test_a_short_run_with_a_few_kills_loses_doubles_and_delays_nothing(
    settings: Settings, stack: Stack, tmp_path: Path
) -> None:
    report = ran(Options(seed=4, seconds=36, rate=80), settings, stack, tmp_path)

    assert ([], []) == (report.objections, report.stuck)
    assert 3 == report.kills.total()
    assert 2_500 < report.inputs


def test_three_brokers_lose_and_double_nothing_when_a_worker_and_a_leader_are_killed(tmp_path: Path) -> None:
    faults = (Fault(6.0, "kill before_commit"), Fault(12.0, "leader_killed"))
    with Stack(tmp_path / "three", JAVA, brokers=3) as three:
        options = Options(seed=4, seconds=36, rate=80, brokers=3, faults=faults)
        report = ran(options, settings_on(three, tmp_path), three, tmp_path)

    assert ([], []) == (report.objections, report.stuck)
    assert (1, 1) == (report.kills.total(), report.faults["leader_killed"])
    assert 2_500 < report.inputs


def test_without_fencing_a_frozen_worker_that_wakes_is_seen_to_write(
    settings: Settings, stack: Stack, tmp_path: Path
) -> None:
    freeze = (Fault(6.0, "freeze before_commit"),)
    report = ran(Options(seed=4, seconds=25, rate=80, blind="fencing", faults=freeze), settings, stack, tmp_path)

    assert not report.passed


def test_without_positions_a_start_is_seen_to_count_again(settings: Settings, stack: Stack, tmp_path: Path) -> None:
    kill = (Fault(6.0, "kill"),)
    report = ran(Options(seed=4, seconds=12, rate=80, blind="position", faults=kill), settings, stack, tmp_path)

    assert not report.passed
