"""How far the group has read its sources: the moment up to which all input is surely in the log.

A look notes where every source partition ends. Once the group has committed to have read past all of these ends, what
stood in the sources at that moment is in the log, whichever worker brought it there: a commit follows the
acknowledgement of what intake appended. Several looks are under way at a time, so that under traffic the horizon is
late by one commit, however long each of them takes. A source partition that waits holds it where it is.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

from faust.types import TP

from atp_stream.engine.host import Host

_MAX_LOOKS: Final = 64  # those of 16 seconds; while it is held for longer, the newest give way to newer ones


class Horizon:
    """Finds the horizon of one worker's group."""

    def __init__(self, host: Host, sources: Sequence[str]) -> None:
        self._host = host
        self._sources = tuple(sources)
        self._looks: deque[tuple[int, Mapping[TP, int]]] = deque()
        self._read: dict[TP, int] = {}

    def forget(self) -> None:
        """Begin anew: nobody asks for a moment that was noted."""
        self._looks.clear()

    async def look(self, now: int) -> int | None:
        """Note the moment `now`, which must not lie ahead, and return the latest noted one that the group has passed.

        None if it has passed none of them.
        """
        ends, read = await self._host.consumer.progress(self._sources)
        still = [tp for tp, end in ends.items() if read[tp] < end and read[tp] == self._read.get(tp)]
        if still:  # perhaps there is nothing to read: retention has taken it
            beginnings = await self._host.consumer.earliest_offsets(*still)
            read = {**read, **{tp: max(read[tp], beginnings[tp]) for tp in still}}
        self._read = dict(read)
        if len(self._looks) == _MAX_LOOKS:
            self._looks.pop()
        self._looks.append((now, ends))
        passed = None
        while self._looks and all(read.get(tp, 0) >= end for tp, end in self._looks[0][1].items()):
            passed = self._looks.popleft()[0]
        return passed
