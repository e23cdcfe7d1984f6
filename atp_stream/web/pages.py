"""Pages on Faust's web server: each answers one method of one path, and every error of it is a problem."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web
from faust.web import View

from atp_stream.engine.app import EngineApp
from atp_stream.web.problems import Problem

Page = Callable[[web.Request], Awaitable[web.Response]]
Observe = Callable[[str, str, int, float], None]
"""Is told the method, the path's pattern, the status and the seconds of each answer."""

_encode = msgspec.json.Encoder().encode


def json_response(body: Any, *, status: int = 200) -> web.Response:
    """Return a JSON answer that nobody in between may keep."""
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=_encode(body), status=status, content_type="application/json", headers=headers)


class Pages:
    """Where pages are put; `views` are those there are, as `GET /atp/{tenant}/{item}`."""

    def __init__(self, app: EngineApp, observe: Observe) -> None:
        self._app = app
        self._observe = observe
        self.views: list[str] = []

    def add(self, method: str, path: str, answer: Page) -> None:
        """Let `answer` answer `method` on `path`; its parts in braces match anything but a slash."""
        self.views.append(f"{method} {path}")
        pattern = path.replace("}", ":[^/]+}")  # aiohttp's own pattern would not match a name with a brace

        async def handled(view: Any, request: web.Request, **_: str) -> web.Response:
            began = time.perf_counter()
            try:
                response = await answer(request)
            except Problem as problem:  # here, for Faust's sensors count what goes past them as a fault
                response = problem.response()
            except web.HTTPException as error:
                response = Problem.of(error, request).response()
            self._observe(request.method, path, response.status, time.perf_counter() - began)
            return response

        page: Any = self._app.page(pattern)
        page(type(f"{method} {path}", (View,), {method.lower(): handled, "__module__": __name__}))
