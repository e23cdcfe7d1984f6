"""Any worker answers for any key: from its own rows, or by one hop to their owner."""

from typing import Any, NamedTuple

from aiohttp import ClientError, ClientTimeout, web
from yarl import URL

from atp_stream.domain.state.overlay import State
from atp_stream.engine.app import EngineApp
from atp_stream.engine.partition_state import PartitionStore
from atp_stream.engine.partitioner import partition_of
from atp_stream.engine.routing import Elsewhere, Here, NotServing, locate
from atp_stream.messages.rows import decode_row, reader, scanner
from atp_stream.topics import LOG_PARTITIONS
from atp_stream.web.problems import Problem

FORWARDED = "X-Atp-Forwarded"
HOP_TIMEOUT = 2.0
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


async def pass_on(app: EngineApp, request: web.Request, place: Elsewhere) -> web.Response:
    """Return the owner's answer to this request.

    Raises:
        Problem: 503, the owner does not answer.
    """
    answer = await ask(app, place.url, request.method, request.rel_url.raw_path_qs)
    return web.Response(body=answer.body, status=answer.status, headers=answer.headers)


async def ask(app: EngineApp, worker: URL, method: str, path: str, body: bytes | None = None) -> Answer:
    """Return what another worker says to a request for `path` (as it stands in a URL); it will not ask on.

    Raises:
        Problem: 503, it does not answer in time.
    """
    headers = {FORWARDED: "1"} if body is None else {FORWARDED: "1", "Content-Type": "application/json"}
    target = URL(f"{worker.origin()}{path}", encoded=True)
    timeout = ClientTimeout(total=HOP_TIMEOUT)
    try:
        async with app.http_client.request(
            method, target, data=body, headers=headers, timeout=timeout, allow_redirects=False
        ) as answer:
            kept = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
            return Answer(answer.status, kept, await answer.read())
    except (TimeoutError, ClientError, OSError) as error:
        raise Problem.unavailable("owner-unreachable", "the owner of the partition does not answer") from error
