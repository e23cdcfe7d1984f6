"""Every form that docs/integrate.md promises, sent by other people's clients to one worker on the real stack.

All is sent at once, each form to an item of its own, and read once: each test looks at its item.
"""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from kafka import KafkaProducer

from atp_stream.devstack import Stack
from tests.conftest import settings_on
from tests.system.site import Site, Worker

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(240)]

NOON_MS = 1_795_359_278_228
NOON_US = NOON_MS * 1000
SOURCE = {"connector": "postgresql", "ts_ms": NOON_MS, "db": "shop", "table": "stock"}


class Plain(NamedTuple):
    """Bytes as they stand, sent by kafka-python."""

    kind: str
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Avro(NamedTuple):
    """A record for Confluent's Avro serializer; `parts` are schemas that its own refers to, by name."""

    kind: str
    schema: dict[str, Any]
    content: dict[str, Any]
    parts: tuple[dict[str, Any], ...] = ()


class JsonSchema(NamedTuple):
    """An object for Confluent's JSON serializer."""

    kind: str
    content: dict[str, Any]


class Packed(NamedTuple):
    """Bytes that librdkafka compresses."""

    kind: str
    codec: str
    value: bytes


def record(name: str, *fields: tuple[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": field, "type": kind} for field, kind in fields]}


MONEY = {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2}
STAMP = {"type": "long", "logicalType": "timestamp-micros"}
MOVED = record("InventoryAdjusted", ("product_id", "string"), ("adjusted_quantity", "double"))
COUNTED = record("Value", ("itemId", "long"), ("onHand", MONEY), ("timestamp", STAMP))
ROW = record("Row", ("item_id", "string"), ("on_hand", "long"))
CHANGE = record("Envelope", ("before", ["null", ROW]), ("after", ["null", "Row"]), ("op", "string"))
PART = {**record("Count", ("itemId", "string"), ("onHand", "int")), "namespace": "shop"}
WHOLE = record("Wrapped", ("eventId", "string"), ("payload", "shop.Count"))


def ce(event_id: bytes) -> tuple[tuple[str, bytes], ...]:
    return (
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id),
        ("ce_source", b"/warehouse/berlin"),
        ("ce_type", b"com.example.stock.moved"),
        ("content-type", b"application/json"),
    )


def cloud_event(item: str, event_id: str) -> bytes:
    data = {"product_id": item, "adjusted_quantity": 2}
    head = {"specversion": "1.0", "id": event_id, "source": "/warehouse/berlin", "type": "com.example.stock.moved"}
    return json.dumps({**head, "data": data}).encode()


def change(item: Any, on_hand: Any) -> dict[str, Any]:
    before, after = ({"item_id": item, "on_hand": units} for units in (4, on_hand))
    return {"before": before, "after": after, "source": SOURCE, "op": "u", "ts_ms": NOON_MS + 272}


CONNECT = {"type": "struct", "fields": [{"field": "product_id", "type": "string"}]}
# What is available of the item in the end, and what was sent for it. An event that is sent again counts once.
FORMS: dict[str, tuple[str, list[Plain | Avro | JsonSchema | Packed]]] = {
    "flat": ("12.5", [Plain("counted", b'{"itemId":"flat","onHand":12.5}')]),
    "snake_case": ("7", [Plain("counted", b'{"item_id":"snake_case","on_hand":"7.00","event_id":"s"}')]),
    "in_an_envelope": (
        "7",
        [
            Plain(
                "counted",
                b'{"eventType":"com.erp.inventory.core.events.StockAvailabilityChangedEvent","eventId":"e",'
                b'"timestamp":"2026-11-22T14:54:36Z","tenantId":"acme",'
                b'"payload":{"itemId":"in_an_envelope","onHand":7}}',
            )
        ],
    ),
    "byte_order_mark": ("4", [Plain("counted", b'\xef\xbb\xbf{"itemId":"byte_order_mark","onHand":4}')]),
    "4711": ("11", [Plain("counted", b'{"itemId":4711,"onHand":11}')]),
    "sum_of_floats": ("30", [Plain("counted", b'{"itemId":"sum_of_floats","onHand":30.000000000000004}')]),
    "json_in_a_string": (
        "6",
        [Plain("counted", json.dumps('{"itemId":"json_in_a_string","onHand":6}').encode())],
    ),
    "outbox_id": (
        "6",
        [
            Plain("adjusted", b'{"product_id":"outbox_id","adjusted_quantity":3}', (("id", event_id),))
            for event_id in (b"5b1f6c1e-0001", b"5b1f6c1e-0001", b"5b1f6c1e-0002")
        ],
    ),
    "ce_binary": (
        "4",
        [
            Plain("adjusted", b'{"product_id":"ce_binary","adjusted_quantity":2}', ce(event_id))
            for event_id in (b"A1", b"A1", b"A2")
        ],
    ),
    "ce_structured": (
        "4",
        [Plain("adjusted", cloud_event("ce_structured", event_id)) for event_id in ("A1", "A1", "A2")],
    ),
    "debezium": ("3", [Plain("counted", json.dumps(change("debezium", 3)).encode())]),
    "debezium_with_schema": (
        "2.25",
        [
            Plain(
                "counted",
                json.dumps(
                    {"schema": {"type": "struct"}, "payload": change("debezium_with_schema", "2.25")}
                ).encode(),
            )
        ],
    ),
    "connect": (
        "9",
        [
            Plain(
                "adjusted",
                json.dumps(
                    {"schema": CONNECT, "payload": {"product_id": "connect", "adjusted_quantity": 10.0}}
                ).encode(),
            ),
            Plain(
                "created",
                json.dumps(
                    {"schema": None, "payload": {"reservationId": 9, "itemId": "connect", "quantity": 1.0}}
                ).encode(),
            ),
        ],
    ),
    "avro_ours": ("5.25", [Avro("adjusted", MOVED, {"product_id": "avro_ours", "adjusted_quantity": 5.25})]),
    "4712": ("5.5", [Avro("counted", COUNTED, {"itemId": 4712, "onHand": Decimal("5.50"), "timestamp": NOON_US})]),
    "avro_debezium": (
        "8",
        [Avro("counted", CHANGE, {"before": None, "after": {"item_id": "avro_debezium", "on_hand": 8}, "op": "c"})],
    ),
    "avro_references": (
        "13",
        [
            Avro(
                "counted", WHOLE, {"eventId": "r", "payload": {"itemId": "avro_references", "onHand": 13}}, (PART,)
            )
        ],
    ),
    "json_schema": ("1.5", [JsonSchema("counted", {"itemId": "json_schema", "onHand": 1.5})]),
    **{
        codec: ("3", [Packed("counted", codec, json.dumps({"itemId": codec, "onHand": 3}).encode())])
        for codec in ("gzip", "snappy", "lz4", "zstd")
    },
}  # fmt: skip


def nested(levels: int) -> Any:
    found: Any = "long"
    for level in range(levels):
        found = record(f"R{level}", ("f", found))
    return found


# What is refused, by the key that it is sent with: its reason, and how it is made of a registered schema's id.
POISON: dict[str, Any] = {
    "recursive": record("Value", ("itemId", "string"), ("next", ["null", "Value"])),
    "deep": record("Value", ("itemId", "string"), ("inner", nested(60))),
}
REFUSED = {"tombstone": "tombstone", "utf16": "undecodable", "recursive": "bad_schema", "deep": "bad_schema"}
UNREAD: dict[str, bytes | None] = {"tombstone": None, "utf16": '{"itemId":"utf16","onHand":1}'.encode("utf-16")}


class Seen(NamedTuple):
    """What came of it all."""

    available: dict[str, str]
    letters: list[tuple[str, str]]
    pids: tuple[int, int]
    partitions: list[int]
    behind: tuple[int, Any]


@pytest.fixture(scope="module")
def seen(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Send everything to one worker and return what it made of it."""
    directory = tmp_path_factory.mktemp("forms")
    settings = replace(settings_on(stack, directory), default_tenant="acme", session_timeout=6.0)
    return asyncio.run(_run(Site(settings, directory)))


async def _run(site: Site) -> Seen:
    await site.open()
    try:
        worker = site.add_worker()
        await site.ready()
        before = _pid(worker)
        await asyncio.to_thread(send, site)
        await site.drained()
        behind = await worker.get("/atp/acme/behind")
        return Seen(
            available=await _available(site),
            letters=await _letters(site),
            pids=(before, _pid(worker)),
            partitions=await worker.partitions(),
            behind=behind,
        )
    finally:
        await site.close()


def _pid(worker: Worker) -> int:
    assert worker.process is not None
    assert worker.running
    return worker.process.pid


def send(site: Site) -> None:
    """Send all forms, then what is refused, and one message behind that on the same partition."""
    with SchemaRegistryClient({"url": site.settings.registry_url}) as registry:
        _send(site, registry, KafkaProducer(bootstrap_servers=site.settings.bootstrap), Framed(site, registry))


def _send(site: Site, registry: SchemaRegistryClient, python: KafkaProducer, others: "Framed") -> None:
    try:
        python.send(site.topics.policy.name, value=b'{"action":"SET","tenantId":"acme","policy":{"step":0.01}}')
        for _, messages in FORMS.values():
            for message in messages:
                topic = getattr(site.topics, message.kind).name
                if isinstance(message, Plain):
                    python.send(topic, value=message.value, headers=list(message.headers))
                else:
                    others.send(topic, message)
        counted = site.topics.counted.name
        for key, value in UNREAD.items():
            python.send(counted, key=key.encode(), value=value, partition=0)
        for key, schema in POISON.items():
            schema_id = registry.register_schema(f"{counted}.{key}", Schema(json.dumps(schema), "AVRO"))
            frame = b"\0" + schema_id.to_bytes(4, "big") + b"\x02" * 20_000
            python.send(counted, key=key.encode(), value=frame, partition=0)
        python.send(counted, value=b'{"itemId":"behind","onHand":1}', partition=0)
        python.flush(timeout=30)
    finally:
        python.close()
        others.close()


class Framed:
    """Confluent's client: its serializers, and its codecs."""

    def __init__(self, site: Site, registry: SchemaRegistryClient) -> None:
        self._registry = registry
        self._producers: dict[str, Producer] = {}
        self._bootstrap = site.settings.bootstrap
        self._count = 0

    def send(self, topic: str, message: Avro | JsonSchema | Packed) -> None:
        if isinstance(message, Packed):
            self._producer(message.codec).produce(topic, message.value)
            return
        self._count += 1
        subject = f"{topic}.form-{self._count}"
        conf = {"subject.name.strategy": lambda *_: subject}
        context = SerializationContext(topic, MessageField.VALUE)
        serialize: Any
        if isinstance(message, JsonSchema):
            kinds = {"itemId": {"type": "string"}, "onHand": {"type": "number"}}
            schema = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Count", "type": "object"}
            serialize = JSONSerializer(json.dumps({**schema, "properties": kinds}), self._registry, conf=conf)
        else:
            references = list(self._references(subject, message.parts))
            serialize = AvroSerializer(
                self._registry, Schema(json.dumps(message.schema), "AVRO", references), conf=conf
            )
        self._producer("none").produce(topic, serialize(message.content, context))

    def _references(self, subject: str, parts: Iterable[dict[str, Any]]) -> Iterable[SchemaReference]:
        for part in parts:
            name = f"{part['namespace']}.{part['name']}"
            self._registry.register_schema(f"{subject}.{name}", Schema(json.dumps(part), "AVRO"))
            yield SchemaReference(name, f"{subject}.{name}", 1)

    def _producer(self, codec: str) -> Producer:
        if codec not in self._producers:
            self._producers[codec] = Producer({"bootstrap.servers": self._bootstrap, "compression.type": codec})
        return self._producers[codec]

    def close(self) -> None:
        assert [0] * len(self._producers) == [producer.flush(30) for producer in self._producers.values()]


async def _available(site: Site) -> dict[str, str]:
    """Return the newest availability of each item in the default channel, read as another consumer reads it."""
    topic = site.topics.availability_calculated.name
    newest: dict[str, tuple[int, str]] = {}
    records = await site.read(topic)
    with SchemaRegistryClient({"url": site.settings.registry_url}) as registry:
        decode = AvroDeserializer(registry)
        for message in records:
            event: Any = decode(message.value, SerializationContext(topic, MessageField.VALUE))
            version = int(dict(message.headers)["atp-version"])
            if event["channel"] == "ECOM" and version > newest.get(event["itemId"], (0, ""))[0]:
                newest[event["itemId"]] = version, f"{event['available'].normalize():f}"
    return {item: available for item, (_, available) in newest.items()}


async def _letters(site: Site) -> list[tuple[str, str]]:
    found = await site.read(site.topics.dead_letter.name)
    return sorted(((letter.key or b"").decode(), dict(letter.headers)["atp-reason"].decode()) for letter in found)


@pytest.mark.parametrize("item", FORMS)
def test_a_form_is_read_to_the_hundredth(seen: Seen, item: str) -> None:
    assert FORMS[item][0] == seen.available.get(item), seen.letters


@pytest.mark.parametrize("key", REFUSED)
def test_what_cannot_be_read_is_one_letter_with_its_reason(seen: Seen, key: str) -> None:
    assert [(key, REFUSED[key])] == [letter for letter in seen.letters if letter[0] == key]


def test_nothing_else_is_refused_and_no_other_item_is_made(seen: Seen) -> None:
    assert sorted(REFUSED.items()) == seen.letters
    assert {*FORMS, "behind"} == seen.available.keys()


def test_the_worker_lives_through_hostile_schemas_and_reads_what_is_behind_them(seen: Seen) -> None:
    status, body = seen.behind
    assert (200, 1) == (status, body["on_hand"])
    assert seen.pids[0] == seen.pids[1]
    assert [] != seen.partitions
