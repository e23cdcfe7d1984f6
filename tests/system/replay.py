"""The whole history again in one piece: what the tables and topics must hold, from the item log alone.

A fold of the log without any of the engine: no steps, no transactions, no RocksDB, no restarts. What became of each
input on its way to the log is for the books to say.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
from typing import Any

import fastavro
from aiokafka import ConsumerRecord

from atp_stream.agents.ledger import Ledger
from atp_stream.engine.position import GENESIS_HEADER, Position, plan
from atp_stream.engine.sending import Output
from atp_stream.messages import contract
from atp_stream.messages.outbound import Outbound
from atp_stream.messages.registry import SchemaCache
from tests.agents.memory import Memory
from tests.system.site import Site

AVAILABILITY = fastavro.parse_schema(contract.schema("AvailabilityCalculatedEvent"))


async def objections(site: Site) -> list[str]:
    """Return what is wrong with the site's tables and topics, in words; nothing if all is exact."""
    logs = await site.read(site.topics.item_log.name)
    found: list[str] = []
    genesis = dict(logs[0].headers)[GENESIS_HEADER].decode()
    rows: dict[bytes, bytes] = {}
    outputs: list[Output] = []
    schemas = SchemaCache(site.settings.registry_url)
    await schemas.warm([topic.name for topic in site.topics.every])
    ledger = Ledger(Outbound(genesis, site.settings.wire, schemas.output_ids), site.topics)
    for partition in range(site.topics.item_log.partitions):
        records = [record for record in logs if record.partition == partition]
        more_rows, more_outputs = _fold(ledger, partition, genesis, records)
        rows |= more_rows
        outputs += more_outputs
    schemas.close()
    found += await _tables(site, rows)
    for topic in site.topics.outputs:
        wanted = [o for o in outputs if o.topic == topic.name]
        exact = topic is not site.topics.availability_calculated
        found += _topic(topic.name, await site.read(topic.name), wanted, exact=exact)
    return found


def _fold(
    ledger: Ledger, partition: int, genesis: str, records: list[ConsumerRecord]
) -> tuple[dict[bytes, bytes], list[Output]]:
    memory = Memory()
    outputs: list[Output] = []
    fresh = plan(Position(genesis=genesis), records).fresh
    unfinished = True
    while fresh or unfinished:
        answer = ledger(partition, memory, fresh[:1])  # a record at a time: no conflation at all
        fresh = fresh[answer.consumed :]
        unfinished = answer.unfinished
        outputs += answer.outputs
        memory.apply(answer)
    return memory.rows, outputs


async def _tables(site: Site, wanted: dict[bytes, bytes]) -> list[str]:
    held: dict[bytes, bytes] = {}
    for record in await site.read(site.topics.state_changelog.name):
        if record.value is None:
            held.pop(record.key, None)
        elif record.key != b"|position":
            held[record.key] = record.value
    wanted = {key: row for key, row in wanted.items() if not key.startswith(b"|")}
    held = {key: row for key, row in held.items() if not key.startswith(b"|")}
    wrong = [key for key in wanted.keys() | held.keys() if wanted.get(key) != held.get(key)]
    return [f"row {key!r} is {held.get(key)!r}, not {wanted.get(key)!r}" for key in wrong[:10]]


def _topic(name: str, records: list[ConsumerRecord], wanted: list[Output], *, exact: bool) -> list[str]:
    have: dict[tuple[int, bytes], list[bytes]] = defaultdict(list)
    want: dict[tuple[int, bytes], list[bytes]] = defaultdict(list)
    for record in records:
        have[record.partition, record.key].append(record.value)
    for output in wanted:
        assert output.key is not None
        assert output.value is not None
        want[output.partition, output.key].append(output.value)
    if exact:
        extra, missing = Counter(_flat(have)), Counter(_flat(want))
        found = [f"{name}: {count} too many of {one}" for one, count in (extra - missing).items()]
        found += [f"{name}: {count} missing of {one}" for one, count in (missing - extra).items()]
        return found[:10] or [f"{name}: order of {key}" for key in want if want[key] != have[key]][:10]
    found = [f"{name}: unknown key {key}" for key in have.keys() - want.keys()]
    for key, sequence in want.items():
        said, pairs = [_pair(value) for value in have[key]], [_pair(value) for value in sequence]
        rest = iter(pairs)  # steps may leave out what was true only in between
        if not said or said[-1] != pairs[-1] or not all(pair in rest for pair in said):
            found.append(f"{name}: {key} says {said[-5:]}, which is no part of {pairs[-9:]}")
        if any(one == other for one, other in pairwise(said)):
            found.append(f"{name}: {key} says the same twice in a row: {said}")
    return found[:10]


def _pair(value: bytes) -> tuple[Any, Any]:
    event: Any = fastavro.schemaless_reader(BytesIO(value[5:]), AVAILABILITY, None)
    return event["available"], event["reserved"]


def _flat(values: dict[tuple[int, bytes], list[bytes]]) -> Iterator[tuple[int, bytes, bytes]]:
    return ((*key, value) for key, sequence in values.items() for value in sequence)
