"""Work on stock that is too much for one step: facts in front of many others, and what comes meanwhile."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random

import pytest

from atp_stream.domain.commands import AnyCommand
from tests.domain.model.books import Books
from tests.domain.support.big_log import BigLog
from tests.domain.support.folding import tight_bounds
from tests.domain.support.log import AT, NOON, adjust, count, fulfil
from tests.domain.support.product import narrow_rows, numbers, refusals
from tests.domain.support.sizes import nightly

pytestmark = pytest.mark.slow

STAMPS = nightly(30_000, 1_500)
SHIPMENTS = nightly(3_000, 400)
PLACES = nightly(3_000, 300)


@contextmanager
def small_slices(*, narrow: bool) -> Iterator[None]:
    """Let rows and slices be so small that a step never does all of the work."""
    if narrow:
        with narrow_rows(2), tight_bounds(served=2, enough=10, kept=50):
            yield
    else:
        yield


def agrees_after(before: Sequence[AnyCommand], at_last: Sequence[AnyCommand]) -> None:
    """Fold much, then what asks for all of it and what comes behind that, in one run and one by one."""
    books = Books()
    for said in [*before, *at_last]:
        books.enter(said)
    right = books.model().numbers()
    whole, single = BigLog(), BigLog()
    for log in (whole, single):
        for start in range(0, len(before), 100):
            log.say(*before[start : start + 100], log_time=NOON + 60_000)
    whole.say(*at_last, log_time=NOON + 60_000)
    for said in at_last:
        single.say(said, log_time=NOON + 60_000)
    for log in (whole, single):
        assert (right, []) == (numbers(log), refusals(log.events))


@pytest.mark.parametrize("narrow", [False, True])
def test_a_late_count_in_front_of_very_many_stamps_includes_none_of_them(*, narrow: bool) -> None:
    r = Random(1)
    deltas = [adjust(r.choice([-1, 1, 2]), at=AT + 10 + place) for place in range(STAMPS)]
    behind: list[AnyCommand] = [
        adjust(5, at=AT + 5),
        adjust(-1, at=AT + STAMPS // 2),
        count(3, AT + STAMPS // 3),
        adjust(1, at=AT + 7),
    ]
    with small_slices(narrow=narrow):
        agrees_after(deltas, [count(1_000, AT), *behind])


@pytest.mark.parametrize("narrow", [False, True])
def test_the_first_absolute_of_a_place_takes_over_the_very_many_shipments_of_it(*, narrow: bool) -> None:
    places = ["south", "", "west"]
    shipped = [
        fulfil(f"o{place}", 1 + place % 3, at=AT + 10 + place, location=places[place % 3]) for place in range(SHIPMENTS)
    ]
    behind: list[AnyCommand] = [
        fulfil("last", 2, at=AT + 20, location="south"),
        adjust(-1, at=AT + SHIPMENTS, location="south"),
    ]
    first = count(5_000, AT + SHIPMENTS // 2, location="south")
    newer = count(9_000, AT + SHIPMENTS, location="north")
    with small_slices(narrow=narrow):
        agrees_after([count(9_000, AT, location="north"), *shipped], [first, *behind, newer])


@pytest.mark.parametrize("narrow", [False, True])
def test_very_many_places_that_are_counted_again_include_what_left_none_of_them(*, narrow: bool) -> None:
    stores = [f"store {number}" for number in range(PLACES)]
    said: list[AnyCommand] = [count(1, AT, location=store) for store in stores]
    said += [fulfil(f"o{place}", 1, at=AT + 10 + place) for place in range(50)]
    said += [count(1, AT + 100, location=store) for store in stores[1:]]
    with small_slices(narrow=narrow):
        agrees_after(said, [count(1, AT + 30, location=stores[0]), fulfil("last", 1, at=AT + 20), count(2, AT + 200)])
