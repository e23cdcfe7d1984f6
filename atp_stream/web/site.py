"""`GET /` for a browser, and the files that its page is made of: parts of the package, sent as they are."""

from hashlib import blake2b
from http import HTTPStatus
from pathlib import Path
from typing import Final, NamedTuple

from aiohttp import web

from atp_stream.messages.schema_files import contract
from atp_stream.web.access import OPEN, OPEN_TO_BROWSERS
from atp_stream.web.admission import wants_page
from atp_stream.web.endpoint import Page, Pages
from atp_stream.web.path_names import from_path
from atp_stream.web.problems import Problem

_FILES: Final = Path(__file__).parent / "console"
_TYPES: Final = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
}
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The policy that browsers enforce for the page: nothing inline, nothing from elsewhere."""


class File(NamedTuple):
    """A file as it is sent."""

    body: bytes
    content_type: str
    tag: str

    @classmethod
    def of(cls, path: Path) -> "File":
        """Read it."""
        body = path.read_bytes()
        return cls(body, _TYPES[path.suffix], f'"{blake2b(body, digest_size=12).hexdigest()}"')

    def answer(self, request: web.Request) -> web.Response:
        """Return it, or that the browser has it already."""
        headers = {"Cache-Control": "no-cache", "ETag": self.tag, "Vary": "Accept", "Content-Security-Policy": POLICY}
        if request.headers.get("If-None-Match") == self.tag:
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        return web.Response(body=self.body, content_type=self.content_type, charset="utf-8", headers=headers)


def add_site(pages: Pages, index: Page) -> None:
    """Serve the page, its files and the contract; who asks for `/` and is no browser gets `index`."""
    files = {path.name: File.of(path) for path in _FILES.iterdir() if path.suffix in _TYPES}
    described = File.of(contract("openapi.yaml"))

    async def root(request: web.Request) -> web.StreamResponse:
        if wants_page(request):
            return files["index.html"].answer(request)
        response = await index(request)
        response.headers["Vary"] = "Accept"
        return response

    async def file_view(request: web.Request) -> web.Response:
        name = from_path(request, "file")[0]
        if name not in files:
            raise Problem.unknown("not-found", f"nothing is served at {request.path}; `GET /` lists what is")
        return files[name].answer(request)

    async def contract_view(request: web.Request) -> web.Response:
        return described.answer(request)

    pages.add("GET", "/", root, OPEN_TO_BROWSERS)
    pages.add("GET", "/console/{file}", file_view, OPEN)
    pages.add("GET", "/openapi.yaml", contract_view, OPEN)
