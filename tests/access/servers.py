"""Servers on loopback that want to know who comes, with certificates made for the test."""

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@contextmanager
def knowing(
    authorization: str = "", *, secrets: Path | None = None, wants_certificate: bool = False, answer: object = ()
) -> Iterator[str]:
    """Answer whoever shows this authorization, or a certificate of `secrets`, behind TLS if there are secrets."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = not authorization or self.headers.get("Authorization") == authorization
            body = json.dumps(answer if known else {"error_code": 401}).encode()
            self.send_response(200 if known else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign] # a handshake that fails is what is tested
        if secrets:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(secrets / "ca.pem"))
            context.load_cert_chain(secrets / "server.pem")
            context.verify_mode = ssl.CERT_REQUIRED if wants_certificate else ssl.CERT_NONE
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"{'https' if secrets else 'http'}://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def basic(user: str, password: str) -> str:
    """Return what a client shows that knows a password."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
