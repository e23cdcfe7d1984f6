"""`atp get`, and who asks a worker in the same way: which address is asked, and for which name."""

import asyncio
from typing import Any

import pytest
from click.testing import CliRunner

from atp_stream.cli import main
from atp_stream.cli.get import worker_url
from atp_stream.provision import initialise
from atp_stream.settings import Settings, environment_of
from tests.cli.test_policy import NOWHERE, FakeWorker
from tests.messages.answers import serving

VIEW: dict[str, Any] = {
    "tenant": "acme", "item": "x", "on_hand": 1, "reserved": 0, "short": 0, "gap": 0, "version": 1, "as_of": "now",
    "channels": [],
}  # fmt: skip


def atp(*arguments: str, **variables: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, arguments, env={"ATP_BROKER": NOWHERE, **variables})
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("127.0.0.1:6066", "http://127.0.0.1:6066"),
        ("http://a:1/", "http://a:1"),
        ("https://a", "https://a"),
        (None, "http://127.0.0.1:6066"),
    ],
)
def test_a_workers_address_may_lack_its_scheme(url: str | None, asked: str) -> None:
    assert asked == worker_url(Settings(), url)


@pytest.mark.parametrize(
    ("item", "path"),
    [
        ("..", "/atp/acme/%2E%2E"),
        (".", "/atp/acme/%2E"),
        ("a/../b", "/atp/acme/a%2F..%2Fb"),
        ("100%", "/atp/acme/100%25"),
        ("v1.2", "/atp/acme/v1.2"),
    ],
)
def test_a_name_is_asked_for_as_it_is_whatever_paths_make_of_it(item: str, path: str) -> None:
    worker = FakeWorker(VIEW)
    with worker.serving() as url:
        code, _, err = atp("get", "--tenant", "acme", "--url", url, "--", item)
    assert (0, "", [path]) == (code, err, worker.asked)


def test_an_item_that_nobody_knows_is_not_resumed() -> None:
    problem = b'{"type": "urn:atp:problem:unknown-item", "detail": "nothing is known of item lmap of acme"}'
    with serving(lambda *_: (404, problem)) as url:
        code, out, err = atp("item", "resume", "lmap", "--tenant", "acme", "--url", url)
    assert (1, "", "atp: nothing is known of item lmap of acme: nothing to resume\n") == (code, out, err)


def test_an_item_that_is_not_in_quarantine_has_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: Any) -> None: ...

    monkeypatch.setattr("atp_stream.cli.maintenance.resume_item", nothing)
    for view, note in (
        (VIEW, "note: x of acme is not in quarantine: this will change nothing\n"),
        ({**VIEW, "quarantine": "KeyError"}, ""),
    ):
        with FakeWorker(view).serving() as url:
            code, out, err = atp("item", "resume", "x", "--tenant", "acme", "--url", url)
        assert (0, "queued: resume x of acme\n", note) == (code, out, err)


@pytest.mark.stack
def test_an_item_that_nobody_knows_is_not_verified_as_equal(settings: Settings) -> None:
    asyncio.run(initialise(settings))
    code, _, err = atp("verify", "--item", "lmap", "--tenant", "acme", **environment_of(settings))
    assert (1, "atp: nothing is known of item 'lmap' of 'acme': it has no rows and no events\n") == (code, err)
