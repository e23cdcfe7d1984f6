"""Who comes in: each page asks for a role and a tenant, and nothing is answered to a stranger."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from atp_stream.engine.repetitions import Repetitions
from atp_stream.settings import SettingError
from atp_stream.web import access
from atp_stream.web.access import Access
from atp_stream.web.callers import Role
from atp_stream.web.endpoint import Pages, json_response
from tests.web.conftest import listening, made

Client = TestClient[Any, Any]
CALLERS = {
    "reader": ('["acme"]', '["read"]'),
    "all": ('["*"]', '["read", "write", "operate"]'),
    "scraper": ("[]", '["operate"]'),
    "writer": ('["acme"]', '["write"]'),
}
SECRET = "0123456789abcdef0123456789abcdef"
OF_TENANTS = ["/atp/{}/lamp", "/atp/{}/lamp/ECOM", "/atp/{}/lamp/explain", "/reservations/{}?reference=a"]
OF_TENANTS += ["/reservations/{}/lamp/r-1", "/policy/{}/lamp"]


def entry(name: str, tenants: str, roles: str, key: str = "sha256", value: str = "") -> str:
    value = value or hashlib.sha256(f"token-of-{name}".encode()).hexdigest()
    return f'[[callers]]\nname = "{name}"\ntenants = {tenants}\nroles = {roles}\n{key} = "{value}"\n'


def write_files(directory: Path) -> dict[str, Path]:
    """Return settings that name a file of callers and one of the workers' secret."""
    tokens, secret = directory / "callers.toml", directory / "secret"
    tokens.write_text("".join(entry(name, *about) for name, about in CALLERS.items()))
    secret.write_text(SECRET)
    return {"web_tokens_file": tokens, "web_hop_secret": secret}


@pytest.fixture(autouse=True)
def _refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test keep the lines of another out of the log."""
    monkeypatch.setattr(access, "_refusals", Repetitions(1.0))


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Client]:
    """Give a client of a worker that owns nothing, and asks who asks."""
    server: Any = made(tmp_path, **write_files(tmp_path)).web
    server.init_server()
    async with TestClient(TestServer(server.web_app)) as client:
        yield client


async def status(client: Client, path: str, token: str | None = None, method: str = "GET", **headers: str) -> int:
    """Return the status; 503 is what a worker that owns nothing says to those whom it lets in."""
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    body = b'{"items": []}' if method == "POST" else None
    async with client.request(method, URL(path, encoded=True), headers=headers, data=body) as answer:
        if answer.status in {401, 403, 421}:
            assert "application/problem+json" == answer.content_type
        return answer.status


@pytest.mark.parametrize("path", OF_TENANTS)
async def test_a_reader_reads_what_belongs_to_his_tenant_alone(guarded: Client, path: str) -> None:
    token = "token-of-reader"

    assert 503 == await status(guarded, path.format("acme"), token)
    assert 503 == await status(guarded, path.format("%61cm%65"), token)  # the same name
    for other in ("globex", "acme%2F", "ACME", "*", "acme%20", "globex%2F..%2Facme", "%C3%A4cme", "ac%E2%80%8Bme"):
        assert 403 == await status(guarded, path.format(other), token)


async def test_a_reader_queries_his_tenant_alone(guarded: Client) -> None:
    assert 200 == await status(guarded, "/atp/acme/query", "token-of-reader", "POST")
    assert 403 == await status(guarded, "/atp/globex/query", "token-of-reader", "POST")


@pytest.mark.parametrize(
    "path", [*(path.format("acme") for path in OF_TENANTS), "/policy", "/metrics", "/", "/nothing"]
)
@pytest.mark.parametrize("token", [None, "", "token-of-nobody", "token-of-reader x", "tök", 4_000 * "x"])
async def test_a_stranger_gets_nothing(guarded: Client, path: str, token: str | None) -> None:
    assert 401 == await status(guarded, path, token)


async def test_a_stranger_is_told_how_to_say_who_he_is(guarded: Client) -> None:
    async with guarded.get("/atp/acme/lamp") as answer:
        assert 'Bearer realm="atp_stream"' == answer.headers["WWW-Authenticate"]
        assert "urn:atp:problem:unauthenticated" == (await answer.json())["type"]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_health_is_told_to_everybody(guarded: Client, path: str) -> None:
    assert await status(guarded, path) in {200, 503}
    assert await status(guarded, path, "token-of-nobody") in {200, 503}


@pytest.mark.parametrize(
    ("path", "token", "expected"),
    [
        ("/policy", "token-of-reader", 403),
        ("/policy", "token-of-scraper", 403),
        ("/policy", "token-of-all", 503),
        ("/metrics", "token-of-reader", 403),
        ("/metrics", "token-of-scraper", 200),
        ("/atp/acme/lamp", "token-of-scraper", 403),
        ("/atp/acme/lamp", "token-of-writer", 403),
        ("/atp/globex/lamp", "token-of-all", 503),
        ("/", "token-of-reader", 200),
        ("/nothing", "token-of-reader", 404),
    ],
)
async def test_a_role_is_for_what_it_is_named_for(guarded: Client, path: str, token: str, expected: int) -> None:
    assert expected == await status(guarded, path, token)


async def test_two_tokens_are_none(guarded: Client) -> None:
    headers = [("Authorization", "Bearer token-of-reader"), ("Authorization", "Bearer token-of-all")]
    async with guarded.get("/atp/acme/lamp", headers=headers) as answer:
        assert 401 == answer.status


async def test_a_token_counts_without_regard_to_the_spelling_of_its_scheme(guarded: Client) -> None:
    assert 503 == await status(guarded, "/atp/acme/lamp", Authorization="bEARER token-of-reader")
    assert 401 == await status(guarded, "/atp/acme/lamp", Authorization="Basic token-of-reader")


async def test_a_token_that_is_taken_out_of_the_file_counts_no_more_and_a_new_one_does(
    guarded: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atp_stream.web.watched_file._LOOK_S", 0.0)
    assert 503 == await status(guarded, "/atp/acme/lamp", "token-of-reader")
    (tmp_path / "callers.toml").write_text(entry("newcomer", '["acme"]', '["read"]'))

    assert 401 == await status(guarded, "/atp/acme/lamp", "token-of-reader")
    assert 503 == await status(guarded, "/atp/acme/lamp", "token-of-newcomer")


async def test_a_file_that_is_spoiled_changes_nothing_but_the_log(
    guarded: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("atp_stream.web.watched_file._LOOK_S", 0.0)
    (tmp_path / "callers.toml").write_text("[[callers")

    assert [503, 503] == [await status(guarded, "/atp/acme/lamp", "token-of-reader") for _ in range(2)]
    assert ["file_unreadable"] == [record.event for record in caplog.records if record.levelno == logging.ERROR]  # type: ignore[attr-defined]


async def test_refusals_are_in_the_log_once_a_second_with_how_many_there_were(
    guarded: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = [1_000.0]
    monkeypatch.setattr("atp_stream.web.access.time.monotonic", lambda: now[0])
    for _ in range(3):
        await status(guarded, "/atp/globex/l%0Aamp", "token-of-reader")
    now[0] += 1.0
    await status(guarded, "/atp/globex/lamp", "token-of-reader")

    records: list[Any] = [record for record in caplog.records if getattr(record, "event", "") == "request_refused"]
    assert [("reader", 403, "forbidden", "127.0.0.1", "GET /atp/globex/l%0Aamp")] == [
        (one.caller, one.status, one.reason, one.peer, one.asked) for one in records[:1]
    ]
    assert [None, 2] == [getattr(one, "repeated", None) for one in records]


async def test_the_log_never_shows_a_token(guarded: Client, caplog: pytest.LogCaptureFixture) -> None:
    await status(guarded, "/atp/acme/lamp", "token-of-nobody")
    await status(guarded, "/atp/globex/lamp", "token-of-reader")

    assert 2 == len(caplog.records)
    assert "token-of" not in " ".join(str(record.__dict__) for record in caplog.records)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("[[callers]]\nname = 1", "Expected `str`, got `int`"),
        (entry("a", '["x"]', '["reed"]'), "Invalid enum value 'reed'"),
        (entry("a", '["x"]', '["read"]', value="ABC"), "64 hexadecimal digits in lower case"),
        (entry("a", '["x"]', '["read"]', key="sha265"), "unknown field `sha265`"),
        ('[[callers]]\nname = "a"\ntenants = []\nroles = []', "needs either sha256 or certificate"),
        (2 * entry("a", "[]", "[]"), "'a' and 'a' have the same token"),
    ],
)
def test_a_file_of_callers_that_cannot_be_used_is_one_line_that_says_why(tmp_path: Path, text: str, wrong: str) -> None:
    files = write_files(tmp_path)
    files["web_tokens_file"].write_text(text)

    with pytest.raises(SettingError) as raised:
        made(tmp_path, **files)
    assert str(raised.value).startswith(f"ATP_WEB_TOKENS_FILE='{files['web_tokens_file']}' is not allowed: ")
    assert wrong in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("text", "wrong"), [("", "it is empty"), ("short", "fewer than 32 characters")])
def test_a_secret_of_the_workers_that_is_none_is_refused_without_being_shown(
    tmp_path: Path, text: str, wrong: str
) -> None:
    files = write_files(tmp_path)
    files["web_hop_secret"].write_text(text)

    with pytest.raises(SettingError, match=wrong) as raised:
        made(tmp_path, **files)
    assert not text or text not in str(raised.value)


@pytest.mark.parametrize(
    ("settings", "host", "expected"),
    [
        ({}, "127.0.0.1:6066", 503),
        ({}, "localhost", 503),
        ({}, "LOCALHOST:1", 503),
        ({}, "[::1]:6066", 503),
        ({}, "evil.example", 421),
        ({}, "127.0.0.1.evil.example", 421),
        ({}, "10.0.0.7", 421),
        ({}, "a b", 421),
        ({}, "localhost:1:2", 421),
        ({}, "localhost:x", 421),
        ({}, "[::1", 421),
        ({}, "é", 421),
        ({"web_url": "http://worker-1:6066"}, "worker-1:6066", 503),
        ({"web_allowed_hosts": ("atp.example",)}, "atp.example", 503),
        ({"web_allowed_hosts": ("atp.example",)}, "www.atp.example", 421),
        ({"web_host": "0.0.0.0"}, "10.0.0.7:6066", 503),
        ({"web_host": "0.0.0.0"}, "evil.example", 421),
    ],
)
async def test_a_worker_answers_to_its_own_names_alone(
    tmp_path: Path, settings: dict[str, Any], host: str, expected: int
) -> None:
    server: Any = made(tmp_path, **settings).web
    server.init_server()
    async with TestClient(TestServer(server.web_app)) as client:
        assert expected == await status(client, "/atp/acme/lamp", Host=host)


async def test_two_names_are_none_and_none_is_asked_for_where_there_were_none(tmp_path: Path) -> None:
    async with listening(made(tmp_path)) as port:
        answers = []
        for head in ("HTTP/1.1\r\nHost: localhost\r\nHost: localhost", "HTTP/1.0"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET /atp/acme/lamp {head}\r\n\r\n".encode())
            answers.append((await reader.readline()).split()[1])
            writer.close()
    assert [b"400", b"503"] == answers


async def test_what_an_operator_changes_is_in_the_log_with_his_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = made(tmp_path, **write_files(tmp_path))

    async def answer(_: Any) -> Any:
        return json_response({})

    Pages(app).add("POST", "/operate/{tenant}", answer, Access(Role.OPERATE))
    server: Any = app.web
    server.init_server()
    caplog.set_level(logging.INFO, "atp_stream.web.access")
    async with TestClient(TestServer(server.web_app)) as client:
        assert 200 == await status(client, "/operate/acme", "token-of-all", "POST")
        assert 403 == await status(client, "/operate/acme", "token-of-scraper", "POST")

    records: list[Any] = caplog.records
    expected = [("operator_request", "all", "POST /operate/acme"), ("request_refused", "scraper", "POST /operate/acme")]
    assert expected == [(one.event, one.caller, one.asked) for one in records]
