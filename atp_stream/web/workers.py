"""`GET /workers`: every worker of the group, what it has, and how far it is; `GET /caller`: who asks."""

import asyncio
import time
from http import HTTPStatus
from typing import Any, Final

import msgspec
from aiohttp import web
from faust.types import TP
from yarl import URL

from atp_stream import __version__
from atp_stream.engine import lag
from atp_stream.engine.app import EngineApp
from atp_stream.engine.watermark import TimeKeeper
from atp_stream.settings import Settings
from atp_stream.topics import LOG_PARTITIONS, Topics
from atp_stream.web.access import Access
from atp_stream.web.callers import CALLER, Role
from atp_stream.web.endpoint import Pages, json_response
from atp_stream.web.health import checks, state_of, warnings
from atp_stream.web.problems import Problem
from atp_stream.web.routing import FORWARDED, ask

SILENT: Final = "silent"
"""The state of a worker that the group still counts in, and that does not answer."""

_encode = msgspec.json.Encoder().encode


class _Answer(msgspec.Struct, frozen=True):
    workers: list[msgspec.Raw]


_read_answer = msgspec.json.Decoder(_Answer).decode


def known(app: EngineApp) -> dict[URL, list[int]]:
    """Return the workers that the group counts in, and which partitions of the log each of them owns."""
    topic = app.table.changelog_topic_name
    return {URL(url): sorted(topics.get(topic, ())) for url, topics in app.assignor.tables_metadata().items()}


def is_own(app: EngineApp, url: URL) -> bool:
    """Return whether this is the address of this worker."""
    return url.authority == URL(str(app.conf.canonical_url)).authority


def describe(app: EngineApp, topics: Topics, timekeeper: TimeKeeper, started_s: float) -> dict[str, Any]:
    """Return what this worker reports about itself."""
    behind, applied = lag.log_behind(app), lag.log_positions(app)
    standbys = {tp.partition for tp in app.assignor.assigned_standbys() if tp.topic == app.table.changelog_topic_name}
    owned = app.steps.owned()
    return {
        "url": str(app.conf.canonical_url),
        "version": __version__,
        "state": state_of(app),
        "why": next((wrong for wrong in checks(app).values() if wrong), None),
        "warnings": warnings(app, topics, timekeeper),
        "up_s": round(time.monotonic() - started_s),
        "heartbeat_age_s": _heartbeat_age(app),
        "partitions": [
            {"partition": number, "applied": applied.get(number), "behind": behind.get(number)}
            for number in sorted(owned)
        ],
        "standbys": sorted(standbys - owned),
        "input_behind": sum(lag.sources_behind(app).values()),
        "waiting_for_a_schema": [_place(tp) for tp in app.intake.held()],
    }


def _place(tp: TP) -> str:
    return f"{tp.topic}/{tp.partition}"


def _heartbeat_age(app: EngineApp) -> float | None:
    at = app.consumer.last_heartbeat
    return round(time.monotonic() - at, 1) if at else None


async def _of_other(app: EngineApp, request: web.Request, url: URL, partitions: list[int]) -> bytes:
    """Return what another worker reports about itself, or what the group knows of one that does not answer."""
    try:
        answer = await ask(app, request, url, "GET", "/workers")
        if answer.status == HTTPStatus.OK:
            (one,) = _read_answer(answer.body).workers
            return bytes(one)
        why = f"it answers {answer.status}"
    except (msgspec.DecodeError, ValueError):
        why = "it is of another version"
    except Problem as problem:
        why = problem.detail
    shown = [{"partition": number, "applied": None, "behind": None} for number in partitions]
    return _encode({"url": str(url), "state": SILENT, "why": why, "partitions": shown})


def add_workers(app: EngineApp, pages: Pages, settings: Settings, topics: Topics, timekeeper: TimeKeeper) -> None:
    """Serve what is known of all workers, and of whoever asks."""
    started_s = time.monotonic()

    async def workers_view(request: web.Request) -> web.Response:
        own = _encode(describe(app, topics, timekeeper, started_s))
        if FORWARDED in request.headers:
            return json_response({"workers": [msgspec.Raw(own)]})
        others = [_of_other(app, request, url, has) for url, has in known(app).items() if not is_own(app, url)]
        found = sorted([own, *await asyncio.gather(*others)])
        return json_response(
            {
                "log_partitions": LOG_PARTITIONS,
                "answered_by": str(app.conf.canonical_url),
                "workers": [msgspec.Raw(one) for one in found],
            }
        )

    async def caller_view(request: web.Request) -> web.Response:
        caller = request[CALLER]
        return json_response(
            {
                "name": caller.name,
                "tenants": sorted(caller.tenants),
                "roles": sorted(caller.roles),
                "default_tenant": settings.default_tenant or None,
                "version": __version__,
            }
        )

    pages.add("GET", "/workers", workers_view, Access(Role.READ, every_tenant=True))
    pages.add("GET", "/caller", caller_view)
