"""Any worker answers for any key: from its own rows, or by one hop to their owner."""

import logging
import time
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from ssl import SSLContext
from typing import Any, Final, NamedTuple

from aiohttp import ClientError, ClientResponse, ClientSSLError, ClientTimeout, web
from yarl import URL

from atp_stream.domain.state.overlay import State
from atp_stream.engine.app import EngineApp
from atp_stream.engine.partition_state import PartitionStore
from atp_stream.engine.partitioner import partition_of
from atp_stream.engine.repetitions import REPEAT_S, Repetitions
from atp_stream.engine.routing import Elsewhere, Here, NotServing, locate
from atp_stream.messages.rows import decode_row, reader, scanner
from atp_stream.messages.traces import TRACE_HEADERS
from atp_stream.topics import LOG_PARTITIONS
from atp_stream.web import hops
from atp_stream.web.admission import ADMISSION
from atp_stream.web.callers import CALLER
from atp_stream.web.problems import Problem

log = logging.getLogger(__name__)

FORWARDED = "X-Atp-Forwarded"
HOP_TIMEOUT_S = 2.0
PEERS: Final[web.AppKey[SSLContext]] = web.AppKey("peers", SSLContext)
"""Where the web application keeps what makes it trust another worker."""

_NOT_TRUSTED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.MISDIRECTED_REQUEST}
_ADVICE = "give all workers the same ATP_WEB_HOP_SECRET_FILE, callers and ATP_WEB_ALLOWED_HOSTS"
_refusals = Repetitions(REPEAT_S)
_PASSED_ON = ("Content-Type", "Retry-After", "Cache-Control")


class Answer(NamedTuple):
    """What another worker said."""

    status: int
    headers: dict[str, str]
    body: bytes


def owner(app: EngineApp, request: web.Request, name: str) -> Here | Elsewhere:
    """Return who answers for an item; as `owner_of`."""
    return owner_of(app, request, partition_of(name.encode(), LOG_PARTITIONS))


def owner_of(app: EngineApp, request: web.Request, partition: int) -> Here | Elsewhere:
    """Return who answers for a partition of the log; what is `Here` holds until the next await.

    Raises:
        Problem: 503, nobody can answer now.
    """
    try:
        place = locate(app, partition)
    except NotServing as error:
        raise Problem.unavailable("moving", str(error)) from error
    if isinstance(place, Elsewhere) and FORWARDED in request.headers:
        raise Problem.unavailable("moving", "two workers disagree about who owns the partition")
    return place


def read_row(app: EngineApp, partition: int, key: str) -> Any:
    """Return a committed row of an owned partition, None if there is none."""
    value = app.table.read(partition, key.encode())
    return None if value is None else decode_row(key, value)


def state_of(app: EngineApp, partition: int) -> State:
    """Return the committed rows of an owned partition as the fold sees them; good until the next await."""
    store = PartitionStore(app.table, partition)
    return State(reader(store.read), scanner(store.scan))


async def pass_on(
    app: EngineApp, request: web.Request, place: Elsewhere, *, body: bytes | None = None, patience_s: float = 0.0
) -> web.Response:
    """Return the owner's answer to this request; `patience_s` is for how much longer than usual it may take.

    Raises:
        Problem: 503, the owner does not answer.
    """
    path, timeout_s = request.rel_url.raw_path_qs, HOP_TIMEOUT_S + patience_s
    answer = await ask(app, request, place.url, request.method, path, body, timeout_s=timeout_s)
    return web.Response(body=answer.body, status=answer.status, headers=answer.headers)


async def ask(
    app: EngineApp,
    request: web.Request,
    worker: URL,
    method: str,
    path: str,
    body: bytes | None = None,
    *,
    timeout_s: float = HOP_TIMEOUT_S,
) -> Answer:
    """Return what another worker says to a question for `path` (as it stands in a URL); it will not ask on.

    It is asked in the name of whoever made `request`.

    Raises:
        Problem: 503, it does not answer in time, is busy, or does not take this worker for one.
    """
    try:
        timeout = ClientTimeout(total=timeout_s)
        async with peer_request(app, request, worker, path, timeout, method, body) as answer:
            kept = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
            found = Answer(answer.status, kept, await answer.read())
    except (TimeoutError, ClientError, OSError) as error:
        if isinstance(error, ClientSSLError):
            _note_refusal(worker, f"its certificate is not trusted: {error}", "set ATP_WEB_CA_LOCATION", status=None)
        raise Problem.unavailable("owner-unreachable", "the owner of the partition does not answer") from error
    if found.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise Problem.unavailable("owner-busy", "the owner of the partition is answering too many queries")
    if found.status in _NOT_TRUSTED:
        _note_refusal(worker, f"it answers {found.status}", _ADVICE, status=found.status)
        raise Problem.unavailable("owner-unreachable", "the owner of the partition does not know this worker")
    return found


def peer_request(
    app: EngineApp,
    request: web.Request,
    worker: URL,
    path: str,
    timeout: ClientTimeout,
    method: str = "GET",
    body: bytes | None = None,
) -> AbstractAsyncContextManager[ClientResponse]:
    """Return a request to another worker, in the name of whoever made `request`; the worker will not ask on."""
    target = URL(f"{worker.origin()}{path}", encoded=True)
    headers = {FORWARDED: "1"} if body is None else {FORWARDED: "1", "Content-Type": "application/json"}
    headers |= {name: request.headers[name] for name in TRACE_HEADERS if name in request.headers}
    signer = request.app[ADMISSION].hops
    if signer is not None:
        headers[hops.HEADER] = signer.sign(request[CALLER], worker, method, target.raw_path_qs, body or b"")
    made: AbstractAsyncContextManager[ClientResponse] = app.http_client.request(
        method,
        target,
        data=body,
        headers=headers,
        timeout=timeout,
        allow_redirects=False,
        ssl=request.app[PEERS] if target.scheme == "https" else True,
    )
    return made


def _note_refusal(worker: URL, why: str, advice: str, *, status: int | None) -> None:
    if _refusals.passed_over(worker, time.monotonic()) is not None:
        about = {"event": "hop_refused", "url": str(worker), "status": status}
        log.error("questions cannot be passed on to %s, %s: %s", worker, why, advice, extra=about)
