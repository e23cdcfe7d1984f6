"""The door in front of a secured stack's registry: TLS, and a password or a certificate from whoever comes in.

Run as `python -m atp_stream.devstack.registry_door PORT REGISTRY_PORT SECRETS`; SECRETS is the directory of a vault.
"""

import base64
import hmac
import json
import ssl
import sys
from pathlib import Path

import aiohttp
from aiohttp import web

from atp_stream.devstack.ports import LOOPBACK

_PASSED_ON = ("Content-Type", "Accept")


class Door:
    """Passes on what somebody asks whom it knows."""

    def __init__(self, registry: str, passwords: dict[str, str]) -> None:
        self._registry = registry
        pairs = (f"{name}:{password}".encode() for name, password in passwords.items())
        self._known = [f"Basic {base64.b64encode(pair).decode()}" for pair in pairs]
        self._known += [f"Bearer {password}" for password in passwords.values()]

    async def answer(self, request: web.Request) -> web.Response:
        """Answer as the registry does, or with 401."""
        if not self._knows(request):
            return web.json_response({"error_code": 401, "message": "who are you?"}, status=401)
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                request.method, self._registry + request.path_qs, data=await request.read(), headers=headers
            ) as said,
        ):
            return web.Response(body=await said.read(), status=said.status, content_type=said.content_type)

    def _knows(self, request: web.Request) -> bool:
        shown = request.headers.get("Authorization", "").encode()
        by_certificate = request.transport is not None and bool(request.transport.get_extra_info("peercert"))
        return by_certificate or any(hmac.compare_digest(shown, one.encode()) for one in self._known)


def main() -> None:
    """Serve until the end."""
    port, registry_port, directory = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(directory / "ca.pem"))
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_cert_chain(directory / "admin.pem")
    door = Door(f"http://{LOOPBACK}:{registry_port}", json.loads((directory / "passwords.json").read_text()))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", door.answer)
    web.run_app(app, host=LOOPBACK, port=port, ssl_context=context, print=None, access_log=None)


if __name__ == "__main__":
    main()
