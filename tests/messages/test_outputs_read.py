"""What people who watch are shown is the event, whichever wire it came on."""

import itertools
from contextlib import closing

import pytest
from hypothesis import given

from atp_stream.access import RegistryAccess
from atp_stream.devstack import Stack
from atp_stream.domain.errors import Refused
from atp_stream.domain.events import Published
from atp_stream.messages import registry, schema_files
from atp_stream.messages.outbound import EVENTS, Outbound, Role
from atp_stream.messages.output_reader import OutputReader
from atp_stream.messages.registry import SchemaCache
from atp_stream.settings import Wire
from tests.messages.happened import CALCULATED, COMMITTED, GENESIS, IDS, PUBLISHED, TOPICS, value_of

AVRO = Outbound(GENESIS, Wire.AVRO, IDS, TOPICS)
JSON = Outbound(GENESIS, Wire.JSON, {}, TOPICS)
_numbers = itertools.count(1)


def warm() -> SchemaCache:
    """Return a cache that knows our events and asks nobody."""
    cache = SchemaCache(RegistryAccess("http://127.0.0.1:1"))
    cache._schemas.update({IDS[role]: schema_files.schema(event) for role, event in EVENTS.items()})
    cache.close()
    return cache


@given(PUBLISHED)
async def test_both_wires_are_shown_as_the_same_envelope(event: Published) -> None:
    reader = OutputReader(warm())
    shown = await reader.envelope(value_of(JSON.encode(event, 3)))
    assert shown == await reader.envelope(value_of(AVRO.encode(event, 3)))
    assert shown == await reader.envelope(value_of(AVRO.encode(event, 3)))  # its schema is at hand now


async def test_the_json_wire_is_shown_as_it_came() -> None:
    value = value_of(JSON.encode(CALCULATED, 3))
    assert value == await OutputReader(warm()).envelope(value)


@pytest.mark.parametrize("value", [b"", b"[]", b"text", b'"text"'], ids=str)
async def test_what_is_neither_wire_is_an_error(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|Expected|truncated"):
        await OutputReader(warm()).envelope(value)


@pytest.mark.stack
async def test_a_schema_that_is_not_known_yet_is_fetched(stack: Stack) -> None:
    subject = f"outputs-read-test-{next(_numbers)}-value"
    (registered,) = registry.register(
        RegistryAccess(stack.registry_url), {subject: schema_files.schema("AllocationCommittedEvent")}
    )
    record = Outbound(GENESIS, Wire.AVRO, dict.fromkeys(Role, registered.schema_id), TOPICS).encode(COMMITTED, 3)
    with closing(SchemaCache(RegistryAccess(stack.registry_url))) as cache:
        assert value_of(JSON.encode(COMMITTED, 3)) == await OutputReader(cache).envelope(value_of(record))


@pytest.mark.stack
async def test_a_schema_that_nobody_knows_is_refused(stack: Stack) -> None:
    with closing(SchemaCache(RegistryAccess(stack.registry_url))) as cache, pytest.raises(Refused) as refused:
        await OutputReader(cache).envelope(b"\0\0\x0f\xff\xff")
    assert refused.value.reason == "unknown_schema"
