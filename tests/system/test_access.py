"""Two workers that ask who asks, over TLS: any of them answers those who may ask, whoever owns what they ask for."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner

from atp_stream.cli import main
from atp_stream.devstack import Stack
from atp_stream.web.tls import client_tls
from tests.conftest import settings_on
from tests.system.site import Site, Worker
from tests.web.certificates import Authority
from tests.web.test_admission import write_files

pytestmark = [pytest.mark.slow]
ITEMS = [f"item-{number}" for number in range(12)]


@pytest.fixture
async def guarded(stack: Stack, tmp_path: Path) -> AsyncIterator[Site]:
    """Give two workers that know the callers of `write_files`, and have counts of twelve items."""
    authority = Authority(tmp_path)
    certificate = authority.issue("localhost")
    own: dict[str, Any] = {"web_certificate": certificate, "web_ca": authority.file, **write_files(tmp_path)}
    site = Site(replace(settings_on(stack, tmp_path), default_tenant="acme", session_timeout=6.0, **own), tmp_path)
    await site.open()
    site.add_worker()
    site.add_worker()
    await site.ready()
    for number, item in enumerate(ITEMS):
        await site.send(site.topics.counted.name, {"itemId": item, "onHand": number})
    await site.drained()
    yield site
    await site.close()


async def ask(site: Site, worker: Worker, path: str, token: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    tls = client_tls(site.settings.web_ca)
    shown = {"Authorization": f"Bearer {token}", **headers}
    method = "GET" if body is None else "POST"
    async with (
        aiohttp.ClientSession(headers=shown) as session,
        session.request(method, worker.url + path, json=body, ssl=tls) as answer,
    ):
        return answer.status, await answer.json()


async def test_either_worker_answers_for_the_other_in_the_callers_name(guarded: Site) -> None:
    for worker in guarded.workers:
        found = [await ask(guarded, worker, f"/atp/acme/{item}", "token-of-reader") for item in ITEMS]
        assert [(200, number) for number in range(12)] == [(status, body["on_hand"]) for status, body in found]
        status, body = await ask(guarded, worker, "/atp/acme/query", "token-of-reader", {"items": ITEMS})
        assert (200, {200}) == (status, {one["status"] for one in body["results"]})
        assert 200 == (await ask(guarded, worker, "/reservations/acme?reference=a", "token-of-reader"))[0]
        assert 200 == (await ask(guarded, worker, "/policy", "token-of-all"))[0]
        assert {403} == {(await ask(guarded, worker, f"/atp/globex/{item}", "token-of-reader"))[0] for item in ITEMS}
        assert 401 == (await ask(guarded, worker, "/atp/acme/item-1", "token-of-nobody", **{"X-Atp-Forwarded": "1"}))[0]
        forged = {"X-Atp-Forwarded": "1", "X-Atp-Caller": "WyJzaG9wIl0=.00"}
        assert 401 == (await ask(guarded, worker, "/atp/acme/item-1", "token-of-reader", **forged))[0]
    assert "token-of" not in "".join(worker.said() for worker in guarded.workers)


async def test_commands_show_their_token_and_trust_the_authority(guarded: Site, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("token-of-all\n")
    url, ca = guarded.workers[0].url, str(guarded.settings.web_ca)

    async def atp(*arguments: str, **variables: str) -> tuple[int, str, str]:
        env = {"ATP_DEFAULT_TENANT": "acme", **variables}
        done = await asyncio.to_thread(CliRunner().invoke, main, [*arguments, "--url", url], env=env)
        return done.exit_code, done.stdout, done.stderr

    code, out, _ = await atp("get", "item-7", ATP_WEB_TOKEN_FILE=str(token), ATP_WEB_CA_LOCATION=ca)
    assert (0, "acme item-7  on hand 7") == (code, out[:22])
    assert 0 == (await atp("policy", "show", ATP_WEB_TOKEN="token-of-all", ATP_WEB_CA_LOCATION=ca))[0]
    assert 0 == (await atp("explain", "item-7", ATP_WEB_TOKEN="token-of-all", ATP_WEB_CA_LOCATION=ca))[0]
    code, _, err = await atp("get", "item-7", ATP_WEB_CA_LOCATION=ca)
    assert (1, f"atp: {url} does not know you: a bearer token is needed; set ATP_WEB_TOKEN_FILE\n") == (code, err)
    code, _, err = await atp("get", "item-7", ATP_WEB_TOKEN="token-of-all")
    assert (1, 1) == (code, err.count("\n"))
    assert err.startswith(f"atp: the certificate of {url} is not trusted (")
