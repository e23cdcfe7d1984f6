"""Pages of the locations of an item, of rows of today and of those of a version before 0.2."""

from atp_stream.domain.names import encode
from atp_stream.domain.state.overlay import State
from atp_stream.domain.stock.rows import Stock
from atp_stream.web.places import Places, page_of
from tests.domain.support.log import LAMP, Log, count

NEVER = -(2**62)


def old(**values: int) -> Stock:
    return Stock(places={name: [[value, -5, NEVER, 0], NEVER] for name, value in values.items()})


def names(found: Places) -> tuple[list[str], str | None]:
    return [place.location for place in found.places], found.next


def page(stock: Stock, after: str, limit: int, log: Log | None = None) -> Places:
    log = log or Log()
    return page_of(State(log.read, log.scan), LAMP, stock, after, limit)


def test_a_page_that_is_just_full_is_the_last_one() -> None:
    log = Log()
    log.say(count(1, location="a"), count(2, location="b"))
    assert (["a", "b"], None) == names(page(log.item().stock, "", 2, log))


def test_locations_of_another_item_are_not_shown() -> None:
    log = Log()
    log.say(count(1, location="a"))
    log.say(count(2, location="b"), name="acme|lamps")
    assert (["a"], None) == names(page(log.item().stock, "", 9, log))


def test_a_location_whose_name_begins_as_another_is_behind_it() -> None:
    log = Log()
    log.say(count(1, location="a"), count(2, location="ab"), count(3, location="a|b"))
    assert (["a|b", "ab"], None) == names(page(log.item().stock, "a", 9, log))


def test_behind_the_last_location_there_is_none() -> None:
    log = Log()
    log.say(count(1, location="a"))
    assert ([], None) == names(page(log.item().stock, "a", 9, log))


def test_an_item_that_an_earlier_version_left_shows_what_stands_in_its_row() -> None:
    found = page(old(b=200, a=100), "", 9)
    assert [("a", 100, -5, None), ("b", 200, -5, None)] == found.places


def test_old_locations_come_in_pages_too() -> None:
    stock = old(**{"b": 2, "": 1, "a|": 3})
    assert (["", "a|"], "a|") == names(page(stock, "", 2))
    assert (["b"], None) == names(page(stock, "a|", 2))
    assert "a%7C" == encode("a|")


def test_an_item_half_way_through_its_upgrade_shows_its_new_rows() -> None:
    log = Log()
    log.say(count(700, location="a"))
    assert [("a", 700)] == [one[:2] for one in page(Stock(places={"a": None}), "", 9, log).places]
