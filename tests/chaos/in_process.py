"""Traffic through the real translation and the real fold, without a cluster: the topics are lists."""

import json
from collections import defaultdict
from dataclasses import replace

import msgspec

from atp_stream.access import RegistryAccess
from atp_stream.agents.fold_adapter import Ledger
from atp_stream.agents.translation import Translator
from atp_stream.demo.run import book_names
from atp_stream.demo.traffic import EVENT_TYPES
from atp_stream.demo.wire import framed
from atp_stream.domain.commands import SetPolicy, Tick
from atp_stream.domain.errors import Refused
from atp_stream.engine.partitioner import partition_of
from atp_stream.engine.position import LogRecord
from atp_stream.messages import schema_files
from atp_stream.messages.inbound import Inbound
from atp_stream.messages.outbound import EVENTS, Outbound
from atp_stream.messages.registry import SchemaCache
from atp_stream.messages.rows import encode_command
from atp_stream.oracle import History, Record
from atp_stream.settings import Settings
from atp_stream.topics import Topics
from chaos.refold import Memory

SETTINGS = replace(Settings(), default_tenant="demo")
IDS = {event: number for number, event in enumerate([*EVENT_TYPES.values(), *EVENTS.values()], start=1)}
SCHEMAS = {number: schema_files.schema(event) for event, number in IDS.items()}


class Schemas(SchemaCache):
    """The registry's cache without a registry."""

    def lookup(self, schema_id):
        if schema_id not in SCHEMAS:
            raise Refused("unknown_schema", str(schema_id))
        return SCHEMAS[schema_id]


def frame(event_type, event):
    return framed(schema_files.schema(event_type), IDS[event_type], event)


class InProcess:
    """One worker without a cluster; `step` is how many commands it folds at once."""

    def __init__(self, wire, step):
        self.topics = Topics.of(SETTINGS)
        self.records = []
        self._ends = defaultdict(int)
        schemas = Schemas(RegistryAccess("http://127.0.0.1:1"))
        self._translate = Translator(Inbound(schemas, "demo"), schemas, self.topics, "g")
        ids = {role: IDS[event] for role, event in EVENTS.items()}
        self._ledger = Ledger(Outbound("g", wire, ids, self.topics.of_roles), self.topics)
        self._stores = defaultdict(Memory)
        self._waiting = defaultdict(list)
        self._applied = defaultdict(lambda: -1)
        self._step = step

    def take(self, message, now):
        """Let a message become what it becomes; `now` in microseconds."""
        source = self._append(getattr(self.topics, message.kind).name, 0, now, message.key, message.value, ())
        for output in self._translate(source):
            record = self._append(output.topic, output.partition, now, output.key, output.value, tuple(output.headers))
            if output.topic == self.topics.item_log.name:
                assert output.key is not None
                assert output.value is not None
                headers = dict(output.headers)
                self._wait(record, now, original=headers["atp-original"], source=headers["atp-source"])

    def write_again(self, now):
        """Let intake write the newest command once more, as after a crash: the engine does not hand it to the fold."""
        newest = [record for record in self.records if record.header("atp-source")][-1]
        self._append(newest.topic, newest.partition, now, newest.key, newest.value, newest.headers)

    def apply(self, document, now):
        """Put a policy in force, as an operator does."""
        said = msgspec.Raw(json.dumps(document).encode())
        self._to_all(SetPolicy(event_id=f"policy-{now}", at_us=now, document=said), now)

    def operate(self, item, command, now):
        """Do to one item what an operator asks."""
        key = f"{SETTINGS.default_tenant}|{item}".encode()
        partition = partition_of(key, self.topics.item_log.partitions)
        headers = (("atp-genesis", b"g"),)
        self._wait(self._append(self.topics.item_log.name, partition, now, key, encode_command(command), headers), now)

    def tick(self, until_us, now):
        """Let time pass up to `until_us`."""
        self._to_all(Tick(event_id="tick", at_us=until_us), now)

    def _to_all(self, asked, now):
        command = encode_command(asked)
        for partition in range(self.topics.item_log.partitions):
            headers = (("atp-genesis", b"g"),)
            self._wait(self._append(self.topics.item_log.name, partition, now, b"|", command, headers), now)

    def _wait(self, record, now, **source):
        waiting = self._waiting[record.partition]
        waiting.append(
            LogRecord(offset=record.offset, log_time_ms=now // 1000, key=record.key, value=record.value, **source)
        )
        if len(waiting) >= self._step:
            self.fold(record.partition, now)

    def fold(self, partition, now):
        """Fold what waits in a log partition."""
        store = self._stores[partition]
        waiting = self._waiting[partition]
        unfinished = True
        while waiting or unfinished:
            answer = self._ledger(partition, store, waiting)
            unfinished = answer.unfinished
            for record in waiting[: answer.consumed]:
                self._applied[partition] = record.offset
            del waiting[: answer.consumed]
            store.apply(answer.rows)
            for key, row in answer.rows.items():
                self._append(self.topics.state_changelog.name, partition, now, key, row, ())
            position = json.dumps({"applied": self._applied[partition]}).encode()
            self._append(self.topics.state_changelog.name, partition, now, b"|position", position, ())
            for output in answer.outputs:
                self._append(output.topic, output.partition, now, output.key, output.value, tuple(output.headers))

    def history(self, now):
        """Fold the rest and return all that the topics hold."""
        for partition in list(self._waiting):
            self.fold(partition, now)
        return History(names=book_names(SETTINGS), records=self.records, schemas=SCHEMAS)

    def _append(self, topic, partition, now, key, value, headers):
        offset = self._ends[topic, partition]
        self._ends[topic, partition] += 1
        record = Record(topic, partition, offset, now // 1000, key, value, headers)
        self.records.append(record)
        return record
