"""Web servers that stand where a registry should: what they answer is all there is to them."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any]


@contextmanager
def answering(status: int, body: bytes, port: int = 0, versions: bytes | None = None) -> Iterator[str]:
    """Run a server that gives one answer to everything, or another one to who asks for versions."""

    def answer(_: str, path: str) -> tuple[int, bytes]:
        if versions is not None and path.endswith("/versions"):
            return 200, versions
        return status, body

    with serving(answer, port) as url:
        yield url


@contextmanager
def scripted(*answers: Answer) -> Iterator[tuple[str, list[str]]]:
    """Run a server that gives these answers in turn, and notes what it was asked to do."""
    asked: list[str] = []
    script = iter(answers)

    def answer(method: str, _: str) -> tuple[int, bytes]:
        asked.append(method)
        status, content = next(script)
        return status, json.dumps(content).encode()

    with serving(answer) as url:
        yield url, asked


@contextmanager
def serving(answer: Callable[[str, str], tuple[int, bytes]], port: int = 0) -> Iterator[str]:
    """Run a server that answers by method and path with a status and a body, and give its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, body = answer(self.command, self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_GET  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
