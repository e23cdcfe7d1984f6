"""The shortage rule by example: who gets what behind the earmarks when they promise more than there is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atp_stream.domain.promise.claims import Quota, earmarks, proportional
from tests.domain.model import sharing


def quota(channel: str, granted: int, consumed: int = 0, rank: int = 1, minimum: int = 0) -> Quota:
    return Quota(channel=channel, rank=rank, minimum=minimum, granted=granted, consumed=consumed)


G2 = [
    quota("A", 40_000, rank=1, minimum=10_000),
    quota("B", 10_000, rank=2),
    quota("C", 30_000, rank=3, minimum=30_000),
    quota("D", 30_000, rank=4),
]


def test_g2_minima_come_first_then_the_ranks() -> None:
    assert {"A": 40_000, "B": 10_000, "C": 30_000, "D": 20_000} == earmarks(100_000, G2)


def test_g2_the_same_grants_with_less_than_their_minima() -> None:
    assert {"A": 10_000, "B": 0, "C": 20_000, "D": 0} == earmarks(30_000, G2)


def test_without_a_shortage_every_earmark_stands() -> None:
    assert {"A": 7, "B": 3} == earmarks(10, [quota("A", 7), quota("B", 5, consumed=2)])


def test_g3_equal_ranks_are_halved_and_no_hundredth_is_lost() -> None:
    assert {"A": 50_000, "B": 50_000} == earmarks(100_000, [quota("A", 100_000), quota("B", 100_000)])
    assert {"A": 1, "B": 0} == earmarks(1, [quota("A", 100), quota("B", 100)])


def test_the_largest_remainder_gets_the_odd_hundredth() -> None:
    assert {"A": 1, "B": 2, "C": 2} == earmarks(5, [quota("A", 3), quota("B", 4), quota("C", 4)])
    assert {"A": 3, "B": 2} == earmarks(5, [quota("A", 4), quota("B", 3)])


def test_the_largest_remainder_wins_also_over_a_larger_wish() -> None:
    assert {"A": 5, "B": 3, "C": 2} == proportional(10, {"A": 6, "B": 3, "C": 2})


def test_of_equal_remainders_the_first_name_wins() -> None:
    assert {"B": 1, "C": 1, "A": 2} == earmarks(4, [quota("B", 2), quota("C", 2), quota("A", 2)])


def test_minima_of_one_rank_are_shared_in_proportion() -> None:
    assert {"A": 2, "B": 4} == earmarks(6, [quota("A", 90, minimum=30), quota("B", 90, minimum=60)])


def test_a_minimum_counts_no_further_than_its_grant() -> None:
    assert {"A": 2, "B": 8} == earmarks(10, [quota("A", 2, minimum=50), quota("B", 90, rank=2)])


def test_a_lower_rank_gets_only_what_a_higher_one_leaves() -> None:
    assert {"A": 3, "B": 8} == earmarks(11, [quota("A", 9, rank=2), quota("B", 8, rank=1)])


def test_what_one_has_taken_counts_as_a_part_of_his_share() -> None:
    before = earmarks(500, [quota("A", 1_000), quota("B", 1_000)])
    after = earmarks(250, [quota("A", 1_000, consumed=250), quota("B", 1_000)])
    assert {"A": 250, "B": 250} == before
    assert {"A": 0, "B": 250} == after


def test_who_has_taken_more_than_his_share_leaves_the_sharing_with_it() -> None:
    assert {"A": 0, "B": 5, "C": 5} == earmarks(10, [quota("A", 110, consumed=90), quota("B", 100), quota("C", 100)])


def test_sharing_goes_on_until_nobody_has_taken_more_than_his_share() -> None:
    quotas = [quota("A", 100, consumed=60), quota("B", 100, consumed=30), quota("C", 100)]
    assert {"A": 0, "B": 0, "C": 10} == earmarks(10, quotas)


def test_when_all_have_taken_too_much_nothing_is_earmarked() -> None:
    assert {"A": 0, "B": 0} == earmarks(0, [quota("A", 9, consumed=8), quota("B", 9, consumed=8)])


QUOTAS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(1, 3), st.integers(0, 9)), min_size=1, max_size=5
)


@given(st.integers(0, 60), QUOTAS)
def test_the_earmarks_are_those_of_the_model_and_never_more_than_is_free(
    free: int, written: list[tuple[int, int, int, int]]
) -> None:
    quotas = [
        quota(channel, max(granted, consumed), consumed, rank, minimum)
        for channel, (granted, consumed, rank, minimum) in zip("ABCDE", written, strict=False)
    ]
    models = [sharing.Quota(q.channel, q.granted, q.consumed, q.rank, q.minimum) for q in quotas]
    assert sharing.earmarks(free, models) == earmarks(free, quotas)
    assert sum(earmarks(free, quotas).values()) <= free


@given(st.integers(0, 60), QUOTAS, st.integers(0, 4), st.integers(0, 20))
def test_taking_from_one_earmark_changes_no_other(
    free: int, written: list[tuple[int, int, int, int]], who: int, wanted: int
) -> None:
    quotas = [
        quota(channel, max(granted, consumed), consumed, rank, minimum)
        for channel, (granted, consumed, rank, minimum) in zip("ABCDE", written, strict=False)
    ]
    taker = quotas[who % len(quotas)]
    before = earmarks(free, quotas)
    taken = min(wanted, before[taker.channel])
    after = earmarks(free - taken, [q._replace(consumed=q.consumed + taken) if q is taker else q for q in quotas])
    assert before | {taker.channel: before[taker.channel] - taken} == after


@pytest.mark.parametrize("free", range(12))
def test_under_a_shortage_all_that_is_free_is_earmarked_if_nobody_took_too_much(free: int) -> None:
    assert free == sum(earmarks(free, [quota("A", 7), quota("B", 5, rank=2), quota("C", 3, minimum=2)]).values())
