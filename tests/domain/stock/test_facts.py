"""The sums of stock have an end that every row can hold."""

import pytest

from atp_stream.domain.stock.facts import saturated


@pytest.mark.parametrize("total", [0, 4 * 10**18, -4 * 10**18])
def test_a_sum_within_the_limit_stays_as_it_is(total: int) -> None:
    assert total == saturated(total)


def test_a_sum_beyond_the_limit_stops_there() -> None:
    assert (4 * 10**18, -4 * 10**18) == (saturated(4 * 10**18 + 1), saturated(-4 * 10**18 - 1))
