"""Errors as RFC 9457 problem details, everywhere: in views, for unknown paths, and for bugs."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

import msgspec
from aiohttp import web
from mode import get_logger

log = get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

RETRY_AFTER: Final = 1
"""Seconds after which it is worth asking again when nobody could answer."""

_KEPT_HEADERS = ("Allow",)
_CODES: Final = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}  # Python's own names change


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
    def of(cls, error: web.HTTPException, request: web.Request) -> "Problem":
        """Return what the web server found wrong with a request, as a problem."""
        status = HTTPStatus(error.status)
        kept = {name: error.headers[name] for name in _KEPT_HEADERS if name in error.headers}
        return cls(status, _CODES.get(status, "http"), f"{request.method} {request.path}", headers=kept)

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


@web.middleware
async def as_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error of a request into a problem document."""
    try:
        return await handler(request)
    except Problem as problem:
        return problem.response()
    except web.HTTPException as error:
        return Problem.of(error, request).response()
    except Exception:
        log.exception("a request failed")
        return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "bug", "see the worker's log").response()
