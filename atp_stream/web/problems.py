"""Errors as RFC 9457 problem details, everywhere: in views, for unknown paths, for bugs, and for what is no request."""

import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

import msgspec
from aiohttp import web
from mode import get_logger

from atp_stream.engine.repetitions import REPEAT_S, Repetitions

log = get_logger(__name__)
_faults = Repetitions(REPEAT_S)  # whoever knows a request that fails must not be able to fill the disk with tracebacks

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Observe = Callable[[str, str, int, float | None], None]
"""Called with method, pattern of the path, status and seconds of each answer; the seconds of a stream are None."""

OBSERVE: Final[web.AppKey[Observe]] = web.AppKey("observe")
"""Where the web application keeps who counts its answers."""

RETRY_AFTER: Final = 1
"""Seconds after which it is worth asking again when nobody could answer."""

CLIENT_GONE: Final = 499
"""The status that is counted, as other servers count it, when the client went away before it was answered."""

NO_PATH: Final = "(other)"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NO_METHOD: Final = "(other)"

_KEPT_HEADERS = ("Allow",)
_CODES: Final = {  # Python's own names change
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    417: "expectation-failed",
}


class Problem(Exception):
    """An answer other than the one that was asked for; `code` is stable, `detail` is for people."""

    def __init__(self, status: HTTPStatus, code: str, detail: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers or {}

    @classmethod
    def unavailable(cls, code: str, detail: str) -> "Problem":
        """Return the problem of a key that exists, or may exist, and that nobody can speak for now."""
        return cls(HTTPStatus.SERVICE_UNAVAILABLE, code, detail, headers={"Retry-After": str(RETRY_AFTER)})

    @classmethod
    def refused(cls, code: str, detail: str) -> "Problem":
        """Return the problem of a request that breaks the contract."""
        return cls(HTTPStatus.BAD_REQUEST, code, detail)

    @classmethod
    def unknown(cls, code: str, detail: str) -> "Problem":
        """Return the problem of a key that its owner does not have."""
        return cls(HTTPStatus.NOT_FOUND, code, detail)

    @classmethod
    def of(cls, error: "Problem | web.HTTPException", request: web.BaseRequest) -> "Problem":
        """Return what is wrong with a request as a problem, also where the web server found it."""
        if isinstance(error, Problem):
            return error
        status = HTTPStatus(error.status)
        kept = {name: error.headers[name] for name in _KEPT_HEADERS if name in error.headers}
        return cls(status, _CODES.get(status, "http"), _detail(error, request), headers=kept)

    def document(self) -> dict[str, Any]:
        """Return the problem details."""
        return {
            "type": f"urn:atp:problem:{self.code}",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
        }

    def response(self) -> web.Response:
        """Return the answer that carries the problem details."""
        return web.Response(
            body=msgspec.json.encode(self.document()),
            status=self.status,
            content_type="application/problem+json",
            headers={"Cache-Control": "no-store", **self.headers},
        )


def _detail(error: web.HTTPException, request: web.BaseRequest) -> str:
    if isinstance(error, web.HTTPNotFound):
        return f"nothing is served at {request.path}; `GET /` lists what is"
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"{request.path} does not answer {request.method}, but {', '.join(sorted(error.allowed_methods))}"
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return f"the body has more than {request.app._client_max_size} bytes"  # type: ignore[attr-defined]  # noqa: SLF001
    return f"{request.method} {request.path}: {error.text or error.reason}"


@web.middleware
async def as_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error of a request into a problem document, and let each answer be counted."""
    began = time.perf_counter()
    response, status = await _answered(request, handler)
    seconds = time.perf_counter() - began if isinstance(response, web.Response) else None
    request.app[OBSERVE](method_of(request), _pattern(request), status, seconds)
    return response


def method_of(request: web.BaseRequest) -> str:
    """Return the method for who counts: anyone may make new ones up."""
    return request.method if request.method in _METHODS else _NO_METHOD


def _pattern(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return NO_PATH if resource is None else resource.canonical


async def _answered(request: web.Request, handler: Handler) -> tuple[web.StreamResponse, int]:
    """Return the answer, and the status that is counted."""
    try:
        response = await handler(request)
    except (Problem, web.HTTPException) as error:
        response = Problem.of(error, request).response()
    except (web.RequestPayloadError, ConnectionError) as error:
        response = Problem.refused("bad-body", f"the body cannot be read: {error}").response()
        if request.transport is None or request.transport.is_closing():
            return response, CLIENT_GONE  # nobody is there to read it
    except Exception as error:
        if _faults.passed_over((_pattern(request), type(error).__name__), time.monotonic()) is not None:
            path = request.rel_url.raw_path  # as it was sent: decoded, it could forge lines
            log.exception("%s %s failed", request.method, path, extra={"event": "request_failed"})
        response = Problem(
            HTTPStatus.INTERNAL_SERVER_ERROR, "bug", "a fault of atp_stream; the worker's log has its traceback"
        ).response()
    return response, response.status
