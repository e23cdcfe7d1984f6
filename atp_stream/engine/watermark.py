"""How far the group has read its sources: the moment up to which all input is surely in the log.

A look notes where every source partition ends. Once the group has committed to have read past all of these ends, what
stood in the sources at that moment is in the log, whichever worker brought it there: a commit follows the
acknowledgement of what intake appended. Several looks are under way at a time, so that under traffic the horizon is
late by one commit, however long each of them takes. A source partition that waits holds it where it is: that of all
topics, and that of the group of topics it belongs to.
"""

from collections import deque
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple, Protocol

from faust.types import TP

from atp_stream.engine.host import Host

_MAX_LOOKS: Final = 64  # those of 16 seconds; while it is held for longer, the newest give way to newer ones


class Holder(NamedTuple):
    """A source partition that holds time back.

    `since_us` is the moment whose input it has not brought yet, `age_s` how long ago that was; `open_from` is where an
    open transaction begins, if that is why.
    """

    tp: TP
    since_us: int
    age_s: float
    open_from: int | None


class TimeKeeper(Protocol):
    """Who knows how long time has been held back, and by what."""

    def held(self) -> float:
        """For how many seconds what is due has waited for input to be read."""

    def holders(self) -> list[Holder]:
        """Return what has kept time back for some seconds while something was due."""


class Horizon:
    """Finds the horizons of one worker's group: one for each group of topics."""

    def __init__(self, host: Host, topics: Mapping[str, Collection[str]]) -> None:
        self._host = host
        self._sources = tuple(dict.fromkeys(name for names in topics.values() for name in names))
        self._looks = {group: _Looks(names) for group, names in topics.items()}
        self._read: dict[TP, int] = {}

    def forget(self) -> None:
        """Begin anew: nobody asks for a moment that was noted."""
        for looks in self._looks.values():
            looks.clear()

    async def look(self, now: int) -> dict[str, int | None]:
        """Note the moment `now`, which must not lie ahead, and return the latest noted one that each group has passed.

        None if it has passed none of them.
        """
        ends, read = await self._host.consumer.progress(self._sources)
        still = [tp for tp, end in ends.items() if read[tp] < end and read[tp] == self._read.get(tp)]
        if still:  # perhaps there is nothing to read: retention has taken it
            beginnings = await self._host.consumer.earliest_offsets(*still)
            read = {**read, **{tp: max(read[tp], beginnings[tp]) for tp in still}}
        self._read = dict(read)
        return {group: looks.passed(now, ends, read) for group, looks in self._looks.items()}

    def holders(self) -> dict[TP, int]:
        """Return what keeps horizons where they are, and the moment whose input it has not brought yet."""
        found: dict[TP, int] = {}
        for looks in self._looks.values():
            found |= looks.holders(self._read)
        return found


class _Looks:
    """The looks at some topics that are not passed yet, the oldest first."""

    def __init__(self, topics: Collection[str]) -> None:
        self._topics = frozenset(topics)
        self._looks: deque[tuple[int, Mapping[TP, int]]] = deque()

    def clear(self) -> None:
        self._looks.clear()

    def passed(self, now: int, ends: Mapping[TP, int], read: Mapping[TP, int]) -> int | None:
        if len(self._looks) == _MAX_LOOKS:
            self._looks.pop()
        self._looks.append((now, {tp: end for tp, end in ends.items() if tp.topic in self._topics}))
        passed = None
        while self._looks and all(read.get(tp, 0) >= end for tp, end in self._looks[0][1].items()):
            passed = self._looks.popleft()[0]
        return passed

    def holders(self, read: Mapping[TP, int]) -> dict[TP, int]:
        if not self._looks:
            return {}
        moment, ends = self._looks[0]
        return {tp: moment for tp, end in ends.items() if read.get(tp, 0) < end}
