"""`GET /events/{tenant}`: events as they are committed, as a stream (server-sent events), for a person who looks on.

With no reader a step costs one look at an empty dictionary. What a feed hands over, all of its readers get: from each
worker at most 50 events a second. Who is too slow loses the oldest events, and gets their number. This is no way to
follow the numbers: Kafka has all of them.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any, Final

from aiohttp import ClientError, ClientTimeout, StreamReader, web
from yarl import URL

from atp_stream.engine.app import EngineApp
from atp_stream.engine.commit_group import Answer
from atp_stream.messages.output_reader import OutputReader
from atp_stream.messages.registry import SchemaCache
from atp_stream.records import Output
from atp_stream.topics import LOG_PARTITIONS
from atp_stream.web.endpoint import Pages
from atp_stream.web.feed import BLOCK_END, TYPES, Feeds, Reader, Wanted, block_of
from atp_stream.web.path_names import behind, from_path, known_parameters
from atp_stream.web.problems import Problem
from atp_stream.web.routing import FORWARDED, peer_request
from atp_stream.web.server import ANSWER_S
from atp_stream.web.workers import is_own, known

MAX_READERS: Final = 16
"""So many streams a worker serves at once; for other workers so many times the number of partitions."""
SIGN_OF_LIFE_S: Final = 10.0
LOOK_S: Final = 1.0
"""So soon it is noticed that a reader has gone, or that another worker has come or gone."""
SCHEMA_S: Final = 1.0
"""So long an event may wait for its schema; then it counts as lost."""
MAX_STREAM_S: Final = 3_600.0
"""So long a stream may last: whoever may not read any more is found out when he asks again."""

_MAX_BLOCK_BYTES: Final = 64 * 1024


class Events:
    """The streams of this worker."""

    def __init__(self, app: EngineApp, schemas: SchemaCache) -> None:
        self._app = app
        self._envelopes = OutputReader(schemas)
        self._feeds = Feeds(self._encode)
        self._readers: dict[Reader, bool] = {}  # whether another worker reads
        self._closed = False

    def __len__(self) -> int:
        return len(self._readers)

    def note(self, _partition: int, _records: int, answer: Answer, _seconds: float) -> None:
        """Take what a step has published; called for each step that was committed."""
        self._feeds.put(answer.outputs)

    @contextmanager
    def reading(self, reader: Reader, wanted: Wanted, *, passed_on: bool) -> Iterator[None]:
        """Count a stream, and give it what it wants, as long as the context lasts.

        Raises:
            Problem: 503, there are too many.
        """
        most = MAX_READERS * LOG_PARTITIONS if passed_on else MAX_READERS
        if self._closed:
            raise Problem.unavailable("moving", "this worker stops")
        if sum(one is passed_on for one in self._readers.values()) >= most:
            raise Problem.unavailable("too-many-streams", f"{most} streams are being read from this worker")
        self._readers[reader] = passed_on
        try:
            with self._feeds.read(reader, wanted):
                yield
        finally:
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
        await response.write(b": these are events as they are committed\n\n")
        while not self._closed and loop.time() - began < MAX_STREAM_S:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await reader.wake.wait()
            if request.transport is None or request.transport.is_closing():
                return
            said = reader.take()
            if not said and loop.time() - said_at > SIGN_OF_LIFE_S:
                said = b":\n\n"
            if said:
                async with asyncio.timeout(ANSWER_S):  # one who reads nothing at all is given up
                    await response.write(said)
                said_at = loop.time()

    async def _encode(self, output: Output) -> bytes:
        try:
            async with asyncio.timeout(SCHEMA_S):
                return b"data: " + await self._envelopes.envelope(output.value or b"") + BLOCK_END
        except Exception:  # noqa: BLE001 - such as a schema that the registry has lost: the others are shown
            return block_of({"lost": 1}, "lost")

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
        *whole, left = (left + data).split(BLOCK_END)
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
        if event not in {"", *TYPES}:
            raise Problem.refused("bad-query", f"type is one of {', '.join(sorted(TYPES))}")
        wanted = Wanted(tenant, behind(request, "item"), event)
        reader, passed_on = Reader(), FORWARDED in request.headers
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        with events.reading(reader, wanted, passed_on=passed_on):
            following = None if passed_on else asyncio.create_task(events.follow_others(request, reader))
            try:
                await response.prepare(request)
                with suppress(ConnectionError, TimeoutError):
                    await events.serve(request, reader, response)
            finally:
                if following is not None:
                    following.cancel()
        response.force_close()
        return response

    pages.add("GET", "/events/{tenant}", events_view)
    return events
