"""What a soak says of growth, and the load that lets nothing grow that must be remembered."""

import random

import pytest

from atp_stream.settings import Settings
from atp_stream.topics import Topics
from chaos.load import Load
from chaos.soak import KILL_INTERVAL_S, MAX_OPEN_ORDERS, Usage, is_compacted, plan, trend

NOW = 1_700_000_000_000_000  # microseconds


def noisy(*, growth_a_minute: float) -> list[tuple[float, float]]:
    """Return twenty minutes of samples that go up and down by about a half."""
    luck = random.Random(1)
    return [(at, 140 + growth_a_minute * at / 60 + luck.gauss(0, 0.5)) for at in range(0, 1_200, 5)]


def test_noise_alone_is_flat() -> None:
    found = trend(noisy(growth_a_minute=0))

    assert found is not None
    assert found.is_flat
    assert abs(found.slope) < 0.02


def test_a_leak_of_a_tenth_of_the_noise_a_minute_is_seen() -> None:
    found = trend(noisy(growth_a_minute=0.05))

    assert found is not None
    assert not found.is_flat
    assert 0.05 == pytest.approx(found.slope, abs=3 * found.error)


def test_what_shrinks_is_flat() -> None:
    found = trend(noisy(growth_a_minute=-0.05))

    assert found is not None
    assert found.is_flat


def test_a_line_without_noise_has_its_slope_and_no_error() -> None:
    found = trend([(60.0 * minute, 10.0 + 2 * minute) for minute in range(20)])

    assert found is not None
    assert 2.0 == pytest.approx(found.slope)
    assert 0.0 == pytest.approx(found.error, abs=1e-9)


def test_a_trend_needs_three_points_at_least() -> None:
    assert trend([(0.0, 1.0), (60.0, 1.0)]) is None


def test_what_is_measured_is_the_last_two_thirds_and_never_more_than_twenty_minutes() -> None:
    usage = Usage()
    usage.rows = [(5.0 * number, 100.0) for number in range(361)]

    assert "measured from 10.0 to 30.0 minutes" == usage.lines()[0]
    assert "rows of the tables: 100.0 to 100.0 rows, +0.00 ± 0.00 rows a minute: flat" == usage.lines()[1]


def test_a_soak_kills_the_other_worker_once_a_minute() -> None:
    assert [(KILL_INTERVAL_S * minute, "kill_other") for minute in range(1, 30)] == plan(1_800)


def test_what_is_compacted_is_distinguished_from_what_is_cut() -> None:
    topics = Topics.of(Settings())

    assert [False, False, True, True] == [
        is_compacted(topic)
        for topic in (topics.adjusted, topics.item_log, topics.state_changelog, topics.availability_calculated)
    ]


@pytest.mark.parametrize("max_open", [MAX_OPEN_ORDERS, None])
def test_an_item_never_has_more_open_orders_than_are_allowed(max_open: int | None) -> None:
    load = Load(seed=1, max_open=max_open)
    load.opening(NOW)
    for number in range(20_000):
        load.step(NOW + 10_000 * number)

    counts = [*(len(item.orders) for item in load._items), *(len(item.orders) for item in load._dated._items)]
    assert (max(counts) <= MAX_OPEN_ORDERS) is (max_open is not None)
