"""A soak: plain load for a long time, one kill -9 a minute, and topics that are compacted and cut all the time.

One worker is never killed: it lives through all take-overs, and its memory and files and those of the broker are
sampled. The load has a fixed set of items, whose orders end and are forgotten, so the number of rows reaches a plateau:
the memory of a worker may grow with the rows of its tables, but not without them.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, linear_regression
from typing import Final, NamedTuple

from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from atp_stream.settings import Settings
from atp_stream.topics import Topic, Topics
from benchmarks import proc
from chaos.schedule import Fault

KILL_INTERVAL_S: Final = 60.0
SAMPLE_INTERVAL_S: Final = 5.0
MAX_MEASURED_S: Final = 1_200.0  # the end of the load that is measured; at most two thirds of it
RETENTION_S: Final = 120
"""The retention of inputs, log and outputs, and of ended reservations and supplies: the shortest that is allowed."""
MAX_OPEN_ORDERS: Final = 12
_TREND_POINTS: Final = 20  # samples are averaged to so many: neighbours are too much alike to count as independent
_SIGNIFICANT_ERRORS: Final = 2.0  # a slope of more standard errors than this is growth
_SEGMENT_MS: Final = "20000"  # a segment in use is neither cut nor compacted, and by default it is in use for hours
_WAIT_S: Final = 30.0
_CUT: Final = {"segment.ms": _SEGMENT_MS, "retention.ms": str(RETENTION_S * 1_000)}
_COMPACTED: Final = {
    "segment.ms": _SEGMENT_MS,
    "min.cleanable.dirty.ratio": "0.01",
    "min.compaction.lag.ms": "45000",  # longer than two rounds of the follower with a pause: no row may go unread
    "max.compaction.lag.ms": "60000",
}


def plan(seconds: float) -> list[Fault]:
    """Return the kills of a soak."""
    return [Fault(KILL_INTERVAL_S * number, "kill_other") for number in range(1, int(seconds / KILL_INTERVAL_S))]


def shorten(settings: Settings) -> None:
    """Let topics be compacted and cut as soon as a segment is closed, and close one several times a minute."""
    topics = Topics.of(settings)
    forever = {topics.policy.name, topics.owners.name}
    resources = []
    for topic in topics.every:
        if topic.name not in forever:
            entries = [
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
                for name, value in (_COMPACTED if is_compacted(topic) else _CUT).items()
            ]
            resources.append(ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=entries))
    admin = AdminClient({"bootstrap.servers": settings.bootstrap})
    for future in admin.incremental_alter_configs(resources).values():
        future.result(_WAIT_S)


def is_compacted(topic: Topic) -> bool:
    """Return whether a topic keeps the last record of each key, instead of all records for a time."""
    return topic.config.get("cleanup.policy") == "compact"


class Trend(NamedTuple):
    """How a figure develops: first and last value, slope a minute by least squares, and the slope's standard error."""

    first: float
    last: float
    slope: float
    error: float

    @property
    def is_flat(self) -> bool:
        """Whether no growth stands out from the noise."""
        return self.slope <= _SIGNIFICANT_ERRORS * self.error

    def words(self, *, unit: str, slope_unit: str, scale: float = 1.0) -> str:
        """Return it for people; the slope is shown `scale` times as large, in a unit of its own."""
        flat = "flat" if self.is_flat else "not flat"
        slope, error = self.slope * scale, self.error * scale
        way = f"{self.first:,.1f} to {self.last:,.1f} {unit}"
        return f"{way}, {slope:+,.2f} ± {error:,.2f} {slope_unit} a minute: {flat}"


def trend(samples: Sequence[tuple[float, float]]) -> Trend | None:
    """Return the trend of samples of (seconds, value), in order of time; None if they are too few."""
    size = max(1, len(samples) // _TREND_POINTS)
    points = [samples[start : start + size] for start in range(0, len(samples) - size + 1, size)]
    minutes = [fmean(at for at, _ in point) / 60 for point in points]
    values = [fmean(value for _, value in point) for point in points]
    if len(points) < 3:
        return None
    slope, start = linear_regression(minutes, values)
    left = [value - start - slope * at for at, value in zip(minutes, values, strict=True)]
    middle = fmean(minutes)
    spread = sum((at - middle) ** 2 for at in minutes)
    error = (sum(one * one for one in left) / (len(points) - 2) / spread) ** 0.5
    return Trend(values[0], values[-1], slope, error)


class Sample(NamedTuple):
    """What a process used at a moment."""

    at_s: float
    resident_mib: float
    open_files: int


class Usage:
    """Samples of some processes and of the rows of the tables, and how they grow."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._looked_s = 0.0
        self.samples: dict[str, list[Sample]] = {}
        self.rows: list[tuple[float, float]] = []

    def look(self, pids: Mapping[str, int], rows: int) -> None:
        """Take a sample of each process and of the number of rows, if the last one is old enough."""
        now = time.monotonic() - self._began
        if now - self._looked_s < SAMPLE_INTERVAL_S:
            return
        self._looked_s = now
        self.rows.append((now, rows))
        for name, pid in pids.items():
            resident_mib = proc.memory(pid).now / 2**20
            files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
            self.samples.setdefault(name, []).append(Sample(now, resident_mib, files))

    def lines(self) -> list[str]:
        """Return the trend of each figure."""
        end = self.rows[-1][0] if self.rows else 0.0
        since = max(end - MAX_MEASURED_S, end / 3)
        found = [f"measured from {since / 60:.1f} to {end / 60:.1f} minutes"] if self.rows else []
        if rows := trend([one for one in self.rows if one[0] >= since]):
            found.append(f"rows of the tables: {rows.words(unit='rows', slope_unit='rows')}")
        for name, samples in self.samples.items():
            late = [one for one in samples if one.at_s >= since]
            if memory := trend([(one.at_s, one.resident_mib) for one in late]):
                found.append(f"memory of {name}: {memory.words(unit='MiB', slope_unit='KiB', scale=1024)}")
            if files := trend([(one.at_s, one.open_files) for one in late]):
                found.append(f"descriptors of {name}: {files.words(unit='open', slope_unit='open')}")
        return found
