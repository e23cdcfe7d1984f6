"""Settings of the web server: half a configuration, and a door that is open to everybody by mistake, are refused."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from atp_stream.cli import main
from atp_stream.settings import SettingError, Settings, is_loopback

SECRET = "tok-0123456789"


def refusal(**environment: str) -> str:
    with pytest.raises(SettingError) as raised:
        Settings.from_environment(environment)
    return str(raised.value)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (
            {"ATP_WEB_KEY_LOCATION": "/k.pem"},
            "ATP_WEB_KEY_LOCATION is set, but ATP_WEB_CERTIFICATE_LOCATION is not: set both or neither",
        ),
        (
            {"ATP_WEB_CLIENT_CA_LOCATION": "/ca.pem", "ATP_WEB_CERTIFICATE_LOCATION": "/c.pem"},
            "ATP_WEB_CLIENT_CA_LOCATION is set, but ATP_WEB_TOKENS_FILE is not: set both or neither",
        ),
        (
            {"ATP_WEB_JWT_JWKS": "/jwks.json", "ATP_WEB_JWT_ISSUER": "https://login.example"},
            "ATP_WEB_JWT_JWKS is set, but ATP_WEB_JWT_AUDIENCE is not: set both or neither",
        ),
        (
            {"ATP_WEB_JWT_ISSUER": "https://login.example"},
            "ATP_WEB_JWT_ISSUER is set, but ATP_WEB_JWT_JWKS is not: set both or neither",
        ),
        (
            {"ATP_WEB_JWT_JWKS": "http://k", "ATP_WEB_JWT_ISSUER": "i", "ATP_WEB_JWT_AUDIENCE": "a"},
            "ATP_WEB_JWT_JWKS='http://k' is not allowed: give an https:// address or a file",
        ),
        (
            {"ATP_WEB_TOKEN": SECRET, "ATP_WEB_TOKEN_FILE": "/t"},
            "ATP_WEB_TOKEN and ATP_WEB_TOKEN_FILE are both set: leave one of them out",
        ),
        ({"ATP_WEB_INSECURE": "yes"}, "ATP_WEB_INSECURE='yes' is not allowed: give 0 to 1"),
        (
            {"ATP_WEB_ALLOWED_HOSTS": "a:80"},
            "ATP_WEB_ALLOWED_HOSTS='a:80' is not allowed: give host names without ports, with commas between, or nothing",  # noqa: E501
        ),
    ],
)
def test_half_a_configuration_is_refused_in_one_line(environment: dict[str, str], said: str) -> None:
    assert said == refusal(**environment)


def test_a_token_is_shown_in_no_refusal_and_in_no_settings() -> None:
    assert SECRET not in refusal(ATP_WEB_TOKEN=f"{SECRET} {SECRET}")
    assert SECRET not in repr(Settings.from_environment({"ATP_WEB_TOKEN": SECRET}))


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.7", False),
        ("worker-1", False),
        ("localhost.evil.example", False),
    ],
)
def test_what_is_loopback(host: str, local: bool) -> None:  # noqa: FBT001
    assert local is is_loopback(host)


def started(**environment: str) -> tuple[int, str]:
    """Return how `atp worker` ends that does not get as far as to ask Kafka."""
    done = CliRunner().invoke(main, ["worker"], env={"ATP_BROKER": "127.0.0.1:1", **environment})
    return done.exit_code, done.stderr


def test_a_worker_does_not_listen_beyond_loopback_before_somebody_says_who_may_ask() -> None:
    said = (
        "atp: ATP_WEB_HOST='0.0.0.0' is not allowed: give 127.0.0.1, or say who may ask (ATP_WEB_TOKENS_FILE or"
        " ATP_WEB_JWT_JWKS), or set ATP_WEB_INSECURE=1 to let everybody ask\n"
    )
    assert (2, said) == started(ATP_WEB_HOST="0.0.0.0")


def test_workers_that_ask_who_asks_need_a_secret_to_know_each_other_by(tmp_path: Path) -> None:
    code, said = started(ATP_WEB_TOKENS_FILE=str(tmp_path / "callers.toml"))

    assert (2, 1) == (code, said.count("\n"))
    assert said.startswith("atp: ATP_WEB_HOP_SECRET_FILE='' is not allowed: give a file with a secret")


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"web_host": "0.0.0.0", "web_insecure": 1},
        {"web_host": "0.0.0.0", "web_tokens_file": Path("t"), "web_hop_secret": Path("s")},
        {"web_host": "0.0.0.0", "web_jwks": "j", "web_hop_secret": Path("s")},
    ],
)
def test_other_workers_start(chosen: dict[str, object]) -> None:
    Settings(**chosen).check_worker()  # type: ignore[arg-type]


def test_a_port_of_health_is_not_that_of_the_views() -> None:
    with pytest.raises(SettingError, match="another port than ATP_WEB_PORT"):
        Settings(web_health_port=6066).check_worker()


@pytest.mark.parametrize(
    ("chosen", "warned"),
    [
        ({}, []),
        ({"web_host": "0.0.0.0", "web_url": "https://a", "web_certificate": Path("c")}, []),
        (
            {"web_host": "0.0.0.0", "web_insecure": 1},
            ["other workers cannot reach this one at 0.0.0.0: set ATP_WEB_URL if there are any"],
        ),
        (
            {"web_host": "10.0.0.7", "web_tokens_file": Path("t")},
            ["tokens travel in plain text to 10.0.0.7: set ATP_WEB_CERTIFICATE_LOCATION unless a proxy ends TLS"],
        ),
    ],
)
def test_what_starts_all_the_same_is_warned_of(chosen: dict[str, object], warned: list[str]) -> None:
    assert warned == list(Settings(**chosen).web_warnings())  # type: ignore[arg-type]
