"""Logs in which time passes: moments past noon, in milliseconds of log time, and the ticks that come then."""

from atp_stream.domain.events import AnyEvent
from atp_stream.domain.reservations.balances import Status, status
from tests.domain.support.log import AT, NOON, Log, count, policy, tick

SECOND = 1_000
MINUTE = 60 * SECOND
QUARTER = 15 * MINUTE


def at(passed: int) -> int:
    """Return the event time that is so many milliseconds past noon."""
    return AT + passed * 1_000


def log_with(units: int, *, limit: int | None = None) -> Log:
    log = Log()
    if limit is not None:
        log.say(policy({"tenants": {"*": {"channels": {"ECOM": {}}, "time_limit": limit}}}))
    log.say(count(units))
    return log


def ticks(log: Log, passed: int) -> list[AnyEvent]:
    """Let a tick come that many milliseconds past noon, from an intake that is up to date."""
    return log.say(tick(at(passed)), log_time=NOON + passed)


def status_of(log: Log, reservation: str = "r") -> Status:
    return status(log.reservation(reservation))
