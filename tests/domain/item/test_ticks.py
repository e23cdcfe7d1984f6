"""Which ticks are kept for items to meet, by example."""

from atp_stream.domain.events import StockDrifted
from atp_stream.domain.item.ticks import Ticks
from atp_stream.domain.row_keys import TIMER, item_timer_key
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.rows import End
from tests.domain.support.log import AT, LAMP, NOON, Log, adjust, count, policy, reserve, tick

MINUTE = 60_000


def no_ticks() -> Ticks:
    log = Log()
    return Ticks(State(log.read, log.scan))


def test_only_a_tick_that_reaches_further_than_those_before_it_is_kept() -> None:
    ticks = no_ticks()
    for offset, events in enumerate([5_000, 4_000, 5_000, 6_000, 5_500, 7_000, 6_500]):
        ticks.add(offset, 10, events, is_caught_up=False)
    assert [(0, 5_000), (3, 6_000), (5, 7_000)] == [(one.offset, one.until_us) for one in ticks.pending]


def test_without_a_tick_no_item_has_a_timer_run_out() -> None:
    assert no_ticks().next_item() is None


def test_a_tick_may_come_when_those_before_it_are_forgotten() -> None:
    ticks = no_ticks()
    ticks.add(1, 10, 5_000, is_caught_up=False)
    ticks.finish()
    ticks.add(2, 10, 5_000, is_caught_up=False)
    assert [2] == [one.offset for one in ticks.pending]


def test_no_tick_reaches_a_timer_that_is_set_behind_it_in_the_log_however_short_that_is() -> None:
    log = Log()
    log.say(policy({"drift_grace": 0, "tenants": {"*": {"channels": {"ECOM": {}}}}}))
    log.say(count(9), reserve("r", 1, expires_at=AT + 1), name="acme|rug")
    now = NOON + MINUTE
    events = log.say(tick(AT + MINUTE * 1_000), count(90), adjust(-5, 80, AT + 1), log_time=now)
    assert [] == [event for event in events if isinstance(event, StockDrifted)]
    events = log.say(tick(AT + MINUTE * 1_000 + 1_000), log_time=now + 1)
    assert [-5] == [event.gap for event in events if isinstance(event, StockDrifted)]


def test_a_timer_that_its_item_does_not_have_is_given_up_and_holds_nobody_up() -> None:
    log = Log()
    log.say(count(9), reserve("r", 1, expires_at=AT + 5))
    log.rows[item_timer_key(LAMP, AT + 1)] = b"{}"  # two workers wrote at a time, for example
    log.rows[item_timer_key("acme|ghost", AT + 2)] = b"{}"
    log.say(tick(AT + 9), log_time=NOON + 1)
    assert End.EXPIRED is log.reservation("r").ended
    assert [] == [key for key in log.rows if key.startswith(TIMER) and int(key.split("|")[2], 16) <= AT + 9]
