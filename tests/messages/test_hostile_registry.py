"""Whatever answers in the place of a registry, the partition that asks waits, and nothing ends."""

import asyncio
import gzip
import socket
import time
from contextlib import closing

import pytest

from atp_stream.access import RegistryAccess
from atp_stream.domain.errors import Refused
from atp_stream.messages.errors import SchemaUnknown
from atp_stream.messages.inbound import Inbound, InputKind
from atp_stream.messages.registry import RegistryUnavailable, SchemaCache
from tests.messages.answers import answering
from tests.messages.wire import Record

ANSWERS: dict[str, tuple[int, bytes]] = {
    "[]": (200, b"[]"),
    "{}": (200, b"{}"),
    "a text": (200, b'"text"'),
    "null": (200, b"null"),
    "a number": (200, b"5"),
    "a schema that is a number": (200, b'{"schema":5}'),
    "a schema that is null": (200, b'{"schema":null}'),
    "a language that is a number": (200, b'{"schema":"{}","schemaType":5}'),
    "references that are none": (200, b'{"schema":"{}","references":5}'),
    "references to nothing": (200, b'{"schema":"{}","references":[{}]}'),
    "a version that is a list": (200, b'{"schema":"{}","references":[{"subject":"s","version":[]}]}'),
    "a reference that is no registry's": (200, b'{"schema":5,"references":[{"subject":"s","version":1}]}'),
    "deep": (200, b"[" * 100_000),
    "deep and closed": (200, b"[" * 100_000 + b"]" * 100_000),
    "NaN": (200, b'{"schema":NaN}'),
    "HTML": (200, b"<html>"),
    "nothing": (200, b""),
    "not UTF-8": (200, b'{"schema":"\xff"}'),
    "an error code that is a list": (404, b'{"error_code":[1]}'),
    "an error code that is an object": (404, b'{"error_code":{}}'),
    "no entrance": (401, b'{"error_code":401}'),
    "an error": (500, b"{}"),
    "no content": (204, b""),
    "somewhere else": (302, b""),
    "more than a mebibyte": (200, b'{"schema":"' + b"a" * (1 << 20) + b'"}'),
}


@pytest.mark.parametrize(("status", "body"), ANSWERS.values(), ids=ANSWERS)
async def test_what_no_registry_would_say_makes_the_partition_wait(status: int, body: bytes) -> None:
    with answering(status, body) as url, closing(SchemaCache(RegistryAccess(url))) as cache:
        fetching = asyncio.create_task(cache.fetch(7))
        done, _ = await asyncio.wait([fetching], timeout=0.4)
        fetching.cancel()

        assert set() == done
        with pytest.raises(SchemaUnknown):
            cache.lookup(7)


@pytest.mark.parametrize(
    "schema",
    [rb"nope", b"[" * 100_000, b'{\\"type\\":5}', b'{\\"type\\":\\"record\\"}'],
    ids=["words", "deep", "a type that is a number", "a record without a name"],
)
async def test_a_schema_that_is_none_is_known_and_refused(schema: bytes) -> None:
    with answering(200, b'{"schema":"' + schema + b'"}') as url, closing(SchemaCache(RegistryAccess(url))) as cache:
        await asyncio.wait_for(cache.fetch(7), 10)

        with pytest.raises(Refused) as refused:
            Inbound(cache, "acme").translate(InputKind.ADJUSTED, Record(b"\0\0\0\0\7\2p\2"))
        assert "bad_schema" == refused.value.reason


async def test_schemas_that_refer_to_each_other_in_a_circle_end() -> None:
    body = b'{"id":7,"schema":"[\\"x.Y\\"]","references":[{"name":"x.Y","subject":"s","version":1}]}'
    with answering(200, body) as url, closing(SchemaCache(RegistryAccess(url))) as cache:
        await asyncio.wait_for(cache.fetch(7), 10)

        with pytest.raises(Refused) as refused:
            Inbound(cache, "acme").translate(InputKind.ADJUSTED, Record(b"\0\0\0\0\7\2p\2"))
        assert "bad_schema" == refused.value.reason


def raw_server(*chunks: bytes, pause: float = 0.0) -> socket.socket:
    """Return a listening socket that gives these bytes to whoever comes first."""
    import threading

    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with closing(listening.accept()[0]) as client:
            client.recv(65_536)
            for chunk in chunks:
                try:
                    client.sendall(chunk)
                except OSError:
                    return
                time.sleep(pause)

    threading.Thread(target=serve, daemon=True).start()
    return listening


def ask(server: socket.socket, timeout: float = 5.0) -> None:
    with (
        closing(server),
        closing(SchemaCache(RegistryAccess(f"http://127.0.0.1:{server.getsockname()[1]}"), timeout_s=timeout)) as cache,
    ):
        cache._registry.schema(7)


def test_an_answer_of_300_megabytes_is_given_up_after_the_first() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (300 << 20)
    with pytest.raises(RegistryUnavailable, match="an answer of more than 1048576 bytes"):
        ask(raw_server(head, *[b"a" * (1 << 20)] * 300))


def test_an_answer_that_unpacks_to_300_megabytes_is_given_up() -> None:
    packed = gzip.compress(b"a" * (300 << 20), 1)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    with pytest.raises(RegistryUnavailable, match="an answer of more than 1048576 bytes"):
        ask(raw_server(head, packed))


def test_an_answer_that_drips_is_given_up_after_the_timeout() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    began = time.monotonic()
    with pytest.raises(RegistryUnavailable, match=r"an answer that takes longer than 0\.3 s"):
        ask(raw_server(head, *[b" "] * 50, pause=0.1), timeout=0.3)
    assert time.monotonic() - began < 3
