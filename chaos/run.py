"""One run: a stack, workers, load and faults; then quiet, and the judges."""

import asyncio
import contextlib
import pickle
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from aiokafka.errors import KafkaError

from atp_stream import provision
from atp_stream.cli.group import Failure
from atp_stream.demo.stream import avro_writer
from atp_stream.devstack import Stack
from atp_stream.oracle import History, check, cut
from atp_stream.settings import Settings, environment_of
from atp_stream.topics import LOG_PARTITIONS, Topics
from chaos import judge, midnight, policies, refold, soak
from chaos.epilogue import Epilogue
from chaos.faults import WORKERS, Faults
from chaos.fleet import Fleet
from chaos.follower import Follower
from chaos.lag import Lag, lag
from chaos.load import WINDOW_S, Load
from chaos.pour import Pour
from chaos.report import Report
from chaos.schedule import Fault, at_midnight, plan
from chaos.soak import Usage
from chaos.worker import BLIND

READY_S: Final = 60.0
STANDSTILL_S: Final = 60.0  # a system whose backlog has not shrunk for so long counts as stuck
_SETTLED_S: Final = 10.0  # after them the last time limit of the load is over
_DISK_SIZE: Final = "96m"
_TICK_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to run; `blind` switches a guard of the engine off, `tmpfs` says that this process may mount one."""

    seed: int
    seconds: float
    rate: float = 100.0
    window: float = WINDOW_S
    session: float = 5.0
    brokers: int = 1
    blind: str = ""
    tmpfs: bool = False
    keep: Path | None = None
    faults: tuple[Fault, ...] = ()
    soak: bool = False
    epilogue: bool = False


def run(options: Options, java_dir: Path, say: Callable[[str], None]) -> Report:
    """Run in a directory of its own, and return the report; nothing that was started is left running."""
    with tempfile.TemporaryDirectory(prefix="atp-chaos-", ignore_cleanup_errors=True) as made:
        directory = options.keep or Path(made)
        directory.mkdir(parents=True, exist_ok=True)
        midnight.arrange(directory, options.seconds)
        with Stack(directory / "stack", java_dir, brokers=options.brokers) as stack:
            settings = replace(
                Settings(),
                brokers=tuple(stack.bootstrap.split(",")),
                registry_url=stack.registry_url,
                replication_factor=stack.copies,
                min_isr=stack.copies_in_sync,
                default_tenant="demo",
            )
            return Run(options, settings, stack, directory, say).play()


class Run:
    """A run on a stack that is up."""

    def __init__(
        self, options: Options, settings: Settings, stack: Stack, directory: Path, say: Callable[[str], None]
    ) -> None:
        self._options = options
        self._stack = stack
        self._say = say
        self._began = self._healed = time.monotonic()
        self._settings = replace(settings, session_timeout=options.session)
        blind = {BLIND: options.blind} if options.blind else {}
        self._fleet = Fleet(directory, {**environment_of(self._settings), **blind})
        self._disk = self._mounted(directory / "worker-1" / "disk")
        self._faults = Faults(
            stack=stack,
            fleet=self._fleet,
            settings=self._settings,
            window=options.window,
            disk=self._disk,
            chance=random.Random(options.seed),
        )
        self._follower = Follower(self._settings) if options.soak else None
        self.report = Report(seed=options.seed, seconds=options.seconds)

    def _mounted(self, directory: Path) -> Path | None:
        """Give the first worker a small disk of its own, where that is allowed."""
        if not self._options.tmpfs:
            return None
        directory.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK_SIZE}", "tmpfs", str(directory)], check=True)
        return directory

    def _log(self, words: str) -> None:
        self._say(f"{time.monotonic() - self._began:6.1f} s  {words}")

    def play(self) -> Report:
        """Play all of it."""
        asyncio.run(provision.initialise(self._settings))
        retention = soak.RETENTION_S if self._options.soak else None
        document = policies.text(policies.FIRST, self._options.window, retention)
        asyncio.run(provision.apply_policy(self._settings, document))
        if self._follower:
            soak.shorten(self._settings)
            self._follower.start()
        for _ in range(WORKERS):
            self._fleet.add()
        took = self._fleet.wait_ready(LOG_PARTITIONS, READY_S)
        if took is None:
            raise Failure(f"the workers do not get ready: {[w.last_words() for w in self._fleet.workers]}")
        self._log(f"{WORKERS} workers ready after {took:.1f} s")
        try:
            self._act()
            self._calm()
            self._judge()
            if self._options.epilogue:
                self._epilogue()
        finally:
            self._fleet.stop()
            if self._follower:
                self._follower.stop()
        return self.report

    def _act(self) -> None:
        options, report = self._options, self.report
        source = Load(
            seed=options.seed,
            frame=avro_writer(self._settings),
            window=options.window,
            max_open=soak.MAX_OPEN_ORDERS if options.soak else None,
        )
        pour = Pour(self._settings, source, rate=options.rate, seconds=options.seconds)
        waiting = self._planned()
        began = time.monotonic()
        pour.start()
        usage = Usage()
        wanted = {fault.name for fault in waiting}
        healed = began
        while pour.is_alive() or waiting or not self._faults.quiet:
            while waiting and waiting[0].at <= time.monotonic() - began:
                fault = waiting.pop(0)
                self._log(fault.name)
                self._faults.strike(fault.name)
            self._faults.tend()
            self._fleet.tend()
            if self._follower:
                pids = {"the worker that lives": self._fleet.workers[0].pid, "broker": self._stack.broker.pid}
                usage.look(pids, self._follower.rows)
                if self._follower.error is not None:
                    raise Failure(f"the follower has stopped reading: {self._follower.error!r}")
            if waiting or not self._faults.quiet:
                healed = time.monotonic()
            time.sleep(_TICK_S)
        if options.soak:  # the load goes on after the last fault
            healed = time.monotonic()
        if pour.error is not None:
            raise Failure(f"the load could not be sent: {pour.error!r}")
        report.stuck += [f"{name} never struck" for name in sorted(wanted - {*self._faults.done})]
        self._healed = healed
        report.inputs = pour.sent
        report.kills, report.faults = self._faults.kills, self._faults.done
        report.notes += [*self._faults.notes, *usage.lines()]

    def _planned(self) -> list[Fault]:
        """Return the faults to come, in their order; note it if no day begins in this run."""
        options = self._options
        planned = soak.plan(options.seconds) if options.soak else plan(options.seed, options.seconds, options.brokers)
        faults = list(options.faults or planned)
        day_comes = midnight.coming(options.seconds)
        if day_comes is None:
            self.report.notes.append("no midnight in this run")
        elif not options.soak:
            faults = sorted([*faults, *at_midnight(day_comes)])
        return faults

    def _calm(self) -> None:
        """Wait until nothing is behind."""
        report, moved = self.report, self._healed
        least: Lag | None = None
        self._log("no more faults; waiting until nothing is behind")
        while time.monotonic() - moved < STANDSTILL_S:
            self._fleet.tend()
            with contextlib.suppress(KafkaError, provision.ProvisionError):  # a broker may be slow to come back
                last = asyncio.run(lag(self._settings))
                if last == Lag(0, 0):
                    report.lag_seconds = time.monotonic() - self._healed
                    break
                if least is None or last < least:
                    least, moved = last, time.monotonic()  # a busy machine is slow, which is not stuck
            time.sleep(_TICK_S)
        else:
            report.stuck.append(f"the backlog has not shrunk for {STANDSTILL_S:.0f} s: {least}")
        took = self._fleet.wait_ready(LOG_PARTITIONS, READY_S)
        if took is None:
            report.stuck.append(f"only partitions {self._fleet.owned()} are served")
        time.sleep(_SETTLED_S)
        report.restarts, report.exits = self._fleet.restarts, self._fleet.exits

    def _judge(self) -> None:
        self._log("judging")
        read = self._read()
        if self._options.keep:
            (self._options.keep / "history.pickle").write_bytes(pickle.dumps(read))
        past = cut(read)
        began = time.monotonic()
        report, verdict = self.report, check(past)
        self._log(f"the oracle took {time.monotonic() - began:.1f} s")
        report.lost, report.doubled, report.oversold = verdict.lost, verdict.doubled, verdict.oversold
        report.counted = verdict.plain()
        report.objections += verdict.objections
        report.objections += asyncio.run(refold.differences(self._settings, past))
        looked = judge.looked(past, self._fleet.workers[0])
        report.stuck += [f"{name} did not end in order" for name in self._fleet.stop()]
        ended = self._read()  # time may have changed something while the others judged
        report.objections += judge.views(ended, looked)
        report.objections += judge.databases(ended, self._fleet.workers)
        if self._follower:
            self._judge_ground(self._follower)

    def _judge_ground(self, follower: Follower) -> None:
        """Say what retention and compaction took: a soak in which they took nothing has shown nothing."""
        topics, gone = Topics.of(self._settings), follower.gone()
        kept = [topic for topic in (*topics.inputs, topics.item_log, *topics.outputs) if not soak.is_compacted(topic)]
        taken = {topic.name: gone[topic.name] for topic in kept if topic is not topics.policy}
        self.report.notes.append(f"retention took {', '.join(f'{count:,} of {name}' for name, count in taken.items())}")
        if self._options.seconds > 2 * soak.RETENTION_S:
            busy = (topics.adjusted, topics.created, topics.item_log, topics.allocation_committed)
            self.report.stuck += [f"retention took nothing of {one.name}" for one in busy if not taken[one.name]]
        logs = self._stack.directory.glob(f"kafka/{topics.state_changelog.name}-*/*.log")
        on_disk = sum(log.stat().st_size for log in logs)
        self.report.notes.append(
            f"of {follower.written_bytes / 2**20:,.0f} MiB of the changelog compaction left {on_disk / 2**20:,.0f}; "
            f"{follower.rows:,} rows have {follower.row_bytes / 2**20:,.1f} MiB"
        )

    def _read(self) -> History:
        return self._follower.history() if self._follower else asyncio.run(judge.topics(self._settings))

    def _epilogue(self) -> None:
        self._log("a source topic is created again under running workers")
        last = Epilogue(self._settings, self._stack, self._fleet)
        self.report.objections += last.source_recreated()
        self._log("Kafka is wiped under old data directories")
        self.report.objections += last.kafka_wiped()
        self.report.faults += Counter({"source recreated": 1, "kafka wiped": 1})
