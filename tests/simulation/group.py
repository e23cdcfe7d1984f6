"""The group's coordinator: who is a member, which generation it is, and who holds which partition."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka.structs import TopicPartition

from atp_stream.engine.source_place import Place
from tests.simulation.client import Network

SESSION: Final = 6.0
REBALANCE: Final = 8.0


class Group:
    """Members by name; each gets its partitions when all have joined, or have been waited for long enough."""

    def __init__(self, network: Network, partitions: Mapping[str, int]) -> None:
        self._network = network
        self._partitions = partitions
        self._seen: dict[str, float] = {}
        self._joined: dict[str, Any] = {}
        self._held: dict[str, set[TopicPartition]] = {}
        self._rebalancing = 0
        self.generation = 0
        self.committed: dict[TopicPartition, Place] = {}
        network.later(1.0, self._evict)

    def join(self, member: str, answer: Any) -> None:
        """Let a member take part in the next generation; `answer` is called with it and its partitions."""
        self._seen[member] = self._network.loop.time()
        self._joined[member] = answer
        if not self._rebalancing:
            self._rebalance()
        elif self._joined.keys() >= self._seen.keys():
            self._complete(self._rebalancing)

    def leave(self, member: str) -> None:
        """Take a member out."""
        if self._seen.pop(member, None) is not None:
            self._joined.pop(member, None)
            self._rebalance()

    def beat(self, member: str, generation: int) -> bool:
        """Tell a member whether the group still is as it believes."""
        if member not in self._seen:
            return False
        self._seen[member] = self._network.loop.time()
        return generation == self.generation and not self._rebalancing

    def commit(self, member: str, generation: int, places: Mapping[TopicPartition, Place]) -> bool:
        """Keep the places of a member of this generation."""
        held = self._held.get(member, set())
        if member not in self._seen or generation != self.generation or not held >= places.keys():
            return False
        self.committed.update(places)
        return True

    def _evict(self) -> None:
        now = self._network.loop.time()
        for member, seen in list(self._seen.items()):
            if now - seen > SESSION and member not in self._joined:
                self.leave(member)
        self._network.later(1.0, self._evict)

    def _rebalance(self) -> None:
        self.generation += 1
        self._rebalancing = self.generation
        self._network.later(REBALANCE, self._complete, self.generation)
        if self._joined.keys() >= self._seen.keys():
            self._network.later(self._network.way(), self._complete, self.generation)

    def _complete(self, generation: int) -> None:
        if generation != self._rebalancing:
            return
        self._rebalancing = 0
        self._seen = {member: self._seen[member] for member in self._joined}
        members = sorted(self._joined)
        self._network.random.shuffle(members)
        self._held = {member: self._share(place, members) for place, member in enumerate(members)}
        joined, self._joined = self._joined, {}
        for member, answer in joined.items():
            self._seen[member] = self._network.loop.time()
            answer((self.generation, self._held[member]))

    def _share(self, place: int, members: Sequence[str]) -> set[TopicPartition]:
        return {
            TopicPartition(topic, number)
            for topic, count in self._partitions.items()
            for number in range(count)
            if number % len(members) == place
        }
