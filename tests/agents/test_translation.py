"""What becomes of one input record on its way to the item log."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from atp_stream.access import RegistryAccess
from atp_stream.agents.translation import Translator
from atp_stream.engine.intake import NotYet
from atp_stream.engine.partitioner import partition_of
from atp_stream.messages.dead_letters import unpack_original
from atp_stream.messages.inbound import Inbound
from atp_stream.messages.limits import MAX_MESSAGE_BYTES
from atp_stream.messages.registry import SchemaCache
from atp_stream.records import Output
from atp_stream.settings import Settings
from atp_stream.topics import Topics
from tests.agents.memory import Record

TOPICS = Topics.of(Settings())
GENESIS = "00112233aabbccdd"


def translator(default_tenant: str | None = "acme") -> Translator:
    schemas = SchemaCache(RegistryAccess("http://127.0.0.1:1"))
    return Translator(Inbound(schemas, default_tenant), schemas, TOPICS, GENESIS)


def adjusted(value: bytes | None, **more: Any) -> Record:
    return Record(TOPICS.adjusted.name, value, **more)


def headers(output: Output) -> dict[str, bytes]:
    return dict(output.headers)


def test_an_adjustment_becomes_a_record_of_the_log_under_its_items_name() -> None:
    record = adjusted(b'{"product_id": "lamp|1", "new_quantity": 5, "adjusted_quantity": 5}', partition=2, offset=41)

    [output] = translator()(record)

    assert TOPICS.item_log.name == output.topic
    assert b"acme|lamp%7C1" == output.key
    assert partition_of(b"acme|lamp%7C1", 6) == output.partition
    assert b"inventory.adjusted/2/41" == headers(output)["atp-source"]
    assert GENESIS.encode() == headers(output)["atp-genesis"]
    assert record.value == unpack_original(headers(output)["atp-original"]).value
    assert "adjust" == msgspec.json.decode(output.value or b"")["command"]


def test_a_message_on_which_a_fault_of_ours_shows_becomes_a_dead_letter_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    translate = translator()
    monkeypatch.setattr(Inbound, "translate", lambda *_: 1 // 0)

    [output] = translate(adjusted(b'{"product_id": "lamp", "new_quantity": 5}', partition=1, offset=3))

    assert TOPICS.dead_letter.name == output.topic
    assert b'{"product_id": "lamp", "new_quantity": 5}' == output.value
    assert (b"broken", b"inventory.adjusted/1/3") == (headers(output)["atp-reason"], headers(output)["atp-origin"])


def test_what_breaks_the_contract_becomes_a_dead_letter_with_its_bytes() -> None:
    record = adjusted(b"\xffno json", partition=4, offset=7, key=b"k", headers=(("trace", b"1"),))

    [output] = translator()(record)

    assert TOPICS.dead_letter.name == output.topic
    assert (b"k", b"\xffno json", 1) == (output.key, output.value, output.partition)
    assert b"undecodable" == headers(output)["atp-reason"]
    assert b"inventory.adjusted/4/7" == headers(output)["atp-origin"]
    assert b"1" == headers(output)["trace"]


def test_a_tombstone_is_skipped_and_counted() -> None:
    translate = translator()

    assert [] == list(translate(adjusted(None)))
    assert 1 == translate.counts["inventory.adjusted", "skipped_null"]


def test_a_tombstone_of_stock_is_a_letter_of_its_key_alone() -> None:
    record = adjusted(None, key=b"lamp", partition=4, offset=7, timestamp=1_700_000_000_123)

    [output] = translator()(record)

    assert (TOPICS.dead_letter.name, 1, b"lamp", None) == (output.topic, output.partition, output.key, output.value)
    assert {
        "atp-reason": b"tombstone",
        "atp-detail": b"stock was deleted, and still counts here: send a count of 0",
        "atp-origin": b"inventory.adjusted/4/7",
        "atp-at": b"1700000000123",
    } == headers(output)


def test_a_deleted_row_of_stock_is_a_letter_of_its_whole_message() -> None:
    value = b'{"before":{"product_id":"lamp"},"after":null,"op":"d"}'

    [output] = translator()(adjusted(value, key=b"lamp"))

    assert (b"tombstone", b"lamp", value) == (headers(output)["atp-reason"], output.key, output.value)


def test_a_message_over_the_limit_is_a_dead_letter_as_a_whole() -> None:
    record = adjusted(b" " * (MAX_MESSAGE_BYTES + 1))

    [output] = translator()(record)

    assert (b"too_large", record.value) == (headers(output)["atp-reason"], output.value)


def test_headers_and_key_count_as_parts_of_a_message() -> None:
    record = adjusted(b"{}", key=b"k" * 20_000, headers=(("h", b"x" * 50_000),))

    [output] = translator()(record)

    assert (b"too_large", record.key) == (headers(output)["atp-reason"], output.key)


def test_what_no_broker_takes_is_kept_as_far_as_it_goes() -> None:
    record = adjusted(b"v" * 3_000_000, headers=(("h", b"x" * 1_000_000),))

    [output] = translator()(record)

    assert b"v" * 1_500_000 == output.value
    assert (b"too_large", b"4000000") == (headers(output)["atp-reason"], headers(output)["atp-cut"])
    assert "h" not in headers(output)


def test_without_a_default_tenant_a_message_must_name_one() -> None:
    [output] = translator(None)(adjusted(b'{"product_id": "lamp", "new_quantity": 5}'))

    assert b"missing_tenant" == headers(output)["atp-reason"]


def test_a_schema_that_is_not_cached_makes_its_partition_wait() -> None:
    with pytest.raises(NotYet):
        translator()(adjusted(b"\x00\x00\x00\x00\x2arest"))


def test_renamed_topics_keep_their_kinds() -> None:
    topics = Topics.of(replace(Settings(), topic_counted="stock.counts"))
    schemas = SchemaCache(RegistryAccess("http://127.0.0.1:1"))
    translate = Translator(Inbound(schemas, "acme"), schemas, topics, GENESIS)

    [output] = translate(Record("stock.counts", b'{"itemId": "lamp", "onHand": 3}'))

    assert "count" == msgspec.json.decode(output.value or b"")["command"]


def policy_change(content: dict[str, Any], **more: Any) -> Record:
    return Record(TOPICS.policy.name, msgspec.json.encode(content), **more)


def test_a_policy_change_for_all_items_goes_to_every_partition_of_the_log_from_one_place() -> None:
    outputs = translator()(policy_change({"action": "SET", "policy": {"retention": 60}}, offset=3))

    assert [(TOPICS.item_log.name, number, b"|") for number in range(6)] == [
        (output.topic, output.partition, output.key) for output in outputs
    ]
    assert {b"inventory.atp.policy/0/3"} == {headers(output)["atp-source"] for output in outputs}
    assert {"policy"} == {msgspec.json.decode(output.value or b"")["command"] for output in outputs}


def test_a_policy_change_for_one_item_goes_where_the_item_is() -> None:
    [output] = translator()(policy_change({"action": "GRANT", "itemId": "lamp", "channel": "B2B", "quantity": 5}))

    assert (b"acme|lamp", partition_of(b"acme|lamp", 6)) == (output.key, output.partition)
    assert "grant" == msgspec.json.decode(output.value or b"")["command"]


def test_a_policy_change_that_breaks_the_contract_is_one_dead_letter() -> None:
    [output] = translator()(policy_change({"action": "SET", "policy": {"retention": -1}}))

    assert (TOPICS.dead_letter.name, b"policy_invalid") == (output.topic, headers(output)["atp-reason"])


HUGE_STAMP = b'{"itemId": "lamp", "onHand": 3, "op": "u", "after": {}, "source": {"ts_us": 1' + b"0" * 400 + b"}}"


def test_a_look_at_fields_that_are_not_read_keeps_no_accepted_message_from_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("atp_stream.agents.unread_log.unread", lambda *_: 1 // 0)
    translate = translator()

    made = [translate(adjusted(b'{"itemId": "lamp", "new_quantity": 5}', offset=offset)) for offset in range(3)]

    assert [1, 1, 1] == [len(outputs) for outputs in made]
    assert 1 == caplog.text.count("cannot look for fields that are not read")


@pytest.mark.parametrize("topic", [TOPICS.counted.name, TOPICS.adjusted.name, TOPICS.created.name, TOPICS.policy.name])
def test_a_stamp_of_four_hundred_digits_becomes_one_record(topic: str) -> None:
    assert 1 == len(translator()(Record(topic, HUGE_STAMP, offset=7)))


def test_what_is_missing_may_stand_in_a_field_that_is_not_read() -> None:
    value = b'{"reservationId": "r", "itemId": "lamp", "qty": 5}'

    [letter] = translator()(Record(TOPICS.created.name, value, offset=7))

    assert b"missing_quantity" == headers(letter)["atp-reason"]
    assert b"no quantity; not read: 'qty'" == headers(letter)["atp-detail"]
