"""`GET /events/{tenant}`: events as they are committed, as a stream (server-sent events), for a person who looks on.

With no reader a step costs one look at an empty list. What is published is kept for a reader only where he asked for
it, of availability only the newest of a key, and is decoded when it is sent: once, whoever else gets it. A reader gets
at most 50 events a second. A reader who is too slow loses the oldest events, and gets their number. This is no way
to follow the numbers: Kafka has all of them.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

import msgspec
from aiohttp import ClientError, ClientTimeout, StreamReader, web
from yarl import URL

from atp_stream.domain.errors import Refused
from atp_stream.domain.names import encode, join
from atp_stream.engine.app import EngineApp
from atp_stream.engine.commit_group import Answer
from atp_stream.messages.outbound import EVENTS, Role
from atp_stream.messages.output_reader import OutputReader
from atp_stream.messages.registry import SchemaCache
from atp_stream.records import Output
from atp_stream.topics import LOG_PARTITIONS
from atp_stream.web.endpoint import Pages
from atp_stream.web.path_names import behind, from_path, known_parameters
from atp_stream.web.problems import Problem
from atp_stream.web.routing import FORWARDED, peer_request
from atp_stream.web.server import ANSWER_S
from atp_stream.web.workers import is_own, known

MAX_READERS: Final = 16
"""So many streams a worker serves at once; for other workers so many times the number of partitions."""
MAX_WAITING: Final = 500
"""So many events wait for a reader; of more, the oldest are lost."""
PACE_S: Final = 0.1
AT_ONCE: Final = 5
"""So many events a reader gets every `PACE_S`."""
SIGN_OF_LIFE_S: Final = 10.0
LOOK_S: Final = 1.0
"""So soon it is noticed that a reader has gone, or that another worker has come or gone."""
MAX_STREAM_S: Final = 3_600.0
"""So long a stream may last: whoever may not read any more is found out when he asks again."""

_CONFLATED: Final = frozenset({EVENTS[Role.AVAILABILITY], EVENTS[Role.PROJECTED]})
_TYPES: Final = frozenset(EVENTS.values())
_BLOCK_END: Final = b"\n\n"
_MAX_BLOCK_BYTES: Final = 64 * 1024


class Shown:
    """An event on its way to readers; `block` is it as it is sent, once somebody needs it."""

    __slots__ = ("block", "output")

    def __init__(self, output: Output | None, block: bytes | None = None) -> None:
        self.output = output
        self.block = block


class Reader:
    """One stream: what it wants, and what waits to be sent on it."""

    def __init__(self, tenant: str, item: str, event: str) -> None:
        self._start = f"{encode(tenant)}|".encode()
        self._name = join(tenant, item).encode() if item else None
        self._event = event
        self._waiting: dict[object, Shown] = {}
        self.lost = 0
        self.broken = False
        """Whether events of another worker were missed, nobody knows how many."""
        self.wake = asyncio.Event()

    def wants(self, output: Output) -> bool:
        """Return whether an output is for this reader."""
        key = output.key or b""
        if not key.startswith(self._start) or self._event not in {"", output.event}:
            return False
        return self._name is None or key == self._name or key.startswith(self._name + b"|")

    def put(self, shown: Shown) -> None:
        """Let an event wait; the newest of a key stands for those before it."""
        output = shown.output
        place: object = (output.event, output.key) if output and output.event in _CONFLATED else shown
        self._waiting.pop(place, None)
        self._waiting[place] = shown
        if len(self._waiting) > MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]
            self.lost += 1
        self.wake.set()

    @property
    def pending(self) -> bool:
        """Whether something is to be sent."""
        return bool(self._waiting or self.lost or self.broken)

    def take(self) -> list[Shown]:
        """Return what is to be sent next."""
        places = list(self._waiting)[:AT_ONCE]
        return [self._waiting.pop(place) for place in places]

    def losses(self) -> bytes:
        """Return a message about what was lost since the last one; nothing if nothing was lost."""
        said = b""
        if self.broken:
            said += _block({"lost": None}, "lost")
        if self.lost:
            said += _block({"lost": self.lost}, "lost")
        self.broken, self.lost = False, 0
        return said

    def receive(self, block: bytes) -> None:
        """Take what another worker has sent on its stream."""
        if block.startswith(b"event: lost"):
            lost = msgspec.json.decode(block.rpartition(b"data: ")[2])["lost"]
            self.lost += lost or 0
            self.broken |= lost is None
            self.wake.set()
        elif block.startswith(b"data: "):
            self.put(Shown(None, block + _BLOCK_END))


def _block(data: Any, event: str = "") -> bytes:
    name = f"event: {event}\n".encode() if event else b""
    return name + b"data: " + msgspec.json.encode(data) + _BLOCK_END


class Events:
    """The streams of this worker."""

    def __init__(self, app: EngineApp, schemas: SchemaCache) -> None:
        self._app = app
        self._envelopes = OutputReader(schemas)
        self._readers: dict[Reader, bool] = {}  # whether another worker reads
        self._closed = False

    def __len__(self) -> int:
        return len(self._readers)

    def note(self, _partition: int, _records: int, answer: Answer, _seconds: float) -> None:
        """Take what a step has published; called for each step that was committed."""
        if not self._readers:
            return
        for output in answer.outputs:
            if output.event in _TYPES and output.value is not None:
                shown = Shown(output)
                for reader in self._readers:
                    if reader.wants(output):
                        reader.put(shown)

    def open(self, reader: Reader, *, passed_on: bool) -> None:
        """Count a stream.

        Raises:
            Problem: 503, there are too many.
        """
        most = MAX_READERS * LOG_PARTITIONS if passed_on else MAX_READERS
        if self._closed:
            raise Problem.unavailable("moving", "this worker stops")
        if sum(one is passed_on for one in self._readers.values()) >= most:
            raise Problem.unavailable("too-many-streams", f"{most} streams are being read from this worker")
        self._readers[reader] = passed_on

    def leave(self, reader: Reader) -> None:
        """Forget a stream."""
        del self._readers[reader]

    def close(self) -> None:
        """End all streams: the worker stops."""
        self._closed = True
        for reader in self._readers:
            reader.wake.set()

    async def serve(self, request: web.Request, reader: Reader, response: web.StreamResponse) -> None:
        """Send a reader what comes, until one of both goes."""
        loop = asyncio.get_running_loop()
        began = said_at = loop.time()
        await response.write(b": these are the events from now on\n\n")
        while not self._closed and loop.time() - began < MAX_STREAM_S:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await reader.wake.wait()
            if request.transport is None or request.transport.is_closing():
                return
            said = reader.losses()
            for shown in reader.take():
                said += await self._sent_as(shown)
            if not reader.pending:
                reader.wake.clear()
            if not said and loop.time() - said_at > SIGN_OF_LIFE_S:
                said = b":\n\n"
            if said:
                async with asyncio.timeout(ANSWER_S):  # one who reads nothing at all is given up
                    await response.write(said)
                said_at = loop.time()
                await asyncio.sleep(PACE_S)

    async def _sent_as(self, shown: Shown) -> bytes:
        if shown.block is None and shown.output is not None and shown.output.value is not None:
            try:
                shown.block = b"data: " + await self._envelopes.envelope(shown.output.value) + _BLOCK_END
            except (Refused, ValueError):  # the registry has lost a schema that we write: the log says so elsewhere
                shown.block = _block({"lost": 1}, "lost")
        return shown.block or b""

    async def follow_others(self, request: web.Request, reader: Reader) -> None:
        """Give a reader what other workers publish, as long as he is there; who comes and goes is noticed."""
        following: dict[URL, asyncio.Task[None]] = {}
        try:
            while True:
                others = {url for url in known(self._app) if not is_own(self._app, url)}
                for url in others:
                    if url not in following or following[url].done():
                        following[url] = asyncio.create_task(self._follow(request, reader, url))
                for url in following.keys() - others:
                    following.pop(url).cancel()
                await asyncio.sleep(LOOK_S)
        finally:
            for task in following.values():
                task.cancel()
            await asyncio.gather(*following.values(), return_exceptions=True)

    async def _follow(self, request: web.Request, reader: Reader, url: URL) -> None:
        """Read another worker's stream to its end; whenever one was open and ends, something may be missed."""
        timeout = ClientTimeout(total=None, sock_connect=LOOK_S, sock_read=3 * SIGN_OF_LIFE_S)
        opened = False
        try:
            async with peer_request(self._app, request, url, request.rel_url.raw_path_qs, timeout) as answer:
                if answer.status != HTTPStatus.OK:
                    return
                opened = True
                async for block in _blocks(answer.content):
                    reader.receive(block)
        except (TimeoutError, ClientError, OSError, ValueError):
            pass
        finally:
            if opened:
                reader.broken = True
                reader.wake.set()


async def _blocks(content: StreamReader) -> AsyncIterator[bytes]:
    """Yield the blocks of a stream of events, without their ends."""
    left = b""
    async for data in content.iter_any():
        *whole, left = (left + data).split(_BLOCK_END)
        if len(left) > _MAX_BLOCK_BYTES:
            raise ValueError("this is no stream of events")
        for block in whole:
            yield block


def add_events(app: EngineApp, pages: Pages, schemas: SchemaCache) -> Events:
    """Serve the streams, and return what gets each step."""
    events = Events(app, schemas)
    server: Any = app.web

    async def closed(_: web.Application) -> None:
        events.close()

    server.web_app.on_shutdown.append(closed)

    async def events_view(request: web.Request) -> web.StreamResponse:
        known_parameters(request, "item", "type")
        tenant, event = from_path(request, "tenant")[0], request.query.get("type", "")
        if event not in {"", *_TYPES}:
            raise Problem.refused("bad-query", f"type is one of {', '.join(sorted(_TYPES))}")
        reader = Reader(tenant, behind(request, "item"), event)
        passed_on = FORWARDED in request.headers
        events.open(reader, passed_on=passed_on)
        following: Sequence[asyncio.Task[None]] = ()
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        try:
            if not passed_on:
                following = [asyncio.create_task(events.follow_others(request, reader))]
            await response.prepare(request)
            with suppress(ConnectionError, TimeoutError):
                await events.serve(request, reader, response)
        finally:
            events.leave(reader)
            for task in following:
                task.cancel()
        response.force_close()
        return response

    pages.add("GET", "/events/{tenant}", events_view)
    return events
