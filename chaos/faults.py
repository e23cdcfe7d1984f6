"""What each fault of the schedule does, and how it heals."""

import asyncio
import heapq
import itertools
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from atp_stream import provision
from atp_stream.devstack import Stack
from atp_stream.settings import Settings
from chaos import policies
from chaos.brokers import Brokers
from chaos.fleet import Fleet, Worker
from chaos.points import FILL, FREEZE, KILL, LOSE, MOVING

WORKERS: Final = 2
_PATIENCE: Final = 6.0  # seconds in which a point must be reached
_STORM: Final = (1, 3, 1, 4, WORKERS)
_AGAIN: Final = 2.0  # a policy that finds no broker is given later
_DARK: Final = 10.0  # seconds in which nobody works, and a backlog grows


class Faults:
    """Strikes; `tend` does what has become due since, and is to be called often."""

    def __init__(
        self, *, stack: Stack, fleet: Fleet, settings: Settings, window: float, disk: Path | None, chance: random.Random
    ) -> None:
        self._stack = stack
        self._fleet = fleet
        self._settings = settings
        self._window = window
        self._disk = disk
        self._chance = chance
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._armed: list[tuple[Worker, str, str, int, float]] = []
        self._brokers = Brokers(stack, settings, chance, self._later)
        self.kills: Counter[str] = Counter()
        self._done: Counter[str] = Counter()
        self.notes = self._brokers.notes
        self.policies = 0

    @property
    def quiet(self) -> bool:
        """Whether all has healed."""
        return not self._due and not self._armed

    @property
    def done(self) -> Counter[str]:
        """How often each fault struck."""
        return self._done + self._brokers.struck

    def strike(self, name: str) -> None:
        """Let a fault happen now, or as soon as it can."""
        if self._brokers.knows(name):
            self._brokers.strike(name)
            return
        kind, _, point = name.partition(" ")
        acts: dict[str, Callable[[], None]] = {
            "kill": lambda: self._kill(point),
            "kill_other": self._kill_other,
            "wipe": self._wipe,
            "corrupt": self._corrupt,
            "terminate": self._terminate,
            "freeze": lambda: self._freeze(point),
            "storm": self._storm,
            "blackout": self._black_out,
            "disk_full": self._fill,
            "registry_away": self._registry,
            "clock": self._clock,
            "lose": lambda: self._arm(self._victim(), point, LOSE),
            "policy": self._policy,
        }
        acts[kind]()
        self._done[name] += 1

    def tend(self) -> None:
        """Heal what is due, and look whether orders were obeyed."""
        while self._due and self._due[0][0] <= time.monotonic():
            heapq.heappop(self._due)[2]()
        for order in list(self._armed):
            self._look(*order)

    # Workers

    def _kill_other(self) -> None:
        """Kill a worker, but never the first."""
        worker = self._fleet.workers[1]
        if worker.running:
            worker.kill()
            self.kills["other"] += 1

    def _kill(self, point: str) -> None:
        victim = self._victim()
        if point in MOVING:  # it dies, and again as it takes partitions over
            victim.next_order = f"{point} {KILL}"
            self._armed.append((victim, point, KILL, victim.starts + 1, time.monotonic() + 4 * _PATIENCE))
        elif point:
            self._arm(victim, point, KILL)
            return
        victim.kill()
        self.kills["anywhere"] += 1

    def _arm(self, victim: Worker, point: str, act: str) -> None:
        victim.tell(point, act)
        self._armed.append((victim, point, act, victim.starts, time.monotonic() + _PATIENCE))

    def _look(self, victim: Worker, point: str, act: str, starts: int, until: float) -> None:
        order = (victim, point, act, starts, until)
        reached = victim.starts >= starts and not victim.order.exists()
        if reached or victim.starts > starts:
            self._armed.remove(order)
            if act == KILL and reached:
                self.kills[point] += 1
            elif act == FREEZE:
                self._later(self._chance.uniform(1.2, 3) * self._session, lambda: victim.signal(signal.SIGCONT))
        elif time.monotonic() > until:
            self._armed.remove(order)
            victim.order.unlink(missing_ok=True)
            victim.next_order = ""
            self.notes.append(f"{victim.name} did not come to {point} in time: {act} anywhere")
            if act == KILL:
                victim.kill()
                self.kills["anywhere"] += 1
            elif act == FREEZE:
                self._freeze("")

    @property
    def _session(self) -> float:
        return self._settings.session_timeout

    def _freeze(self, point: str) -> None:
        victim = self._victim()
        if point:
            self._arm(victim, point, FREEZE)
            return
        victim.signal(signal.SIGSTOP)
        self._later(self._chance.uniform(1.2, 3) * self._session, lambda: victim.signal(signal.SIGCONT))

    def _terminate(self) -> None:
        self._victim().signal(signal.SIGTERM)  # the supervisor starts it again

    def _wipe(self) -> None:
        victim = self._victim()
        victim.kill()
        victim.wipe()
        self.kills["and its directory wiped"] += 1

    def _corrupt(self) -> None:
        victim = self._victim()
        victim.kill()
        name = victim.corrupt(self._chance)
        self.kills["and a file corrupted"] += 1
        self.notes.append(f"{victim.name}: {name} corrupted")

    def _clock(self) -> None:
        victim = self._victim()
        victim.clock = self._chance.choice((3600, -3600))
        victim.kill()
        self.kills["anywhere"] += 1

        def right() -> None:
            victim.clock = 0
            victim.signal(signal.SIGTERM)

        self._later(self._chance.uniform(15, 30), right)

    def _storm(self) -> None:
        for step, count in enumerate(_STORM):
            self._later(step * self._chance.uniform(3, 6), lambda count=count: self._resize(count))  # type: ignore[misc]

    def _black_out(self) -> None:
        """Kill all workers, and let them be down for a while: what comes meanwhile is met at once."""
        victims = self._fleet.wanted()
        for victim in victims:
            victim.wanted = False
            victim.kill()
        self.kills["all at once"] += 1

        def back() -> None:
            for victim in victims:
                if not victim.running:
                    victim.start()

        self._later(_DARK, back)

    def _resize(self, count: int) -> None:
        while len(self._fleet.wanted()) < count:
            self._fleet.add()
        for worker in self._fleet.wanted()[count:]:
            worker.wanted = False
            worker.signal(signal.SIGCONT)
            worker.signal(signal.SIGTERM)

    def _victim(self) -> Worker:
        return self._chance.choice(self._fleet.awake() or self._fleet.wanted() or self._fleet.workers)

    # What workers stand on

    def _registry(self) -> None:
        self._stack.stop_registry()
        self._later(self._chance.uniform(8, 15), self._stack.start_registry)
        self._kill("")  # so that one must start without it

    def _fill(self) -> None:
        if self._disk is None:
            self._arm(self._victim(), "before_apply", FILL)
            return
        filler = self._disk / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1 << 16))
            except OSError:
                self.notes.append(f"disk of worker-1 is full: {filler.stat().st_size >> 20} MiB taken")
        self._later(self._chance.uniform(6, 12), filler.unlink)

    def _policy(self) -> None:
        if self._brokers.away:
            self._later(_AGAIN, self._policy)
            return
        document = policies.DOCUMENTS[self.policies % len(policies.DOCUMENTS)]
        self.policies += 1
        try:
            asyncio.run(provision.apply_policy(self._settings, policies.text(document, self._window)))
        except Exception as error:  # noqa: BLE001 - the broker may have gone meanwhile
            self.notes.append(f"policy not applied: {error!r}")

    def _later(self, seconds: float, act: Callable[[], Any]) -> None:
        heapq.heappush(self._due, (time.monotonic() + seconds, next(self._numbers), act))
