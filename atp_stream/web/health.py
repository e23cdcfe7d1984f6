"""`GET /health/live` and `/health/ready`: does this worker run, may it be sent work, and if not, why."""

from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from aiohttp import web

from atp_stream.domain.time_units import US_PER_S
from atp_stream.engine import lag
from atp_stream.engine.app import EngineApp
from atp_stream.engine.routing import lease_left_s
from atp_stream.engine.watermark import Holder, TimeKeeper
from atp_stream.messages.registry import SchemaCache
from atp_stream.topics import Topics
from atp_stream.web.access import OPEN
from atp_stream.web.endpoint import Pages, json_response


class WorkerState(StrEnum):
    """What a worker is about, the gravest first."""

    LEAVING = "leaving"
    MOVING = "moving"
    RECOVERING = "recovering"
    UNCONFIRMED = "unconfirmed"
    SERVING = "serving"


_FAILED_BY = {
    "running": WorkerState.LEAVING,
    "assigned": WorkerState.MOVING,
    "recovered": WorkerState.RECOVERING,
    "heartbeat": WorkerState.UNCONFIRMED,
}


def checks(app: EngineApp) -> dict[str, str | None]:
    """Return each check with what is wrong, or None."""
    recovering = not app.settled and not app.rebalancing
    return {
        "running": f"giving up: {app.gave_up}" if app.gave_up else None,
        "assigned": "the group is moving partitions" if app.rebalancing else None,
        "recovered": f"state is being restored: {lag.records_to_restore(app)} records are left" if recovering else None,
        "heartbeat": "the group has not confirmed this worker lately" if lease_left_s(app) <= 0 else None,
    }


def state_of(app: EngineApp) -> WorkerState:
    """Return what the worker is about."""
    failed = (_FAILED_BY[name] for name, wrong in checks(app).items() if wrong)
    return next(failed, WorkerState.SERVING)


def warnings(app: EngineApp, topics: Topics, timekeeper: TimeKeeper) -> list[str]:
    """Return what is wrong with what surrounds the worker, and what to do.

    A worker is ready all the same: what it shows is right as far as it has read, no other worker could do better, and
    if all of them said no, nobody would be answered.
    """
    missing = lag.sources_missing(app, [one.name for one in topics.inputs])
    return [*map(lag.why_missing, missing), *map(_why_held, timekeeper.holders())]


def _why_held(holder: Holder) -> str:
    """Return what holds time back, since when, and what to do."""
    moment = datetime.fromtimestamp(holder.since_us / US_PER_S, UTC).isoformat(timespec="seconds")
    held = f"{holder.tp.topic}/{holder.tp.partition} holds time limits back: what came to it at {moment} is not read"
    if holder.open_from is None:
        return f"{held} yet"
    return (
        f"{held}, for it stands behind a transaction that is open from offset {holder.open_from} on; let its producer"
        " end it, or end it with kafka-transactions.sh (find-hanging, abort)"
    )


def add_health(app: EngineApp, pages: Pages, schemas: SchemaCache, topics: Topics, timekeeper: TimeKeeper) -> None:
    """Serve the views of health."""

    async def live(request: web.Request) -> web.Response:
        status = HTTPStatus.SERVICE_UNAVAILABLE if app.gave_up else HTTPStatus.OK
        return json_response({"live": not app.gave_up, "state": state_of(app)}, status=status)

    async def ready(request: web.Request) -> web.Response:
        found = checks(app)
        is_ready = not any(found.values())
        body: dict[str, Any] = {
            "ready": is_ready,
            "state": state_of(app),
            "checks": {name: wrong or "ok" for name, wrong in found.items()},
            "warnings": warnings(app, topics, timekeeper),
            "partitions": sorted(app.steps.owned()),
            "schemas": len(schemas),
            "waiting_for_a_schema": [f"{tp.topic}/{tp.partition}" for tp in app.intake.held()],
        }
        return json_response(body, status=HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE)

    pages.add("GET", "/health/live", live, OPEN)
    pages.add("GET", "/health/ready", ready, OPEN)
