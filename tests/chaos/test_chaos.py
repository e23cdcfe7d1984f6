"""Real workers, killed at the worst moments: nothing is lost; and with a guard switched off, the harness sees it."""

from dataclasses import replace
from pathlib import Path

import pytest

from atp_stream.devstack import Stack
from atp_stream.settings import Settings
from chaos.report import Report
from chaos.run import Options, Run
from chaos.schedule import Fault
from tests.chaos.in_process import awaits_new_fold

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(240)]


def ran(options: Options, settings: Settings, stack: Stack, directory: Path) -> Report:
    return Run(options, replace(settings, default_tenant="demo"), stack, directory, print).play()


@awaits_new_fold
def test_a_short_run_with_a_few_kills_loses_doubles_and_delays_nothing(
    settings: Settings, stack: Stack, tmp_path: Path
) -> None:
    report = ran(Options(seed=4, seconds=36, rate=80), settings, stack, tmp_path)

    assert ([], []) == (report.objections, report.stuck)
    assert 3 == report.kills.total()
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
