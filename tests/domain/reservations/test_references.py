"""Reservations are found by their reference for as long as they are known, and one without costs nothing."""

from atp_stream.domain.row_keys import item_of, kind_of, reference_key, referring
from tests.domain.support.limits import MINUTE, at, ticks
from tests.domain.support.log import Log, confirm, count, policy, release, reserve

WEEK = 7 * 24 * 60 * MINUTE


def references(log: Log) -> list[str]:
    return sorted(key for key in log.rows if kind_of(key) == "ref")


def test_a_reservation_with_a_reference_has_one_row_more() -> None:
    plain, named = Log(), Log()
    plain.say(count(100), reserve("r", 2))
    named.say(count(100), reserve("r", 2, reference="web order 7"))
    assert ["|ref|acme|web order 7|lamp|r"] == references(named)
    assert len(plain.rows) + 1 == len(named.rows)


def test_a_reservation_without_a_reference_has_none() -> None:
    log = Log()
    log.say(count(100), reserve("r", 2), release("r"))
    assert [] == references(log)


def test_what_came_before_its_create_is_found_from_the_create_on() -> None:
    log = Log()
    log.say(count(100), confirm("r"))
    assert [] == references(log)
    log.say(reserve("r", 2, reference="7"))
    assert ["|ref|acme|7|lamp|r"] == references(log)


def test_it_goes_with_the_reservation_after_the_retention() -> None:
    log = Log()
    log.say(count(100), reserve("r", 2, reference="7"), release("r"))
    ticks(log, WEEK - MINUTE)
    assert ["|ref|acme|7|lamp|r"] == references(log)
    ticks(log, WEEK + MINUTE)
    assert ([], None) == (references(log), log.rows.get("acme|lamp|r|r"))


def test_two_items_of_one_order_stand_side_by_side() -> None:
    log = Log()
    log.say(reserve("r", 2, reference="7"), name="acme|lamp")
    log.say(reserve("r", 2, reference="7"), name="acme|desk")
    assert ["|ref|acme|7|desk|r", "|ref|acme|7|lamp|r"] == references(log)


def test_a_newer_create_keeps_the_reference_that_was_made_known() -> None:
    log = Log()
    log.say(count(100), reserve("r", 2, reference="7"), reserve("r", 3, at=at(1), reference="8"))
    assert ["|ref|acme|7|lamp|r"] == references(log)


def test_a_policy_reaches_the_items_behind_the_references() -> None:
    log = Log()
    names = ["acme|lamp", "zebra|lamp", "💡|lamp"]  # in front of the references, and behind
    for name in names:
        log.say(count(500), reserve("r", 100, reference="7"), name=name)
    log.say(policy({"tenants": {"*": {"safety_stock": {"fixed": 1}, "channels": {"ECOM": {}}}}}))
    assert [(300, 100)] * 3 == [log.shows(name=name) for name in names]


def test_names_with_bars_and_percents_are_found_again() -> None:
    key = reference_key("a%7Cb|c%25d", "e|f", "g%h")
    assert "|ref|a%7Cb|e%7Cf|c%25d|g%25h" == key
    assert ("c%d", "g%h", "a%7Cb|c%25d") == (*referring(key), item_of(key))
