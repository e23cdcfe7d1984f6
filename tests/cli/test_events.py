"""`atp send`, `atp watch` and `atp get` against the real broker, or nobody."""

import asyncio
import json
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from click.testing import CliRunner

from atp_stream.access import RegistryAccess
from atp_stream.cli import main
from atp_stream.demo import wire
from atp_stream.devstack.ports import free_port
from atp_stream.messages import schema_files
from atp_stream.messages.registry import SchemaCache
from atp_stream.provision import initialise
from atp_stream.provision.schemas import subjects
from atp_stream.settings import environment_of
from atp_stream.topics import Topics
from tests.programs import program

NOWHERE = f"127.0.0.1:{free_port()}"


def atp(*arguments, **variables):
    done = CliRunner().invoke(main, arguments, env=variables)
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def variables(settings):
    asyncio.run(initialise(settings))
    return {**environment_of(settings), "ATP_DEFAULT_TENANT": "acme"}


def read(settings, place):
    async def one():
        consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        partition = TopicPartition(place["topic"], place["partition"])
        consumer.assign([partition])
        consumer.seek(partition, place["offset"])
        record = await consumer.getone()
        await consumer.stop()
        return record

    return asyncio.run(one())


def publish(settings, topic, *values):
    async def all_of_them():
        producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap)
        await producer.start()
        for value in values:
            await producer.send_and_wait(topic, value, partition=0)
        await producer.stop()

    asyncio.run(all_of_them())


def committed(item):
    payload = {"allocationId": "a1", "itemId": item, "channel": "ECOM", "quantity": 2.5}
    event = {"eventType": "AllocationCommittedEvent", "eventId": item, "timestamp": 5, "tenantId": "acme"}
    return json.dumps({**event, "payload": payload}, separators=(",", ":")).encode()


SENT: list[tuple[list[str], str, dict[str, Any]]] = [
    (
        ["adjustment", "widget", "--delta", "10", "--new-quantity", "150.25", "--reason", "restock"],
        "adjusted",
        {
            "product_id": "widget", "adjusted_quantity": 10, "new_quantity": 150.25, "adjustment_reason": "restock",
            "adjusted_by": "atp", "tenant_id": "acme", "event_id": "e1", "timestamp": "2024-05-01T10:00:00Z",
        },
    ),
    (["count", "widget", "148"], "counted", {"itemId": "widget", "onHand": 148}),
    (
        ["reservation", "widget", "r1", "5", "--channel", "B2B", "--allow-partial", "--no-backorder"],
        "created",
        {
            "itemId": "widget", "reservationId": "r1", "quantity": 5, "channel": "B2B", "allowPartial": True,
            "allowBackorder": False,
        },
    ),
    (["confirm", "widget", "r1"], "confirmed", {"itemId": "widget", "reservationId": "r1"}),
    (
        ["release", "widget", "r1", "2"],
        "released",
        {"itemId": "widget", "reservationId": "r1", "quantity": 2, "reason": "cancelled"},
    ),
    (["fulfilment", "widget", "r1"], "fulfilled", {"itemId": "widget", "reservationId": "r1"}),
]  # fmt: skip
HEAD = {"eventId": "e1", "timestamp": "2024-05-01T10:00:00Z", "tenantId": "acme"}


def test_each_command_writes_flat_json_to_its_topic_and_says_where(settings, variables):
    for arguments, kind, said in SENT:
        fixed = ["--event-id", "e1", "--timestamp", "2024-05-01T10:00:00Z", "--json"]
        code, out, err = atp("send", *arguments, *fixed, **variables)

        place = json.loads(out)
        record = read(settings, place)
        assert (0, "") == (code, err)
        assert getattr(Topics.of(settings), kind).name == place["topic"]
        assert (said if kind == "adjusted" else {**HEAD, **said}) == json.loads(record.value)


def test_an_adjustment_has_no_key_as_upstream_sends_it(settings, variables):
    place = json.loads(atp("send", "adjustment", "widget", "--delta", "1", "--json", **variables)[1])

    assert read(settings, place).key is None


def test_for_people_the_place_is_one_line(settings, variables):
    code, out, _ = atp("send", "count", "widget", "1", **variables)

    topic, _, partition, _, offset = out.split()
    assert (0, Topics.of(settings).counted.name) == (code, topic)
    assert (True, "0") == (partition.isdigit(), offset)


def test_a_quantity_that_workers_would_refuse_is_wrong_usage():
    assert 2 == atp("send", "count", "widget", "1.005", ATP_DEFAULT_TENANT="acme")[0]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["reservation", "widget", "r1", "0"], "not_positive"),
        (["reservation", "--", "widget", "r1", "-5"], "not_positive"),
        (["release", "widget", "r1", "0"], "not_positive"),
        (["fulfilment", "widget", "r1", "0"], "not_positive"),
        (["count", "widget", "1", "--timestamp", "yesterday"], "bad_timestamp"),
        (["confirm", "widget", "r1", "--timestamp", "2024-05-01"], "bad_timestamp"),
        (["reservation", "widget", "r1", "1", "--expires-at", "tomorrow"], "bad_timestamp"),
        (["reservation", "widget", "r1", "1", "--priority", "3000000000"], "bad_priority"),
        (["count", " ", "1"], "missing_item"),
    ],
)
def test_what_workers_would_refuse_is_wrong_usage(arguments, reason):
    code, out, err = atp("send", *arguments, ATP_BROKER=NOWHERE, ATP_DEFAULT_TENANT="acme")

    assert (2, "", True) == (code, out, err.endswith(f"({reason})\n"))


def test_watch_shows_a_dead_letter_as_compactly_as_an_event(settings, variables):
    publish(settings, Topics.of(settings).dead_letter.name, "größer".encode())

    line = atp("watch", "--from-beginning", "--dead-letters", "--count", "1", **variables)[1].rstrip("\n")

    expected = json.dumps(json.loads(line), separators=(",", ":"), ensure_ascii=False)
    assert ("größer", expected) == (json.loads(line)["payload"]["message"], line)


def test_an_item_of_nobody_is_wrong_usage():
    assert 2 == atp("send", "count", "widget", "1", ATP_BROKER=NOWHERE)[0]


@pytest.mark.parametrize("arguments", [("send", "count", "widget", "1"), ("watch",)])
def test_a_wrong_broker_is_one_line(arguments):
    expected = f"atp: no Kafka broker answers at {NOWHERE}: correct ATP_BROKER, or start one with `atp stack up`\n"

    assert (1, "", expected) == atp(*arguments, ATP_BROKER=NOWHERE, ATP_DEFAULT_TENANT="acme")


@pytest.mark.parametrize("arguments", [("send", "count", "widget", "1"), ("watch",)])
def test_a_topic_that_is_not_there_is_one_line(settings, arguments):
    code, out, err = atp(*arguments, **environment_of(settings), ATP_DEFAULT_TENANT="acme")

    assert (1, "", True, 1) == (code, out, err.endswith(": run `atp init`\n"), err.count("\n"))


def test_watch_shows_both_wires_as_one_envelope(settings, variables):
    topics = Topics.of(settings)
    schemas = SchemaCache(RegistryAccess.of(settings))
    asyncio.run(schemas.warm(subjects(topics)))
    schemas.close()
    schema_id = {role.value: number for role, number in schemas.output_ids.items()}["committed"]
    event = {"eventId": "e2", "timestamp": 6_000, "tenantId": "acme", "allocationId": "a2", "itemId": "widget",
             "channel": "ECOM", "quantity": 250}  # fmt: skip
    framed = wire.framed(schema_files.schema("AllocationCommittedEvent"), schema_id, event)
    publish(settings, topics.allocation_committed.name, committed("widget"), framed)

    code, out, err = atp("watch", "--from-beginning", "--count", "2", **variables)

    payload = {"allocationId": "a2", "itemId": "widget", "channel": "ECOM", "quantity": 2.5}
    expected = {"eventType": "AllocationCommittedEvent", "eventId": "e2", "timestamp": 6, "tenantId": "acme"}
    first, second = out.splitlines()
    assert (0, "", committed("widget").decode()) == (code, err, first)
    assert {**expected, "payload": payload} == json.loads(second)


def test_watch_shows_the_events_of_one_item(settings, variables):
    topic = Topics.of(settings).allocation_committed.name
    publish(settings, topic, *(committed(item) for item in ("gadget", "widget", "gadget")))

    out = atp("watch", "--from-beginning", "--count", "1", "--item", "widget", **variables)[1]

    assert [committed("widget").decode()] == out.splitlines()


def test_watch_ends_cleanly_on_an_interrupt(settings, variables):
    publish(settings, Topics.of(settings).allocation_committed.name, committed("widget"))
    argv = ["env", *(f"{name}={value}" for name, value in variables.items())]
    argv += [sys.executable, "-m", "atp_stream", "watch", "--from-beginning"]
    with program(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as watching:
        assert watching.stdout is not None
        first = watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        rest, err = watching.communicate(timeout=10)

    assert (committed("widget").decode(), "", "", 0) == (first.strip(), rest, err, watching.returncode)


VIEW: dict[str, Any] = {
    "tenant": "acme", "item": "widget", "on_hand": 10, "safety_stock": 0, "reserved": 4, "short": 0, "gap": 0,
    "version": 2, "as_of": "2024-05-01T10:00:00.000+00:00",
    "channels": [
        {"channel": "ECOM", "available": 6, "reserved": 4, "waiting": 0},
        {
            "channel": "STORE", "available": 0, "reserved": 0, "waiting": 9,
            "closed_by": {"reservation": "big", "waiting": 9, "priority": 0},
        },
    ],
    "locations": [],
}  # fmt: skip
ANSWERS = {
    "/atp/acme/widget": (200, VIEW),
    "/atp/acme/a%2Fb": (404, {"status": 404, "detail": "nothing is known of item 'a/b' of 'acme'"}),
}


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        status, body = ANSWERS[self.path]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def url():
    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def get(url, *arguments):
    return atp("get", *arguments, "--tenant", "acme", "--url", url)


def test_get_shows_an_item_in_all_its_channels(url):
    code, out, _ = get(url, "widget")

    expected = [
        "acme widget  on hand 10, reserved 4  (version 2, 2024-05-01T10:00:00.000+00:00)",
        "channel    available     reserved      waiting",
        "ECOM               6            4            0",
        "STORE              0            0            9  closed by big, which waits for 9",
    ]
    assert (0, expected) == (code, out.splitlines())


def test_get_shows_one_channel_to_programs(url):
    assert VIEW["channels"][1] == json.loads(get(url, "widget", "store", "--json")[1])


def test_get_says_what_the_worker_says_of_an_unknown_item(url):
    assert (1, "", "atp: nothing is known of item 'a/b' of 'acme'\n") == get(url, "a/b")


def test_get_says_that_a_channel_is_unknown(url):
    assert (1, "", "atp: item 'widget' of 'acme' has no channel 'OUTLET'; it has ECOM, STORE\n") == get(
        url, "widget", "OUTLET"
    )


def test_a_wrong_url_is_one_line():
    expected = (
        f"atp: no worker answers at http://{NOWHERE}/atp/acme/widget: correct --url, or start one with `atp worker`\n"
    )

    assert (1, "", expected) == get(f"http://{NOWHERE}", "widget")
