"""A certificate authority for one stack, and certificates of those who take part, made anew at each start."""

import datetime as dt
import ipaddress
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from atp_stream.devstack.ports import LOOPBACK

CA: Final = "ca.pem"
LIFE: Final = dt.timedelta(days=30)
_SKEW: Final = dt.timedelta(hours=2)
_SIGNS_CERTIFICATES: Final = x509.KeyUsage(
    digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
    key_agreement=False, key_cert_sign=True, crl_sign=False, encipher_only=False, decipher_only=False,
)  # fmt: skip


def make(directory: Path, names: Sequence[str]) -> None:
    """Write `ca.pem`, and `NAME.pem` for each name: its key, and a certificate for it as a client and on loopback.

    The authority's own key is kept nowhere.
    """
    directory.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = _named("atp_stream local stack")
    authority = (
        _certificate(issuer, issuer, key.public_key(), key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .add_extension(_SIGNS_CERTIFICATES, True)
    )
    _write(directory / CA, [authority.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)])
    for name in names:
        _write(directory / f"{name}.pem", _pair(name, issuer, key))


def _pair(name: str, issuer: x509.Name, authority: ec.EllipticCurvePrivateKey) -> list[bytes]:
    """Return a new key and its certificate in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    uses = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    address = x509.IPAddress(ipaddress.ip_address(LOOPBACK))
    certificate = (
        _certificate(_named(name), issuer, key.public_key(), authority)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(x509.ExtendedKeyUsage(uses), False)
        .add_extension(x509.SubjectAlternativeName([address]), False)
    )
    return [
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        certificate.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
    ]


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, authority: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    """Return a certificate that names both keys: Python 3.13 trusts no other."""
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), False)
    )


def _write(file: Path, parts: list[bytes]) -> None:
    file.touch(mode=0o600)
    file.write_bytes(b"".join(parts))
