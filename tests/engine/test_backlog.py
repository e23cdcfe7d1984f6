"""When a group is behind, and what waits for what."""

from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from atp_stream.engine.backlog import FOREVER, Backlog
from atp_stream.engine.source_place import Place

OURS, THEIRS, OTHER = TP("in", 0), TP("in", 1), TP("in", 2)


class Group:
    """What the broker says, and the time."""

    def __init__(self) -> None:
        self.consumer = self
        self.conf = SimpleNamespace(broker_session_timeout=10.0)
        self.read = {THEIRS: Place(5, 50_000)}
        self.ends = {OURS: 0, THEIRS: 5}
        self.now = 100.0

    async def places(self, without: Collection[TP]) -> dict[TP, Place]:
        assert {OURS} == set(without)
        return self.read

    async def source_ends(self) -> dict[TP, int]:
        return dict(self.ends)

    async def commit_places(self, _: Any) -> bool:
        return True


@pytest.fixture
def group() -> Group:
    return Group()


@pytest.fixture
async def backlog(group: Group) -> Any:
    host: Any = group
    made = Backlog(host, now=lambda: group.now)
    made._tasks = [SimpleNamespace(cancel=lambda: None)]  # type: ignore[list-item] # it looks when we let it
    made.begin({OURS: Place(0)})
    return made


async def test_before_the_first_look_nothing_goes(backlog: Backlog) -> None:
    assert backlog.limit_ms([OURS]) < 0


async def test_a_group_that_has_read_all_there_is_is_not_behind(backlog: Backlog) -> None:
    await backlog.look()

    assert FOREVER == backlog.limit_ms([OURS])


async def test_whoever_lags_limits_what_may_go_to_a_second_behind_it(group: Group, backlog: Backlog) -> None:
    group.ends[THEIRS] = 6
    await backlog.look()

    assert 51_000 == backlog.limit_ms([OURS])


async def test_of_two_that_lag_the_older_one_counts(group: Group, backlog: Backlog) -> None:
    group.ends |= {THEIRS: 6, OTHER: 1}
    await backlog.look()
    assert 1_000 == backlog.limit_ms([OURS])  # nobody has reported anything of it

    group.read |= {OTHER: Place(0, 90_000)}
    await backlog.look()
    assert 51_000 == backlog.limit_ms([OURS])


async def test_what_comes_into_the_sources_later_is_not_waited_for(group: Group, backlog: Backlog) -> None:
    group.ends[THEIRS] = 6
    await backlog.look()
    group.ends[THEIRS], group.read = 9, {THEIRS: Place(6, 60_000)}
    group.now += 1
    await backlog.look()

    assert not backlog.behind


async def test_what_came_while_a_long_backlog_was_read_is_a_backlog_too(group: Group, backlog: Backlog) -> None:
    group.ends[THEIRS] = 6
    await backlog.look()
    group.ends[THEIRS], group.read = 9, {THEIRS: Place(6, 60_000)}
    group.now += 60
    await backlog.look()

    assert 61_000 == backlog.limit_ms([OURS])


async def test_a_group_that_keeps_up_does_not_fall_behind_under_traffic(group: Group, backlog: Backlog) -> None:
    for number in range(20):
        group.read = {THEIRS: Place(group.ends[THEIRS], 60_000 + number)}
        group.ends[THEIRS] += 100
        group.now += 1
        await backlog.look()

    assert not backlog.behind


async def test_one_that_does_not_read_on_is_noticed_in_live_traffic(group: Group, backlog: Backlog) -> None:
    await backlog.look()
    group.ends[THEIRS] = 9
    for _ in range(5):
        group.now += 1
        await backlog.look()

    assert 51_000 == backlog.limit_ms([OURS])


async def test_one_that_stands_still_is_left_behind_until_it_moves(group: Group, backlog: Backlog) -> None:
    group.ends |= {THEIRS: 9, OTHER: 9}
    group.read |= {OTHER: Place(3, 80_000)}
    await backlog.look()
    backlog.hold(70_000)
    group.now += 31
    backlog.hold(70_000)
    assert 81_000 == backlog.limit_ms([OURS])  # it holds nobody: it waits itself

    group.read |= {THEIRS: Place(6, 50_000)}
    await backlog.look()
    assert 51_000 == backlog.limit_ms([OURS])


async def test_one_that_moves_is_waited_for_however_long(group: Group, backlog: Backlog) -> None:
    group.ends[THEIRS] = 9_000
    for number in range(100):
        group.read = {THEIRS: Place(6 + number, 50_000)}
        group.now += 20
        await backlog.look()
        backlog.hold(70_000)

    assert 51_000 == backlog.limit_ms([OURS])


async def test_when_nobody_answers_intake_goes_on_after_a_while(group: Group, backlog: Backlog) -> None:
    backlog.hold(70_000)
    group.now += 31
    backlog.hold(70_000)

    assert FOREVER == backlog.limit_ms([OURS])


@pytest.mark.parametrize(("note", "time_ms"), [("1764291600000", 1764291600000), ("", 0), ("somebody else's", 0)])
def test_a_note_that_is_not_ours_says_nothing_of_the_time(note: str, time_ms: int) -> None:
    assert Place(7, time_ms) == Place.of(7, note)
