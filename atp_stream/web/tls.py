"""TLS of the views: what they are served with, and what workers and commands trust when they ask."""

import ssl
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from atp_stream.settings import SettingError, WebSettings
from atp_stream.web.watched_file import WatchedFile


def server_tls(settings: WebSettings) -> Callable[[], ssl.SSLContext | None]:
    """Return what gives the context that a new connection is served with; a new certificate is used once it is there.

    Raises:
        SettingError: certificate, key or authorities cannot be used.
    """
    if settings.web_certificate is None:
        return lambda: None
    certificate = settings.web_certificate
    try:
        return WatchedFile(certificate, lambda _: _server_context(settings, certificate)).value
    except (OSError, ValueError) as error:
        raise SettingError(
            "ATP_WEB_CERTIFICATE_LOCATION", str(certificate), f"PEM files of a certificate and its key ({_why(error)})"
        ) from None


def _server_context(settings: WebSettings, certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    # Without a password OpenSSL would ask for one on the terminal if the key is encrypted.
    context.load_cert_chain(certificate, settings.web_key, password="")
    if settings.web_client_ca is not None:
        context.load_verify_locations(settings.web_client_ca)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


@cache
def client_tls(authorities: Path | None) -> ssl.SSLContext:
    """Return the context with which a worker is asked; None: the system's authorities are trusted.

    Raises:
        SettingError: the authorities cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=authorities)
    except (OSError, ValueError) as error:
        raise SettingError(
            "ATP_WEB_CA_LOCATION", str(authorities), f"a PEM file of authorities ({_why(error)})"
        ) from None


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no PEM").replace("_", " ").lower()
    return getattr(error, "strerror", None) or str(error)


def names_in(certificate: dict[str, Any] | None) -> list[str]:
    """Return the names that a client's certificate, in the form that Python gives it, was issued for."""
    if not certificate:
        return []
    subject = [value for part in certificate.get("subject", ()) for kind, value in part if kind == "commonName"]
    return [value for _, value in certificate.get("subjectAltName", ())] + subject
