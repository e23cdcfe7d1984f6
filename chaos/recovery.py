"""How long items are not served: `python -m chaos.recovery` prints a table.

There are two workers with standbys, some state, and a trickle of load. For each way in which a worker can go and come
back, it measures the seconds from the signal until the other one answers for an item of each log partition.
"""

import argparse
import asyncio
import json
import logging
import signal
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from atp_stream import provision
from atp_stream.devstack import Stack
from atp_stream.domain.names import join
from atp_stream.engine.partitioner import partition_of
from atp_stream.settings import Settings, environment_of
from atp_stream.topics import LOG_PARTITIONS
from chaos.fleet import Fleet, Worker
from chaos.lag import Lag, lag
from chaos.load import Load
from chaos.pour import Pour

_TENANT: Final = "demo"
_PATIENCE_S: Final = 90.0
_POLL_S: Final = 0.02
_TRICKLE_RATE: Final = 20.0  # messages a second during the measurement


class Figures:
    """Measures, round after round."""

    def __init__(self, settings: Settings, fleet: Fleet, items: list[str]) -> None:
        self._settings = settings
        self._fleet = fleet
        self._items = items
        self.seconds: dict[str, list[float]] = {}
        self.read: defaultdict[str, list[int]] = defaultdict(list)  # changelog records until it was ready

    def served(self, worker: Worker) -> bool:
        """Return whether a worker answers for one item of each partition, itself or through the other."""
        return all(worker.get(f"/atp/{_TENANT}/{item}")[0] == 200 for item in self._items)

    def until(self, what: str, worker: Worker, done: Callable[[], bool] | None = None) -> None:
        """Note the seconds until a worker answers for all."""
        began = time.monotonic()
        while not (self.served(worker) if done is None else done()):
            if time.monotonic() - began > _PATIENCE_S:
                raise TimeoutError(f"{what}: not within {_PATIENCE_S:.0f} s")
            time.sleep(_POLL_S)
        self.seconds.setdefault(what, []).append(time.monotonic() - began)

    def both(self) -> None:
        """Wait until both serve, and the standbys have had time to read."""
        took = self._fleet.wait_ready(LOG_PARTITIONS, _PATIENCE_S)
        if took is None:
            raise TimeoutError("the workers do not get ready")
        time.sleep(3.0)

    def round(self) -> None:
        """Let one worker go in each way, and come back."""
        gone, left = self._fleet.workers
        self.both()
        gone.kill()
        self.until("kill -9: until the other serves all", left)
        gone.start()
        self.until("back with its directory: until ready", gone, lambda: bool(gone.partitions()))
        self.read["back with its directory"].append(gone.restored())
        self.both()
        gone.signal(signal.SIGTERM)
        self.until("SIGTERM: until the other owns all", left, lambda: len(left.partitions()) == LOG_PARTITIONS)
        gone.ended(30)
        gone.wipe()
        gone.start()
        self.until("back without it: until ready", gone, lambda: bool(gone.partitions()))
        self.read["back without it"].append(gone.restored())
        self.both()
        self._gap(gone, left)

    def _gap(self, gone: Worker, left: Worker) -> None:
        """Note the longest time without an answer while a worker is replaced in order."""
        asked = answered = longest = 0.0
        gone.signal(signal.SIGTERM)
        restarted = False
        answered = began = time.monotonic()
        while time.monotonic() - began < 20:
            if not restarted and not gone.running:
                gone.start()
                restarted = True
            asked = time.monotonic()
            if self.served(left):
                longest = max(longest, asked - answered)
                answered = time.monotonic()
            time.sleep(_POLL_S)
        self.seconds.setdefault("rolling restart: longest time without all answers", []).append(longest)


def _one_item_each(count: int) -> list[str]:
    """Return an item of each log partition, of those that the load counts for the default tenant."""
    found: dict[int, str] = {}
    for number in range(count):
        name = f"probe-{number}"
        found.setdefault(partition_of(join(_TENANT, name).encode(), LOG_PARTITIONS), name)
    return list(found.values())


class _Probes(Load):
    """A load that also counts the items that are asked for."""

    def opening(self, now: int) -> list[Any]:
        probes = [self._made(1) for _ in _one_item_each(100)]
        for probe, name in zip(probes, _one_item_each(100), strict=True):
            probe.name, probe.tenant = name, None
        return [*super().opening(now), *(self._count_shelf(probe, "", now) for probe in probes)]


def measure(directory: Path, *, rows: int, rounds: int, session: float) -> Figures:
    """Return what was measured."""
    with Stack(directory / "stack", Settings().java_dir) as stack:
        settings = replace(
            Settings(),
            brokers=(stack.bootstrap,),
            registry_url=stack.registry_url,
            default_tenant=_TENANT,
            session_timeout=session,
        )
        asyncio.run(provision.initialise(settings))
        fleet = Fleet(directory, environment_of(settings))
        for _ in range(2):
            fleet.add()
        figures = Figures(settings, fleet, _one_item_each(100))
        try:
            fleet.wait_ready(LOG_PARTITIONS, _PATIENCE_S)
            _pour(settings, _Probes(seed=1), rate=2_000.0, seconds=rows / 2_000)
            while asyncio.run(lag(settings)) != Lag(0, 0):
                time.sleep(0.5)
            trickle = Pour(settings, Load(seed=2), rate=_TRICKLE_RATE, seconds=3_600)
            trickle.start()
            for _ in range(rounds):
                figures.round()
        finally:
            fleet.stop()
    return figures


def _pour(settings: Settings, source: Load, *, rate: float, seconds: float) -> None:
    pour = Pour(settings, source, rate=rate, seconds=seconds)
    pour.start()
    pour.join()
    if pour.error is not None:
        raise pour.error


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="chaos.recovery", description="How long items are not served.")
    parser.add_argument("--rows", type=int, default=50_000, help="messages before it is measured")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--session", type=float, default=10.0)
    parser.add_argument("--json", type=Path)
    said = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="atp-recovery-", ignore_cleanup_errors=True) as made:
        found = measure(Path(made), rows=said.rows, rounds=said.rounds, session=said.session)
    print(
        f"session timeout {said.session:g} s, {said.rows:,} messages of state, {said.rounds} rounds; median (worst), s"
    )
    for what, seconds in found.seconds.items():
        print(f"{what:<52} {statistics.median(seconds):6.1f} ({max(seconds):.1f})")
    for what, records in found.read.items():
        print(f"{what}: changelog records read until ready: {statistics.median(records):,.0f}")
    if said.json:
        said.json.write_text(json.dumps({"seconds": found.seconds, "read": found.read}, indent=2))


if __name__ == "__main__":
    main()
