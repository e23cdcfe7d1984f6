"""The oracle and the real fold agree on supplies and promises by day, by two roads that share no code.

`DATED_HISTORIES=5000 make test ARGS=tests/chaos/test_dated_histories.py` plays so many.
"""

import os
from collections import Counter

import pytest

from atp_stream.oracle import check
from tests.chaos.dated_histories import history

HISTORIES = int(os.environ.get("DATED_HISTORIES", "40"))


@pytest.mark.timeout(0)
def test_no_history_with_dates_is_objected_to():
    seen: Counter[str] = Counter()
    for seed in range(HISTORIES):
        report = check(history(seed))
        assert (seed, []) == (seed, report.objections)
        seen.update(report.out)
        seen.update({"kept": report.kept, "put off": report.redated, "broken": report.broken})
        seen.update(report.refused)

    assert 0 == seen["broken"]
    assert {"kept", "put off", "too_far", "ReservationPromisedEvent", "AvailabilityProjectedEvent"} <= {*+seen}


@pytest.mark.timeout(0)
@pytest.mark.parametrize("retention", [120, 86_400])
def test_no_history_in_which_much_is_forgotten_is_objected_to(retention):
    seen: Counter[str] = Counter()
    for seed in range(HISTORIES // 4):
        report = check(history(seed, messages=60, retention=retention))
        assert (seed, []) == (seed, report.objections)
        seen.update(report.reservations)

    assert 0 < seen.total()


@pytest.mark.timeout(0)
@pytest.mark.parametrize("retention", [None, 86_400])
def test_no_history_with_quotas_shares_freezes_and_limits_is_objected_to(retention):
    seen: Counter[str] = Counter()
    for seed in range(HISTORIES if retention is None else HISTORIES // 4):
        report = check(history(seed, divided=True, retention=retention))
        assert (seed, []) == (seed, report.objections)
        seen.update(report.out)
        seen.update(report.reservations)
        seen["broken"] += report.broken

    assert 0 == seen["broken"]
    assert {"ReservationPromisedEvent", "AllocationCommittedEvent", "AllocationReleasedEvent", "EXPIRED"} <= {*+seen}


def test_items_with_dates_side_by_side_agree():
    report = check(history(1, messages=150, step=7, items=3))

    assert [] == report.objections
    assert 0 < report.out["ReservationPromisedEvent"]
