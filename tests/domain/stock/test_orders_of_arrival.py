"""The law of stock over small histories: every order of arrival, with duplicates, comes to what the set comes to."""

from hypothesis import given

from tests.domain.support.histories import dice
from tests.domain.support.product import narrow_rows
from tests.domain.support.sizes import seeds
from tests.domain.support.small import History, disagreements, history

HISTORIES = seeds(10_000, 60)  # of each of the two tests: 20,000 in a night, at a tenth of a second each


def first_disagreement(said: History) -> object:
    return next(disagreements(said), None)


@HISTORIES
@given(dice(history))
def test_after_each_arrival_in_every_order_the_numbers_are_those_of_all_that_came(said: History) -> None:
    assert first_disagreement(said) is None


@HISTORIES
@given(dice(history))
def test_so_they_are_where_few_entries_fit_in_a_row(said: History) -> None:
    with narrow_rows(2 + said.phase % 3):
        assert first_disagreement(said) is None
