"""Pages on Faust's web server: each answers one method of one path, and every error of it is a problem."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web
from faust.web import View

from atp_stream.engine.app import EngineApp
from atp_stream.web.access import OPEN, READ, Access, permit
from atp_stream.web.admission import ADMISSION
from atp_stream.web.path_names import from_path
from atp_stream.web.problems import Problem

Page = Callable[[web.Request], Awaitable[web.StreamResponse]]

_encode = msgspec.json.Encoder().encode


def json_response(body: Any, *, status: int = 200) -> web.Response:
    """Return a JSON answer that nobody in between may keep."""
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=_encode(body), status=status, content_type="application/json", headers=headers)


class Pages:
    """Where pages are put; `views` are those there are, as `GET /atp/{tenant}/{item}`."""

    def __init__(self, app: EngineApp) -> None:
        self._app = app
        self.views: list[str] = []

    def add(self, method: str, path: str, answer: Page, access: Access = READ) -> None:
        """Let `answer` answer `method` on `path` to those who have access.

        The parts of `path` in braces match anything but a slash; the first one is the tenant, if there is one.
        """
        self.views.append(f"{method} {path}")
        pattern = path.replace("}", ":[^/]+}")  # aiohttp's own pattern would not match a name with a brace
        of_tenant = "/{tenant}" in path
        server: Any = self._app.web
        admission = server.web_app[ADMISSION]
        if access is OPEN:
            admission.open_paths.add(path)
        elif access.browsers:
            admission.page_paths.add(path)

        async def handled(view: Any, request: web.Request, **_: str) -> web.StreamResponse:
            try:
                permit(request, access, from_path(request, "tenant")[0] if of_tenant else None)
                return await answer(request)
            except (Problem, web.HTTPException) as error:  # here: Faust's sensors count what passes them as a fault
                return Problem.of(error, request).response()

        page: Any = self._app.page(pattern)
        page(type(f"{method} {path}", (View,), {method.lower(): handled, "__module__": __name__}))
