"""The schema registry: a real one where it answers, and what stands in its place where it does not."""

import asyncio
import itertools
import json
import socket
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from atp_stream.access import RegistryAccess
from atp_stream.devstack import Stack
from atp_stream.domain.errors import Refused
from atp_stream.messages import registry, schema_files
from atp_stream.messages.inbound import Inbound, InputKind, Translated
from atp_stream.messages.outbound import EVENTS, Role
from atp_stream.messages.registry import Outcome, RegistryUnavailable, SchemaCache, SchemaUnknown
from atp_stream.messages.registry_client import RegistryClient
from atp_stream.settings import Settings
from tests.messages.answers import Answer, answering, scripted, serving
from tests.messages.wire import Record, avro

_numbers = itertools.count(1)
CONFIRMED = schema_files.schema("ReservationConfirmedEvent")
OTHER = {**CONFIRMED, "fields": [*CONFIRMED["fields"], {"name": "note", "type": ["null", "string"], "default": None}]}


@pytest.fixture
def subject() -> str:
    """Give a subject that no other test has."""
    return f"registry-test-{next(_numbers)}-value"


def register(stack: Stack, subject: str, schema: Any) -> registry.Registration:
    """Register one schema."""
    (found,) = registry.register(RegistryAccess(stack.registry_url), {subject: schema})
    return found


def free_port() -> int:
    """Return a port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.stack
def test_a_new_subject_is_created(stack: Stack, subject: str) -> None:
    found = register(stack, subject, CONFIRMED)
    assert (subject, Outcome.CREATED, "") == (found.subject, found.outcome, found.detail)


@pytest.mark.stack
def test_a_subject_with_our_schema_is_left_as_it_is(stack: Stack, subject: str) -> None:
    first = register(stack, subject, CONFIRMED)
    assert registry.Registration(subject, Outcome.PRESENT, first.schema_id) == register(stack, subject, CONFIRMED)


@pytest.mark.stack
async def test_a_subject_with_another_schema_is_reported_and_not_changed(stack: Stack, subject: str) -> None:
    first = register(stack, subject, OTHER)
    found = register(stack, subject, CONFIRMED)
    assert (Outcome.DIFFERS, first.schema_id) == (found.outcome, found.schema_id)
    assert found.detail
    assert register(stack, subject, OTHER).outcome is Outcome.PRESENT


@pytest.mark.stack
def test_a_new_subject_takes_only_compatible_successors(stack: Stack, subject: str) -> None:
    register(stack, subject, CONFIRMED)
    client = RegistryClient(RegistryAccess(stack.registry_url), 5.0)
    try:
        with pytest.raises(RegistryUnavailable, match="says 409 to POST"):
            client.add(subject, {**CONFIRMED, "fields": [{"name": "n", "type": "string"}]})
    finally:
        client.close()


@pytest.mark.stack
async def test_a_warm_cache_knows_the_ids_of_our_events(stack: Stack, subject: str) -> None:
    schemas = {f"{role}-{subject}": schema_files.schema(event) for role, event in EVENTS.items()}
    registered = registry.register(RegistryAccess(stack.registry_url), schemas)
    with closing(SchemaCache(RegistryAccess(stack.registry_url))) as cache:
        await cache.warm(dict.fromkeys(schemas, ""), to_write=True)
        assert dict(zip(Role, [one.schema_id for one in registered], strict=True)) == cache.output_ids


@pytest.mark.stack
async def test_a_warm_cache_knows_every_version_of_an_input(stack: Stack, subject: str) -> None:
    first = register(stack, subject, CONFIRMED).schema_id
    client = RegistryClient(RegistryAccess(stack.registry_url), 5.0)
    second = client.add(subject, OTHER)
    client.close()
    with closing(SchemaCache(RegistryAccess(stack.registry_url))) as cache:
        await cache.warm(dict.fromkeys([subject, "a-topic-without-a-subject-value"], ""))
        assert (CONFIRMED, OTHER) == (cache.lookup(first), cache.lookup(second))
        assert cache.output_ids == {}


@pytest.mark.stack
async def test_an_id_that_turns_up_later_is_fetched_once_and_then_known(stack: Stack, subject: str) -> None:
    schema_id = register(stack, subject, CONFIRMED).schema_id
    with closing(SchemaCache(RegistryAccess(stack.registry_url))) as cache:
        inbound = Inbound(cache, "acme")
        record = Record(avro(CONFIRMED, {"reservationId": "r", "itemId": "i"}, schema_id))
        with pytest.raises(SchemaUnknown) as unknown:
            inbound.translate(InputKind.CONFIRMED, record)
        await cache.fetch(unknown.value.schema_id)
        assert isinstance(inbound.translate(InputKind.CONFIRMED, record), Translated)


@pytest.mark.stack
@pytest.mark.parametrize("schema_id", [0, 999_999, 2**31 - 1])
async def test_an_id_that_the_registry_does_not_know_is_refused(stack: Stack, schema_id: int) -> None:
    with closing(SchemaCache(RegistryAccess(stack.registry_url))) as cache:
        await cache.fetch(schema_id)
        with pytest.raises(Refused) as refused:
            cache.lookup(schema_id)
    assert refused.value.reason == "unknown_schema"


@pytest.mark.parametrize("schema_id", [2**31, 2**32 - 1])
def test_an_id_that_no_registry_can_have_is_refused_without_asking(schema_id: int) -> None:
    with (
        closing(SchemaCache(RegistryAccess(f"http://127.0.0.1:{free_port()}"))) as cache,
        pytest.raises(Refused) as refused,
    ):
        cache.lookup(schema_id)
    assert refused.value.reason == "unknown_schema"


@pytest.mark.stack
async def test_an_unknown_id_is_asked_for_again_after_a_while(
    stack: Stack, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_MISSING_RETRY_S", 0.0)
    with closing(SchemaCache(RegistryAccess(stack.registry_url))) as cache:
        await cache.fetch(888_888)
        with pytest.raises(SchemaUnknown):
            cache.lookup(888_888)


@pytest.mark.stack
async def test_made_up_ids_do_not_fill_the_memory(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_MAX_MISSING_IDS", 2)
    with closing(SchemaCache(RegistryAccess(stack.registry_url))) as cache:
        for schema_id in (700_001, 700_002, 700_003):
            await cache.fetch(schema_id)
        with pytest.raises(SchemaUnknown):
            cache.lookup(700_001)
        with pytest.raises(Refused):
            cache.lookup(700_003)


@pytest.mark.stack
async def test_a_schema_of_a_language_that_is_not_read_is_known_and_refused_in_words(
    stack: Stack, subject: str
) -> None:
    client = RegistryClient(RegistryAccess(stack.registry_url), 5.0)
    schema = 'syntax = "proto3"; message Confirmed { string item_id = 1; }'
    answer = client._ask("register", {"schema": schema, "schemaType": "PROTOBUF"}, subject=subject)
    client.close()
    with closing(SchemaCache(RegistryAccess(stack.registry_url))) as cache:
        await cache.fetch(answer["id"])
        with pytest.raises(Refused) as refused:
            Inbound(cache, "acme").translate(InputKind.CONFIRMED, Record(b"\0" + answer["id"].to_bytes(4, "big")))
    assert refused.value.reason == "bad_schema"
    assert "a schema in PROTOBUF; Avro and JSON Schema are read" in refused.value.detail


@pytest.mark.stack
async def test_a_schema_that_refers_to_others_is_read_with_them(stack: Stack, subject: str) -> None:
    client = RegistryClient(RegistryAccess(stack.registry_url), 5.0)
    place = {"type": "record", "name": "shop.Place", "fields": [{"name": "locationId", "type": "string"}]}
    payload = {
        "type": "record",
        "name": "shop.Row",
        "fields": [
            {"name": "itemId", "type": "long"},
            {"name": "onHand", "type": "int"},
            {"name": "at", "type": "shop.Place"},
        ],
    }
    envelope = {"type": "record", "name": "Envelope", "fields": [{"name": "payload", "type": "shop.Row"}]}
    refers: list[dict[str, Any]] = []
    schema_id = 0
    for name, schema in (("shop.Place", place), ("shop.Row", payload), ("", envelope)):
        body = {"schema": schema_files.text(schema), "references": refers}
        schema_id = client._ask("register", body, subject=f"{subject}-{name}")["id"]
        refers = [{"name": name, "subject": f"{subject}-{name}", "version": 1}]
    client.close()
    with closing(SchemaCache(RegistryAccess(stack.registry_url))) as cache:
        await cache.fetch(schema_id)
        value = b"\0" + schema_id.to_bytes(4, "big") + b"\x02\x0a\x06abc"
        found = Inbound(cache, "acme").translate(InputKind.COUNTED, Record(value))
    assert isinstance(found, Translated)
    assert ("1", 500) == (found.item, getattr(found.command, "on_hand", None))


@pytest.mark.stack
async def test_known_ids_notice_nothing_when_the_registry_is_away(stack: Stack, subject: str) -> None:
    schema_id = register(stack, subject, CONFIRMED).schema_id
    cache = SchemaCache(RegistryAccess(stack.registry_url))
    await cache.warm({subject: "ReservationConfirmedEvent"})
    cache.close()
    assert CONFIRMED == cache.lookup(schema_id)


NOWHERE: Answer = (404, {"error_code": 40401})
TAKEN: Answer = (409, {"error_code": 409})
OURS: Answer = (200, {"id": 7, "schema": schema_files.text(CONFIRMED)})


def test_a_subject_that_another_run_registers_in_the_same_moment_is_present() -> None:
    with scripted(NOWHERE, TAKEN, OURS) as (url, asked):
        found = registry.register(RegistryAccess(url), {"s": CONFIRMED})
    assert [registry.Registration("s", Outcome.PRESENT, 7)] == found
    assert ["GET", "POST", "GET"] == asked


def test_a_conflict_over_a_subject_that_stays_away_is_the_registrys_fault() -> None:
    with scripted(NOWHERE, TAKEN, NOWHERE) as (url, _), pytest.raises(RegistryUnavailable, match="says 409 to POST"):
        registry.register(RegistryAccess(url), {"s": CONFIRMED})


def test_a_level_that_another_run_sets_in_the_same_moment_is_set() -> None:
    with scripted(NOWHERE, (200, {"id": 7}), TAKEN) as (url, asked):
        found = registry.register(RegistryAccess(url), {"s": CONFIRMED})
    assert [registry.Registration("s", Outcome.CREATED, 7)] == found
    assert ["GET", "POST", "PUT"] == asked


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, b"<html>no such page</html>"), (404, b'{"error_code":404}'), (404, b"[]"), (503, b"{}"), (200, b"hello")],
    ids=["a web server's 404", "a path's 404", "a list", "busy", "no JSON"],
)
async def test_what_is_no_registry_is_said_in_one_line(status: int, body: bytes) -> None:
    with (
        answering(status, body) as url,
        closing(SchemaCache(RegistryAccess(url))) as cache,
        pytest.raises(RegistryUnavailable) as unavailable,
    ):
        await cache.warm({"inventory.adjusted-value": "InventoryAdjusted"})
    assert url in str(unavailable.value)
    assert "\n" not in str(unavailable.value)


@pytest.mark.parametrize(
    ("status", "body"), [(404, b"<html>no such page</html>"), (404, b'{"error_code":404}'), (405, b"{}"), (200, b"hi")]
)
async def test_an_address_without_the_path_of_the_registry_is_reported_as_such(status: int, body: bytes) -> None:
    with (
        answering(status, body) as url,
        closing(SchemaCache(RegistryAccess(url))) as cache,
        pytest.raises(RegistryUnavailable, match=r"does ATP_REGISTRY_URL end with its path, as in .*/apis/ccompat/v7"),
    ):
        await cache.warm({"inventory.adjusted-value": "InventoryAdjusted"})


async def test_nobody_there_is_said_in_one_line_and_without_the_password() -> None:
    port = free_port()
    access = RegistryAccess.of(Settings(registry_url=f"http://user:secret@127.0.0.1:{port}/apis/ccompat/v7"))
    with closing(SchemaCache(access)) as cache, pytest.raises(RegistryUnavailable) as unavailable:
        await cache.warm({"inventory.adjusted-value": "InventoryAdjusted"})
    text = str(unavailable.value)
    assert text.startswith(f"no schema registry answers at http://127.0.0.1:{port}/apis/ccompat/v7: ")
    assert "Error(" not in text
    assert text.endswith("; start it, or correct ATP_REGISTRY_URL")
    assert "secret" not in text


def test_an_address_that_is_none_is_said_in_one_line() -> None:
    with pytest.raises(RegistryUnavailable, match="'registry:8081' is no address of a schema registry"):
        SchemaCache(RegistryAccess("registry:8081"))


async def test_a_registry_that_hangs_is_given_up_after_the_timeout() -> None:
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            closing(SchemaCache(RegistryAccess(url), timeout_s=0.1)) as cache,
            pytest.raises(RegistryUnavailable, match=r"timed out|too long"),
        ):
            await asyncio.wait_for(cache.warm({"inventory.adjusted-value": "InventoryAdjusted"}), 5)


async def test_a_fetch_waits_for_the_registry_to_come_and_leaves_the_loop_free() -> None:
    port = free_port()
    with closing(SchemaCache(RegistryAccess(f"http://127.0.0.1:{port}"))) as cache:
        fetching = asyncio.create_task(cache.fetch(5))
        await asyncio.sleep(0.25)
        assert not fetching.done()
        with answering(200, b'{"schema":"\\"string\\""}', port):
            await asyncio.wait_for(fetching, 5)
        assert cache.lookup(5) == "string"


async def test_a_404_of_something_in_between_does_not_make_an_id_unknown() -> None:
    with answering(404, b"<html>no such page</html>") as url, closing(SchemaCache(RegistryAccess(url))) as cache:
        fetching = asyncio.create_task(cache.fetch(5))
        await asyncio.sleep(0.25)
        assert not fetching.done()
        fetching.cancel()
        with pytest.raises(SchemaUnknown):
            cache.lookup(5)


async def test_a_schema_that_is_not_even_json_is_known_but_no_avro() -> None:
    with answering(200, b'{"schema":"syntax = proto3"}') as url, closing(SchemaCache(RegistryAccess(url))) as cache:
        await cache.fetch(5)
        assert cache.lookup(5) is None


async def test_a_version_that_goes_while_it_is_read_is_passed_over() -> None:
    with (
        answering(404, b'{"error_code":40402}', versions=b"[1]") as url,
        closing(SchemaCache(RegistryAccess(url))) as cache,
    ):
        await cache.warm({"inventory.adjusted-value": "InventoryAdjusted"})
        assert cache.output_ids == {}


def versions_of_which_one_answers(one: tuple[int, bytes]) -> Callable[[str, str], tuple[int, bytes]]:
    """Return the answers of a registry with two versions of each subject: the first is `one`, the second is ours."""
    good = json.dumps({"id": 8, "schema": schema_files.text(schema_files.schema("AllocationCommittedEvent"))}).encode()

    def answer(_: str, path: str) -> tuple[int, bytes]:
        if path.endswith("/versions"):
            return 200, b"[1, 2]"
        return one if path.endswith("/versions/1") else (200, good)

    return answer


@pytest.mark.parametrize(
    "answer",
    [(500, b'{"error_code":50001}'), (200, b"{}"), (200, b'{"id":7,"schema":"' + b"a" * (1 << 20) + b'"}')],
    ids=["an error", "no schema", "more than a mebibyte"],
)
async def test_a_version_that_cannot_be_read_is_reported_and_the_others_are_known(answer: tuple[int, bytes]) -> None:
    with serving(versions_of_which_one_answers(answer)) as url, closing(SchemaCache(RegistryAccess(url))) as cache:
        (line,) = await cache.warm({"allocations-value": "AllocationCommittedEvent"})
        assert [8] == list(cache.output_ids.values())
    assert line.startswith("the registry did not answer for version 1 of the schema allocations-value (")
    assert "; it is asked again when a message needs that version, and that partition waits until it answers" in line
    assert "\n" not in line


@pytest.mark.parametrize("failures", [1, 2])
async def test_a_version_that_is_answered_for_at_the_next_try_is_known_and_nothing_to_report(failures: int) -> None:
    left = [(500, b'{"error_code":50001}')] * failures

    def answer(method: str, path: str) -> tuple[int, bytes]:
        if path.endswith("/versions/1") and left:
            return left.pop()
        return versions_of_which_one_answers((200, b'{"id":7,"schema":"\\"string\\""}'))(method, path)

    with serving(answer) as url, closing(SchemaCache(RegistryAccess(url))) as cache:
        assert [] == await cache.warm({"allocations-value": "AllocationCommittedEvent"})
        assert "string" == cache.lookup(7)


ONE_OUT_ONE_IN = {"allocations-value": "AllocationCommittedEvent", "inventory.adjusted-value": "InventoryAdjusted"}


def the_second_version_fails_of(subject: str) -> Callable[[str, str], tuple[int, bytes]]:
    """Return the answers of a registry with two versions of each subject: the first is nobody's, the second broken."""

    def answer(_: str, path: str) -> tuple[int, bytes]:
        if path.endswith("/versions"):
            return 200, b"[1, 2]"
        if path.endswith(f"{subject}/versions/2"):
            return 500, b'{"error_code":50001}'
        return 200, b'{"id":7,"schema":"\\"string\\""}'

    return answer


async def test_an_output_event_whose_id_may_be_in_an_unread_version_keeps_a_worker_from_starting() -> None:
    with (
        serving(the_second_version_fails_of("allocations-value")) as url,
        closing(SchemaCache(RegistryAccess(url))) as cache,
        pytest.raises(RegistryUnavailable) as unavailable,
    ):
        await cache.warm(ONE_OUT_ONE_IN, to_write=True)
    line = str(unavailable.value)
    assert line.startswith(
        "the schema id of AllocationCommittedEvent, which is written, is not known:"
        " the registry did not answer for version 2 of the schema allocations-value ("
    )
    assert "\n" not in line


async def test_an_unread_version_of_an_output_is_a_warning_where_it_is_not_written_in_avro() -> None:
    with (
        serving(the_second_version_fails_of("allocations-value")) as url,
        closing(SchemaCache(RegistryAccess(url))) as cache,
    ):
        assert 1 == len(await cache.warm(ONE_OUT_ONE_IN))


async def test_an_unread_version_of_an_input_is_a_warning() -> None:
    with (
        serving(the_second_version_fails_of("inventory.adjusted-value")) as url,
        closing(SchemaCache(RegistryAccess(url))) as cache,
    ):
        assert 1 == len(await cache.warm(ONE_OUT_ONE_IN, to_write=True))


async def test_versions_that_can_be_read_are_nothing_to_report() -> None:
    good = versions_of_which_one_answers((200, b'{"id":7,"schema":"\\"string\\""}'))
    with serving(good) as url, closing(SchemaCache(RegistryAccess(url))) as cache:
        assert [] == await cache.warm({"allocations-value": "AllocationCommittedEvent"})


async def test_a_registry_that_goes_while_it_is_read_is_away_and_no_version_is_blamed() -> None:
    asked: list[str] = []

    def answer(_: str, path: str) -> tuple[int, bytes]:
        asked.append(path)
        return (200, b"[1, 2]") if len(asked) == 1 else (503, b"busy")

    with serving(answer) as url, closing(SchemaCache(RegistryAccess(url))) as cache, pytest.raises(RegistryUnavailable):
        await cache.warm({"allocations-value": "AllocationCommittedEvent"})
