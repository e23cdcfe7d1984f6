"""Pages of the reservations with one reference: of a partition, and of the parts of several together."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from yarl import URL

from atp_stream.domain.names import join
from atp_stream.domain.state.overlay import State
from atp_stream.engine.partitioner import partition_of
from atp_stream.engine.routing import Elsewhere
from atp_stream.topics import LOG_PARTITIONS
from atp_stream.web import references
from atp_stream.web.problems import Problem
from atp_stream.web.references import Named, Part, Wanted, joined, page_of
from tests.domain.support.log import Log, reserve


def log() -> Log:
    """Return a partition with some reservations of the order `7`, one of them of another tenant, and of `77`."""
    made = Log()
    for name, reservation in (("acme|lamp", "b"), ("acme|lamp", "a"), ("acme|a%7Cb", "r%|"), ("zoo|lamp", "a")):
        made.say(reserve(reservation, 1, reference="7"), name=name)
    made.say(reserve("other", 1, reference="77"), name="acme|lamp")
    return made


def page(after: Named | None, limit: int) -> list[tuple[str, str]]:
    rows = log()
    found = page_of(State(rows.read, rows.scan), Wanted("acme", "7", after, limit))
    return [(one.item, one.reservation) for one in found]


def test_a_partition_gives_those_of_the_tenant_in_the_order_of_their_keys() -> None:
    assert [("a|b", "r%|"), ("lamp", "a"), ("lamp", "b")] == page(None, 9)


def test_it_gives_one_more_than_is_shown_to_say_that_there_is_more() -> None:
    assert [("a|b", "r%|"), ("lamp", "a")] == page(None, 1)


def test_a_page_begins_behind_the_last_one_of_the_page_before() -> None:
    assert [("lamp", "a"), ("lamp", "b")] == page(Named("a|b", "r%|"), 9)
    assert [("lamp", "b")] == page(Named("lamp", "a"), 9)
    assert [] == page(Named("lamp", "b"), 9)


def test_a_page_goes_on_behind_a_reservation_that_was_removed_meanwhile() -> None:
    assert [("lamp", "b")] == page(Named("lamp", "aa"), 9)


def part(*names: str, behind: str | None = None) -> Part:
    return Part([msgspec.Raw(msgspec.json.encode({"item": "i|", "reservation": name})) for name in names], behind)


def shown(found: Part) -> tuple[list[str], str | None]:
    return [msgspec.json.decode(one)["reservation"] for one in found.reservations], found.next


def test_a_page_that_is_just_full_is_the_last_one() -> None:
    assert (["a", "b"], None) == shown(joined([part("a"), part(), part("b")], 2))


def test_what_is_too_much_for_a_page_begins_the_next_one() -> None:
    assert (["a", "b"], "i%7C|b") == shown(joined([part("a"), part("b", "c")], 2))


def test_a_full_part_that_has_more_is_not_the_last_page() -> None:
    assert (["a", "b"], "i%7C|b") == shown(joined([part("a", "b", behind="i%7C|b"), part()], 2))


def test_a_part_that_has_more_behind_what_is_shown_is_not_the_last_page() -> None:
    assert (["a", "b"], "i%7C|b") == shown(joined([part("a"), part("b", "c", behind="i%7C|c")], 2))


def test_nothing_at_all_is_one_page() -> None:
    assert ([], None) == shown(joined([part(), part()], 2))


def answering(monkeypatch: pytest.MonkeyPatch, status: int, body: bytes) -> None:
    async def ask(*_: object) -> Any:
        return SimpleNamespace(status=status, body=body)

    monkeypatch.setattr(references, "owner_of", lambda *_: Elsewhere(URL("http://other")))
    monkeypatch.setattr(references, "ask", ask)


@pytest.mark.parametrize(("status", "body"), [(503, b"{}"), (200, b"<html>"), (200, b"{}")])
async def test_an_owner_that_gives_no_page_makes_the_whole_page_unavailable(
    monkeypatch: pytest.MonkeyPatch, status: int, body: bytes
) -> None:
    answering(monkeypatch, status, body)
    app: Any = None
    with pytest.raises(Problem) as problem:
        await references._of_partitions(app, app, range(LOG_PARTITIONS), Wanted("acme", "7", None, 10))
    assert 503 == problem.value.status


async def test_nothing_is_left_of_a_partition_in_front_of_where_a_page_is_to_go_on() -> None:
    item = next(name for name in map(str, range(99)) if partition_of(join("acme", name).encode(), LOG_PARTITIONS) == 5)
    app: Any = None
    assert Part([], None) == await references._of_partitions(app, app, [2], Wanted("acme", "7", Named(item, "r"), 10))
