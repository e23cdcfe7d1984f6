"""Requests that wait for what a step of a partition decides: the step wakes them, and costs nothing when none waits."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from aiohttp import web

from atp_stream.engine.app import EngineApp
from atp_stream.engine.commit_group import Answer
from atp_stream.engine.routing import Here, NotServing, locate
from atp_stream.messages.dead_letters import DEAD_LETTER, DETAIL_HEADER, ORIGIN_HEADER, REASON_HEADER
from atp_stream.web.path_names import known_parameters
from atp_stream.web.problems import Problem

MAX_WAIT_S: Final = 10.0

_Found = TypeVar("_Found")


def wait_s(request: web.Request) -> float:
    """Return for how many seconds a request wants to wait.

    Raises:
        Problem: 400, it does not say so, or asks for something else as well.
    """
    known_parameters(request, "wait")
    try:
        seconds = float(request.query.get("wait", "0"))
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_WAIT_S:
        raise Problem.refused("bad-query", f"wait is a number of seconds from 0 to {MAX_WAIT_S:.0f}")
    return seconds


class Watch:
    """What steps of a partition have said since somebody began to look."""

    def __init__(self) -> None:
        self.refused: dict[str, str] = {}
        """Why, by the place of the message that was refused."""
        self._woken = asyncio.Event()

    def note(self, answer: Answer) -> None:
        """Take note of a step that was committed and applied."""
        for output in answer.outputs:
            if output.event == DEAD_LETTER:
                said = {name: value.decode() for name, value in output.headers if name in _TOLD}
                self.refused[said[ORIGIN_HEADER]] = f"{said[DETAIL_HEADER]} ({said[REASON_HEADER]})"
        self._woken.set()

    def wake(self) -> None:
        """Let who waits look again."""
        self._woken.set()

    async def woken(self) -> None:
        """Return at the next step."""
        await self._woken.wait()
        self._woken.clear()


_TOLD: Final = frozenset({ORIGIN_HEADER, DETAIL_HEADER, REASON_HEADER})


class Watches:
    """All requests of this worker that wait."""

    def __init__(self, app: EngineApp) -> None:
        self._app = app
        self._of: defaultdict[int, set[Watch]] = defaultdict(set)
        self._closed = False
        app.on_partitions_revoked.connect(self._wake_all, weak=False)

    def note(self, partition: int, _records: int, answer: Answer, _seconds: float) -> None:
        """Take note of a step that was committed and applied."""
        for watch in self._of.get(partition, ()):
            watch.note(answer)

    async def _wake_all(self, *_: Any, **__: Any) -> None:
        for watches in self._of.values():
            for watch in watches:
                watch.wake()

    async def close(self) -> None:
        """Let nobody wait any longer: the worker ends."""
        self._closed = True
        await self._wake_all()

    @contextmanager
    def watch(self, partition: int) -> Iterator[Watch]:
        """Look at the steps of a partition for as long as this lasts."""
        watch = Watch()
        self._of[partition].add(watch)
        try:
            yield watch
        finally:
            self._of[partition].discard(watch)
            if not self._of[partition]:
                del self._of[partition]

    async def until(
        self, partition: int, watch: Watch, look: Callable[[], _Found | None], seconds: float
    ) -> _Found | None:
        """Return what `look` finds, now or behind a step; None if that takes longer than so many seconds.

        Raises:
            Problem: 503, the partition is not owned here, or not any more.
        """
        try:
            async with asyncio.timeout(seconds):
                while True:
                    self._require_owned(partition)
                    found = look()
                    if found is not None:
                        return found
                    await watch.woken()
        except TimeoutError:
            return None

    def _require_owned(self, partition: int) -> None:
        if self._closed:
            raise Problem.unavailable("moving", "this worker ends")
        try:
            place = locate(self._app, partition)
        except NotServing as error:
            raise Problem.unavailable("moving", str(error)) from error
        if not isinstance(place, Here):
            raise Problem.unavailable("moving", "the item's partition has just moved to another worker")
