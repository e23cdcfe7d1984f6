"""`atp health`: for probes that run a program."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner

from atp_stream.cli import main
from atp_stream.cli.health import address
from atp_stream.devstack.ports import free_port
from atp_stream.settings import Settings
from tests.messages.answers import serving
from tests.web.certificates import Authority
from tests.web.conftest import listening, made


def health(*arguments: str, **variables: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["health", *arguments], env=variables)
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ({}, "http://127.0.0.1:6066"),
        ({"web_host": "0.0.0.0", "web_port": 7}, "http://127.0.0.1:7"),
        ({"web_host": "::"}, "http://[::1]:6066"),
        ({"web_host": "worker-1"}, "http://worker-1:6066"),
        ({"web_certificate": Path("x.pem")}, "https://127.0.0.1:6066"),
        ({"web_certificate": Path("x.pem"), "web_health_port": 9}, "http://127.0.0.1:9"),
    ],
)
def test_it_is_asked_where_the_worker_reports_it(settings: dict[str, object], asked: str) -> None:
    assert asked == address(Settings(**settings))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b'{"live": true, "state": "serving"}', (0, "serving\n", "")),
        (503, b'{"live": false}', (1, "", 'atp: {url} answers 503: {"live": false}\n')),
    ],
)
def test_the_exit_code_says_whether_it_is_well(status: int, body: bytes, expected: tuple[int, str, str]) -> None:
    with serving(lambda *_: (status, body)) as url:
        code, out, err = expected
        found = health("--ready", ATP_WEB_PORT=url.rpartition(":")[2])
        assert (code, out, err.replace("{url}", f"{url}/health/ready")) == found


def test_a_worker_that_is_not_there_is_one_line() -> None:
    code, out, err = health(ATP_WEB_PORT=str(free_port()))

    assert (1, "", 1) == (code, out, err.count("\n"))


async def test_a_worker_that_serves_by_tls_is_asked_by_tls(tmp_path: Path) -> None:
    file = Authority(tmp_path).issue("worker-1.example", address="10.0.0.7")
    async with listening(made(tmp_path, web_certificate=file)) as port:
        variables = {"ATP_WEB_PORT": str(port), "ATP_WEB_CERTIFICATE_LOCATION": str(file)}
        assert (0, "recovering\n", "") == await asyncio.to_thread(health, **variables)
