"""How many may connect, how long they may take, and what answers carry: over real sockets, without a worker behind."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from atp_stream.devstack.ports import free_port
from atp_stream.web.listener import most_connections
from tests.web.conftest import listening, made
from tests.web.test_admission import write_files
from tests.web.test_metrics import samples

LIVE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
HALF = b"GET /health/live HTTP/1.1\r\nHost: loc"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def opened(port: int, number: int, said: bytes) -> AsyncIterator[list[Streams]]:
    """Give connections that have said something."""
    found = []
    for _ in range(number):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        found.append((reader, writer))
    yield found
    for _, writer in found:
        writer.close()


async def answer(streams: Streams) -> tuple[int, dict[str, str], bytes]:
    reader, _ = streams
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
    return int(head.split(" ", 2)[1]), fields, await reader.readexactly(int(fields["content-length"]))


async def asked(port: int, request: bytes = LIVE) -> tuple[int, dict[str, str], bytes]:
    async with asyncio.timeout(5), opened(port, 1, request) as [streams]:
        return await answer(streams)


async def has_ended(streams: Streams) -> bool:
    """Whether the other side has closed a connection."""
    try:
        async with asyncio.timeout(0.05):
            return await streams[0].read() == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


async def turned_away(port: int) -> dict[str, float]:
    _, _, body = await asked(port, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    prefix = 'atp_http_turned_away_total{reason="'
    found = {name.removeprefix(prefix)[:-2]: value for name, value in samples(body.decode()).items() if prefix in name}
    return {reason: count for reason, count in found.items() if count}


async def test_a_crowd_that_asks_nothing_keeps_nobody_out(tmp_path: Path) -> None:
    async with listening(made(tmp_path, web_max_connections=8)) as port, opened(port, 20, HALF) as crowd:
        assert 200 == (await asked(port))[0]
        await asyncio.sleep(0.05)
        ended = [await has_ended(one) for one in crowd]
        assert [True] * 13 == ended[:13]  # the oldest made room: for the rest of the crowd, and for who asks
        assert [False] * 7 == ended[13:]
        assert 13 <= (await turned_away(port))["connections"]


async def test_who_has_asked_before_is_the_last_to_make_room(tmp_path: Path) -> None:
    async with listening(made(tmp_path, web_max_connections=8)) as port, opened(port, 1, LIVE) as [first]:
        await answer(first)
        async with opened(port, 20, HALF):
            await asyncio.sleep(0.1)
            first[1].write(LIVE)
            assert 200 == (await answer(first))[0]


async def test_when_all_are_being_answered_one_more_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"POST /atp/acme/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
    async with listening(made(tmp_path, web_max_connections=8)) as port, opened(port, 8, body) as busy:
        await asyncio.sleep(0.1)
        async with opened(port, 1, LIVE) as [late]:
            assert await has_ended(late)
        assert [False] * 8 == [await has_ended(one) for one in busy]


async def test_a_first_request_that_does_not_come_ends_the_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atp_stream.web.server.FIRST_REQUEST_S", 0.2)
    async with listening(made(tmp_path)) as port, opened(port, 1, HALF) as [slow], opened(port, 1, b"") as [mute]:
        assert [False, False] == [await has_ended(slow), await has_ended(mute)]
        await asyncio.sleep(0.3)
        assert [True, True] == [await has_ended(slow), await has_ended(mute)]
        assert {"silence": 2} == await turned_away(port)


async def test_a_body_that_does_not_come_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atp_stream.web.bodies.BODY_S", 0.2)
    request = b"POST /atp/acme/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
    async with listening(made(tmp_path)) as port:
        status, fields, body = await asked(port, request)

    assert (408, "close") == (status, fields["connection"])
    assert "urn:atp:problem:body-too-slow" == json.loads(body)["type"]


async def test_an_answer_that_is_not_read_ends_the_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atp_stream.web.server.ANSWER_S", 0.3)
    metrics = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with listening(made(tmp_path)) as port:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.setblocking(False)
            await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
            client.send(300 * metrics)  # more than all buffers on the way hold
            found: dict[str, float] = {}
            for _ in range(100):
                await asyncio.sleep(0.1)
                if found := await turned_away(port):
                    break
    assert {"unread": 1} == found


async def test_more_queries_than_are_allowed_are_told_when_to_ask_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atp_stream.web.bodies.WAIT_S", 0.1)
    go_on = asyncio.Event()

    async def slow(_: Any) -> list[Any]:
        await go_on.wait()
        return []

    monkeypatch.setattr("atp_stream.web.query._Gathering.results", slow)
    query = b'POST /atp/acme/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 13\r\n\r\n{"items": []}'
    async with listening(made(tmp_path, web_max_queries=2)) as port, opened(port, 2, query) as two:
        await asyncio.sleep(0.1)
        status, fields, body = await asked(port, query)
        assert 200 == (await asked(port))[0]
        go_on.set()
        assert [200, 200] == [(await answer(one))[0] for one in two]
        assert 200 == (await asked(port, query))[0]

    assert (429, "1") == (status, fields["retry-after"])
    assert "urn:atp:problem:too-many-queries" == json.loads(body)["type"]


@pytest.mark.parametrize("request_", [LIVE, b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GARBAGE\r\n\r\n"])
async def test_every_answer_keeps_browsers_from_mischief_and_shows_no_version(tmp_path: Path, request_: bytes) -> None:
    async with listening(made(tmp_path)) as port:
        _, fields, _ = await asked(port, request_)

    expected = {
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "referrer-policy": "no-referrer",
        "server": "atp_stream",
        "x-content-type-options": "nosniff",
        "x-frame-options": "deny",
    }
    assert expected == {name: fields[name] for name in expected}
    assert "strict-transport-security" not in fields


async def test_a_port_of_its_own_has_health_and_metrics_for_everybody_and_nothing_else(tmp_path: Path) -> None:
    own = free_port()
    app = made(tmp_path, web_health_port=own, **write_files(tmp_path))

    def get(path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: whatever.example\r\n\r\n".encode()

    async with listening(app) as port:
        found = [(await asked(own, get(path)))[0] for path in ("/health/live", "/metrics", "/", "/atp/acme/lamp")]
        assert [200, 200, 404, 404] == found
        assert 401 == (await asked(port, get("/metrics").replace(b"whatever.example", b"localhost")))[0]


async def test_a_crowd_at_the_views_keeps_nobody_from_the_port_of_health(tmp_path: Path) -> None:
    own = free_port()
    body = b"POST /atp/acme/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
    async with listening(made(tmp_path, web_health_port=own, web_max_connections=8)) as port, opened(port, 8, body):
        await asyncio.sleep(0.1)
        assert 200 == (await asked(own))[0]


@pytest.mark.parametrize(("files", "most"), [(256, 64), (1_024, 448), (1_048_576, 512), (100, 8)])
def test_where_few_files_may_be_open_connections_take_half_of_them_at_most(
    files: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atp_stream.web.listener.resource.getrlimit", lambda _: (files, files))

    assert most == most_connections(512)
