"""The secrets of a secured stack."""

import ssl
import stat
import sys
from pathlib import Path

import pytest

from atp_stream.devstack import StackError
from atp_stream.devstack.secure import PRINCIPALS, Vault, environment


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """Give a vault in which all is made."""
    made = Vault(tmp_path / "secrets")
    made.make()
    return made


def test_only_their_owner_may_read_the_secrets(vault: Vault) -> None:
    vault.write("worker", {"ATP_KAFKA_SASL_PASSWORD": "s3cr3t"})

    secret = [file for file in vault.directory.iterdir() if file.name not in {"ca.pem", "jwks.json"}]
    assert 2 * len(PRINCIPALS) + 2 == len(secret)  # certificates and tokens, the passwords, one environment
    assert {0o600} == {stat.S_IMODE(file.stat().st_mode) for file in secret}


def test_certificates_are_made_anew_and_passwords_stay(vault: Vault) -> None:
    certificate, password = vault.certificate("worker").read_text(), vault.password("worker")

    vault.make()

    assert certificate != vault.certificate("worker").read_text()
    assert password == vault.password("worker")


def test_certificates_are_trusted_by_those_who_are_strict_as_python_is_from_3_13_on(vault: Vault) -> None:
    theirs = ssl.create_default_context(cafile=str(vault.directory / "ca.pem"))
    theirs.verify_flags |= ssl.VERIFY_X509_STRICT
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(vault.directory / "ca.pem"))
    ours.verify_flags |= ssl.VERIFY_X509_STRICT
    ours.verify_mode = ssl.CERT_REQUIRED
    theirs.load_cert_chain(vault.certificate("worker"))
    ours.load_cert_chain(vault.certificate("admin"))
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = theirs.wrap_bio(back, there, server_hostname="127.0.0.1")
    server = ours.wrap_bio(there, back, server_side=True)

    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    with pytest.raises(ssl.SSLWantReadError):
        server.do_handshake()
    client.do_handshake()
    server.do_handshake()

    assert "TLSv1.3" == server.version()


def test_each_principal_has_secrets_of_its_own(vault: Vault) -> None:
    assert len(PRINCIPALS) == len({vault.password(name) for name in PRINCIPALS})
    assert len(PRINCIPALS) == len({vault.token_file(name).read_text() for name in PRINCIPALS})


def test_a_principal_uses_the_stack_with_its_own_name_and_password(vault: Vault) -> None:
    said = environment(vault, "auditor", "127.0.0.1:1", "https://127.0.0.1:2")

    assert ("auditor", vault.password("auditor"), "SASL_SSL") == (
        said["ATP_KAFKA_SASL_USERNAME"],
        said["ATP_KAFKA_SASL_PASSWORD"],
        said["ATP_KAFKA_SECURITY_PROTOCOL"],
    )


def test_without_the_library_of_certificates_it_is_said_where_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "atp_stream.devstack.certificates", None)  # it cannot be imported
    monkeypatch.delattr("atp_stream.devstack.certificates", raising=False)

    with pytest.raises(
        StackError, match=r"^certificates need a library: get it with pip install 'atp-stream\[secure\]'$"
    ):
        Vault(tmp_path).make()
