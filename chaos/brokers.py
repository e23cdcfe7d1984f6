"""The faults of brokers, one at a time, and how each heals."""

import asyncio
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from atp_stream import provision
from atp_stream.access import KafkaAccess
from atp_stream.devstack import Stack
from atp_stream.settings import Settings
from atp_stream.topics import Topics

_RETRY_S: Final = 2.0  # a fault that finds a broker down is tried again after this time
_POLL_S: Final = 1.0
_IN_SYNC_S: Final = 60.0  # within it copies must catch up before the next broker is restarted
_LED: Final = re.compile(r"^(\S+ \S+) .*Completed transition to Leader", re.MULTILINE)

Later = Callable[[float, Callable[[], None]], None]


class Brokers:
    """The brokers of a run; `later` lets something happen after so many seconds.

    `struck` counts the faults that happened; one is put off while the one before it has not healed.
    """

    def __init__(self, stack: Stack, settings: Settings, chance: random.Random, later: Later) -> None:
        self._stack = stack
        self._settings = settings
        self._chance = chance
        self._later = later
        self._every = range(len(stack.brokers))
        self.away = False
        self.notes: list[str] = []
        self.struck: Counter[str] = Counter()
        self._acts: dict[str, Callable[[], None]] = {
            "broker_killed": lambda: self._kill(0.0, 0),
            "broker_away": lambda: self._kill(self._some(), 0),
            "broker_frozen": self._freeze,
            "leader_killed": lambda: self._kill(self._some(), self._leader()),
            "controller_killed": lambda: self._kill(self._some(), self._controller()),
            "below_min_isr": self._cut,
            "all_killed": lambda: self._kill(self._some(), *self._every),
            "rolling_restart": lambda: self._roll(0),
        }

    def knows(self, name: str) -> bool:
        """Return whether a fault is one of brokers."""
        return name in self._acts

    def strike(self, name: str) -> None:
        """Let a fault happen, once the one before has healed."""
        if self.away:
            self._later(_RETRY_S, lambda: self.strike(name))
            return
        self.away = True
        self.struck[name] += 1
        self._acts[name]()

    def _some(self) -> float:
        return self._chance.uniform(5, 20)

    def _kill(self, seconds: float, *numbers: int) -> None:
        self._stack.kill_broker(*numbers)

        def back() -> None:
            self._stack.launch_broker(*numbers)
            self._heal(time.monotonic(), self._over)

        self._later(seconds, back)

    def _cut(self) -> None:
        """Leave one broker: too few copies for a write, and no quorum."""
        left = self._chance.choice(self._every)
        self._kill(self._some(), *(number for number in self._every if number != left))

    def _freeze(self) -> None:
        broker = self._stack.brokers[self._leader()]
        broker.signal(signal.SIGSTOP)

        def back() -> None:
            broker.signal(signal.SIGCONT)
            self._heal(time.monotonic(), self._over)

        self._later(self._some(), back)

    def _roll(self, number: int) -> None:
        """Restart one broker in order, and the next once all copies are in sync."""
        if number == len(self._every):
            self._over()
            return
        self._stack.brokers[number].signal(signal.SIGTERM)

        def back() -> None:
            if self._stack.brokers[number].running:  # it hands over what it leads
                self._later(_POLL_S, back)
                return
            self._stack.launch_broker(number)
            self._heal(time.monotonic(), lambda: self._roll(number + 1))

        self._later(_POLL_S, back)

    def _heal(self, since: float, then: Callable[[], None]) -> None:
        """Go on once all brokers answer and all copies are in sync."""
        if self._whole():
            then()
        elif time.monotonic() - since > _IN_SYNC_S:
            self.notes.append(f"copies are not in sync after {_IN_SYNC_S:.0f} s")
            then()
        else:
            self._later(_POLL_S, lambda: self._heal(since, then))

    def _over(self) -> None:
        self.away = False

    def _whole(self) -> bool:
        if not all(self._stack.status()[child.name] for child in self._stack.brokers):
            return False
        try:
            parts = [part for topic in asyncio.run(self._topics()) for part in topic["partitions"]]
        except provision.ProvisionError:
            return False
        return all(len(part["isr"]) == len(part["replicas"]) for part in parts)

    def _leader(self) -> int:
        """Return the broker that leads the first partition of the item log, the first one if none is known to."""
        log = Topics.of(self._settings).item_log.name
        try:
            topics = asyncio.run(self._topics())
        except provision.ProvisionError:
            return 0
        leaders = [part["leader"] for topic in topics if topic["topic"] == log for part in topic["partitions"]]
        return max(0, leaders[0] - 1) if leaders else 0

    async def _topics(self) -> list[dict[str, Any]]:
        async with provision.administration(KafkaAccess.of(self._settings)) as admin:
            found: list[dict[str, Any]] = await admin.describe_topics()
        return found

    def _controller(self) -> int:
        """Return the controller that was elected last, according to the brokers' logs."""
        elected = {
            number: max(_LED.findall(child.log.read_text(errors="replace")), default="")
            for number, child in enumerate(self._stack.brokers)
        }
        if not any(elected.values()):
            self.notes.append("no log names a controller: the first broker is taken for it")
        return max(elected, key=lambda number: elected[number])
