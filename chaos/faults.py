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
_PATIENCE_S: Final = 6.0  # for a worker to reach a point
_STORM_SIZES: Final = (1, 3, 1, 4, WORKERS)
_RETRY_S: Final = 2.0  # a policy that finds no broker is applied after this time
_DARK_S: Final = 10.0  # in which nobody works, and a backlog grows


class Faults:
    """Lets faults happen; call `tend` often: it does what has become due."""

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
        """Heal what is due, and look whether instructions were carried out."""
        while self._due and self._due[0][0] <= time.monotonic():
            heapq.heappop(self._due)[2]()
        for instruction in list(self._armed):
            self._look(*instruction)

    # Workers

    def _kill_other(self) -> None:
        """Kill a worker, but never the first."""
        worker = self._fleet.workers[1]
        if worker.running:
            worker.kill()
            self.kills["other"] += 1

    def _kill(self, point: str) -> None:
        victim = self._victim()
        if point in MOVING:  # it dies now, and once more as it takes partitions over
            victim.next_instruction = f"{point} {KILL}"
            self._armed.append((victim, point, KILL, victim.starts + 1, time.monotonic() + 4 * _PATIENCE_S))
        elif point:
            self._arm(victim, point, KILL)
            return
        victim.kill()
        self.kills["anywhere"] += 1

    def _arm(self, victim: Worker, point: str, act: str) -> None:
        victim.instruct(point, act)
        self._armed.append((victim, point, act, victim.starts, time.monotonic() + _PATIENCE_S))

    def _look(self, victim: Worker, point: str, act: str, starts: int, until: float) -> None:
        instruction = (victim, point, act, starts, until)
        reached = victim.starts >= starts and not victim.instruction.exists()
        if reached or victim.starts > starts:
            self._armed.remove(instruction)
            if act == KILL and reached:
                self.kills[point] += 1
            elif act == FREEZE:
                self._later(self._chance.uniform(1.2, 3) * self._session, lambda: victim.signal(signal.SIGCONT))
        elif time.monotonic() > until:
            self._armed.remove(instruction)
            victim.instruction.unlink(missing_ok=True)
            victim.next_instruction = ""
            self.notes.append(f"{victim.name} did not reach {point} in time: {act} anywhere instead")
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
        for step, count in enumerate(_STORM_SIZES):
            self._later(step * self._chance.uniform(3, 6), lambda count=count: self._resize(count))  # type: ignore[misc]

    def _black_out(self) -> None:
        """Kill all workers, and leave them down for a while: they meet what came meanwhile all at once."""
        victims = self._fleet.wanted()
        for victim in victims:
            victim.wanted = False
            victim.kill()
        self.kills["all at once"] += 1

        def back() -> None:
            for victim in victims:
                if not victim.running:
                    victim.start()

        self._later(_DARK_S, back)

    def _resize(self, count: int) -> None:
        while len(self._fleet.wanted()) < count:
            self._fleet.add()
        for worker in self._fleet.wanted()[count:]:
            worker.wanted = False
            worker.signal(signal.SIGCONT)
            worker.signal(signal.SIGTERM)

    def _victim(self) -> Worker:
        return self._chance.choice(self._fleet.awake() or self._fleet.wanted() or self._fleet.workers)

    # What workers depend on

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
            self._later(_RETRY_S, self._policy)
            return
        document = policies.DOCUMENTS[self.policies % len(policies.DOCUMENTS)]
        self.policies += 1
        try:
            asyncio.run(provision.apply_policy(self._settings, policies.text(document, self._window)))
        except Exception as error:  # noqa: BLE001 - the broker may have gone meanwhile
            self.notes.append(f"policy not applied: {error!r}")

    def _later(self, seconds: float, act: Callable[[], Any]) -> None:
        heapq.heappush(self._due, (time.monotonic() + seconds, next(self._numbers), act))
