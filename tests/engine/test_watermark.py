"""The horizon passes a moment only when all that stood in the sources then has been read."""

from collections.abc import Mapping
from typing import Any

import pytest
from faust.types import TP

from atp_stream.engine.watermark import Horizon

ONE, TWO = TP("one", 0), TP("two", 3)


class Group:
    """What the broker says of the sources and of the group that reads them."""

    def __init__(self) -> None:
        self.consumer = self
        self.ends: dict[TP, int] = {ONE: 0, TWO: 0}
        self.read: dict[TP, int] = {ONE: 0, TWO: 0}
        self.beginnings: dict[TP, int] = {ONE: 0, TWO: 0}

    async def progress(self, topics: tuple[str, ...]) -> tuple[dict[TP, int], dict[TP, int]]:
        assert ("one", "two") == topics
        return dict(self.ends), dict(self.read)

    async def earliest_offsets(self, *tps: TP) -> Mapping[TP, int]:
        return {tp: self.beginnings[tp] for tp in tps}


@pytest.fixture
def group() -> Group:
    return Group()


class Single:
    """The horizon of one group of topics."""

    def __init__(self, host: Any) -> None:
        self.horizon = Horizon(host, {"all": ["one", "two"]})

    async def look(self, now: int) -> int | None:
        return (await self.horizon.look(now))["all"]


@pytest.fixture
def horizon(group: Group) -> Single:
    return Single(group)


async def test_when_nothing_is_to_be_read_it_is_now(horizon: Single) -> None:
    assert 100 == await horizon.look(100)


async def test_it_waits_until_each_partition_is_read_to_where_it_ended(group: Group, horizon: Single) -> None:
    group.ends = {ONE: 5, TWO: 7}
    group.read = {ONE: 5, TWO: 6}
    assert await horizon.look(100) is None
    group.ends, group.read = {ONE: 9, TWO: 9}, {ONE: 5, TWO: 7}
    assert 100 == await horizon.look(200)


async def test_under_traffic_it_follows_at_the_distance_of_a_commit(group: Group, horizon: Single) -> None:
    passed = []
    for moment in range(1, 6):
        group.ends = {ONE: moment * 10, TWO: 0}
        group.read = {ONE: max(0, moment - 2) * 10, TWO: 0}
        passed.append(await horizon.look(moment))
    assert [None, None, 1, 2, 3] == passed


async def test_one_partition_that_stands_still_holds_it_however_long(group: Group, horizon: Single) -> None:
    group.ends = {ONE: 0, TWO: 1}
    assert [None] * 500 == [await horizon.look(moment) for moment in range(500)]


async def test_a_long_wait_ends_at_its_first_moments_and_then_catches_up(group: Group, horizon: Single) -> None:
    for moment in range(500):
        group.ends = {ONE: moment + 1, TWO: 0}
        assert await horizon.look(moment) is None
    group.read = {ONE: 1, TWO: 0}
    assert 0 == await horizon.look(500)
    group.read = {ONE: 501, TWO: 0}
    group.ends = {ONE: 501, TWO: 0}
    assert 501 == await horizon.look(501)


async def test_what_retention_took_before_it_was_read_does_not_hold_it_for_ever(group: Group, horizon: Single) -> None:
    group.ends, group.beginnings = {ONE: 8, TWO: 0}, {ONE: 8, TWO: 0}
    assert await horizon.look(1) is None  # it may just be under way
    assert 2 == await horizon.look(2)


async def test_what_is_there_and_unread_holds_it_also_behind_what_retention_took(
    group: Group, horizon: Horizon
) -> None:
    group.ends, group.beginnings = {ONE: 8, TWO: 0}, {ONE: 7, TWO: 0}
    assert [None, None, None] == [await horizon.look(moment) for moment in range(3)]


async def test_moments_that_nobody_asks_for_any_more_are_not_reported(group: Group, horizon: Single) -> None:
    group.ends = {ONE: 1, TWO: 0}
    await horizon.look(1)
    horizon.horizon.forget()
    group.ends, group.read = {ONE: 2, TWO: 0}, {ONE: 1, TWO: 0}
    assert await horizon.look(2) is None


async def test_a_partition_holds_the_horizons_of_its_own_groups_alone(group: Group) -> None:
    host: Any = group
    horizon = Horizon(host, {"all": ["one", "two"], "first": ["one"]})
    group.ends = {ONE: 0, TWO: 1}
    for moment in range(200):
        assert {"all": None, "first": moment} == await horizon.look(moment)
    assert {TWO: 0} == horizon.holders()


async def test_nothing_holds_a_horizon_that_has_passed_all(group: Group, horizon: Single) -> None:
    group.ends = {ONE: 0, TWO: 1}
    await horizon.look(100)
    group.read = {ONE: 0, TWO: 1}
    await horizon.look(200)
    assert {} == horizon.horizon.holders()
