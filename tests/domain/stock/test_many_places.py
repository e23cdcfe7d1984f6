"""An item of very many events at very many places: exact, in small rows, and the last costs what the first did."""

from random import Random

import pytest

from atp_stream.domain.commands import AnyCommand
from tests.domain.support.big_log import BigLog, Work
from tests.domain.support.log import AT, NOON, adjust, count, fulfil
from tests.domain.support.product import numbers, refusals, values_of_places, widest_row

pytestmark = pytest.mark.slow

MAX_BYTES = 64 * 1024
PLACES = 3_000
EVENTS = 20_000
HOMELESS = 3_000


def test_very_many_events_over_very_many_places_stay_in_small_rows_and_cost_what_few_do() -> None:
    chance, log = Random(12), BigLog()
    true = {f"store {number}": 1_000 for number in range(PLACES)}
    said: list[AnyCommand] = [count(1_000, AT, location=store) for store in true]
    for number in range(EVENTS - PLACES):
        # Every second event is at one of ten places, the others are spread over all.
        store = f"store {chance.randrange(10 if number % 2 else PLACES)}"
        units = chance.choice([-3, -2, -1, 1, 2])
        true[store] += units
        absolute = true[store] if chance.random() < 0.7 else None
        said.append(adjust(units, absolute, AT + 1 + number, location=store))
    for one in said:
        log.say(one, log_time=NOON + 60_000)
    done = list(log.works)
    log.say(*(fulfil(f"o{number}", 1, at=AT + EVENTS + number) for number in range(HOMELESS)), log_time=NOON + 60_000)

    assert {"": 0, **true} == values_of_places(log)
    assert (sum(true.values()) - HOMELESS, 0) == numbers(log)[:2]
    assert [] == refusals(log.events)
    assert widest_row(log) < (MAX_BYTES, "")
    first, last = (cost(part) for part in (done[PLACES : PLACES + 1_000], done[-1_000:]))
    assert last <= 1.2 * first + 0.5


def cost(works: list[Work]) -> float:
    """Return how many rows a command puts and reads on average."""
    return sum(work.put + work.read for work in works) / len(works)


def test_no_step_goes_over_very_many_rows_when_a_place_has_its_first_count_after_very_many_shipments() -> None:
    log, shipments = BigLog(), 15_000
    log.say(count(10**6, location="north"))
    log.say(*(fulfil(f"r{number}", 1, at=AT + 10 * number, location="south") for number in range(shipments)))
    log.works.clear()
    log.say(count(10**6, AT + 10 * shipments, location="south"))

    assert (2 * 10**6, 0) == numbers(log)[:2]
    assert max(work.read for work in log.works) < 5_000
