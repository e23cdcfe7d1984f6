"""What the group still has to read, and how far a worker may run ahead of the others in reading it.

Facts and orders of one item lie in partitions that different workers read, and the item log takes them in the order
in which they come. So whoever commits how far a source partition is in the log also commits the time it has come to.
A worker that begins, or whose group has fallen behind, notes where the sources end: that is the backlog. Until all of
it has been read, nothing goes into the log that is more than `SLACK_MS` newer than what a partition still holds of the
backlog, whoever reads that partition. While nothing lags, nothing waits.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

from faust.types import TP
from mode import get_logger

from atp_stream.engine.host import Host
from atp_stream.engine.source_place import Place

log = get_logger(__name__)

#: How far a worker may read ahead of a partition that lags, by the timestamps of the records.
SLACK_MS: Final = 1_000
#: The group has fallen behind when what a look found in the sources is not read after so long.
LAG_S: Final = 2.0
LIVE_LOOK_S: Final = 1.0
#: Between the looks of a worker that is behind; they become rarer while nothing moves.
QUICKEST_LOOK_S: Final = 0.01
SLOWEST_LOOK_S: Final = 0.2
#: How long a partition that stands still may hold others up, on top of what the group needs to notice a dead worker.
TAKE_OVER_S: Final = 20.0

FOREVER: Final = 2**63
_NOTHING: Final = -1  # no record is so old


_NOWHERE: Final = Place(0)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


class Backlog:
    """What one worker knows of the sources: its own partitions' places at first hand, those of others by looking."""

    def __init__(
        self, host: Host, *, on_look: Callable[[], None] = lambda: None, now: Callable[[], float] = _loop_time
    ) -> None:
        self._host = host
        self._on_look = on_look
        self._now = now
        self._own: frozenset[TP] = frozenset()
        self._ends: Mapping[TP, int] | None = {}  # where the sources ended; None while that has to be found out
        self._noted_at = 0.0
        self._moved_at: dict[TP, float] = {}
        self._held_since: float | None = None
        self._left: set[TP] = set()  # they stood still for too long
        self._pause = LIVE_LOOK_S
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.behind = False
        self.places: dict[TP, Place] = {}

    def begin(self, places: Mapping[TP, Place]) -> None:
        """Begin with the partitions of a new assignment; until a look says otherwise, the group is behind."""
        self._own, self.places = frozenset(places), dict(places)
        self._ends, self._noted_at, self.behind = None, self._now(), True
        self._moved_at.clear()
        self._left.clear()
        self._held_since = None
        self._pause = QUICKEST_LOOK_S
        self._news.set()
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._look_on()), asyncio.create_task(self._report())]

    async def close(self) -> None:
        """Watch no more; the places stay true."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def move(self, tp: TP, place: Place) -> None:
        """Take note of where a partition of our own is, and let the others know while they may wait for it."""
        self._move(tp, place)
        if self.behind:
            self._news.set()

    def _move(self, tp: TP, place: Place) -> None:
        if self.places.get(tp) != place:
            self.places[tp] = place
            self._moved_at[tp] = self._now()
            self._left.discard(tp)
            self._pause = QUICKEST_LOOK_S

    # -- looking and telling -------------------------------------------------------------------

    async def _look_on(self) -> None:
        while True:
            try:
                pause = await self.look()
            except Exception as error:  # noqa: BLE001 - whatever it is: nothing is known anew, and it is tried again
                log.info("cannot see how far the group has read; retrying: %r", error)
                pause = SLOWEST_LOOK_S
            self._on_look()
            await asyncio.sleep(pause)

    async def look(self) -> float:
        """Find out how far the group is; return in how many seconds to look again."""
        for tp, place in (await self._host.consumer.places(self._own)).items():
            self._move(tp, place)
        late = self._ends is None or self._now() - self._noted_at > LAG_S
        if self._ends is not None and any(self._lagging()):
            self.behind = self.behind or late
        else:
            ends = await self._host.consumer.source_ends()
            self._ends, self._noted_at = ends, self._now()
            self.behind = late and any(self._lagging())
        if not self.behind:
            return LIVE_LOOK_S
        pause, self._pause = self._pause, min(SLOWEST_LOOK_S, self._pause * 1.5)
        return pause

    async def _report(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                if await self._host.consumer.commit_places({tp: self.places[tp].offset for tp in self._own}):
                    continue
            except Exception as error:  # noqa: BLE001 - the others wait a little longer
                log.info("cannot share how far this worker has read; retrying: %r", error)
            self._news.set()
            await asyncio.sleep(SLOWEST_LOOK_S)

    def _lagging(self) -> Iterator[TP]:
        """Yield the partitions that still hold some of the backlog, but for those that were left behind."""
        for tp, end in (self._ends or {}).items():
            if tp not in self._left and self.places.get(tp, _NOWHERE).offset < end:
                yield tp

    def _time_of(self, tp: TP) -> int:
        return self.places.get(tp, _NOWHERE).time_ms

    # -- waiting -------------------------------------------------------------------------------

    def end_of(self, tp: TP) -> int:
        """Return up to which offset a partition belongs to the backlog, 0 if there is none."""
        return (self._ends or {}).get(tp, 0) if self.behind else 0

    def limit_ms(self, here: Collection[TP]) -> int:
        """Return up to which time records may go into the log now, if those of the partitions `here` are known."""
        if not self.behind:
            return FOREVER
        lagging = list(self._lagging())
        if not lagging:  # the next look finds out what has come meanwhile
            return _NOTHING
        return min((self._time_of(tp) for tp in lagging if tp not in here), default=FOREVER - SLACK_MS) + SLACK_MS

    def hold(self, first_ms: int) -> None:
        """Take note that nothing may go, the first of what waits being of `first_ms`; not for ever for the same."""
        now = self._now()
        if self._held_since is None:
            self._held_since = now
        patience = float(self._host.conf.broker_session_timeout) + TAKE_OVER_S
        lagging = list(self._lagging())
        if not lagging:  # it is not known what there is to wait for, and if nobody answers, it never will be
            self.behind = now - self._held_since <= patience
        for tp in lagging:
            since = max(self._held_since, self._moved_at.get(tp, 0.0))
            if self._time_of(tp) + SLACK_MS < first_ms and now - since > patience:
                self._left.add(tp)
                log.warning("%s/%s stands still: what is newer waited for it for %.0f s, and goes on", *tp, patience)

    def release(self) -> None:
        """Take note that something went."""
        self._held_since = None
