"""Stock over days and weeks: what is forgotten leaves no row, and what is left is right, or short within bounds."""

from collections.abc import Iterator
from random import Random

import pytest

from atp_stream.domain.commands import AdjustStock, AnyCommand, CountStock, Fulfil
from tests.domain.support.big_log import BigLog
from tests.domain.support.judge import DAY, HOUR, MICROSECONDS, MINUTE, SECOND, Judge
from tests.domain.support.log import NOON, count
from tests.domain.support.product import numbers, rows_of_generations
from tests.domain.support.sizes import nightly
from tests.domain.support.streams import spoken

pytestmark = pytest.mark.slow


def by_arrival(r: Random, said: list[AnyCommand], latest: int) -> list[tuple[int, AnyCommand]]:
    """Return messages with the log time of their arrival: most come soon, many up to `latest` milliseconds late."""
    arrivals = []
    for one in said:
        late = r.choice([r.randrange(10 * SECOND), r.randrange(10 * SECOND), r.randrange(latest)])
        arrivals.append((one.at_us // MICROSECONDS + late, one))
        if r.random() < 0.1:
            arrivals.append((one.at_us // MICROSECONDS + late + r.randrange(latest), one))
    return sorted(arrivals, key=lambda pair: pair[0])


@pytest.mark.parametrize("seed", range(nightly(8, 1)))
@pytest.mark.parametrize("window", [DAY, 6 * HOUR])
def test_nine_days_of_facts_that_come_up_to_a_window_late_all_count_and_leave_no_row_behind(
    seed: int, window: int
) -> None:
    r = Random(seed)
    said = spoken(r, nightly(4_320, 650), step=nightly(3, 20) * MINUTE, places=("north", "south", ""))
    judge = Judge(window=window, log=BigLog(), skew=r.choice([0, MINUTE]))
    looks = nightly(20, 10)
    for place, (log_time, one) in enumerate(by_arrival(r, only_of_places(said), window)):
        judge.passes(log_time)
        judge.hears(one)
        if place % looks == 0:
            judge.agrees()
    before = numbers(judge.log)
    judge.passes(judge.log_time + 3 * window + window // 4)
    assert [] == rows_of_generations(judge.log)
    assert before == numbers(judge.log)
    judge.agrees()


def only_of_places(said: list[AnyCommand]) -> list[AnyCommand]:
    """Leave out what left no place that is counted."""
    return [one for one in said if not (isinstance(one, Fulfil) and one.location in {"", "nowhere"})]


@pytest.mark.parametrize("seed", range(nightly(4, 1)))
def test_with_windows_that_pass_quickly_the_rows_do_not_grow(seed: int) -> None:
    r = Random(seed)
    windows = nightly(300, 40)
    said = spoken(r, 120 * windows, step=SECOND // 2, places=("north", "south"), weights=(50, 50, 0, 0))
    judge = Judge(window=MINUTE, log=BigLog())
    kept = []
    for place, one in enumerate(said):
        judge.passes(max(judge.log_time, one.at_us // MICROSECONDS))
        judge.says(one)
        if place % 120 == 0:
            kept.append(len(judge.log.rows))
    assert max(kept[len(kept) // 2 :]) <= 1.2 * max(kept[5 : len(kept) // 2])


# Nothing is late, and what left no counted place waits for all of them


def weeks(r: Random, days: int, places: list[str], an_hour: int) -> Iterator[tuple[int, AnyCommand | None]]:
    """Give the facts of places that are counted in turn, and of what leaves them, as time goes by; None is a look."""
    turns = r.choice([DAY // 4, DAY // 2, DAY]) // r.choice([1, len(places)])
    moment, number, counts, look = NOON, 0, 0, NOON
    while moment < NOON + days * DAY:
        moment += max(1, round(r.expovariate(1) * HOUR / an_hour))
        number += 1
        while counts * turns < moment - NOON:
            place = places[counts % len(places)]
            yield NOON + counts * turns, said_of(r, f"c{counts}", NOON + counts * turns, place)
            counts += 1
        location = r.choice([*places, "", "", "nowhere"])
        at, left = moment * MICROSECONDS, r.randrange(1, 4)
        yield (
            moment,
            Fulfil(event_id=f"f{number}", at_us=at, reservation=f"o{number}", quantity=left, location=location),
        )
        if moment >= look:
            yield moment, None
            look += 6 * HOUR


def said_of(r: Random, name: str, log_time: int, place: str) -> AnyCommand:
    at = log_time * MICROSECONDS
    if r.random() < 0.8:
        return CountStock(event_id=name, at_us=at, on_hand=r.randrange(1_000), location=place)
    return AdjustStock(event_id=name, at_us=at, delta=r.randrange(5), absolute=r.randrange(1_000), location=place)


@pytest.mark.parametrize("seed", range(nightly(12, 2)))
def test_weeks_in_which_nothing_is_late_and_places_are_counted_in_turn_are_never_over_and_little_short(
    seed: int,
) -> None:
    r = Random(seed)
    window, days = r.choice([6 * HOUR, DAY, 3 * DAY]), nightly(60, 20)
    places = [f"store {number}" for number in range(r.randrange(3, 10))]
    skew = r.choice([0, 0, window // 4, -window // 4]) // SECOND * SECOND
    judge = Judge(window=window, skew=skew, log=BigLog())
    for log_time, one in weeks(r, days, places, r.choice([1, 4, 12][: nightly(3, 2)])):
        judge.passes(max(judge.log_time, log_time))
        if one is None:
            judge.agrees_but_for_homeless()
        else:
            assert "applied" == judge.hears(one)
    judge.passes(judge.log_time + abs(skew) + MINUTE)
    for place in places:
        judge.hears(count(500, (judge.log_time + max(0, skew)) * MICROSECONDS, location=place))
    judge.agrees()
