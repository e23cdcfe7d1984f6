"""How the schema registry lets us in."""

import ssl
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import httpx

from atp_stream.access.tls import client_context
from atp_stream.settings import Settings


class Bearer(httpx.Auth):
    """A token from a file, read anew for each question: whatever keeps it fresh need not tell us."""

    def __init__(self, file: str) -> None:
        self._file = file

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the token to a request."""
        try:
            token = Path(self._file).read_text().strip()
        except (OSError, ValueError):
            raise httpx.RequestError(
                f"the token file {self._file} (ATP_REGISTRY_TOKEN_FILE) cannot be read", request=request
            ) from None
        request.headers["Authorization"] = f"Bearer {token}"
        yield request


@dataclass(frozen=True, slots=True)
class RegistryAccess:
    """Where the registry is, and how it lets us in; `url` has no password in it, whatever was given."""

    url: str
    auth: httpx.Auth | None = field(default=None, repr=False)
    verify: ssl.SSLContext | bool = True

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return what the settings say.

        Raises:
            SettingError: a file that they name cannot be used.
        """
        security, parts = settings.registry_security, urlsplit(settings.registry_url)
        user = httpx.URL(settings.registry_url)  # it decodes what is percent-encoded
        auth: httpx.Auth | None = None
        if security.token_file:
            auth = Bearer(security.token_file)
        elif security.username or user.username:
            auth = httpx.BasicAuth(security.username or user.username, security.password or user.password)
        return cls(
            url=parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(),
            auth=auth,
            verify=parts.scheme != "https"
            or client_context(
                "ATP_REGISTRY_SSL",
                ca=security.ssl_ca_location,
                certificate=security.ssl_certificate_location,
                key=security.ssl_key_location,
                key_password=security.ssl_key_password,
            ),
        )

    def client(self, timeout_s: float = 5.0) -> httpx.Client:
        """Return a client that the registry lets in; it is to be closed."""
        return httpx.Client(base_url=self.url, auth=self.auth, verify=self.verify, timeout=timeout_s)
