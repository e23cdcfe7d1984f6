"""`GET /health/ready`: may this worker be sent work, and if not, why."""

from http import HTTPStatus
from typing import Any

from aiohttp import web

from atp_stream.engine.app import EngineApp
from atp_stream.engine.routing import lease_left


def checks(app: EngineApp) -> dict[str, str | None]:
    """Return each check with what is wrong, or None."""
    recovering = app.in_recovery or not app.tables.actives_ready
    return {
        "running": f"giving up: {app.gave_up}" if app.gave_up else None,
        "assigned": "the group is moving partitions" if app.rebalancing else None,
        "recovered": "state is being restored" if recovering else None,
        "heartbeat": "the group has not confirmed this worker lately" if lease_left(app) <= 0 else None,
    }


def add_health(app: EngineApp) -> None:
    """Serve health on the app's web server."""
    page: Any = app.page  # Faust's own types know no aiohttp

    @page("/health/ready")
    async def ready(self: Any, request: web.Request) -> web.Response:
        found = checks(app)
        ready = not any(found.values())
        body = {
            "ready": ready,
            "checks": {name: wrong or "ok" for name, wrong in found.items()},
            "partitions": sorted(app.steps.owned()),
        }
        return web.json_response(body, status=HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE)
