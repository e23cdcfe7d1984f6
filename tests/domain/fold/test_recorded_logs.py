"""The same log gives the same rows and outputs, byte for byte, as when it was recorded."""

import pytest

from tests.domain.support.recording import SEEDS, recorded, replayed


@pytest.mark.parametrize("seed", SEEDS)
def test_a_recorded_log_gives_the_same_bytes(seed: int) -> None:
    log = recorded(seed)
    assert log["expected"] == replayed(log)


@pytest.mark.parametrize("seed", SEEDS)
def test_everything_that_can_happen_is_in_it(seed: int) -> None:
    events = {
        "AllocationCommitted", "AllocationReleased", "AvailabilityCalculated", "CommandRefused", "ReservationDenied",
        "StockDrifted",
    }  # fmt: skip
    log = recorded(seed)
    assert events == set(log["expected"]["events"])
    assert (True, True) == (bool(log["breaks"]), any('"places"' in row for row in log["old_rows"].values()))
