"""A registry that wants a password, a token or a certificate; and what is said where it does not let us in."""

from contextlib import closing
from pathlib import Path

import pytest

from atp_stream.access import RegistryAccess
from atp_stream.messages.errors import RegistryUnavailable
from atp_stream.messages.registry_client import RegistryClient
from atp_stream.settings import SettingError, Settings
from tests.access.servers import basic, knowing
from tests.messages.answers import answering

VERSIONS = [1, 2]


def asked(url: str, **security: str | Path) -> list[int]:
    """Return the versions of a subject, as a registry tells them whom it lets in."""
    named = {f"ATP_REGISTRY_{name.upper()}": str(value) for name, value in security.items()}
    access = RegistryAccess.of(Settings.from_environment({"ATP_REGISTRY_URL": url, **named}))
    with closing(RegistryClient(access, 5.0)) as registry:
        return registry.versions("s")


def refusal(url: str, **security: str | Path) -> str:
    with pytest.raises(RegistryUnavailable) as raised:
        asked(url, **security)
    return str(raised.value)


def test_a_password_is_shown() -> None:
    with knowing(basic("atp", "p:ä"), answer=VERSIONS) as url:
        assert VERSIONS == asked(url, username="atp", password="p:ä")


def test_a_password_in_the_address_may_be_percent_encoded() -> None:
    with knowing(basic("atp", "p@ss/w:rd"), answer=VERSIONS) as url:
        assert VERSIONS == asked(url.replace("://", "://atp:p%40ss%2Fw%3Ard@"))


def test_a_token_is_read_anew_for_each_question(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old\n")
    with knowing("Bearer new", answer=VERSIONS) as url:
        access = RegistryAccess.of(
            Settings.from_environment({"ATP_REGISTRY_URL": url, "ATP_REGISTRY_TOKEN_FILE": str(token)})
        )
        with closing(RegistryClient(access, 5.0)) as registry:
            with pytest.raises(RegistryUnavailable):
                registry.versions("s")
            token.write_text("new\n")
            assert VERSIONS == registry.versions("s")


def test_a_certificate_is_shown_to_a_registry_of_our_own_authority(secrets: Path) -> None:
    with knowing(secrets=secrets, wants_certificate=True, answer=VERSIONS) as url:
        assert VERSIONS == asked(
            url, ssl_ca_location=secrets / "ca.pem", ssl_certificate_location=secrets / "client.pem"
        )


@pytest.mark.parametrize("url", ["{}", "{user}"])
def test_a_wrong_password_is_said_without_it(url: str) -> None:
    with knowing(basic("atp", "right")) as address:
        security = {} if url == "{user}" else {"username": "atp", "password": "s3cr3t"}
        shown = address.replace("://", "://atp:s3cr3t@") if url == "{user}" else address
        expected = (
            f"the schema registry at {address} does not let us in (401): correct"
            " ATP_REGISTRY_USERNAME and ATP_REGISTRY_PASSWORD, or ATP_REGISTRY_TOKEN_FILE"
        )
        assert expected == refusal(shown, **security)


def test_a_path_that_is_none_is_said_without_the_password() -> None:
    with answering(404, b"<html>") as url:
        line = refusal(url.replace("://", "://atp:s3cr3t@") + "/nope")

    assert "s3cr3t" not in line
    assert line.startswith(
        f"the schema registry at {url}/nope says 404 to GET {url}/nope/subjects/s/versions: does ATP_"
    )


def test_a_token_file_that_is_not_there_is_said() -> None:
    line = refusal("http://127.0.0.1:1", token_file="/nowhere")

    assert "the token file /nowhere (ATP_REGISTRY_TOKEN_FILE) cannot be read" in line


def test_an_authority_that_we_do_not_know_is_said(secrets: Path, strangers: Path) -> None:
    with knowing(secrets=secrets) as url:
        line = refusal(url, ssl_ca_location=strangers / "ca.pem")

    assert line.startswith(f"the schema registry at {url} cannot be used: its certificate is not trusted (")
    assert line.endswith("): set ATP_REGISTRY_SSL_CA_LOCATION to its authority")


def test_another_host_than_the_certificate_names_is_said(secrets: Path) -> None:
    with knowing(secrets=secrets) as url:
        line = refusal(url.replace("127.0.0.1", "localhost"), ssl_ca_location=secrets / "ca.pem")

    assert "its certificate is for another host (Hostname mismatch, certificate is not valid for 'localhost')" in line


def test_a_certificate_that_a_registry_wants_and_does_not_get_is_said(secrets: Path) -> None:
    with knowing(secrets=secrets, wants_certificate=True) as url:
        line = refusal(url, ssl_ca_location=secrets / "ca.pem")

    assert line.startswith(f"the schema registry at {url} cannot be used: it does not accept our certificate (")


def test_a_certificate_of_another_authority_is_said(secrets: Path, strangers: Path) -> None:
    with knowing(secrets=secrets, wants_certificate=True) as url:
        ours = {"ssl_ca_location": secrets / "ca.pem", "ssl_certificate_location": strangers / "client.pem"}
        line = refusal(url, **ours)

    assert line.startswith(f"the schema registry at {url} cannot be used: it does not accept our certificate (")


def test_a_port_without_tls_is_said() -> None:
    with knowing() as url:
        line = refusal(url.replace("http:", "https:"))

    assert "cannot be used: it speaks no TLS at this port" in line


@pytest.mark.parametrize(
    ("security", "line"),
    [
        ({"ssl_ca_location": "/nowhere"}, "ATP_REGISTRY_SSL_CA_LOCATION='/nowhere' is not allowed: give a PEM file"),
        (
            {"ssl_certificate_location": "/nowhere"},
            (
                "ATP_REGISTRY_SSL_CERTIFICATE_LOCATION='/nowhere' is not allowed: give a PEM file of a certificate,"
                " with its key in ATP_REGISTRY_SSL_KEY_LOCATION and the key's password (No such file or directory)"
            ),
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named(security: dict[str, str], line: str) -> None:
    with pytest.raises(SettingError) as raised:
        asked("https://127.0.0.1:1", **security)
    assert str(raised.value).startswith(line)


def test_it_shows_no_secret() -> None:
    access = RegistryAccess.of(Settings.from_environment({"ATP_REGISTRY_URL": "http://atp:s3cr3t@registry"}))

    assert "s3cr3t" not in repr(access)
    assert "http://registry" == access.url
