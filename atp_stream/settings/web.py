"""What an operator can set of a worker's web server: where it listens, who may ask, and how much at once."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from atp_stream.settings.kinds import (
    DIRECTORY,
    HOST,
    MAX_PORT,
    URL_OR_NOTHING,
    HalfSetError,
    Kind,
    SettingError,
    matching,
    setting,
    whole,
)

_FILE = Kind(lambda text: DIRECTORY.parse(text) if text else None, "a file, or nothing")
_CLAIM = Kind(matching(r"[!-~]{1,100}"), "1 to 100 printable characters without spaces")
_TEXT = Kind(matching(r"[!-~]{0,500}"), "at most 500 printable characters without spaces, or nothing")
_TOKEN = Kind(
    matching(r"[!-~]{0,8000}"),
    "at most 8000 printable characters without spaces, or nothing; or the name of a file with it, as `..._FILE`",
)
_WILDCARDS = {"0.0.0.0", "::", "[::]"}  # noqa: S104 - what is warned of


def _hosts(text: str) -> tuple[str, ...]:
    names = tuple(name.strip().lower().strip("[]") for name in text.split(",")) if text else ()
    for name in names:
        if ":" in name:
            ipaddress.IPv6Address(name)  # raises ValueError
        elif not re.fullmatch(r"[\w.-]+", name):
            raise ValueError(text)
    return names


_HOSTS = Kind(_hosts, "host names without ports, with commas between, or nothing")
_OWN_PORT = Kind(lambda text: whole(1, MAX_PORT).parse(text) if text else None, f"1 to {MAX_PORT}, or nothing")


def is_loopback(host: str) -> bool:
    """Return whether a name or an address is this machine itself."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


@dataclass(frozen=True, kw_only=True)
class WebSettings:
    """The part of the settings that the web server and those who ask it read."""

    web_host: str = setting("ATP_WEB_HOST", "127.0.0.1", HOST, "Address to listen on for views, health and metrics.")
    web_port: int = setting("ATP_WEB_PORT", "6066", whole(0, MAX_PORT), "Port to listen on; 0 takes a free one.")
    web_url: str = setting(
        "ATP_WEB_URL", "", URL_OR_NOTHING, "Where other workers reach this one; empty: the host and port above."
    )
    web_health_port: int | None = setting(
        "ATP_WEB_HEALTH_PORT",
        "",
        _OWN_PORT,
        "Port that serves health and metrics alone, to everybody and without TLS; empty: the port above serves them.",
    )
    web_allowed_hosts: tuple[str, ...] = setting(
        "ATP_WEB_ALLOWED_HOSTS", "", _HOSTS, "Further names that requests may use for this worker in `Host`."
    )
    web_max_connections: int = setting(
        "ATP_WEB_MAX_CONNECTIONS",
        "512",
        whole(8, 100_000),
        "Connections that a port keeps open at once; fewer where the system lets a worker open few files.",
    )
    web_max_queries: int = setting(
        "ATP_WEB_MAX_QUERIES", "4", whole(1, 1_000), "Queries of many items that are answered at once."
    )
    web_certificate: Path | None = setting(
        "ATP_WEB_CERTIFICATE_LOCATION",
        "",
        _FILE,
        "PEM file of the certificate (and its chain) that the views are served with; empty: no TLS.",
    )
    web_key: Path | None = setting(
        "ATP_WEB_KEY_LOCATION", "", _FILE, "PEM file of its key; empty: it is in the same file."
    )
    web_client_ca: Path | None = setting(
        "ATP_WEB_CLIENT_CA_LOCATION",
        "",
        _FILE,
        "PEM file of the authorities whose certificates callers may show; empty: none is asked for.",
    )
    web_ca: Path | None = setting(
        "ATP_WEB_CA_LOCATION",
        "",
        _FILE,
        "PEM file of the authorities that workers and commands trust when they ask a worker; empty: the system's.",
    )
    web_tokens_file: Path | None = setting(
        "ATP_WEB_TOKENS_FILE",
        "",
        _FILE,
        "TOML file of the callers that the views know, by their tokens' hashes.",
    )
    web_jwks: str = setting(
        "ATP_WEB_JWT_JWKS",
        "",
        _TEXT,
        "File or https:// address of the keys that sign JSON Web Tokens; empty: none count.",
    )
    web_jwt_issuer: str = setting("ATP_WEB_JWT_ISSUER", "", _TEXT, "The `iss` that such a token must have.")
    web_jwt_audience: str = setting("ATP_WEB_JWT_AUDIENCE", "", _TEXT, "The `aud` that such a token must have.")
    web_jwt_tenants: str = setting(
        "ATP_WEB_JWT_TENANTS_CLAIM",
        "tenants",
        _CLAIM,
        "The claim that names its tenants, as a list or with spaces between.",
    )
    web_jwt_roles: str = setting(
        "ATP_WEB_JWT_ROLES_CLAIM", "roles", _CLAIM, "The claim that names its roles, as a list or with spaces between."
    )
    web_hop_secret: Path | None = setting(
        "ATP_WEB_HOP_SECRET_FILE",
        "",
        _FILE,
        "File of the secret by which workers know each other's questions, the same for all; a second line counts, too.",
    )
    web_insecure: int = setting(
        "ATP_WEB_INSECURE", "0", whole(0, 1), "With 1 a worker listens beyond loopback though everybody may ask."
    )
    web_checkout: int = setting(
        "ATP_WEB_CHECKOUT",
        "0",
        whole(0, 1),
        "With 1 callers who may write can reserve, confirm and release over HTTP; the same for all workers.",
    )
    web_token: str = setting("ATP_WEB_TOKEN", "", _TOKEN, "Bearer token that commands show to a worker.", secret=True)

    @property
    def web_authenticates(self) -> bool:
        """Whether callers must say who they are."""
        return self.web_tokens_file is not None or bool(self.web_jwks)

    @property
    def web_scheme(self) -> str:
        """How the views are asked."""
        return "https" if self.web_certificate else "http"

    @property
    def on_loopback(self) -> bool:
        """Whether only programs of this machine reach the web server."""
        return is_loopback(self.web_host)

    def web_warnings(self) -> Iterator[str]:
        """Yield what is allowed, but seldom meant."""
        if self.web_host in _WILDCARDS and not self.web_url:
            yield f"other workers cannot reach this one at {self.web_host}: set ATP_WEB_URL if there are any"
        if self.web_authenticates and not self.on_loopback and self.web_certificate is None:
            yield (
                f"tokens travel in plain text to {self.web_host}: set ATP_WEB_CERTIFICATE_LOCATION"
                " unless a proxy ends TLS"
            )

    def check_web(self) -> None:
        """Refuse half a configuration: it would be less protection than somebody believes in.

        Raises:
            SettingError: a setting lacks another one.
        """
        for variable, said, needed, there in (
            ("ATP_WEB_KEY_LOCATION", self.web_key, "ATP_WEB_CERTIFICATE_LOCATION", self.web_certificate),
            ("ATP_WEB_CLIENT_CA_LOCATION", self.web_client_ca, "ATP_WEB_CERTIFICATE_LOCATION", self.web_certificate),
            ("ATP_WEB_CLIENT_CA_LOCATION", self.web_client_ca, "ATP_WEB_TOKENS_FILE", self.web_tokens_file),
            ("ATP_WEB_JWT_JWKS", self.web_jwks, "ATP_WEB_JWT_ISSUER", self.web_jwt_issuer),
            ("ATP_WEB_JWT_JWKS", self.web_jwks, "ATP_WEB_JWT_AUDIENCE", self.web_jwt_audience),
            ("ATP_WEB_JWT_ISSUER", self.web_jwt_issuer, "ATP_WEB_JWT_JWKS", self.web_jwks),
            ("ATP_WEB_JWT_AUDIENCE", self.web_jwt_audience, "ATP_WEB_JWT_JWKS", self.web_jwks),
        ):
            if said and not there:
                raise HalfSetError(f"{variable} is set, but {needed} is not: set both or neither")
        if self.web_jwks.startswith("http:"):
            raise SettingError("ATP_WEB_JWT_JWKS", self.web_jwks, "an https:// address or a file")

    def check_worker(self) -> None:
        """Refuse to serve everybody who can reach a port of this machine, unless somebody wants that.

        Raises:
            SettingError: nobody does, or workers would not know each other.
        """
        if not (self.on_loopback or self.web_authenticates or self.web_insecure):
            raise SettingError(
                "ATP_WEB_HOST",
                self.web_host,
                "127.0.0.1, or say who may ask (ATP_WEB_TOKENS_FILE or ATP_WEB_JWT_JWKS), or set ATP_WEB_INSECURE=1 to"
                " let everybody ask",
            )
        if self.web_checkout and not (self.on_loopback or self.web_authenticates):
            raise SettingError(
                "ATP_WEB_CHECKOUT",
                "1",
                "0, or say who may write (ATP_WEB_TOKENS_FILE or ATP_WEB_JWT_JWKS): else everybody could reserve",
            )
        if self.web_authenticates and self.web_hop_secret is None:
            raise SettingError(
                "ATP_WEB_HOP_SECRET_FILE", "", "a file with a secret of at least 32 characters, the same to all workers"
            )
        if self.web_health_port is not None and self.web_health_port == self.web_port:
            raise SettingError("ATP_WEB_HEALTH_PORT", str(self.web_health_port), "another port than ATP_WEB_PORT")
