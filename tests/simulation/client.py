"""The edge where the product meets Kafka: what it uses of aiokafka's producer, and a fetch, over a network with faults.

A request that has left reaches the broker even if its sender dies meanwhile, and an answer may be lost on its way:
then the client gives up after a while and does not know. All ways take a seeded time.
"""

import asyncio
import contextvars
from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from random import Random
from typing import Any, Final, NamedTuple, Self

from aiokafka.errors import IllegalOperation, KafkaError, KafkaTimeoutError, ProducerFenced
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.structs import TopicPartition

from atp_stream.engine import batches
from atp_stream.engine.once_producer import AnswerLost
from atp_stream.engine.producers import Identity
from tests.simulation.broker import TRANSACTION_TIMEOUT, Broker, Fenced, NoTransaction, Record, Transaction, Undecided
from tests.simulation.loop import PROCESS, Process, SimLoop

REQUEST_TIMEOUT: Final = 5.0
BACKOFF: Final = 0.02
MAX_FETCHED: Final = 50  # offsets
MARKERS_LATE: Final = 2.0


class Fate(NamedTuple):
    """What becomes of a request.

    `arrives` and `answered` say whether it and its answer get through, `late` is what it is held up by; the callbacks
    do something to its sender. With `offset_known` False the broker says that it had the batch before.
    """

    arrives: bool = True
    answered: bool = True
    late: float = 0.0
    at_departure: Callable[[Process], None] | None = None
    at_arrival: Callable[[Process], None] | None = None
    offset_known: bool = True


USUAL: Final = Fate()


class Metadata(NamedTuple):
    """The answer to a batch."""

    offset: int


class Network:
    """Between processes and the broker; `fate` decides about each request, by its sender and kind."""

    def __init__(self, loop: SimLoop, broker: Broker, random: Random) -> None:
        self.loop = loop
        self.broker = broker
        self.random = random
        self.fate: Callable[[Process, str], Fate] = lambda *_: USUAL
        self.asked: Counter[str] = Counter()
        self.storm = False  # then the markers of transactions may come late
        self._waiting: defaultdict[TopicPartition, list[Callable[[], None]]] = defaultdict(list)
        self._world = contextvars.Context()
        self._world.run(PROCESS.set, loop.world)
        broker.now = loop.time
        broker.on_moved = self._wake
        broker.on_decided = self._write_markers
        broker.on_begun = lambda name, transaction: self.later(TRANSACTION_TIMEOUT, broker.expire, name, transaction)

    def later(self, delay: float, act: Callable[..., Any], *arguments: Any) -> None:
        """Let the world do something."""
        self.loop.call_later(delay, act, *arguments, context=self._world)

    def way(self) -> float:
        """Return how long it takes from here to there."""
        return self.random.expovariate(300.0)

    def ask(self, kind: str, act: Callable[[], Any]) -> "asyncio.Future[Any]":
        """Let the broker do something, and return what it answers."""
        fate, answer, future = self._sent(kind)

        def arrive() -> None:
            outcome = _outcome(act)
            if fate.at_arrival is not None:
                fate.at_arrival(process)
            if fate.answered:
                answer(outcome if fate.offset_known else Metadata(-1))

        process = PROCESS.get(self.loop.world)
        self._depart(fate, arrive, process)
        return future

    def fetch(self, tp: TopicPartition, position: int) -> "asyncio.Future[tuple[list[Record], int]]":
        """Return what there is behind a position, once there is something."""
        fate, answer, future = self._sent("fetch")

        def arrive() -> None:
            if self.broker.stable_end(tp) <= position:
                self._waiting[tp].append(arrive)
            elif fate.answered:
                answer(self.broker.fetch(tp, position, MAX_FETCHED))

        self._depart(fate._replace(answered=True), arrive, PROCESS.get(self.loop.world))
        return future

    def _sent(self, kind: str) -> tuple[Fate, Callable[[Any], None], "asyncio.Future[Any]"]:
        self.asked[kind] += 1
        fate = self.fate(PROCESS.get(self.loop.world), kind)
        future: asyncio.Future[Any] = self.loop.create_future()
        back = contextvars.copy_context()
        if not (fate.arrives and fate.answered) or fate.late:
            self.loop.call_later(REQUEST_TIMEOUT, settle, future, KafkaTimeoutError())

        def answer(outcome: Any) -> None:
            self.loop.call_later(self.way(), settle, future, outcome, context=back)

        return fate, answer, future

    def _depart(self, fate: Fate, arrive: Callable[[], None], process: Process) -> None:
        if fate.arrives:
            self.later(self.way() + fate.late, arrive)
        if fate.at_departure is not None:
            fate.at_departure(process)

    def _wake(self, tp: TopicPartition) -> None:
        for arrive in self._waiting.pop(tp, ()):
            self.later(0.0, arrive)

    def _write_markers(self, transaction: Transaction) -> None:
        for tp in transaction.pending:
            late = self.random.uniform(0.0, MARKERS_LATE) if self.storm else 0.0
            self.later(self.way() * 3 + late, self.broker.mark, transaction, tp)


def _outcome(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except Fenced:
        return ProducerFenced()
    except NoTransaction:
        return KafkaError("the partition is in no transaction")
    except Undecided as error:
        return error


def settle(future: "asyncio.Future[Any]", outcome: Any) -> None:
    """Give whoever waits the outcome, unless it has given up."""
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
        future.exception()  # whoever asked may have gone
    else:
        future.set_result(outcome)


class Producer:
    """aiokafka's producer, as far as it is used: batches, one of a partition after the other, and transactions."""

    def __init__(self, network: Network, name: str | None = None, identity: Identity | None = None) -> None:
        self._network = network
        self._broker = network.broker
        self._name = name
        self._epoch = -1 if identity is None else identity.epoch
        self._state = "new" if identity is None else "ready"
        self._latest: dict[TopicPartition, asyncio.Future[Any]] = {}
        self._sender = self.client = self  # what is closed when a producer does not stop in order

    async def start(self) -> None: ...

    async def stop(self) -> None:
        for task in self._latest.values():
            if not task.done():
                await asyncio.wait([task])

    async def close(self) -> None:
        for task in self._latest.values():
            task.cancel()

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(batches.BATCH_BYTES, 0, is_transactional=self._name is not None)

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> "asyncio.Future[Metadata]":
        if self._name is not None and self._state != "open":
            raise IllegalOperation("not in a transaction")
        tp = TopicPartition(topic, partition)
        records = [(r.key, r.value, r.headers) for r in DefaultRecordBatch(bytes(batch._build()))]
        earlier = self._latest.get(tp)
        self._latest[tp] = sending = asyncio.ensure_future(self._send(tp, records, earlier))
        return sending

    async def _send(self, tp: TopicPartition, records: list[Any], earlier: "asyncio.Future[Any] | None") -> Metadata:
        if earlier is not None and not earlier.done():
            await asyncio.wait([earlier])
        name = self._name
        if name is not None:
            await self._decided("add", lambda: self._broker.begin(name, self._epoch))

        def append() -> Metadata:
            return Metadata(self._broker.append(tp, records, name=name, epoch=self._epoch))

        found: Metadata = await self._network.ask("append" if name is None else "produce", append)
        return found

    async def begin_transaction(self) -> None:
        name = self._name
        if self._state == "new" and name is not None:
            self._epoch = await self._decided("initialise", lambda: self._broker.initialise(name))
            self._state = "ready"
        if self._state != "ready":
            raise IllegalOperation(f"a transaction cannot begin, the producer is {self._state}")
        self._state = "open"

    async def commit_transaction(self) -> None:
        await self._end(committed=True)

    async def abort_transaction(self) -> None:
        await self._end(committed=False)

    async def _end(self, *, committed: bool) -> None:
        if self._state != "open":
            raise IllegalOperation(f"there is no transaction, the producer is {self._state}")
        self._state = "ending"
        under_way = [task for task in self._latest.values() if not task.done()]
        if under_way:
            await asyncio.wait(under_way)
        if self._latest:  # else nothing was sent, and the coordinator knows of no transaction
            name, epoch = self._name or "", self._epoch
            await self._decided("end", lambda: self._broker.end(name, epoch, committed=committed), once=True)
        self._latest.clear()
        self._state = "ready"

    async def _decided(self, kind: str, act: Callable[[], Any], *, once: bool = False) -> Any:
        """Ask until there is an answer, and the last transaction is complete; `once`: an answer that is lost is."""
        while True:
            try:
                return await self._network.ask(kind, act)
            except Undecided:
                await asyncio.sleep(BACKOFF)
            except KafkaTimeoutError as error:
                if once:
                    raise AnswerLost from error
                await asyncio.sleep(BACKOFF)


class Coordinator:
    """Kafka's side of a take-over, as `KafkaCoordinator` gives it."""

    def __init__(self, network: Network, owners: str) -> None:
        self._network = network
        self._owners = owners

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def initialise(self, name: str) -> Identity | None:
        try:
            epoch = await self._network.ask("initialise", lambda: self._network.broker.initialise(name))
        except (Undecided, KafkaTimeoutError):
            return None
        return Identity(0, epoch)

    def producer(self, name: str, identity: Identity) -> Any:
        return Producer(self._network, name, identity)

    async def owner_rows(self, partitions: Collection[int]) -> dict[int, bytes | None]:
        def rows() -> dict[int, bytes | None]:
            fetch = self._network.broker.fetch
            found = {number: fetch(TopicPartition(self._owners, number), 0)[0] for number in partitions}
            return {number: records[-1].value if records else None for number, records in found.items()}

        while True:
            try:
                rows_found: dict[int, bytes | None] = await self._network.ask("owners", rows)
            except KafkaTimeoutError:
                continue
            return rows_found
