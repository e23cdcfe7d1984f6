"""Other people's clients: kafka-python for bytes as they stand, Confluent's for its serializers and its codecs."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Self

from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from kafka import KafkaProducer

from tests.system.site import Site

_SECONDS = 30
_MAX_BYTES = 100_000_000


class Plain(NamedTuple):
    """Bytes as they stand, sent by kafka-python."""

    kind: str
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    key: str | None = None
    partition: int | None = None
    at_ms: int | None = None


class Packed(NamedTuple):
    """Bytes that librdkafka compresses."""

    kind: str
    codec: str
    value: bytes
    key: str | None = None


class Avro(NamedTuple):
    """A record for Confluent's Avro serializer, by a schema of the producer's own or the one that is registered.

    `parts` are schemas that its own refers to, by their full names.
    """

    kind: str
    content: dict[str, Any]
    schema: dict[str, Any] | None = None
    parts: tuple[dict[str, Any], ...] = ()


class JsonSchema(NamedTuple):
    """An object for Confluent's JSON serializer."""

    kind: str
    content: dict[str, Any]
    properties: dict[str, Any]


class Framed(NamedTuple):
    """Bytes behind the id of a schema that is really registered, sent by kafka-python."""

    kind: str
    schema: Schema
    coded: bytes
    key: str | None = None
    partition: int | None = None


Message = Plain | Packed | Avro | JsonSchema | Framed


class Foreign:
    """Clients that send to the inputs of a site; `refused` are the keys of what the broker did not take."""

    def __init__(self, site: Site) -> None:
        self._topics = site.topics
        self._bootstrap = site.settings.bootstrap
        self._registry = SchemaRegistryClient({"url": site.settings.registry_url})
        self._python = KafkaProducer(bootstrap_servers=self._bootstrap)
        self._confluent: dict[str, Producer] = {}
        self._subjects = 0
        self.refused: list[str | None] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._python.close()
        self._registry.close()

    def send(self, messages: Sequence[Message]) -> None:
        """Return once each message has landed or was refused."""
        for message in messages:
            topic = getattr(self._topics, message.kind).name
            if isinstance(message, Plain):
                self._post(topic, message)
            elif isinstance(message, Framed):
                framed = self._frame(topic, message)
                self._post(topic, Plain(message.kind, framed, key=message.key, partition=message.partition))
            elif isinstance(message, Packed):
                self._produce(topic, message.value, message.codec, message.key)
            else:
                self._produce(topic, self._serialized(topic, message))
        self._python.flush(timeout=_SECONDS)
        assert [0] * len(self._confluent) == [producer.flush(_SECONDS) for producer in self._confluent.values()]

    def _post(self, topic: str, message: Plain) -> None:
        self._python.send(
            topic,
            value=message.value,
            key=None if message.key is None else message.key.encode(),
            headers=list(message.headers),
            partition=message.partition,
            timestamp_ms=message.at_ms,
        )

    def _produce(self, topic: str, value: bytes, codec: str = "none", key: str | None = None) -> None:
        if codec not in self._confluent:
            self._confluent[codec] = Producer(
                {
                    "bootstrap.servers": self._bootstrap,
                    "compression.type": codec,
                    "message.max.bytes": _MAX_BYTES,  # of the client's own: the broker shall refuse
                }
            )

        def landed(error: Any, _: Any) -> None:
            if error is not None:
                self.refused.append(key)

        self._confluent[codec].produce(topic, value, key=key, on_delivery=landed)

    def _serialized(self, topic: str, message: Avro | JsonSchema) -> bytes:
        serialize: Any
        if isinstance(message, JsonSchema):
            head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Count", "type": "object"}
            schema = json.dumps({**head, "properties": message.properties})
            serialize = JSONSerializer(schema, self._registry, conf=self._own_subject(topic))
        elif message.schema is None:
            latest = {"auto.register.schemas": False, "use.latest.version": True}
            serialize = AvroSerializer(self._registry, conf=latest)
        else:
            own = Schema(json.dumps(message.schema), "AVRO", list(self._references(topic, message.parts)))
            serialize = AvroSerializer(self._registry, own, conf=self._own_subject(topic))
        value: bytes = serialize(message.content, SerializationContext(topic, MessageField.VALUE))
        return value

    def _references(self, topic: str, parts: Sequence[dict[str, Any]]) -> Iterator[SchemaReference]:
        for part in parts:
            name, subject = f"{part['namespace']}.{part['name']}", self._subject(topic)
            self._registry.register_schema(subject, Schema(json.dumps(part), "AVRO"))
            yield SchemaReference(name, subject, 1)

    def _frame(self, topic: str, message: Framed) -> bytes:
        schema_id: int = self._registry.register_schema(self._subject(topic), message.schema)
        return b"\0" + schema_id.to_bytes(4, "big") + message.coded

    def _own_subject(self, topic: str) -> dict[str, Any]:
        subject = self._subject(topic)
        return {"subject.name.strategy": lambda *_: subject}

    def _subject(self, topic: str) -> str:
        self._subjects += 1
        return f"{topic}.foreign-{self._subjects}"
