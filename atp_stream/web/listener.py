"""Where connections come in: a bounded number, each with a bounded time to ask; whoever asks nothing makes room."""

import asyncio
import logging
import resource
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from ssl import SSLContext, SSLError
from typing import Any, Final, NamedTuple

from aiohttp import web

from atp_stream.engine.repetitions import REPEAT_S, Repetitions
from atp_stream.settings import Settings
from atp_stream.web.server import FIRST_REQUEST_S, Connection, Runner, Server, harden_response
from atp_stream.web.tls import server_tls

log = logging.getLogger(__name__)

_BACKLOG: Final = 128
_OWN_FILES: Final = 128  # what a worker has open itself: clients of Kafka, tables, logs
_MIN_CONNECTIONS: Final = 8
_REST_S: Final = 0.1  # after an attempt to accept that failed: descriptors come free as connections end

Tls = Callable[[], SSLContext | None]
"""Returns what a connection that begins now is encrypted with."""

TurnedAway = Callable[[str], None]
"""Called with the reason when a connection is ended before it got an answer."""


class Listener(web.BaseSite):
    """One port. aiohttp's own sites accept whatever comes, until no file can be opened any more."""

    def __init__(
        self,
        runner: web.AppRunner,
        *,
        sockets: Sequence[socket.socket],
        max_connections: int,
        tls: Tls,
        turned_away: TurnedAway,
    ) -> None:
        super().__init__(runner)
        self._sockets = sockets
        self._max = max_connections
        self._tls = tls
        self._turned_away = turned_away
        self._open: dict[Connection, asyncio.Task[None] | None] = {}  # oldest first; the task that serves it
        self._accepting: list[asyncio.Task[None]] = []
        self._repetitions = Repetitions(REPEAT_S)

    @property
    def name(self) -> str:
        """Where it listens."""
        return ", ".join(str(one.getsockname()) for one in self._sockets)

    async def start(self) -> None:
        """Begin to accept."""
        await super().start()
        self._accepting = [asyncio.create_task(self._accept(one)) for one in self._sockets]

    async def stop(self) -> None:
        """Accept nothing more; what is open goes on."""
        for task in self._accepting:
            task.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        for one in self._sockets:
            one.close()
        await super().stop()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _ = await loop.sock_accept(listening)
            except OSError as error:  # mostly: no descriptor is left
                self._note("descriptors", error.strerror or repr(error))
                self._make_room()
                await asyncio.sleep(_REST_S)
                continue
            try:
                self._admit(client)
            except Exception:
                log.exception("a connection cannot be served")
                client.close()
            await asyncio.sleep(0)  # a flood of connections must leave the loop to the others

    def _admit(self, client: socket.socket) -> None:
        if len(self._open) >= self._max:
            self._note("connections", f"more than {self._max} connections")
            if not self._make_room():
                client.close()
                return
        connection = self._server_of_runner().connection(self._lost, self._turned_away)
        self._open[connection] = asyncio.create_task(self._serve(connection, client))

    def _server_of_runner(self) -> Server:
        server: Any = self._runner.server
        return server  # type: ignore[no-any-return]

    async def _serve(self, connection: Connection, client: socket.socket) -> None:
        """Hand a connection over to the loop, once it is encrypted if it has to be."""
        tls = self._tls()
        try:
            client.setblocking(False)
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: connection, client, ssl=tls, ssl_handshake_timeout=None if tls is None else FIRST_REQUEST_S
            )
        except BaseException as error:
            client.close()
            self._lost(connection)
            if not isinstance(error, (OSError, SSLError, TimeoutError)):
                raise
            self._turned_away("handshake")  # the client's fault, and nothing that could be answered
        else:
            if connection in self._open:
                self._open[connection] = None

    def _make_room(self) -> bool:
        """End the connection that has waited longest for its first request, else for a further one; return whether."""
        waiting = [one for one in self._open if one.waits]
        one = next((one for one in waiting if not one.has_asked), next(iter(waiting), None))
        if one is None:
            return False
        task = self._open.pop(one)
        if task is not None:
            task.cancel()
        one.abort()
        return True

    def _lost(self, connection: Connection) -> None:
        self._open.pop(connection, None)

    def _note(self, why: str, what: str) -> None:
        self._turned_away(why)
        passed = self._repetitions.passed_over(why, time.monotonic())
        if passed is not None:
            about = {"event": "connections_ended", "reason": why, **({"repeated": passed} if passed else {})}
            log.warning("connections that ask nothing are ended: %s", what, extra=about)


class _Listeners(NamedTuple):
    """The ports of one worker, begun together."""

    make: Sequence[Callable[[], Listener]]

    async def start(self) -> None:
        for make in self.make:
            await make().start()


def serve(server: Any, settings: Settings, turned_away: TurnedAway) -> None:
    """Let Faust's web server listen as the settings say.

    Raises:
        SettingError: a certificate cannot be used.
    """
    runner = server._runner = Runner(server.web_app, access_log=None)  # noqa: SLF001 - Faust has no other way
    server.web_app.on_response_prepare.append(harden_response)
    host, most = settings.web_host, most_connections(settings.web_max_connections)
    ports = {settings.web_port: server_tls(settings)}
    if settings.web_health_port is not None:
        ports[settings.web_health_port] = lambda: None

    def listener(port: int, tls: Tls) -> Listener:
        sockets = listening_sockets(host, port)
        return Listener(runner, sockets=sockets, max_connections=most, tls=tls, turned_away=turned_away)

    made = _Listeners([partial(listener, port, tls) for port, tls in ports.items()])
    server._create_site = lambda: made  # noqa: SLF001 - as above


def most_connections(wanted: int) -> int:
    """Return how many connections a port may keep open, so that two ports leave files enough for the work itself."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(wanted, max(_MIN_CONNECTIONS, files // 2 - _OWN_FILES // 2))


def listening_sockets(host: str, port: int) -> list[socket.socket]:
    """Return sockets that listen on each address of a host.

    Raises:
        OSError: one of them is taken.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    made: list[socket.socket] = []
    try:
        for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
            made.append(socket.create_server(address[:2], family=family, backlog=_BACKLOG))
            made[-1].setblocking(False)
    except OSError:
        for one in made:
            one.close()
        raise
    return made
