"""Folds the whole item log again in one piece: what the tables and topics must hold, bit for bit.

It uses the product's own rules but nothing of the engine: no steps, no transactions, no RocksDB, no restarts. Whether
each input reached the log, and whether the rules are right, is for the oracle to judge.
"""

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from atp_stream.access import RegistryAccess
from atp_stream.agents.fold_adapter import Ledger
from atp_stream.domain.row_keys import GENERATIONS, STOCK_TIME
from atp_stream.domain.state.purge import is_forgotten
from atp_stream.engine.position import GENESIS_HEADER, Position, plan
from atp_stream.messages.outbound import Outbound
from atp_stream.messages.registry import SchemaCache
from atp_stream.messages.rows import decode_row
from atp_stream.oracle import History, Record
from atp_stream.oracle.checks import EVENTS
from atp_stream.oracle.outputs import read_event
from atp_stream.provision.schemas import subjects
from atp_stream.records import Output
from atp_stream.settings import Settings
from atp_stream.topics import Topics

_MAX_SHOWN = 10


class Memory:
    """Rows of one partition, as a step sees them."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []  # in order

    def read(self, key: bytes) -> bytes | None:
        """Return the row of a key."""
        return self.rows.get(key)

    def scan(self, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the rows from a key on, in the order of their keys."""
        for key in self._keys[bisect_left(self._keys, start) :]:
            yield key, self.rows[key]

    def apply(self, rows: Mapping[bytes, bytes | None]) -> None:
        """Set rows, and delete those that are None."""
        for key, row in rows.items():
            if row is None:
                if self.rows.pop(key, None) is not None:
                    del self._keys[bisect_left(self._keys, key)]
            else:
                if key not in self.rows:
                    insort(self._keys, key)
                self.rows[key] = row


async def differences(settings: Settings, history: History) -> list[str]:
    """Return, in words, how tables and topics differ from a fold in one piece."""
    topics = Topics.of(settings)
    schemas = SchemaCache(RegistryAccess.of(settings))
    await schemas.warm(subjects(topics))
    genesis = history.of(topics.item_log.name)[0].header(GENESIS_HEADER) or ""
    ledger = Ledger(Outbound(genesis, settings.wire, schemas.output_ids, topics.of_roles), topics)
    schemas.close()
    return compared(ledger, topics, genesis, history)


def compared(ledger: Ledger, topics: Topics, genesis: str, history: History) -> list[str]:
    """Return the same of a history whose schemas are known."""
    rows: dict[bytes, bytes] = {}
    outputs: list[Output] = []
    for partition in range(topics.item_log.partitions):
        records = [record for record in history.of(topics.item_log.name) if record.partition == partition]
        more_rows, more_outputs = _fold(ledger, partition, genesis, records)
        rows |= more_rows
        outputs += more_outputs
    found = _tables(history, rows)
    for topic in topics.outputs:
        wanted = [output for output in outputs if output.topic == topic.name]
        if topic in (topics.availability_calculated, topics.availability_projected):
            found += _conflated(topic.name, history, wanted)
        else:
            found += _exact(topic.name, history.of(topic.name), wanted)
    return found


def _fold(
    ledger: Ledger, partition: int, genesis: str, records: list[Record]
) -> tuple[dict[bytes, bytes], list[Output]]:
    memory = Memory()
    outputs: list[Output] = []
    fresh = plan(Position(genesis=genesis), records).fresh
    unfinished = True
    while fresh or unfinished:
        # One record at a time, and all work that a policy leaves before the next one: so nothing is conflated.
        answer = ledger(partition, memory, [] if unfinished else fresh[:1])
        fresh = fresh[answer.consumed :]
        unfinished = answer.unfinished
        outputs += answer.outputs
        memory.apply(answer.rows)
    return _remembered(memory.rows), outputs


def _remembered(rows: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Return the rows of a partition without those that the purge may have deleted by now, or not."""
    time = rows.get(STOCK_TIME.encode())
    generation = 0 if time is None else decode_row(STOCK_TIME, time).generation
    return {key: row for key, row in rows.items() if not is_forgotten(key.decode(), generation)}


def _tables(history: History, wanted: dict[bytes, bytes]) -> list[str]:
    """Compare the rows of items and of generations, not the partitions' own, which steps may cut differently."""
    held = {record.key or b"": record.value for record in history.of(*history.names.tables)}
    there = {key: row for key, row in held.items() if row is not None}
    generations = {key for key in wanted if key.startswith(GENERATIONS.encode())}  # more of them may wait for the purge
    items = {key for key in wanted.keys() | there.keys() if not key.startswith(b"|")}
    wrong = sorted(key for key in items | generations if wanted.get(key) != there.get(key))
    return [f"row {key!r} is {there.get(key)!r}, not {wanted.get(key)!r}" for key in wrong[:_MAX_SHOWN]]


def _exact(name: str, records: list[Record], wanted: list[Output]) -> list[str]:
    have, want = _by_key(records), _by_key(wanted)
    extra, missing = Counter(_flat(have)), Counter(_flat(want))
    found = [f"{name}: {count} too many of {one}" for one, count in (extra - missing).items()]
    found += [f"{name}: {count} missing of {one}" for one, count in (missing - extra).items()]
    return found[:_MAX_SHOWN] or [f"{name}: order of {key}" for key in want if want[key] != have[key]][:_MAX_SHOWN]


def _conflated(name: str, history: History, wanted: list[Output]) -> list[str]:
    """Compare what was shown with what there was: a step may leave out what was true only in between."""
    have, want = _by_key(history.of(name)), _by_key(wanted)
    found = [f"{name}: unknown key {key}" for key in have.keys() - want.keys()]
    for key, sequence in want.items():
        said, pairs = ([_shown(history, name, value) for value in values] for values in (have[key], sequence))
        rest = iter(pairs)
        unseen = not said and pairs[-1] in {(0, 0), (0, ())}  # a channel, or dates, that came and went within a step
        if not unseen and (said[-1:] != pairs[-1:] or not all(pair in rest for pair in said)):
            found.append(f"{name}: {key} says {said[-5:]}, which is no part of {pairs[-9:]}")
    return found[:_MAX_SHOWN]


def _shown(history: History, name: str, value: bytes) -> tuple[Any, Any]:
    """Return what an event shows; by day, without a day, what is there now may be of a later command of the step."""
    record = Record(name, 0, 0, 0, None, value, (("atp-cause", b"0-0"), ("atp-version", b"0")))
    event = read_event(record, {*EVENTS["availability_calculated"], *EVENTS["availability_projected"]}, history.schemas)
    if "steps" in event.payload:
        steps = event.by_day("steps", "available")
        return event.units("now") if steps else 0, steps
    return event.units("available"), event.units("reserved")


def _by_key(records: Any) -> dict[tuple[int, bytes], list[bytes]]:
    found: dict[tuple[int, bytes], list[bytes]] = defaultdict(list)
    for record in records:
        found[record.partition, record.key].append(record.value)
    return found


def _flat(values: dict[tuple[int, bytes], list[bytes]]) -> Iterator[tuple[int, bytes, bytes]]:
    return ((*key, value) for key, sequence in values.items() for value in sequence)
