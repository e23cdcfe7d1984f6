"""How far the workers of a site are behind, asked of Kafka and not of them, again and again at little cost."""

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from atp_stream.settings import Settings
from atp_stream.topics import Topic, Topics


class Behind:
    """Follows the item log and the changelog: each look reads only what has come since the one before."""

    def __init__(self, settings: Settings) -> None:
        topics = Topics.of(settings)
        self._group = settings.app_id
        self._inputs = [part for topic in topics.inputs for part in parts(topic)]
        self._log = topics.item_log.name
        self._followed = [*parts(topics.item_log), *parts(topics.state_changelog)]
        self._admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.bootstrap,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            fetch_max_wait_ms=50,  # what asks for ends waits for it
        )
        self._newest: dict[int, int] = {}  # offset of the last record of each log partition
        self._applied: dict[int, int] = {}

    async def open(self) -> None:
        """Begin to follow."""
        await self._admin.start()
        await self._consumer.start()
        self._consumer.assign(self._followed)

    async def close(self) -> None:
        """Follow no more."""
        await self._consumer.stop()
        await self._admin.close()

    @property
    def applied(self) -> int:
        """Return how many records of the item log were applied, all partitions together, at the last look."""
        return sum(offset + 1 for offset in self._applied.values())

    async def look(self) -> tuple[int, int]:
        """Return how far intake (by its committed offsets) and ledger (by its applied positions) are behind."""
        committed = await self._admin.list_consumer_group_offsets(self._group)
        ends = await self._consumer.end_offsets(self._inputs)
        read = {part: max(0, committed[part].offset) if part in committed else 0 for part in self._inputs}
        await self._follow()
        return (
            sum(ends[part] - read[part] for part in self._inputs),
            sum(max(0, newest - self._applied.get(number, -1)) for number, newest in self._newest.items()),
        )

    async def _follow(self) -> None:
        consumer = self._consumer
        ends = await consumer.end_offsets(self._followed)
        while behind := [part for part in self._followed if await consumer.position(part) < ends[part]]:
            for part, records in (await consumer.getmany(*behind, timeout_ms=200)).items():
                if part.topic == self._log:
                    self._newest[part.partition] = records[-1].offset
                    continue
                for record in records:
                    if record.key == b"|position":
                        self._applied[part.partition] = msgspec.json.decode(record.value)["applied"]


def parts(topic: Topic) -> list[TopicPartition]:
    """Return the partitions that a topic was made with."""
    return [TopicPartition(topic.name, number) for number in range(topic.partitions)]
