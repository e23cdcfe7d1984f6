"""What a fact costs: rows put, read and gone over for it, and that neither they nor their width grow."""

from collections.abc import Callable, Iterable, Sequence
from random import Random

import pytest

from atp_stream.domain.commands import AdjustStock, AnyCommand, CountStock
from tests.domain.support.big_log import BigLog, Work
from tests.domain.support.log import AT, NOON, adjust, count, fulfil, policy
from tests.domain.support.product import refusals, widest_row
from tests.domain.support.sizes import nightly
from tests.domain.support.streams import delivered, spoken

MAX_BYTES = 64 * 1024
FACTS = nightly(5_000, 1_000)
WHOLE_SECOND = 1_000_000
Limits = tuple[float, int, float, int]
"""Rows put for a fact: on average, at most; rows read or gone over: on average, at most."""


def works(messages: Iterable[AnyCommand], name: Callable[[int], str] = lambda _: "acme|lamp") -> list[Work]:
    """Return what each of the messages costs, one a step, as time goes on."""
    log = BigLog()
    log.say(policy({}), log_time=NOON)
    log.works.clear()
    log_time = NOON
    for place, one in enumerate(messages):
        log_time = max(log_time, one.at_us // 1_000)
        log.say(one, name=name(place), log_time=log_time)
    assert [] == refusals(log.events)
    return log.works


def mean(numbers: Sequence[int]) -> float:
    return sum(numbers) / len(numbers)


def assert_within(limits: Limits, works: Sequence[Work]) -> None:
    put, read = [work.put for work in works], [work.read for work in works]
    most_put, highest_put, most_read, highest_read = limits
    found = (round(mean(put), 2), max(put), round(mean(read), 2), max(read))
    assert mean(put) <= most_put, found
    assert max(put) <= highest_put, found
    assert mean(read) <= most_read, found
    assert max(read) <= highest_read, found


def in_order(r: Random) -> list[AnyCommand]:
    return spoken(r, FACTS, step=50, places=("north",), weights=(0, 1, 0, 0))


def seeds_form(r: Random) -> list[AnyCommand]:
    return spoken(r, FACTS, step=50, places=("north",), weights=(1, 0, 0, 0))


def six_partitions(r: Random) -> list[AnyCommand]:
    return delivered(r, spoken(r, FACTS, step=50, places=("north",), weights=(3, 2, 0, 0)), lag=300, repeated=0)


def late_counts(r: Random) -> list[AnyCommand]:
    said = spoken(r, FACTS, step=50, places=("north",), weights=(60, 30, 5, 5))
    return delivered(r, said, lag=300, repeated=0.1, late=600)


def doubtful_seconds(r: Random) -> list[AnyCommand]:
    said = spoken(r, FACTS, step=20, stamps=WHOLE_SECOND, places=("north",), weights=(1, 0, 0, 0))
    return delivered(r, said, lag=1_200, repeated=0)


@pytest.mark.parametrize(
    ("stream", "limits"),
    [
        (in_order, (3.3, 6, 6, 10)),
        (seeds_form, (3.3, 6, 6, 10)),
        (six_partitions, (4.5, 8, 12, 40)),
        (late_counts, (5, 12, 30, 300)),
        (doubtful_seconds, (5, 12, 80, 260)),
    ],
)
def test_the_work_for_a_fact_is_bounded(stream: Callable[[Random], list[AnyCommand]], limits: Limits) -> None:
    assert_within(limits, works(stream(Random(1))))


def test_a_fact_of_an_item_that_moves_seldom_puts_two_rows_and_finds_none() -> None:
    facts = [adjust(1, at=AT + place * 1_000, location="north") for place in range(200)]
    assert_within((2, 2, 4, 4), works(facts, name=lambda place: f"acme|item {place}"))


def test_adjustments_of_one_second_cost_little_each() -> None:
    sales = [adjust(-1, 9_999 - sale) for sale in range(nightly(10_000, 2_000))]
    Random(1).shuffle(sales)
    assert_within((5.5, 14, 12, 30), works([count(10_000, AT - 1), *sales]))


def test_a_count_of_one_of_3000_places_costs_no_more_than_that_of_one_of_30() -> None:
    def counts(stores: int) -> list[Work]:
        said = [count(1, location=f"store {number}") for number in range(stores)]
        return works([*said, *(count(2, AT + 1, location=f"store {number}") for number in range(30))])[-30:]

    assert_within((4, 5, 6, 8), counts(nightly(3_000, 600)))
    assert max(work.read for work in counts(nightly(3_000, 600))) <= max(work.read for work in counts(30)) + 1


@pytest.mark.parametrize("stream", [in_order, seeds_form, six_partitions])
def test_the_work_for_a_fact_does_not_grow_with_the_facts(stream: Callable[[Random], list[AnyCommand]]) -> None:
    done = works(stream(Random(2)))
    part = len(done) // 5
    early, late = done[part : 2 * part], done[-part:]
    for field in ("put", "read", "sought"):
        before, after = (mean([getattr(work, field) for work in those]) for those in (early, late))
        assert after <= 1.2 * before + 0.2, field


def test_a_duplicate_puts_the_items_row_alone() -> None:
    facts = [adjust(1, at=AT + place, event_id=f"x{place}") for place in range(400)]
    again = works([*facts, *facts[::40]])[-10:]
    assert [1] * 10 == [work.put for work in again]


# How wide rows get


@pytest.mark.parametrize("spread", [1, 1_000_000], ids=["many stamps", "one stamp"])
def test_no_row_outgrows_64_kilobytes_with_the_longest_names_and_amounts(spread: int) -> None:
    place, most = "\u00fc" * 127, 99_999_999_999_999
    log = BigLog()
    r = Random(5)
    facts: list[AnyCommand] = []
    for number in range(nightly(3_000, 500)):
        at, name = (AT + number) // spread * spread, f"{number:0255d}"
        units = r.choice([-1, 1]) * (most - number)
        facts += [
            AdjustStock(
                event_id=name, at_us=at, delta=units, absolute=r.choice([None, most - 7 * number]), location=place
            ),
            fulfil(f"{number:0200d}", most - number, at=at, location=r.choice(["", place, f"{number:0255d}"])),
        ]
        if number % 50 == 0:
            facts.append(CountStock(event_id=name, at_us=at, on_hand=number, location=r.choice(["", place])))
    log.say(*facts)
    assert widest_row(log) < (MAX_BYTES, "")
