"""What belongs to no single item is gathered from all partitions, with one hop to each worker that owns some."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, NamedTuple, Protocol, TypeVar

import msgspec
from aiohttp import web
from yarl import URL

from atp_stream.engine.app import EngineApp
from atp_stream.engine.routing import Here, NotServing, locate
from atp_stream.topics import LOG_PARTITIONS
from atp_stream.web.problems import Problem
from atp_stream.web.routing import FORWARDED, ask


class Partitions(msgspec.Struct, frozen=True):
    """Which partitions of the log an answer has, and of which nobody could speak."""

    answered: list[int]
    missing: list[int]


class Part(Protocol):
    """What one worker has: an answer to the same question, for the partitions that it owns."""

    @property
    def partitions(self) -> Partitions:
        """Which ones."""


SomePart = TypeVar("SomePart", bound=Part)
MOVING: Final = "no partition of the log has an owner that answers now"


class _Owners(NamedTuple):
    here: list[int]
    away: dict[URL, list[int]]


def _owners(app: EngineApp, request: web.Request) -> _Owners:
    here: list[int] = []
    away: dict[URL, list[int]] = defaultdict(list)
    for partition in range(LOG_PARTITIONS):
        try:
            place = locate(app, partition)
        except NotServing:
            continue
        if isinstance(place, Here):
            here.append(partition)
        elif FORWARDED not in request.headers:
            away[place.url].append(partition)
    return _Owners(here, away)


async def gather(
    app: EngineApp,
    request: web.Request,
    own: Callable[[list[int]], Awaitable[SomePart]],
    read: Callable[[bytes], SomePart],
) -> tuple[list[SomePart], Partitions]:
    """Return the parts of an answer, and which partitions they are about; a part that is missing is never passed over.

    `own` gives the part of the partitions that this worker owns, `read` one that another worker has sent.

    Raises:
        Problem: 503, nobody answers for any partition.
    """
    owners = _owners(app, request)
    asked = [_there(app, request, url, read) for url in owners.away]
    found = await asyncio.gather(own(owners.here), *asked)
    parts = [part for part in found if part is not None and part.partitions.answered]
    answered = sorted({number for part in parts for number in part.partitions.answered})
    if not answered:
        raise Problem.unavailable("moving", MOVING)
    missing = [] if FORWARDED in request.headers else sorted(set(range(LOG_PARTITIONS)) - set(answered))
    return parts, Partitions(answered, missing)


async def _there(app: EngineApp, request: web.Request, url: URL, read: Callable[[bytes], SomePart]) -> SomePart | None:
    try:
        answer = await ask(app, request, url, "GET", request.rel_url.raw_path_qs)
        return read(answer.body) if answer.status == HTTPStatus.OK else None
    except (Problem, msgspec.DecodeError):  # it is gone, or no worker of this version: its partitions are missing
        return None
