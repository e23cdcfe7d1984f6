"""`--wait`: what is said of an order that is not in force when patience ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from atp_stream.cli import wait
from atp_stream.cli.group import Failure
from atp_stream.cli.producing import Place
from atp_stream.domain.names import join
from atp_stream.engine.partitioner import partition_of
from atp_stream.settings import Settings
from atp_stream.topics import LOG_PARTITIONS
from tests.cli.test_policy import FakeWorker

HEARD, DEAF = {"heard": 7, "kept": 0}, {"heard": 6, "kept": 0}


class NoDeadLetters:
    """A consumer of a topic where nothing is."""

    async def seek_to_end(self) -> None: ...

    async def getmany(self, **_: Any) -> dict[Any, Any]:
        return {}


@pytest.fixture(autouse=True)
def _sent(monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def reading(*_: Any) -> AsyncIterator[tuple[NoDeadLetters, list[Any]]]:
        yield NoDeadLetters(), []

    async def produce(*_: Any) -> Place:
        return Place("orders", 0, 7)

    monkeypatch.setattr(wait, "reading", reading)
    monkeypatch.setattr(wait, "produce", produce)
    monkeypatch.setattr(wait, "_PATIENCE_S", 0.3)


def partitions(monkeypatch: pytest.MonkeyPatch, shown: dict[int, dict[str, Any]]) -> None:
    """Let each partition of the log show what is said here, and the others not answer."""

    async def fetch(view: str, *_: str) -> dict[str, Any]:
        item = view.rpartition("/")[2]
        found = shown.get(partition_of(join("acme", item).encode(), LOG_PARTITIONS))
        if found is None:
            raise Failure("its owner hangs")
        return found

    monkeypatch.setattr(wait, "fetch", fetch)


async def why(item: str | None, url: str = "http://worker") -> str:
    with pytest.raises(Failure) as failed:
        await wait.send_and_wait(Settings(), url, b"{}", "acme", item)
    return str(failed.value.message)


async def test_a_change_for_all_names_the_partitions_that_are_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    every = dict.fromkeys(range(LOG_PARTITIONS), HEARD)
    del every[0], every[2]
    partitions(monkeypatch, {**every, 3: DEAF})

    expected = (
        "the change at orders/0/7 is not in force yet;"
        " partitions of the log that have not applied it yet: 3; that do not answer: 0, 2"
    )
    assert expected == await why(None)


async def test_a_change_for_all_says_nothing_of_what_is_deferred_for_an_item(monkeypatch: pytest.MonkeyPatch) -> None:
    partitions(monkeypatch, {number: {"heard": 7, "kept": 2} for number in range(1, LOG_PARTITIONS)})

    expected = "the change at orders/0/7 is not in force yet; partitions of the log that do not answer: 0"
    assert expected == await why(None)


async def test_a_change_that_nobody_has_confirmed_asks_for_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    partitions(monkeypatch, {})

    for item in (None, "lamp"):
        expected = "the change at orders/0/7 was sent, but no worker has confirmed it yet: is a worker running?"
        assert expected == await why(item)


async def test_a_worker_that_does_not_say_what_is_deferred_is_an_older_one() -> None:
    with FakeWorker({"heard": 7}).serving() as url:
        expected = (
            f"the change at orders/0/7 was sent, but what answers at {url}/policy/acme/lamp does not tell `kept`:"
            " it is an older worker, or none of ours"
        )
        assert expected == await why("lamp", url)
