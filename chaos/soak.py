"""A soak: plain load for long, one kill -9 a minute, and a changelog that is compacted all the time.

One worker is never killed: it lives through all take-overs, and what it and the broker use is sampled.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from statistics import linear_regression
from typing import Final, NamedTuple

from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from atp_stream.settings import Settings
from atp_stream.topics import Topics
from benchmarks import proc
from chaos.schedule import Fault

EVERY_S: Final = 60.0
LOOK_S: Final = 5.0
WARM_UP_S: Final = 120.0  # whose samples do not count: caches fill
#: Seconds after which a segment of the changelog may be compacted; by default a busy one is in use for hours.
_SEGMENT_S: Final = 20
_WAIT_S: Final = 30.0


class Sample(NamedTuple):
    """What a process used at a moment."""

    at_s: float
    resident_mib: float
    open_files: int


def plan(seconds: float) -> list[Fault]:
    """Return the kills of a soak."""
    return [Fault(EVERY_S * number, "kill_other") for number in range(1, int(seconds / EVERY_S))]


def compact_always(settings: Settings) -> None:
    """Let the changelog be compacted as soon as a segment is closed, and close one several times a minute."""
    wanted = {
        "segment.ms": str(_SEGMENT_S * 1000),
        "min.cleanable.dirty.ratio": "0.01",
        "max.compaction.lag.ms": "30000",
    }
    entries = [ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in wanted.items()]
    topic = ConfigResource(ResourceType.TOPIC, Topics.of(settings).state_changelog.name, incremental_configs=entries)
    admin = AdminClient({"bootstrap.servers": settings.bootstrap})
    for future in admin.incremental_alter_configs([topic]).values():
        future.result(_WAIT_S)


class Usage:
    """Samples of some processes, and how what they use grows."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._looked_s = 0.0
        self.samples: dict[str, list[Sample]] = {}

    def look(self, pids: Mapping[str, int]) -> None:
        """Take a sample of each process, if it is time."""
        now = time.monotonic() - self._began
        if now - self._looked_s < LOOK_S:
            return
        self._looked_s = now
        for name, pid in pids.items():
            resident_mib = proc.memory(pid).now / 2**20
            files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
            self.samples.setdefault(name, []).append(Sample(now, resident_mib, files))

    def lines(self) -> list[str]:
        """Return first and last values, and slopes an hour, behind the warm-up."""
        found = []
        for name, samples in self.samples.items():
            late = [one for one in samples if one.at_s > WARM_UP_S]
            if len(late) > 1:
                at_h = [one.at_s / 3600 for one in late]
                memory = linear_regression(at_h, [one.resident_mib for one in late]).slope
                files = linear_regression(at_h, [one.open_files for one in late]).slope
                found.append(
                    f"{name}: {late[0].resident_mib:.0f} to {late[-1].resident_mib:.0f} MiB ({memory:+.1f} an hour), "
                    f"{late[0].open_files} to {late[-1].open_files} open files ({files:+.1f} an hour)"
                )
        return found
