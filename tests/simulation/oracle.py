"""The judge: looks at topics only, and believes nothing but the input and the order of the log.

It drops what intake appended twice by the set of all origins seen, where the product keeps one mark: so a hole below
a mark shows as a row that is not what it should be.
"""

from aiokafka.structs import TopicPartition

from atp_stream.engine.position import SOURCE_HEADER
from tests.simulation import toy
from tests.simulation.broker import Broker


def objections(broker: Broker) -> list[str]:
    """Return what is wrong, in words."""
    found: list[str] = []
    inputs = {
        f"{toy.SOURCE}/{number}/{one.record.offset}": one.record.value
        for number in range(toy.SOURCES)
        for one in broker.partitions[TopicPartition(toy.SOURCE, number)]
        if one.record
    }
    logged: dict[str, bytes | None] = {}
    for number in range(toy.PARTITIONS):
        fresh: list[tuple[bytes, bytes]] = []
        for record in broker.fetch(TopicPartition(toy.LOG, number), 0)[0]:
            source = dict(record.headers).get(SOURCE_HEADER, b"").decode()
            if source not in logged:
                fresh.append((record.key or b"", record.value or b""))
            if source:
                logged[source] = record.value
        found += _compared(broker, number, fresh)
    if logged != inputs:
        found.append(f"input and log differ: {sorted(inputs.keys() ^ logged.keys())}")
    return found


def _compared(broker: Broker, number: int, fresh: list[tuple[bytes, bytes]]) -> list[str]:
    rows, outputs = toy.expected(fresh)
    held = {record.key: record.value for record in broker.fetch(TopicPartition(toy.CHANGELOG, number), 0)[0]}
    held = {key: value for key, value in held.items() if value is not None and key != b"|position"}
    said = [(record.key, record.value) for record in broker.fetch(TopicPartition(toy.OUT, number), 0)[0]]
    found = []
    if held != rows:
        found.append(f"partition {number}: rows {held}, and should be {rows}")
    if said != outputs:
        found.append(f"partition {number}: {len(said)} outputs, and should be {len(outputs)}")
    return found
