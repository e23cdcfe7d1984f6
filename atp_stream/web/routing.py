"""Any worker answers for any key: from its own rows, or by one hop to their owner."""

from http import HTTPStatus

from aiohttp import ClientError, ClientTimeout, web

from atp_stream.engine.app import EngineApp
from atp_stream.engine.routing import Elsewhere, Here, NotServing, locate
from atp_stream.web.problems import Problem

FORWARDED = "X-Atp-Forwarded"
HOP_TIMEOUT = 2.0
_RETRY_AFTER = 1


async def here_or_there(app: EngineApp, request: web.Request, name: bytes) -> Here | web.Response:
    """Return that the rows of an item are ours, or their owner's answer.

    Raises:
        Problem: 503, nobody can answer now.
    """
    try:
        place = locate(app, name)
    except NotServing as error:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "moving", str(error), retry_after=_RETRY_AFTER) from error
    if isinstance(place, Here):
        return place
    if FORWARDED in request.headers:
        detail = "two workers disagree about who owns the item"
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "moving", detail, retry_after=_RETRY_AFTER)
    return await _forward(app, request, place)


async def _forward(app: EngineApp, request: web.Request, place: Elsewhere) -> web.Response:
    target = place.url.with_path(request.rel_url.raw_path, encoded=True).with_query(request.rel_url.query)
    try:
        async with app.http_client.request(
            request.method,
            target,
            data=await request.read(),
            headers={FORWARDED: "1", "Content-Type": request.content_type},
            timeout=ClientTimeout(total=HOP_TIMEOUT),
        ) as answer:
            kept = {name: answer.headers[name] for name in ("Content-Type", "Retry-After") if name in answer.headers}
            return web.Response(body=await answer.read(), status=answer.status, headers=kept)
    except (TimeoutError, ClientError, OSError) as error:
        detail = "the owner of the item does not answer"
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "owner-unreachable", detail, retry_after=_RETRY_AFTER) from error
