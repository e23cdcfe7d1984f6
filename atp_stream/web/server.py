"""The web server where aiohttp would answer by itself: what is no HTTP request is a problem too, and no traceback."""

from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from atp_stream.web.problems import NO_PATH, OBSERVE, Problem, method_of

_NO_REQUEST = "(none)"


class _Connection(RequestHandler):
    """A connection to a client; `app` is the application that it asks."""

    def __init__(self, server: web.Server, app: web.Application, **options: Any) -> None:
        super().__init__(server, **options)
        self._observe = app[OBSERVE]

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
        """Answer as a problem what was refused before our views were asked, such as an `Expect` that is unknown."""
        if isinstance(resp, web.HTTPException):
            self._observe(method_of(request), NO_PATH, resp.status, 0.0)
            resp = Problem.of(resp, request).response()
        return await super().finish_response(request, resp, start_time)


def _one_line(message: str | None) -> str:
    """Return what the parser says, without the bytes that it points at."""
    return (message or "this is no HTTP request").partition("\n")[0].strip(" :") or "this is no HTTP request"


class _Server(web.Server):
    """Makes such a connection for each client."""

    def __init__(self, plain: web.Server, app: web.Application) -> None:
        options = plain._kwargs  # noqa: SLF001 - there is no other way to a connection of our own
        super().__init__(plain.request_handler, request_factory=plain.request_factory, **options)
        self._app = app

    def __call__(self) -> RequestHandler:
        return _Connection(self, self._app, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Runs an application on such a server."""

    async def _make_server(self) -> web.Server:
        return _Server(await super()._make_server(), self._app)
