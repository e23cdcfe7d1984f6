"""In front of every page: is the request for this worker, and who asks."""

import ipaddress
import re
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from yarl import URL

from atp_stream.engine.app import EngineApp
from atp_stream.settings import SettingError, Settings
from atp_stream.web import hops
from atp_stream.web.access import note_refusal
from atp_stream.web.bodies import read_body
from atp_stream.web.callers import CALLER, EVERYBODY, Caller
from atp_stream.web.hops import Hops
from atp_stream.web.jwt import Claims, JwtVerifier, KeyAddress, KeyFile, KeysUnavailable, TokenRefused
from atp_stream.web.problems import Handler, Problem
from atp_stream.web.tls import names_in
from atp_stream.web.tokens import TokenFile

_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:]+)(?::[0-9]*)?")


class Admission:
    """Decides who comes in; `open_paths` are the patterns that nobody has to say who he is for.

    Of `page_paths` that is so for browsers, which get a page without data there.
    """

    def __init__(self, app: EngineApp, settings: Settings) -> None:
        """Read the files that say who may ask.

        Raises:
            SettingError: one of them cannot be used.
        """
        self.open_paths: set[str] = set()
        self.page_paths: set[str] = set()
        self.hops: Hops | None = None
        self._authenticates = settings.web_authenticates
        self._health_port = settings.web_health_port
        self._any_address = _is_wildcard(settings.web_host)
        self._hosts = _names_of(settings)
        self._tokens: TokenFile | None = None
        self._jwt: JwtVerifier | None = None
        if settings.web_tokens_file is not None:
            file = settings.web_tokens_file
            self._tokens = _made("ATP_WEB_TOKENS_FILE", str(file), lambda: TokenFile(file))
        if settings.web_jwks:
            self._jwt = _verifier(app, settings)
        if settings.web_hop_secret is not None:
            secret, own = settings.web_hop_secret, URL(str(app.conf.canonical_url))
            self.hops = _made("ATP_WEB_HOP_SECRET_FILE", str(secret), lambda: Hops(secret, own))

    async def admit(self, request: web.Request) -> Caller:
        """Return who asks.

        Raises:
            Problem: 401, 404, 421 or 503, the request goes no further.
        """
        if self._health_port is not None and _local_port(request) == self._health_port:
            if not _is_about_the_worker(request):
                raise web.HTTPNotFound
            return EVERYBODY
        self._check_host(request)
        if not self._authenticates or self._is_open(request):
            return EVERYBODY
        return await self._caller(request)

    def _is_open(self, request: web.Request) -> bool:
        pattern = _pattern(request)
        return pattern in self.open_paths or (pattern in self.page_paths and wants_page(request))

    def _check_host(self, request: web.Request) -> None:
        """Refuse a name that is not ours: a page in somebody's browser may have made its own name lead here."""
        given = request.headers.getall("Host", [])
        if not given:  # HTTP/1.0, which no browser speaks
            return
        found = _HOST.fullmatch(given[0].lower()) if len(given) == 1 else None
        host = found[1].strip("[]") if found else ""
        if host in self._hosts or (self._any_address and _is_address(host)):
            return
        problem = Problem(
            HTTPStatus.MISDIRECTED_REQUEST,
            "wrong-host",
            "this worker is not known under that name: ATP_WEB_ALLOWED_HOSTS",
        )
        note_refusal(request, None, problem)
        raise problem

    async def _caller(self, request: web.Request) -> Caller:
        passed_on = request.headers.get(hops.HEADER)
        if self.hops is not None and passed_on is not None:
            body = await read_body(request)
            found = self.hops.caller(passed_on, request.method, request.rel_url.raw_path_qs, body)
            return found or _stranger(request, "the worker that passed this on is not known here")
        given = request.headers.getall("Authorization", [])
        if given:
            scheme, _, token = given[0].partition(" ")
            if len(given) > 1 or scheme.lower() != "bearer":
                return _stranger(request, "one bearer token is needed")
            return await self._by_token(request, token.strip())
        if self._tokens is not None and request.transport is not None:
            found = self._tokens.by_certificate(names_in(request.transport.get_extra_info("peercert")))
            if found is not None:
                return found
        return _stranger(request, "a bearer token is needed")

    async def _by_token(self, request: web.Request, token: str) -> Caller:
        found = self._tokens.by_token(token) if self._tokens is not None else None
        if found is not None:
            return found
        if self._jwt is None or token.count(".") != 2:  # noqa: PLR2004 - header, claims and signature
            return _stranger(request, "the token is not known", error="invalid_token")
        try:
            return await self._jwt.caller(token)
        except TokenRefused as refused:
            return _stranger(request, f"the token does not count: {refused}", error="invalid_token")
        except KeysUnavailable:
            raise Problem.unavailable(
                "keys-unavailable", "the keys that tokens are signed with are not known"
            ) from None


ADMISSION: Final[web.AppKey[Admission]] = web.AppKey("admission", Admission)
"""Where the web application keeps who decides."""


@web.middleware
async def admitted(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request through, and note who asks."""
    request[CALLER] = await request.app[ADMISSION].admit(request)
    return await handler(request)


def wants_page(request: web.Request) -> bool:
    """Return whether a request is a browser's that opens an address: programs ask for anything, or for JSON."""
    return "text/html" in request.headers.get("Accept", "")


def _stranger(request: web.Request, why: str, *, error: str = "") -> Caller:
    asks = 'Bearer realm="atp_stream"' + (f', error="{error}"' if error else "")
    problem = Problem(HTTPStatus.UNAUTHORIZED, "unauthenticated", why, headers={"WWW-Authenticate": asks})
    note_refusal(request, None, problem)
    raise problem


def _made(variable: str, value: str, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except OSError as error:
        raise SettingError(variable, value, f"a file that can be read ({error.strerror})") from None
    except ValueError as error:
        raise SettingError(variable, value, f"a file that can be used ({error})") from None


def _verifier(app: EngineApp, settings: Settings) -> JwtVerifier:
    source = settings.web_jwks
    claims = Claims(
        settings.web_jwt_issuer, settings.web_jwt_audience, settings.web_jwt_tenants, settings.web_jwt_roles
    )
    if source.startswith("https:"):
        return JwtVerifier(claims, KeyAddress(source, lambda: app.http_client))
    return JwtVerifier(claims, _made("ATP_WEB_JWT_JWKS", source, lambda: KeyFile(Path(source))))


def _names_of(settings: Settings) -> set[str]:
    """Return the names in `Host` that are ours."""
    names = {settings.web_host.strip("[]").lower(), *settings.web_allowed_hosts}
    if settings.web_url:
        names.add((URL(settings.web_url).host or "").lower())
    if settings.on_loopback or _is_wildcard(settings.web_host):
        names |= {"localhost", "127.0.0.1", "::1"}
    return names


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_wildcard(host: str) -> bool:
    return _is_address(host.strip("[]")) and ipaddress.ip_address(host.strip("[]")).is_unspecified


def _local_port(request: web.Request) -> int | None:
    name = None if request.transport is None else request.transport.get_extra_info("sockname")
    return name[1] if name else None


def _pattern(request: web.Request) -> str | None:
    resource = request.match_info.route.resource
    return None if resource is None else resource.canonical


def _is_about_the_worker(request: web.Request) -> bool:
    return (_pattern(request) or "").startswith(("/health/", "/metrics"))
