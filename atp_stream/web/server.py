"""The web server where aiohttp would answer by itself: what is no HTTP request is a problem too, and no traceback."""

import asyncio
from collections.abc import Callable, MutableMapping
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from atp_stream.web.problems import NO_PATH, OBSERVE, Problem, method_of

FIRST_REQUEST_S: Final = 10.0
"""So long a new connection may take for its TLS handshake, and for the head of its first request."""

KEEP_ALIVE_S: Final = 75.0
"""So long a connection may take for each further request: longer than proxies keep theirs open."""

ANSWER_S: Final = 30.0
"""So long a client may take to read an answer."""

MAX_LINE_BYTES: Final = 8_190
MAX_HEADERS: Final = 128
MAX_BODY_BYTES: Final = 1_048_576

_NO_REQUEST = "(none)"
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": "atp_stream",  # aiohttp would show its version, and Python's
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_HTTPS_ONLY: Final = ("Strict-Transport-Security", "max-age=31536000")


def harden(headers: MutableMapping[str, str], *, encrypted: bool) -> None:
    """Add the headers that keep browsers from mischief, where an answer does not say otherwise itself."""
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    if encrypted:
        headers.setdefault(*_HTTPS_ONLY)


async def harden_response(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Add these headers to an answer that is about to be sent."""
    transport = request.transport
    harden(response.headers, encrypted=transport is not None and transport.get_extra_info("ssl_object") is not None)


class Connection(RequestHandler):
    """A connection to a client; `app` is the application that it asks."""

    def __init__(
        self,
        server: web.Server,
        app: web.Application,
        lost: Callable[["Connection"], None],
        turned_away: Callable[[str], None],
        **options: Any,
    ) -> None:
        super().__init__(server, **options)
        self._observe = app[OBSERVE]
        self._lost = lost
        self._turned_away = turned_away
        self._patience: asyncio.TimerHandle | None = None

    @property
    def has_asked(self) -> bool:
        """Whether the head of a request has come."""
        return self._request_count > 0

    @property
    def waits(self) -> bool:
        """Whether nothing is being answered: its handshake or a request has still to come."""
        return self._current_request is None and not self._messages

    def abort(self) -> None:
        """End it at once, whatever has not been sent."""
        if self.transport is not None:
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request, but not for ever."""
        super().connection_made(transport)
        self._patience = asyncio.get_running_loop().call_later(FIRST_REQUEST_S, self._give_up)

    def _give_up(self) -> None:
        if not self.has_asked:
            self._turned_away("silence")
            self.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell who counts."""
        if self._patience is not None:
            self._patience.cancel()
        self._lost(self)
        super().connection_lost(exc)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer what is no request that could be read: any client may send that, so the log says nothing of it."""
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return super().handle_error(request, status, exc, message)
        self._observe(_NO_REQUEST, NO_PATH, status, 0.0)
        response = Problem(HTTPStatus(status), "bad-request", _one_line(message)).response()
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log what went wrong here; that the rest of a body could not be read either was already answered."""
        if not isinstance(kw.get("exc_info"), web.RequestPayloadError):
            super().log_exception(*args, **kw)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer to a client that reads it in time.

        What was refused before our views were asked, such as an `Expect` that is unknown, becomes a problem.
        """
        if isinstance(resp, web.HTTPException):
            self._observe(method_of(request), NO_PATH, resp.status, 0.0)
            resp = Problem.of(resp, request).response()
        if not resp.prepared:
            await harden_response(request, resp)
        try:
            async with asyncio.timeout(ANSWER_S):
                return await super().finish_response(request, resp, start_time)
        except TimeoutError:
            self._turned_away("unread")
            self.abort()
            raise ConnectionResetError("the client does not read the answer") from None


def _one_line(message: str | None) -> str:
    """Return what the parser says, without the bytes that it points at."""
    return (message or "this is no HTTP request").partition("\n")[0].strip(" :") or "this is no HTTP request"


class Server(web.Server):
    """Makes such a connection for each client."""

    def __init__(self, plain: web.Server, app: web.Application) -> None:
        options = plain._kwargs  # noqa: SLF001 - there is no other way to a connection of our own
        super().__init__(plain.request_handler, request_factory=plain.request_factory, **options)
        self._app = app

    def connection(self, lost: Callable[[Connection], None], turned_away: Callable[[str], None]) -> Connection:
        """Return what serves a client that comes; it tells when the client has gone, and when it is turned away."""
        options = {
            **self._kwargs,
            "keepalive_timeout": KEEP_ALIVE_S,
            "max_line_size": MAX_LINE_BYTES,
            "max_field_size": MAX_LINE_BYTES,
            "max_headers": MAX_HEADERS,
        }
        return Connection(self, self._app, lost, turned_away, loop=self._loop, **options)


class Runner(web.AppRunner):
    """Runs an application on such a server."""

    async def _make_server(self) -> web.Server:
        return Server(await super()._make_server(), self._app)
