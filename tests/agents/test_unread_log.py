"""The first message with a field that nobody reads is a line of the log, and no event has to wait for that."""

import logging

import pytest

from atp_stream.access import RegistryAccess
from atp_stream.agents.translation import Translator
from atp_stream.messages.inbound import Inbound
from atp_stream.messages.registry import SchemaCache
from atp_stream.settings import Settings
from atp_stream.topics import Topics
from tests.agents.memory import Record

TOPICS = Topics.of(Settings())
COUNTED, ADJUSTED = TOPICS.counted.name, TOPICS.adjusted.name
MISSPELT = b'{"itemId":"lamp","onHand":3,"loactionId":"berlin"}'
PLAIN = b'{"itemId":"lamp","onHand":3,"locationId":"berlin"}'


@pytest.fixture
def translate(caplog: pytest.LogCaptureFixture) -> Translator:
    caplog.set_level(logging.INFO)
    schemas = SchemaCache(RegistryAccess("http://127.0.0.1:1"))
    return Translator(Inbound(schemas, "acme"), schemas, TOPICS, "g")


def test_a_misspelt_field_is_reported_once_of_each_topic_and_counted_each_time(
    translate: Translator, caplog: pytest.LogCaptureFixture
) -> None:
    for offset in (7, 8):
        assert 1 == len(translate(Record(COUNTED, MISSPELT, offset=offset)))
    translate(Record(ADJUSTED, b'{"product_id":"lamp","new_quantity":3,"loactionId":"berlin"}', offset=9))

    sentence = "has a field that is not read: 'loactionId'; did you mean locationId?"
    assert [f"{COUNTED}/0/7 {sentence}", f"{ADJUSTED}/0/9 {sentence}"] == caplog.messages
    assert (2, 1) == (translate.unread[COUNTED], translate.unread[ADJUSTED])


@pytest.mark.parametrize(
    "value",
    [
        PLAIN,
        b'{"eventType":"StockAvailabilityChangedEvent","timestamp":1714564800000,"payload":' + PLAIN + b"}",
        b'{"specversion":"1.0","id":"1","source":"s","subject":"x","data":' + PLAIN + b"}",
        b'{"before":null,"after":' + PLAIN + b',"source":{"ts_ms":1714564800000},"op":"c","ts_ms":1}',
        b'{"schema":{},"payload":' + PLAIN + b"}",
    ],
    ids=["flat", "envelope", "CloudEvent", "Debezium", "Connect"],
)
def test_what_a_form_has_of_its_own_is_nothing_to_report(
    translate: Translator, caplog: pytest.LogCaptureFixture, value: bytes
) -> None:
    assert 1 == len(translate(Record(COUNTED, value)))
    assert ([], 0) == (caplog.messages, translate.unread[COUNTED])


def test_a_field_that_resembles_none_is_reported_without_a_guess(
    translate: Translator, caplog: pytest.LogCaptureFixture
) -> None:
    translate(Record(COUNTED, b'{"payload":{"itemId":"lamp","onHand":3,"warehouse\\u0007":"berlin"}}', offset=7))
    assert [f"{COUNTED}/0/7 has a field that is not read: 'warehouse\\x07'"] == caplog.messages


def test_after_the_first_messages_of_a_topic_one_in_a_thousand_is_looked_at(
    translate: Translator, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(100):
        translate(Record(COUNTED, PLAIN))
    for offset in range(101, 1_000):
        translate(Record(COUNTED, MISSPELT, offset=offset))
    assert ([], 0) == (caplog.messages, translate.unread[COUNTED])
    translate(Record(COUNTED, MISSPELT, offset=1_000))
    assert (1, 1) == (len(caplog.messages), translate.unread[COUNTED])


def test_made_up_names_fill_neither_the_log_nor_the_memory(
    translate: Translator, caplog: pytest.LogCaptureFixture
) -> None:
    for message in range(10):
        names = ",".join(f'"made up {message} {number}":1' for number in range(30))
        translate(Record(COUNTED, b'{"itemId":"lamp","onHand":3,%s}' % names.encode()))
    assert (100, 10) == (len(caplog.messages), translate.unread[COUNTED])
