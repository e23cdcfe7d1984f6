"""One seed, one story: input, workers, and what is done to them; at its end everything must be as if nothing had been.

A story is a function of its seed (and of what a test switches off): run it again, and the same happens.
"""

import asyncio
import contextlib
import gc
import logging
import re
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from unittest.mock import patch

from aiokafka.structs import TopicPartition

from atp_stream.engine import batches, intake, partition_state, steps
from atp_stream.engine.ownership import NOBODY, encode_owner, owner_key
from atp_stream.engine.partitioner import partition_of
from atp_stream.engine.position import GENESIS_HEADER, SOURCE_HEADER, decode_position
from tests.simulation import toy
from tests.simulation.broker import Broker
from tests.simulation.client import REQUEST_TIMEOUT, USUAL, Fate, Network
from tests.simulation.group import SESSION, Group
from tests.simulation.loop import Process, SimLoop, Stuck
from tests.simulation.oracle import objections
from tests.simulation.worker import Disk, Worker

TROUBLE: Final = 12.0  # seconds of input and faults
PATIENCE: Final = 200.0  # and then until all must be done
LONG_WAYS: Final = frozenset({"produce", "end", "initialise", "owners"})  # in a storm
RETRIED: Final = frozenset({"add", "initialise"})
KINDS: Final = ("append", "append", "produce", "produce", "end", "end", "add", "initialise", "fetch")
#: What a worker may end for: what was done to it, or what it cannot get to the bottom of. All else is a fault of ours.
NEEDFUL: Final = re.compile(r"killed|stopped|(a commit|the take-over of partitions) failed .*, (\d times|and no new)")


@dataclass(kw_only=True)
class Outcome:
    """How a story went; `faults` in the order in which they struck."""

    seed: int
    objections: list[str]
    faults: list[str] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    callbacks: int = 0
    seconds: float = 0.0


@contextlib.contextmanager
def small_and_patched() -> Iterator[None]:
    """Make batches, steps and rounds small, so that few records need many; producers are ours."""

    def new_step_id(app: str, genesis: str) -> str:
        loop: Any = asyncio.get_running_loop()
        return f"{app}-{genesis}-s-{loop.network.random.getrandbits(64):x}"

    logging.disable(logging.CRITICAL)
    collecting = gc.isenabled()
    gc.disable()  # what a crash leaves behind is closed where we close it
    gc.freeze()
    try:
        with (
            patch.object(batches, "BATCH_BYTES", 300),
            patch.object(partition_state, "STEP_RECORDS", 5),
            patch.object(intake, "ROUND_RECORDS", 12),
            patch.object(steps, "new_step_id", new_step_id),
        ):
            yield
    finally:
        logging.disable(logging.NOTSET)
        gc.unfreeze()
        if collecting:
            gc.enable()


class Story:
    """The stage of one seed; in a storm, workers lose each other all the time, and ways are long."""

    def __init__(self, seed: int, *, storm: bool = False) -> None:
        self._storm = storm
        self.random = Random(seed)
        self.outcome = Outcome(seed=seed, objections=[])
        self.loop = SimLoop(Random(seed + 1))
        self.broker = Broker()
        for topic, count in {
            toy.SOURCE: toy.SOURCES, toy.LOG: toy.PARTITIONS, toy.OUT: toy.PARTITIONS, toy.CHANGELOG: toy.PARTITIONS,
            toy.OWNERS: toy.PARTITIONS,
        }.items():  # fmt: skip
            self.broker.create(topic, count)
        for number in range(toy.PARTITIONS):
            self.broker.append(TopicPartition(toy.OWNERS, number), [(owner_key(number), encode_owner(NOBODY), ())])
        self.network = Network(self.loop, self.broker, Random(seed + 2))
        self.loop.set_exception_handler(lambda *_: None)  # a fault's traces
        self.loop.network = self.network  # type: ignore[attr-defined]
        self.network.fate = self._fate
        self.network.storm = storm
        self.group = Group(self.network, {toy.SOURCE: toy.SOURCES, toy.LOG: toy.PARTITIONS})
        self.workers: dict[str, Worker] = {}
        self.lives: list[Worker] = []
        self.disks: dict[str, Disk] = {}
        self._armed: list[tuple[str, str, str, Fate]] = []  # worker, kind, what, fate

    def play(self) -> Outcome:
        """Run the story to its end, and judge."""
        try:
            self.loop.run_until_complete(self._plot())
            self.outcome.objections += objections(self.broker)
        except Stuck as stuck:
            self.outcome.objections.append(f"stuck: {stuck}")
        finally:
            self._sweep()
        self.outcome.callbacks = self.loop.ran
        self.outcome.seconds = self.loop.time()
        return self.outcome

    async def _plot(self) -> None:
        chance = self.random
        for number in range(chance.randint(1, 3)):
            self._start(f"w{number}")
        bursts = [chance.uniform(0, TROUBLE) for _ in range(chance.randint(2, 6))]
        for number in range(chance.randint(20, 60)):
            at = chance.choice(bursts) if chance.random() < 0.6 else chance.uniform(0, TROUBLE)
            self.network.later(at, self._input, number)
        for _ in range(chance.randint(8, 16) if self._storm else chance.randint(2, 7)):
            self.network.later(chance.uniform(0.5, TROUBLE), self._trouble)
        await asyncio.sleep(TROUBLE + 0.1)
        self._armed.clear()
        while not self._done():
            await asyncio.sleep(0.5)
            if self.loop.time() > PATIENCE:
                self.outcome.objections.append(f"not done after {PATIENCE} s")
                return

    def _input(self, number: int) -> None:
        chance = self.random
        value = b"%s%d%s" % (chance.choice((b"", b"", b"", b"?")), number, chance.choice((b"", b"", b"!")))
        if chance.random() < 0.1:  # nothing fits behind it
            value = value[:-1] + b"." * 400 + value[-1:]
        if chance.random() < 0.1:  # an operator's command: it has no mark that would tell it from its repetition
            name = toy.key_of(value)
            tp = TopicPartition(toy.LOG, partition_of(name, toy.PARTITIONS))
            self.broker.append(tp, [(name, value, [(GENESIS_HEADER, toy.GENESIS.encode())])])
            return
        tp = TopicPartition(toy.SOURCE, chance.randrange(toy.SOURCES))
        self.broker.append(tp, [(None, value, ())])

    # -- workers -------------------------------------------------------------------------------

    def _start(self, name: str) -> None:
        if self.random.random() < 0.15 or name not in self.disks:
            self.disks[name] = Disk()
        worker = Worker(name, self.network, self.group, self.disks[name], self._ended)
        self.workers[name] = worker
        self.lives.append(worker)

    def _ended(self, worker: Worker) -> None:
        if not NEEDFUL.match(worker.end or ""):
            self.outcome.objections.append(f"{worker.name} ended without need: {worker.end}")
        self.outcome.ends[worker.end or ""] += 1
        self.network.later(self.random.uniform(0.2, 3.0), self._start, worker.name)

    def _done(self) -> bool:
        values = [one for n in range(toy.SOURCES) for one in self.broker.partitions[TopicPartition(toy.SOURCE, n)]]
        if any(self.broker.open.values()):
            return False
        logged: set[Any] = set()
        for number in range(toy.PARTITIONS):
            tp = TopicPartition(toy.LOG, number)
            records, end = self.broker.fetch(tp, 0)
            logged |= {dict(record.headers).get(SOURCE_HEADER) for record in records}
            rows, _ = self.broker.fetch(TopicPartition(toy.CHANGELOG, number), 0)
            newest = {row.key: row.value for row in rows}
            position = newest.get(b"|position")
            applied = -1 if position is None else decode_position(position).applied
            if applied < end - 1 or newest.get(toy.WORK) is not None:
                return False
        return len(logged - {None}) == len(values)

    # -- trouble -------------------------------------------------------------------------------

    def _trouble(self) -> None:
        alive = [worker for worker in self.workers.values() if not worker.process.dead]
        if not alive:
            return
        chance = self.random
        worker = chance.choice(alive)
        what = chance.choices([*self._ways], [3, 2, 2, 6, 3, 2, 2, 3, 1])[0]
        self._ways[what](self, worker, what)

    def _note(self, what: str, worker: Worker) -> None:
        self.outcome.faults.append(f"{self.loop.time():.3f} {worker.name} {what}")

    def _kill(self, worker: Worker, what: str) -> None:
        self._note(what, worker)
        worker.kill()

    def _stop(self, worker: Worker, what: str) -> None:
        self._note(what, worker)
        worker.stop()

    def _add(self, _: Worker, what: str) -> None:
        name = f"w{len(self.workers)}"
        if len(self.workers) < 4:
            self._start(name)
            self._note(what, self.workers[name])

    def _freeze(self, worker: Worker, what: str) -> None:
        self._note(what, worker)
        self._frozen(worker.process)

    def _frozen(self, process: Process) -> None:
        process.frozen = True

        def thaw() -> None:
            process.frozen = False

        self.network.later(self.random.uniform(0.5, 3 * SESSION), thaw)

    def _arm(self, worker: Worker, what: str, fate: Fate) -> None:
        self._armed.append((worker.name, self.random.choice(KINDS), what, fate))

    def _kill_at(self, worker: Worker, what: str) -> None:
        def kill(process: Process) -> None:
            found = self.workers[process.name]
            if found.process is process:
                found.kill()

        self._arm(worker, what, self._at(kill))

    def _freeze_at(self, worker: Worker, what: str) -> None:
        self._arm(worker, what, self._at(self._frozen))

    def _at(self, act: Callable[[Process], None]) -> Fate:
        if self.random.random() < 0.6:
            return Fate(at_arrival=act)
        return Fate(at_departure=act, arrives=self.random.random() < 0.5)

    def _lose(self, worker: Worker, what: str) -> None:
        asked = self.random.random() < 0.5
        self._arm(worker, what, Fate(arrives=not asked, answered=asked))

    def _delay(self, worker: Worker, what: str) -> None:
        self._arm(worker, what, Fate(late=self.random.uniform(0.5, 12.0)))

    def _forget_offset(self, worker: Worker, what: str) -> None:
        self._armed.append((worker.name, "produce", what, Fate(offset_known=False)))

    _ways: Final[dict[str, Callable[["Story", Worker, str], None]]] = {
        "kill": _kill, "stop": _stop, "add": _add, "kill at": _kill_at, "lose": _lose, "freeze": _freeze,
        "freeze at": _freeze_at, "delay": _delay, "forget offset": _forget_offset,
    }  # fmt: skip

    def _fate(self, process: Process, kind: str) -> Fate:
        for place, (name, wanted, what, fate) in enumerate(self._armed):
            if name == process.name and wanted == kind:
                del self._armed[place]
                self.outcome.faults.append(f"{self.loop.time():.3f} {name} {what} {kind}")
                if kind in RETRIED:  # the client asks again on another connection, and the first one is closed
                    return fate._replace(late=min(fate.late, REQUEST_TIMEOUT - 1))
                return fate
        if self._storm and kind in LONG_WAYS and self.random.random() < 0.25:
            return Fate(late=self.random.uniform(0.0, REQUEST_TIMEOUT - 1))
        return USUAL

    # -- the end -------------------------------------------------------------------------------

    def _sweep(self) -> None:
        """Close what crashes have left behind, without a word about it."""
        outcome, sys.unraisablehook = sys.unraisablehook, lambda _: None
        try:
            for task in asyncio.all_tasks(self.loop):
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                coroutine = task.get_coro()
                with contextlib.suppress(Exception):
                    if coroutine is not None:  # Python 3.12 and newer have tasks without one
                        coroutine.close()
            self.loop.close()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # of what a crash has left behind before it began
                gc.collect()  # else the tasks of all stories are looked through for those of one
        finally:
            sys.unraisablehook = outcome


def play(seed: int, *, storm: bool = False) -> Outcome:
    """Play the story of a seed."""
    return Story(seed, storm=storm).play()
