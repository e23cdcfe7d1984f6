"""What is read off the kernel, and what is made of many readings."""

from typing import Any

import pytest

from benchmarks import proc
from benchmarks.__main__ import middle
from benchmarks.latency import percentile
from benchmarks.recovery import copies

STAT = "4242 (a name) of) S 1 2 3 4 5 6 7 8 9 10 250 150 0 0 20 0 9 0 12345"
STATUS = "Name:\tjava\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\nThreads:\t9\n"


def test_cpu_is_that_of_the_process_and_of_the_kernel_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proc, "_TICKS", 100)

    assert 4.0 == proc.cpu_of(STAT)


def test_memory_is_in_bytes() -> None:
    assert proc.Memory(now=1_048_576, peak=2_097_152) == proc.memory_of(STATUS)


def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed() -> None:
    hundred = [float(number) for number in range(1, 101)]

    assert [50.0, 99.0, 100.0] == [percentile(hundred, part) for part in (0.5, 0.99, 1.0)]


def test_a_percentile_of_one_value_is_that_value() -> None:
    assert 7.0 == percentile([7.0], 0.99)


def test_of_several_runs_the_median_counts_figure_by_figure() -> None:
    runs: list[dict[str, Any]] = [
        {"us": 3.0, "both": {"rows": 1}, "check": "ok"},
        {"us": 1.0, "both": {"rows": 5}},
        {"us": 2.0, "both": {"rows": 3}},
    ]

    assert {"us": 2.0, "both": {"rows": 3}, "check": "ok"} == middle(runs)


def test_what_was_lost_in_any_run_and_its_greatest_maximum_stay() -> None:
    runs = [{"max_ms": 9.0, "lost": 0}, {"max_ms": 70.0, "lost": 2}, {"max_ms": 8.0, "lost": 1}]

    assert {"max_ms": 70.0, "lost": 3} == middle(runs)


def test_rows_are_copied_under_tenant_after_tenant_until_there_are_enough() -> None:
    assert [(b"tenant-1|a|i", b"1"), (b"tenant-1|b|i", b"2"), (b"tenant-2|a|i", b"1")] == copies(
        {b"acme|a|i": b"1", b"acme|b|i": b"2"}, 3
    )
