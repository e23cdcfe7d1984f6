"""What a worker makes of another one's answer to a question that it passed on."""

import logging
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from atp_stream.engine.repetitions import Repetitions
from atp_stream.engine.routing import Elsewhere
from atp_stream.settings import Settings
from atp_stream.web.callers import Caller, Role
from atp_stream.web.hops import Hops
from atp_stream.web.tls import server_tls
from tests.web.certificates import Authority
from tests.web.conftest import made
from tests.web.test_admission import write_files

PATH = "/atp/acme/l%C3%A4mp%2F%7c;=?locations_after=a%2Fb+%7e"


@pytest.fixture(autouse=True)
def _refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atp_stream.web.routing._refusals", Repetitions(60.0))


class Other:
    """Another worker, which answers as it is made to."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.received: list[web.Request] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.received.append(request)
        return web.json_response({"said": self.status}, status=self.status)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/{path:.*}", self.answer)
        return app


async def passed_on(directory: Path, url: URL, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> tuple[int, str]:
    """Return status, and code of the problem, of what a worker answers when the owner is at an address."""
    monkeypatch.setattr("atp_stream.web.availability.owner", lambda *_: Elsewhere(url))
    app = made(directory, **write_files(directory), **settings)
    server: Any = app.web
    server.init_server()
    headers = {"Authorization": "Bearer token-of-reader"}
    async with (
        TestClient(TestServer(server.web_app)) as client,
        client.get(URL(PATH, encoded=True), headers=headers) as answer,
    ):
        body = await answer.json()
    await app.http_client.close()
    return answer.status, body.get("type", "").removeprefix("urn:atp:problem:")


@pytest.mark.parametrize(
    ("status", "expected", "lines"),
    [
        (200, (200, ""), 0),
        (404, (404, ""), 0),
        (429, (503, "owner-busy"), 0),
        (401, (503, "owner-unreachable"), 1),
        (403, (503, "owner-unreachable"), 1),
        (421, (503, "owner-unreachable"), 1),
    ],
)
async def test_a_caller_is_not_blamed_for_what_workers_have_with_each_other(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    status: int,
    expected: tuple[int, str],
    lines: int,
) -> None:
    other = Other(status)
    async with TestServer(other.app()) as server:
        assert expected == await passed_on(tmp_path, server.make_url("/"), monkeypatch)
    records: list[Any] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert lines * [("hop_refused", status)] == [(record.event, record.status) for record in records]


async def test_the_owner_is_told_who_asks_and_never_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Other(200)
    async with TestServer(other.app()) as server:
        await passed_on(tmp_path, server.make_url("/"), monkeypatch)
        [received] = other.received
        hops = Hops(tmp_path / "secret", server.make_url("/"))
        caller = hops.caller(received.headers["X-Atp-Caller"], "GET", PATH, b"")

    assert Caller("reader", frozenset({"acme"}), frozenset({Role.READ})) == caller
    assert "token-of" not in str(received.headers)


async def test_a_worker_whose_certificate_is_not_trusted_is_named_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    context = server_tls(Settings(web_certificate=Authority(tmp_path).issue("localhost")))()
    own = TestServer(Other(200).app(), scheme="https")
    await own.start_server(ssl=context)
    try:
        assert (503, "owner-unreachable") == await passed_on(tmp_path, own.make_url("/"), monkeypatch)
    finally:
        await own.close()
    records: list[Any] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert ["hop_refused"] == [getattr(record, "event", record.getMessage()) for record in records]
    assert "CERTIFICATE_VERIFY_FAILED" in records[0].getMessage()
