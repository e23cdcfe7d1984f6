"""What a caller may have, and what the log says of those who may not."""

import logging
import time
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from aiohttp import web

from atp_stream.engine.repetitions import Repetitions
from atp_stream.messages.traces import log_fields_of, trace_headers
from atp_stream.web.callers import ALL, CALLER, Caller, Role
from atp_stream.web.problems import Problem

log = logging.getLogger(__name__)

_REFUSALS_S: Final = 1.0
_refusals = Repetitions(_REFUSALS_S)  # of one kind of one caller: whoever is refused must not be able to fill the disk


class Access(NamedTuple):
    """What a page asks of a caller: a role, for the tenant in its path if there is one; without a role: nothing."""

    role: Role | None
    every_tenant: bool = False
    """Whether it shows, or changes, what belongs to all tenants."""
    browsers: bool = False
    """Whether a browser gets something else there that is for everybody."""


OPEN: Final = Access(None)
READ: Final = Access(Role.READ)
WRITE: Final = Access(Role.WRITE)
OPEN_TO_BROWSERS: Final = Access(Role.READ, browsers=True)


def permit(request: web.Request, access: Access, tenant: str | None) -> None:
    """Refuse a caller what is not his.

    Raises:
        Problem: 403, he may not have it.
    """
    if access.role is None:
        return
    caller = request[CALLER]
    concerned = ALL if access.every_tenant else tenant
    if not caller.may(access.role, concerned):
        whose = {ALL: " for all tenants", None: ""}.get(concerned, f" for tenant {concerned!r}")
        problem = Problem(HTTPStatus.FORBIDDEN, "forbidden", f"{caller.name!r} has no role `{access.role}`{whose}")
        note_refusal(request, caller, problem)
        raise problem
    if access.role is Role.OPERATE and request.method not in {"GET", "HEAD"}:
        log.info(
            "%s asks %s", caller.name, _asked(request), extra={"event": "operator_request", **_about(request, caller)}
        )


def note_refusal(request: web.Request, caller: Caller | None, problem: Problem) -> None:
    """Write a refusal to the log: one line a second of each kind, with how many there were before it."""
    about = _about(request, caller)
    passed = _refusals.passed_over((about["caller"], about["peer"], problem.code), time.monotonic())
    if passed is None:
        return
    extra = {"event": "request_refused", "status": int(problem.status), "reason": problem.code, **about}
    if passed:
        extra["repeated"] = passed
    log.warning("refused %s: %s", _asked(request), problem.detail, extra=extra)


def _about(request: web.Request, caller: Caller | None) -> dict[str, Any]:
    trace = log_fields_of(trace_headers(request.headers))
    return {"caller": caller.name if caller else None, "peer": request.remote, "asked": _asked(request), **trace}


def _asked(request: web.Request) -> str:
    return f"{request.method} {request.rel_url.raw_path}"  # as it was sent: decoded, it could forge lines
