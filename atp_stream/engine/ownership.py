"""Who may commit steps of a log partition: its owner record, and how a worker becomes the owner.

All partitions of a worker commit under one transactional id, its step id, which is new for every assignment. The owner
record of a partition names the step ids that may have written to it. A partition has a transactional id of its own,
which serves only to take it over:

1. Initialise the partition's id: whoever was about to take it over before is fenced.
2. Only then read the partition's owner record.
3. End every step id that it names, by initialising it, and wait until its last transaction is decided.
4. Write our own step id into the record, in a transaction of the partition's id. Whoever was passed by another cannot.

Only after that the end of the changelog is asked for. An assignment may have passed to another worker at any moment, so
before every attempt it is asked whether it still stands. See docs/decisions/0011-one-transaction-a-worker.md.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from typing import Any, Final, Protocol

import msgspec
from aiokafka import AIOKafkaProducer

from atp_stream.engine.batches import Batches
from atp_stream.engine.producers import Identity, drop_producer
from atp_stream.records import Output

_PAUSE_S: Final = 0.02


class Owner(msgspec.Struct, frozen=True, omit_defaults=True):
    """The owner record of a partition: the step ids that may commit to it, and the group's generation when written."""

    ids: tuple[str, ...] = ()
    generation: int = -1


NOBODY: Final = Owner()
"""What `atp init` writes: no worker has owned the partition yet."""


class Assignment(Protocol):
    """What a worker believes that the group has given to it."""

    generation: int

    async def hold(self) -> None:
        """Return while it may be true, and let the group know that we are there.

        Raises:
            AssignmentLost: the group may have given the partitions to another worker.
        """

    async def is_accepted(self) -> bool:
        """Ask the group whether it is true."""


class Coordinator(Protocol):
    """What a take-over asks of Kafka."""

    async def initialise(self, name: str) -> Identity | None:
        """Initialise a transactional id; None if that has to be asked again."""

    def producer(self, name: str, identity: Identity) -> AIOKafkaProducer:
        """Return a producer under an id that was initialised, not started."""

    async def owner_rows(self, partitions: Collection[int]) -> Mapping[int, bytes | None]:
        """Return the newest committed record of each of these partitions of the topic of owners."""


class AssignmentLost(Exception):
    """The assignment does not stand any more, so the take-over has ended half-way; nothing of it counts."""


class MissingOwner(Exception):
    """The topic of owners has no record of a partition: who may still write to it is not known."""


def encode_owner(owner: Owner) -> bytes:
    """Return the value of an owner record."""
    return msgspec.json.encode(owner)


def owner_key(partition: int) -> bytes:
    """Return the key of a partition's owner record."""
    return str(partition).encode()


class TakeOver:
    """One take-over of some partitions; an instance serves once."""

    def __init__(
        self, coordinator: Coordinator, assignment: Assignment, *, topic: str, id_of: Callable[[int], str]
    ) -> None:
        """Prepare it; `topic` has the owner records, `id_of` names the transactional id of a partition."""
        self._coordinator = coordinator
        self._assignment = assignment
        self._topic = topic
        self._id_of = id_of
        self._producers: dict[int, AIOKafkaProducer] = {}

    async def begin(self, name: str) -> AIOKafkaProducer:
        """Return a producer, not started, under a step id that nobody has had.

        Raises:
            AssignmentLost: there is no use in it any more.
            KafkaError: Kafka refuses it.
        """
        return self._coordinator.producer(name, await self._initialise(name))

    async def fence(self, partitions: Iterable[int]) -> dict[int, AIOKafkaProducer]:
        """End whoever may write to these partitions; return the started producers of the partitions' own ids.

        Raises:
            AssignmentLost: another worker may have taken one over.
            MissingOwner: a partition has no owner record.
            KafkaError: Kafka refuses it.
        """
        numbers = sorted(partitions)
        await _all(self._fence(number) for number in numbers)
        owners = [self._decoded(*row) for row in (await self._coordinator.owner_rows(numbers)).items()]
        # A hint only, for generations begin anew with the group: a worker that is late asks first, and does not end
        # its successors.
        is_late = max(owner.generation for owner in owners) > self._assignment.generation
        if is_late and not await self._assignment.is_accepted():
            raise AssignmentLost("another worker has taken a partition over in a newer generation of the group")
        await self._end({name for owner in owners for name in owner.ids})
        return dict(self._producers)

    async def own(self, name: str) -> None:
        """Name a step id in the owner records of the partitions that were fenced.

        Raises:
            AssignmentLost: the assignment has passed meanwhile.
            KafkaError: another worker has fenced one, or it is not known whether the record was written.
        """
        row = encode_owner(Owner((name,), self._assignment.generation))
        await _all(self._write(producer, number, row) for number, producer in self._producers.items())
        await self._assignment.hold()

    async def close(self) -> None:
        """Drop the producers of the partitions' own ids."""
        producers, self._producers = self._producers, {}
        await asyncio.gather(*(drop_producer(producer) for producer in producers.values()))

    async def _end(self, names: Iterable[str]) -> None:
        """End step ids: what they have under way is decided, and no more can come."""
        await _all(self._initialise(name) for name in sorted(names))

    async def _fence(self, partition: int) -> None:
        name = self._id_of(partition)
        producer = self._producers[partition] = self._coordinator.producer(name, await self._initialise(name))
        await producer.start()

    async def _write(self, producer: AIOKafkaProducer, partition: int, row: bytes) -> None:
        await producer.begin_transaction()
        batches = Batches(producer)
        await batches.add(Output(self._topic, partition, owner_key(partition), row, []))
        await batches.send()
        await producer.commit_transaction()

    async def _initialise(self, name: str) -> Identity:
        """Initialise an id: then whoever had it cannot commit, and what it has left behind is decided."""
        while True:
            await self._assignment.hold()
            identity = await self._coordinator.initialise(name)
            if identity is not None:
                return identity
            await asyncio.sleep(_PAUSE_S)

    def _decoded(self, partition: int, row: bytes | None) -> Owner:
        try:
            return msgspec.json.decode(row or b"", type=Owner)
        except msgspec.MsgspecError as error:
            raise MissingOwner(f"{self._topic}/{partition} names no owner") from error


async def _all(doing: Iterable[Coroutine[Any, Any, Any]]) -> None:
    """Do all at once; when one fails, the others have ended before its error is raised."""
    tasks = [asyncio.create_task(one) for one in doing]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
