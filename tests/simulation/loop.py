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


class _Handle(asyncio.TimerHandle):
    """A callback and its context, without asyncio's checks."""

    __slots__ = ()

    def __init__(
        self, when: float, callback: Any, args: tuple[Any, ...], loop: "SimLoop", context: contextvars.Context | None
    ) -> None:
        self._when = when
        self._callback = callback
        self._args = args
        self._loop = loop
        self._context = contextvars.copy_context() if context is None else context
        self._cancelled = False


class SimLoop(asyncio.BaseEventLoop):
    """The loop; what runs outside of any process belongs to the world.

    Most of what a story costs is spent here, so what asyncio's loop checks and calls on the way is left out.
    """

    _stopping: bool  # asyncio's

    def __init__(self, random: Random, *, most: int = 400_000) -> None:
        super().__init__()
        self.random = random
        self.world = Process("world")
        self.processes = [self.world]
        self.most = most
        self.ran = 0
        self._now = 0.0
        self._timers: list[tuple[float, _Handle]] = []  # the heap compares times, without a call into Python

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

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        handle = _Handle(self._now, callback, args, self, context)
        handle._context.get(PROCESS, self.world).ready.append(handle)
        return handle

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        handle = _Handle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, handle))
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        when = self._now + delay
        handle = _Handle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, handle))
        return handle

    def _run_once(self) -> None:
        """Run until the loop is stopped."""
        choose, processes = self.random.choice, self.processes
        while not self._stopping:
            able = [process for process in processes if process.ready and not process.frozen]
            if not able:
                process = self._next_timer()
                if process.frozen or process.dead:
                    continue
            elif len(able) == 1:
                process = able[0]
            else:
                process = choose(able)
            handle: Any = process.ready.popleft()
            if not handle._cancelled:
                self.ran += 1
                if self.ran > self.most:
                    raise Stuck(f"no end after {self.ran} callbacks, at {self._now:.1f} s")
                try:
                    handle._context.run(handle._callback, *handle._args)
                except (SystemExit, KeyboardInterrupt):
                    raise
                except BaseException as error:  # noqa: BLE001 - as asyncio's
                    self.call_exception_handler({"message": "a callback has failed", "exception": error})

    def _next_timer(self) -> Process:
        """Let time go on to the next timer, and return the process that it belongs to."""
        timers = self._timers
        while timers:
            when, handle = heapq.heappop(timers)
            if not handle._cancelled:
                self._now = max(self._now, when)
                process = handle._context.get(PROCESS, self.world)
                process.ready.append(handle)
                return process
        raise Stuck(f"nothing is left to happen, at {self._now:.1f} s")

    def _timer_handle_cancelled(self, handle: Any) -> None: ...

    def _write_to_self(self) -> None: ...

    def _process_events(self, _: Any) -> None: ...
