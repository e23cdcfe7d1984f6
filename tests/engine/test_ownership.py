"""A take-over ends those who were there before, and nobody who came after; orders of events are the simulation's."""

from collections.abc import Collection
from typing import Any

import pytest

from atp_stream.engine.ownership import AssignmentLost, MissingOwner, Owner, TakeOver, encode_owner
from atp_stream.engine.producers import Identity


class Group:
    """What the group says of an assignment of generation 7; it stands for so many looks at it."""

    generation = 7

    def __init__(self, *, accepted: bool = True, looks: int = 1_000) -> None:
        self._accepted, self._looks = accepted, looks

    async def hold(self) -> None:
        if not self._looks:
            raise AssignmentLost("it has passed")
        self._looks -= 1

    async def is_accepted(self) -> bool:
        return self._accepted


class Kafka:
    """Says who the owner is, and takes down what is asked of it, in its order."""

    def __init__(self, row: bytes | None, *, busy: int = 0) -> None:
        self._row, self._busy = row, busy
        self.asked: list[str] = []

    async def initialise(self, name: str) -> Identity | None:
        self.asked.append(f"initialise {name}")
        if self._busy:
            self._busy -= 1
            return None
        return Identity(1, 0)

    async def owner_rows(self, partitions: Collection[int]) -> dict[int, bytes | None]:
        self.asked.append("read owners")
        return dict.fromkeys(partitions, self._row)

    def producer(self, _name: str, _identity: Identity) -> Any:
        return Producer()


class Producer:
    """A producer that can be started."""

    async def start(self) -> None: ...


def take_over(kafka: Kafka, group: Group) -> TakeOver:
    return TakeOver(kafka, group, topic="owners", id_of=lambda partition: f"partition-{partition}")


def owned(generation: int) -> bytes:
    return encode_owner(Owner(("before",), generation))


async def test_the_partition_is_locked_then_its_owner_is_read_and_then_ended() -> None:
    kafka = Kafka(owned(6))

    await take_over(kafka, Group()).fence([3])

    assert ["initialise partition-3", "read owners", "initialise before"] == kafka.asked


async def test_what_is_being_ended_is_asked_for_until_it_is_decided() -> None:
    kafka = Kafka(owned(6), busy=2)

    await take_over(kafka, Group()).fence([3])

    assert ["initialise partition-3"] * 3 == kafka.asked[:3]
    assert 5 == len(kafka.asked)


async def test_a_worker_that_is_late_does_not_end_its_successor() -> None:
    kafka = Kafka(owned(8))

    with pytest.raises(AssignmentLost, match="newer generation"):
        await take_over(kafka, Group(accepted=False)).fence([3])
    assert ["initialise partition-3", "read owners"] == kafka.asked


async def test_a_group_that_was_forgotten_begins_its_generations_anew_and_its_worker_ends_the_one_before() -> None:
    kafka = Kafka(owned(8))

    await take_over(kafka, Group(accepted=True)).fence([3])

    assert "initialise before" == kafka.asked[-1]


async def test_before_each_attempt_the_assignment_is_looked_at() -> None:
    kafka = Kafka(owned(6), busy=9)

    with pytest.raises(AssignmentLost, match="it has passed"):
        await take_over(kafka, Group(looks=2)).fence([3])
    assert ["initialise partition-3"] * 2 == kafka.asked


async def test_without_an_owner_record_nothing_is_taken_over() -> None:
    kafka = Kafka(None)

    with pytest.raises(MissingOwner, match="owners/3 names no owner"):
        await take_over(kafka, Group()).fence([3])
    assert ["initialise partition-3", "read owners"] == kafka.asked
