"""What comes over the wire and is no request as it should be: a problem, counted, and no traceback in the log."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from atp_stream.engine.app import EngineApp
from atp_stream.engine.repetitions import Repetitions
from tests.web.conftest import listening
from tests.web.test_metrics import samples

QUERY = "POST /atp/acme/query HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
async def port(app: EngineApp) -> AsyncIterator[int]:
    """Give the port of a worker's web server that was never started otherwise, as Faust would serve it."""
    async with listening(app) as port:
        yield port


async def send(port: int, request: bytes) -> tuple[int, str, dict[str, Any]]:
    """Return status, content type and body of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
    body = await reader.readexactly(int(fields["content-length"]))
    writer.close()
    return int(head.split(" ", 2)[1]), fields["content-type"], json.loads(body)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ("GET /atp/acme/lamp HTTP/1.1\r\n\r\n", "bad-request"),
        ("GARBAGE\r\n\r\n", "bad-request"),
        (f"GET /{9_000 * 'a'} HTTP/1.1\r\nHost: localhost\r\n\r\n", "bad-request"),
        (f"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {9_000 * 'a'}\r\n\r\n", "bad-request"),
        (f"{QUERY}Transfer-Encoding: zip\r\n\r\nx", "bad-request"),
        (f"{QUERY}Content-Length: -1\r\n\r\n", "bad-request"),
        (f'{QUERY}Content-Encoding: gzip\r\nContent-Length: 11\r\n\r\n{{"items":[]}}', "bad-body"),
        (f"{QUERY}Transfer-Encoding: chunked\r\n\r\nzz\r\nx", "bad-request"),
    ],
    ids=["no host", "garbage", "long path", "long header", "encoding", "length", "not gzip", "broken chunk"],
)
async def test_what_cannot_be_read_is_a_problem_and_no_line_of_the_log(
    port: int, request_: str, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    status, content_type, problem = await send(port, request_.encode())

    assert (400, "application/problem+json") == (status, content_type)
    assert (f"urn:atp:problem:{code}", 400) == (problem["type"], problem["status"])
    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_an_expectation_that_nobody_can_meet_is_a_problem(port: int) -> None:
    status, content_type, problem = await send(port, f"{QUERY}Expect: miracles\r\nContent-Length: 1\r\n\r\n".encode())

    assert (417, "application/problem+json") == (status, content_type)
    assert "urn:atp:problem:expectation-failed" == problem["type"]


async def test_a_client_that_goes_away_in_the_middle_is_counted_and_is_no_fault(
    port: int, app: EngineApp, caplog: pytest.LogCaptureFixture
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{QUERY}Content-Length: 100\r\n\r\n".encode() + b'{"items"')
    await asyncio.sleep(0.1)
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.1)

    counted = await counts(port)
    assert 1 == counted['atp_http_requests_total{method="POST",path="/atp/{tenant}/query",status="499"}']
    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]


async def counts(port: int) -> dict[str, float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    text = (await reader.read()).decode()
    writer.close()
    return samples(text.partition("\r\n\r\n")[2])


async def test_a_fault_that_is_met_again_and_again_is_one_traceback_and_counted_each_time(
    port: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atp_stream.web.problems._faults", Repetitions(60.0))
    monkeypatch.setattr("atp_stream.web.availability.owner", lambda *_: 1 // 0)
    for _ in range(5):
        status, _, problem = await send(port, b"GET /atp/acme/a%C2%A0b HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (500, "urn:atp:problem:bug") == (status, problem["type"])

    assert 5 == (await counts(port))['atp_http_requests_total{method="GET",path="/atp/{tenant}/{item}",status="500"}']
    assert ["GET /atp/acme/a%C2%A0b failed"] == caplog.messages


async def test_what_was_no_request_is_counted(port: int) -> None:
    await send(port, b"GARBAGE\r\n\r\n")

    assert 1 == (await counts(port))['atp_http_requests_total{method="(none)",path="(other)",status="400"}']
