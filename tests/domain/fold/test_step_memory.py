"""What a step has read goes with it: rows and open iterators pin files and memory of the database."""

import gc
from collections.abc import Iterator

import pytest

from atp_stream.domain.commands import CountStock, Reserve, ScheduleSupply
from atp_stream.domain.state.overlay import State
from tests.domain.support.log import LAMP, NOON, Log

TODAY = NOON // 86_400_000


@pytest.fixture
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("day", [None, TODAY + 2], ids=["at once", "by day"])
def test_the_rows_of_a_step_go_with_it_whoever_it_served(day: int | None) -> None:
    log = Log()

    log.say(CountStock(event_id="count", at_us=NOON * 1_000, on_hand=300, location="north"))
    log.say(ScheduleSupply(event_id="supply", at_us=NOON * 1_000, supply="po", quantity=500, day=TODAY + 1))
    log.say(Reserve(event_id="order", at_us=NOON * 1_000, reservation="o", quantity=400, channel="ECOM", wanted=day))

    assert log.read(f"{LAMP}|r|o") is not None
    assert [] == [one for one in gc.get_objects() if isinstance(one, State)]
