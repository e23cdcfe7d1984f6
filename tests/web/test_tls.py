"""The views over TLS: with certificates of callers if they show some, and a new certificate without a restart."""

import asyncio
import shutil
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from atp_stream.settings import SettingError, Settings
from atp_stream.web.tls import client_tls, server_tls
from tests.web.certificates import Authority
from tests.web.conftest import listening, made
from tests.web.test_admission import entry, write_files


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def ask(port: int, path: str, tls: ssl.SSLContext, token: str = "") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"https://127.0.0.1:{port}{path}", ssl=tls) as answer,
    ):
        return answer.status, answer.headers.get("Strict-Transport-Security")


async def test_views_are_served_over_tls_and_browsers_are_told_to_keep_to_it(
    tmp_path: Path, authority: Authority
) -> None:
    app = made(tmp_path, web_certificate=authority.issue("localhost"))
    async with listening(app) as port:
        assert (200, "max-age=31536000") == await ask(port, "/health/live", client_tls(authority.file))
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await ask(port, "/health/live", client_tls(None))


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b""])
async def test_what_is_no_handshake_is_ended_without_a_line_and_keeps_nobody_out(
    tmp_path: Path, authority: Authority, said: bytes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atp_stream.web.listener.FIRST_REQUEST_S", 0.3)
    app = made(tmp_path, web_certificate=authority.issue("localhost"), web_max_connections=8)
    async with listening(app) as port:
        crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
        for _, writer in crowd:
            writer.write(said)
        assert 200 == (await ask(port, "/health/live", client_tls(authority.file)))[0]
        async with asyncio.timeout(5):
            for reader, _ in crowd:
                await _read_to_the_end(reader)
        for _, writer in crowd:
            writer.close()
    assert [] == [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]


async def _read_to_the_end(reader: asyncio.StreamReader) -> None:
    with suppress(ConnectionError):
        await reader.read()


async def test_a_crowd_that_never_shakes_hands_makes_room(tmp_path: Path, authority: Authority) -> None:
    app = made(tmp_path, web_certificate=authority.issue("localhost"), web_max_connections=8)
    async with listening(app) as port:
        crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
        assert 200 == (await ask(port, "/health/live", client_tls(authority.file)))[0]
        for _, writer in crowd:
            writer.close()


async def test_a_caller_may_be_known_by_his_certificate(tmp_path: Path, authority: Authority) -> None:
    files = write_files(tmp_path)
    files["web_tokens_file"].write_text(entry("shop", '["acme"]', '["read"]', "certificate", "shop.example"))
    app = made(tmp_path, **files, web_certificate=authority.issue("localhost"), web_client_ca=authority.file)
    known, other, stranger = (client_tls_with(authority, name) for name in ("shop.example", "else.example", None))
    async with listening(app) as port:
        assert 503 == (await ask(port, "/atp/acme/lamp", known))[0]
        assert 403 == (await ask(port, "/atp/globex/lamp", known))[0]
        assert 401 == (await ask(port, "/atp/acme/lamp", other))[0]
        assert 401 == (await ask(port, "/atp/acme/lamp", stranger))[0]


async def test_a_certificate_of_another_authority_is_none(tmp_path: Path, authority: Authority) -> None:
    files = write_files(tmp_path)
    files["web_tokens_file"].write_text(entry("shop", '["acme"]', '["read"]', "certificate", "shop.example"))
    app = made(tmp_path, **files, web_certificate=authority.issue("localhost"), web_client_ca=authority.file)
    evil = client_tls_with(authority, None)
    evil.load_cert_chain(Authority(tmp_path, "evil").issue("shop.example"))
    async with listening(app) as port:
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await ask(port, "/atp/acme/lamp", evil)


def client_tls_with(authority: Authority, name: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.file)
    if name is not None:
        context.load_cert_chain(authority.issue(name))
    return context


async def test_a_new_certificate_is_used_without_a_restart(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atp_stream.web.watched_file._LOOK_S", 0.0)
    used = tmp_path / "used.pem"
    shutil.copy(authority.issue("first"), used)
    newer = Authority(tmp_path, "newer")
    async with listening(made(tmp_path, web_certificate=used)) as port:
        assert 200 == (await ask(port, "/health/live", client_tls(authority.file)))[0]
        shutil.copy(newer.issue("second"), used)
        assert 200 == (await ask(port, "/health/live", client_tls(newer.file)))[0]


@pytest.mark.parametrize("password", [b"", b"secret"])
def test_a_certificate_that_cannot_be_used_is_one_line(tmp_path: Path, authority: Authority, password: bytes) -> None:
    file = authority.issue("localhost", password=b"secret") if password else tmp_path / "missing.pem"

    with pytest.raises(SettingError) as raised:
        server_tls(Settings(web_certificate=file))
    assert str(raised.value).startswith(f"ATP_WEB_CERTIFICATE_LOCATION={str(file)!r} is not allowed: ")
    assert "\n" not in str(raised.value)
