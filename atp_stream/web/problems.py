"""Errors as RFC 9457 problem details, everywhere: in views, for unknown paths, and for bugs."""

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web
from mode import get_logger

log = get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Problem(Exception):
    """An answer other than the one that was asked for; `code` is stable, `detail` is for people."""

    def __init__(self, status: HTTPStatus, code: str, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after

    def response(self) -> web.Response:
        """Return the problem document."""
        body = {"type": f"urn:atp:problem:{self.code}", "title": self.status.phrase, "status": int(self.status)}
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return web.Response(
            body=json.dumps({**body, "detail": self.detail}).encode(),
            status=self.status,
            content_type="application/problem+json",
            headers=headers,
        )


@web.middleware
async def as_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error of a request into a problem document."""
    try:
        return await handler(request)
    except Problem as problem:
        return problem.response()
    except web.HTTPException as error:
        status = HTTPStatus(error.status)
        return Problem(status, status.name.lower().replace("_", "-"), f"{request.method} {request.path}").response()
    except Exception:
        log.exception("a request failed")
        return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "bug", "see the worker's log").response()
