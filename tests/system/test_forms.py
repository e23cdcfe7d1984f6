"""Every form that docs/integrate.md promises, sent by other people's clients to one worker on the real stack.

All is sent at once, each form to an item of its own, and read once: each test looks at its item.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from atp_stream.devstack import Stack
from atp_stream.settings import Settings
from atp_stream.topics import Topics
from tests.conftest import settings_on
from tests.docs.test_integrate import EXAMPLES
from tests.messages.test_hostile_schemas import HOSTILE
from tests.system.foreign import Avro, Foreign, Framed, JsonSchema, Message, Packed, Plain
from tests.system.site import Site, Worker

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(240)]


def record(name: str, *fields: tuple[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": field, "type": kind} for field, kind in fields]}


def plain(kind: str, content: Any, *headers: tuple[str, bytes], at_ms: int | None = None) -> Plain:
    return Plain(kind, json.dumps(content).encode(), headers, at_ms=at_ms)


def counted(item: str, on_hand: float) -> dict[str, Any]:
    return {"itemId": item, "onHand": on_hand}


def moved(item: str, units: float) -> dict[str, Any]:
    return {"product_id": item, "adjusted_quantity": units}


def changed(item: str, on_hand: Any) -> dict[str, Any]:
    before, after = ({"item_id": item, "on_hand": units} for units in (4, on_hand))
    return {"before": before, "after": after, "source": {"ts_ms": NOON_MS}, "op": "u", "ts_ms": NOON_MS + 272}


NOON_MS = 1_795_359_278_228
CE = {"specversion": "1.0", "source": "/warehouse/berlin", "type": "com.example.stock.moved"}
CE_HEADERS = [(f"ce_{name}", said.encode()) for name, said in CE.items()]
# Three events by their ids; two moments of Kafka, which would tell two events if the ids were passed over.
REPEATED = [("A1", NOON_MS), ("A1", NOON_MS + 1), ("A2", NOON_MS + 1), ("A3", NOON_MS + 1)]
MONEY = {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2}
STAMP = {"type": "long", "logicalType": "timestamp-micros"}
NAMED = record("Value", ("itemId", "long"), ("onHand", MONEY), ("timestamp", STAMP))
DOUBLE = record("InventoryAdjusted", ("product_id", "string"), ("adjusted_quantity", "double"))
ROW = record("Row", ("item_id", "string"), ("on_hand", "long"))
CHANGE = record("Envelope", ("before", ["null", ROW]), ("after", ["null", "Row"]), ("op", "string"))
PART = {**record("Count", ("itemId", "string"), ("onHand", "int")), "namespace": "shop"}
WHOLE = record("Wrapped", ("eventId", "string"), ("payload", "shop.Count"))
ORDER = {"itemId": "avro_as_registered", "channel": "ECOM"}

# What is available of an item in the end, and what was sent for it: an event that is sent again counts once.
FORMS: dict[str, tuple[str, list[Message]]] = {
    "flat": ("12.5", [plain("counted", counted("flat", 12.5))]),
    "snake_case": ("7", [plain("counted", {"event_id": "s", "item_id": "snake_case", "on_hand": "7.00"})]),
    "envelope": ("7", [plain("counted", {
        "eventType": "com.erp.inventory.core.events.StockAvailabilityChangedEvent", "eventId": "e", "tenantId": "acme",
        "timestamp": "2026-11-22T14:54:36Z", "payload": counted("envelope", 7),
    })]),
    "byte_order_mark": ("4", [Plain("counted", b'\xef\xbb\xbf{"itemId":"byte_order_mark","onHand":4}')]),
    "json_in_a_string": ("6", [plain("counted", json.dumps(counted("json_in_a_string", 6)))]),
    "4711": ("11", [Plain("counted", b'{"itemId":4711,"onHand":11}')]),
    "sum_of_floats": ("30", [Plain("counted", b'{"itemId":"sum_of_floats","onHand":30.000000000000004}')]),
    "outbox": ("9", [
        plain("adjusted", moved("outbox", 3), ("id", name.encode()), at_ms=at_ms) for name, at_ms in REPEATED
    ]),
    "ce_binary": ("6", [
        plain("adjusted", moved("ce_binary", 2), *CE_HEADERS, ("ce_id", name.encode()), at_ms=at_ms)
        for name, at_ms in REPEATED
    ]),
    "ce_structured": ("6", [
        plain("adjusted", {**CE, "id": name, "data": moved("ce_structured", 2)}, at_ms=at_ms)
        for name, at_ms in REPEATED
    ]),
    "debezium": ("3", [plain("counted", changed("debezium", 3))]),
    "debezium_with_schema": ("2.25", [
        plain("counted", {"schema": {"type": "struct"}, "payload": changed("debezium_with_schema", "2.25")})
    ]),
    "connect": ("9", [
        plain("adjusted", {"schema": {"type": "struct"}, "payload": moved("connect", 10.0)}),
        plain("created", {"schema": None, "payload": {"reservationId": 9, "itemId": "connect", "quantity": 1.0}}),
    ]),
    "avro_as_registered": ("15.25", [
        Avro("adjusted", {"product_id": "avro_as_registered", "adjusted_quantity": Decimal("20.25")}),
        Avro("created", {**ORDER, "reservationId": "kept", "quantity": Decimal(5)}),
        Avro("created", {**ORDER, "reservationId": "given back", "quantity": Decimal(3)}),
        Avro("fulfilled", {**ORDER, "reservationId": "kept", "quantity": Decimal(2)}),
        Avro("released", {**ORDER, "reservationId": "given back"}),
    ]),
    "4713": ("5.5", [
        Avro("counted", {"itemId": 4713, "onHand": Decimal("5.50"), "timestamp": NOON_MS * 1000}, NAMED)
    ]),
    "avro_double": ("5.25", [Avro("adjusted", moved("avro_double", 5.25), DOUBLE)]),
    "avro_debezium": ("8", [
        Avro("counted", {"before": None, "after": {"item_id": "avro_debezium", "on_hand": 8}, "op": "c"}, CHANGE)
    ]),
    "avro_references": ("13", [
        Avro("counted", {"eventId": "r", "payload": counted("avro_references", 13)}, WHOLE, (PART,))
    ]),
    "json_schema": ("1.5", [
        JsonSchema("counted", counted("json_schema", 1.5), {"itemId": {"type": "string"}, "onHand": {"type": "number"}})
    ]),
    **{
        codec: ("3", [Packed("counted", codec, json.dumps(counted(codec, 3)).encode())])
        for codec in ("gzip", "snappy", "lz4", "zstd")
    },
}  # fmt: skip

# What the scripts of docs/integrate.md say of their items.
SCRIPTS = {"plain": ("prod1", "150"), "avro": ("4712", "5.5"), "json_schema": ("prod7", "2")}
PRINTED = {"prod1 ECOM 150.00 0.00", "4712 ECOM 5.50 0.00", "prod7 ECOM 2.00 0.00"}

PROTOBUF = Schema('syntax = "proto3"; message Count { string item_id = 1; }', "PROTOBUF")
POISON = ("holds itself", "deep", "an array of null", "two to the thirtieth nulls")
LARGE = b'{"itemId":"bomb","onHand":1,"note":"%s"}'
# What is refused: its key, its reason, and what was sent.
REFUSED: dict[str, tuple[str, Message]] = {
    "deleted": ("tombstone", Plain("counted", None, key="deleted", partition=0)),
    "utf16": ("undecodable", Plain("counted", '{"itemId":"u"}'.encode("utf-16"), key="utf16", partition=0)),
    "protobuf": ("bad_schema", Framed("counted", PROTOBUF, b"\0\x0a\1i", key="protobuf", partition=0)),
    "bomb": ("too_large", Packed("counted", "zstd", LARGE % (b" " * 1_000_000), key="bomb")),
    **{
        name: ("bad_schema", Framed(
            "counted", Schema(json.dumps({**HOSTILE[name], "name": "Value"}), "AVRO"), b"\x02" * 20_000,
            key=name, partition=0,
        ))
        for name in POISON
    },
}  # fmt: skip
LARGER = Packed("counted", "zstd", LARGE % (b" " * 20_000_000), key="larger bomb")
STEPS = plain("policy", {"action": "SET", "tenantId": "acme", "policy": {"step": 0.01}})
BEHIND = Plain("counted", b'{"itemId":"behind","onHand":1}', partition=0)


class Seen(NamedTuple):
    """What came of it all."""

    available: dict[str, str]
    letters: list[tuple[str, str]]
    refused: list[str | None]
    printed: set[str]
    pids: tuple[int, int]
    partitions: list[int]
    behind: tuple[int, Any]


@pytest.fixture(scope="module")
def seen(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Send everything to one worker and return what came of it."""
    directory = tmp_path_factory.mktemp("forms")
    settings = replace(settings_on(stack, directory), default_tenant="acme", session_timeout=6.0)
    return asyncio.run(_seen(Site(settings, directory)))


async def _seen(site: Site) -> Seen:
    await site.open()
    try:
        worker = site.add_worker()
        await site.ready()
        before = _pid(worker)
        scripts = asyncio.gather(*(_run(site.settings, script) for script in SCRIPTS))
        refused = await asyncio.to_thread(_send, site)
        await scripts
        await site.drained()
        return Seen(
            available=await _available(site),
            letters=await _letters(site),
            refused=refused,
            printed=await _printed(site.settings),
            pids=(before, _pid(worker)),
            partitions=await worker.partitions(),
            behind=await worker.get("/atp/acme/behind"),
        )
    finally:
        await site.close()


def _pid(worker: Worker) -> int:
    assert worker.process is not None
    assert worker.running
    return worker.process.pid


def _send(site: Site) -> list[str | None]:
    with Foreign(site) as foreign:
        foreign.send([STEPS, *(message for _, messages in FORMS.values() for message in messages)])
        foreign.send([*(message for _, message in REFUSED.values()), LARGER])
        foreign.send([BEHIND])
        return foreign.refused


async def _start(settings: Settings, name: str) -> asyncio.subprocess.Process:
    """Start a script of docs/integrate.md as it stands, but for addresses and names of topics."""
    (script,) = [one.text for one in EXAMPLES if one.language == "python" and one.name == name]
    topics, usual = Topics.of(settings), Topics.of(Settings())
    for ours, theirs in (
        ("127.0.0.1:9092", settings.bootstrap),
        ("http://127.0.0.1:8081/apis/ccompat/v7", settings.registry_url),
        (usual.counted.name, topics.counted.name),
        (usual.availability_calculated.name, topics.availability_calculated.name),
    ):
        script = script.replace(ours, theirs)
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    return await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=PIPE, env=environment)


async def _run(settings: Settings, name: str) -> None:
    process = await _start(settings, name)
    assert 0 == await process.wait(), name


async def _printed(settings: Settings) -> set[str]:
    """Return what the page's reader prints; it is ended once it has printed all that its writers sent."""
    process = await _start(settings, "read")
    assert process.stdout is not None
    lines: set[str] = set()
    try:
        while not lines >= PRINTED and (line := await process.stdout.readline()):
            lines.add(line.decode().strip())
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    return lines


async def _available(site: Site) -> dict[str, str]:
    """Return what is available of each item in the default channel, read by Confluent's deserializer."""
    topic = site.topics.availability_calculated.name
    records = await site.read(topic)
    newest: dict[str, tuple[int, str]] = {}
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


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_of_the_page_sends_what_it_says(seen: Seen, script: str) -> None:
    item, available = SCRIPTS[script]
    assert available == seen.available.get(item), seen.letters


def test_no_script_of_the_page_is_left_out() -> None:
    assert {*SCRIPTS, "read"} == {one.name for one in EXAMPLES if one.language == "python"}


def test_the_reader_of_the_page_reads_what_its_writers_sent(seen: Seen) -> None:
    assert seen.printed >= PRINTED


@pytest.mark.parametrize("key", REFUSED)
def test_what_cannot_be_read_is_one_letter_with_its_reason(seen: Seen, key: str) -> None:
    assert [(key, REFUSED[key][0])] == [letter for letter in seen.letters if letter[0] == key]


def test_nothing_else_is_refused_and_no_other_item_is_made(seen: Seen) -> None:
    assert sorted((key, reason) for key, (reason, _) in REFUSED.items()) == seen.letters
    assert {*FORMS, *(item for item, _ in SCRIPTS.values()), "behind"} == seen.available.keys()


def test_a_record_that_unpacks_to_more_than_the_topic_takes_is_refused_by_the_broker(seen: Seen) -> None:
    assert ["larger bomb"] == seen.refused


def test_the_worker_lives_through_hostile_schemas_and_reads_what_is_behind_them(seen: Seen) -> None:
    status, body = seen.behind
    assert (200, 1) == (status, body["on_hand"])
    assert seen.pids[0] == seen.pids[1]
    assert [] != seen.partitions
