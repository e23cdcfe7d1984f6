"""`atp dead-letters` against the real broker: what was refused is shown, and sent again byte for byte."""

import asyncio
import json
from functools import partial
from typing import Any, NamedTuple

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from click.testing import CliRunner

from atp_stream.cli import main
from atp_stream.domain.errors import Refused
from atp_stream.messages.dead_letters import letter
from atp_stream.provision import initialise
from atp_stream.records import Output
from atp_stream.settings import Settings, environment_of
from atp_stream.topics import Topics


class Record(NamedTuple):
    """A message as it came."""

    value: bytes
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp: int = 1_700_000_000_000


def atp(settings: Settings, *arguments: str, typed: str | None = None) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["dead-letters", *arguments], env=environment_of(settings), input=typed)
    return done.exit_code, done.stdout, done.stderr


addressed = partial(letter, to=("letters", 0))


async def bury(settings: Settings, *letters: Output) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap)
    await producer.start()
    for one in letters:
        topic = Topics.of(settings).dead_letter.name
        await producer.send_and_wait(topic, one.value, key=one.key, headers=one.headers, partition=0)
    await producer.stop()


async def everything(settings: Settings, topic: str, partitions: int) -> list[Any]:
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition(topic, number) for number in range(partitions)])
    found = await consumer.getmany(timeout_ms=1_000)
    await consumer.stop()
    return [record for records in found.values() for record in records]


@pytest.fixture
def buried(settings: Settings) -> Settings:
    """Three letters of two reasons, of which one was written twice, as intake may."""
    adjusted, created = settings.topic_adjusted, settings.topic_created
    first = addressed(Record(b"\xff", b"k", (("trace", b"1"),)), f"{adjusted}/0/1", Refused("undecodable", "not JSON"))
    second = addressed(
        Record(b"\x00\x00\x00\x00\x07x", timestamp=1_700_000_001_000), f"{created}/2/3", Refused("unknown_schema", "7")
    )
    ours = addressed(
        Record(b"{}", timestamp=1_700_000_002_000), "inventory.atp.item-log/0/9", Refused("unknown_schema", "")
    )
    asyncio.run(initialise(settings))
    asyncio.run(bury(settings, first, second, first, ours))
    return settings


def test_letters_are_listed_once_each_with_their_reasons(buried: Settings) -> None:
    code, out, _ = atp(buried, "list", "--json")

    letters = json.loads(out)["letters"]
    assert 0 == code
    assert ["undecodable", "unknown_schema", "unknown_schema"] == [letter["reason"] for letter in letters]
    assert {
        "origin": f"{buried.topic_adjusted}/0/1",
        "reason": "undecodable",
        "detail": "not JSON",
        "at": "2023-11-14T22:13:20.000+00:00",
        "item": None,
        "reservation": None,
        "messageBase64": "/w==",
    } == letters[0]


def test_a_list_can_be_narrowed(buried: Settings) -> None:
    code, out, err = atp(buried, "list", "--reason", "unknown_schema", "--topic", buried.topic_created)

    assert (0, "1 dead letter") == (code, err.strip())
    assert [f"2023-11-14T22:13:21.000+00:00  unknown_schema  {buried.topic_created}/2/3", "    7"] == out.splitlines()


def test_what_a_message_is_about_is_listed_with_it(buried: Settings) -> None:
    content = b'{"payload":{"reservationId":"r-1","itemId":"lamp\\u0007","quantity":0}}'
    origin = f"{buried.topic_created}/0/1"
    asyncio.run(bury(buried, addressed(Record(content), origin, Refused("not_positive", "quantity is 0.00"))))

    _, out, _ = atp(buried, "list", "--reason", "not_positive")
    (letter,) = json.loads(atp(buried, "list", "--reason", "not_positive", "--json")[1])["letters"]

    head = f"2023-11-14T22:13:20.000+00:00  not_positive  {origin}"
    assert [head, "    item lamp\\x07, reservation r-1", "    quantity is 0.00"] == out.splitlines()
    assert ("lamp\x07", "r-1") == (letter["item"], letter["reservation"])


def test_a_replay_sends_what_came_to_where_it_came_from(buried: Settings) -> None:
    code, out, _ = atp(buried, "replay", "--reason", "undecodable", "--yes", "--json")

    assert (0, {"replayed": [f"{buried.topic_adjusted}/0/1"]}) == (code, json.loads(out))
    [record] = asyncio.run(everything(buried, buried.topic_adjusted, 6))
    assert (b"k", b"\xff") == (record.key, record.value)
    assert (("trace", b"1"), ("atp-replayed", f"{buried.topic_adjusted}/0/1".encode())) == tuple(record.headers)


def test_what_an_operator_appended_is_not_replayed(buried: Settings) -> None:
    _, out, _ = atp(buried, "replay", "--reason", "unknown_schema", "--yes", "--json")

    assert {"replayed": [f"{buried.topic_created}/2/3"]} == json.loads(out)


def test_nothing_is_replayed_without_a_yes(buried: Settings) -> None:
    code, _, _ = atp(buried, "replay", "--topic", buried.topic_adjusted, typed="n\n")

    assert 1 == code
    assert [] == asyncio.run(everything(buried, buried.topic_adjusted, 6))


def test_a_replay_must_say_of_what(buried: Settings) -> None:
    assert 2 == atp(buried, "replay", "--yes")[0]


@pytest.mark.parametrize("command", [("list",), ("replay", "--yes")], ids=lambda command: command[0])
def test_a_reason_that_there_is_not_is_wrong_usage_and_the_nearest_is_named(command: tuple[str, ...]) -> None:
    done = CliRunner().invoke(main, ["dead-letters", *command, "--reason", "unknwn_schema"])

    expected = "no letter has the reason unknwn_schema (did you mean unknown_schema?)\n"
    assert (2, True) == (done.exit_code, done.stderr.endswith(expected))


def test_a_message_that_was_refused_again_is_replayed_once(buried: Settings) -> None:
    adjusted = buried.topic_adjusted
    replayed = (("trace", b"1"), ("atp-replayed", f"{adjusted}/0/1".encode()))
    again = addressed(Record(b"\xff", b"k", replayed), f"{adjusted}/0/7", Refused("undecodable", "not JSON"))
    asyncio.run(bury(buried, again))

    code, out, _ = atp(buried, "replay", "--reason", "undecodable", "--yes")

    assert (0, "sent 1 message again\n") == (code, out)
    [record] = asyncio.run(everything(buried, adjusted, 6))
    assert replayed == tuple(record.headers)


def test_two_messages_that_say_the_same_are_both_replayed(buried: Settings) -> None:
    twin = addressed(Record(b"\xff", b"k"), f"{buried.topic_adjusted}/0/2", Refused("undecodable", "not JSON"))
    asyncio.run(bury(buried, twin))

    assert "sent 2 messages again\n" == atp(buried, "replay", "--reason", "undecodable", "--yes")[1]
