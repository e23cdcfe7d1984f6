"""Keys and rows."""

from itertools import pairwise

import pytest

from atp_stream.domain.row_keys import SWEEP, deferred_key, kind_of, policy_key, queue_prefix, rank
from atp_stream.domain.state.row_types import ROW_TYPES


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("acme|lamp|i", "i"),
        ("acme|lamp|l|", "l"),
        ("acme|lamp|l|north%7C2", "l"),
        ("acme|lamp|r|a", "r"),
        (queue_prefix("acme|lamp", "a|b") + rank(0, 7), "q"),
        (deferred_key("acme|lamp", 7), "h"),
        (SWEEP, "sweep"),
        (policy_key(7), "policy"),
        ("|policy", "policy"),
        ("|work|acme|lamp", "work"),
        ("|quarantine|acme|lamp", "quarantine"),
    ],
)
def test_the_kind_of_a_row_follows_from_its_key(key: str, kind: str) -> None:
    assert kind == kind_of(key)
    assert kind in ROW_TYPES


def test_ranks_sort_by_priority_and_then_by_place_in_the_log() -> None:
    order = [(2**70, 5), (9, 8), (9, 10), (1, 0), (0, 3), (0, 10**12), (-1, 0), (-(2**70), 1)]
    ranks = [rank(priority, offset) for priority, offset in order]
    assert all(one < other for one, other in pairwise(ranks))
    assert {32} == {len(one) for one in ranks}
