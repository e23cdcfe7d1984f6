"""What commands about the stock do to an item, by example."""

from atp_stream.domain.events import CommandRefused
from tests.domain.support.log import AT, NOON, Log, adjust, count


def test_the_basis_follows_an_adjustment_unless_it_ships_a_reservation() -> None:
    log = Log()
    log.say(count(100), adjust(-30, 70, AT + 1))
    assert 70 == log.item().stock.basis
    log.say(adjust(-30, 40, AT + 2, reservation="a"))
    assert 70 == log.item().stock.basis


def test_an_adjustment_by_nothing_that_names_a_reservation_is_only_stock() -> None:
    log = Log()
    log.say(count(100), adjust(0, 90, AT + 1, reservation="a"))
    assert (90, None) == (log.item().stock.basis, log.rows.get("acme|lamp|r|a"))


def test_a_fact_of_the_very_stamp_of_an_absolute_is_not_late() -> None:
    log = Log()
    log.say(count(9), adjust(3))
    assert 0 == log.item().late


def test_every_late_fact_counts() -> None:
    log = Log()
    log.say(count(9), adjust(3, at=AT - 5), adjust(3, at=AT - 4))
    assert 2 == log.item().late


def test_a_stale_fact_says_up_to_when_all_is_forgotten() -> None:
    log, day = Log(), 24 * 60 * 60 * 1_000_000
    for passed in range(9):  # a silence counts a quarter of the window
        log.say(adjust(1, at=AT + passed * day, location="north"), log_time=NOON + passed * day // 1_000)
    events = log.say(adjust(5, at=AT, location="north"), log_time=NOON + 8 * day // 1_000)
    expected = "what north had up to 2023-11-17T22:13:20+00:00 is forgotten"
    assert [expected] == [e.detail for e in events if isinstance(e, CommandRefused)]
