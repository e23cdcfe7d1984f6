"""Time and order under a seed: an event loop in which several processes live, and no clock ticks.

Each callback belongs to a process, by its context. Within a process callbacks run in their order, as in a loop of its
own; among processes the seed chooses. Time stands still while anything can run, then jumps to the next timer.
A frozen process keeps its callbacks until it is thawed; of a killed one nothing ever runs again.
"""

import asyncio
import contextvars
import heapq
from collections import deque
from random import Random
from typing import Any

PROCESS: contextvars.ContextVar["Process"] = contextvars.ContextVar("process")


class Process:
    """What can be frozen and killed; `ready` are its callbacks that are due."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.frozen = False
        self.dead = False
        self.ready: deque[asyncio.Handle] = deque()


class Stuck(Exception):
    """Nothing can ever happen any more, or too much has."""


class SimLoop(asyncio.BaseEventLoop):
    """The loop; what runs outside of any process belongs to the world."""

    def __init__(self, random: Random, *, most: int = 400_000) -> None:
        super().__init__()
        self.random = random
        self.world = Process("world")
        self.processes = [self.world]
        self.most = most
        self.ran = 0
        self._now = 0.0

    def time(self) -> float:
        return self._now

    def add_process(self, name: str) -> Process:
        """Return a new process; call things in its `context`."""
        process = Process(name)
        self.processes.append(process)
        return process

    def kill(self, process: Process) -> None:
        """End a process where it stands; what it holds is kept, or Python would let it clean up."""
        process.dead = True
        self.processes.remove(process)

    def _sort(self, handle: asyncio.Handle) -> None:
        process = handle._context.get(PROCESS, self.world)  # type: ignore[attr-defined]
        process.ready.append(handle)

    def _run_once(self) -> None:
        ready: Any = self._ready  # type: ignore[attr-defined]
        while ready:
            self._sort(ready.popleft())
        able = [process for process in self.processes if process.ready and not process.frozen]
        if not able:
            self._next_timer()
            return
        process = able[0] if len(able) == 1 else self.random.choice(able)
        handle = process.ready.popleft()
        if not handle._cancelled:
            self.ran += 1
            if self.ran > self.most:
                raise Stuck(f"no end after {self.ran} callbacks, at {self._now:.1f} s")
            handle._run()

    def _next_timer(self) -> None:
        scheduled: Any = self._scheduled  # type: ignore[attr-defined]
        while scheduled:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            if not handle._cancelled:
                self._now = max(self._now, handle._when)
                self._sort(handle)
                return
        raise Stuck(f"nothing is left to happen, at {self._now:.1f} s")

    def _timer_handle_cancelled(self, handle: Any) -> None: ...

    def _write_to_self(self) -> None: ...

    def _process_events(self, _: Any) -> None: ...
