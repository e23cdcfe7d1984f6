"""Days, supplies and reservations for a day, in short words."""

from typing import Any

from atp_stream.domain.commands import CancelSupply, ReceiveSupply, ScheduleSupply
from atp_stream.domain.events import AnyEvent
from tests.domain.support.log import AT, NOON, Log, reserve, tick

DAY = 24 * 60 * 60 * 1_000
TODAY = NOON // DAY
"""The day of NOON; days are counted from it: `day(3)` is in three days."""

PLAIN: dict[str, Any] = {"tenants": {"*": {"channels": {"ECOM": {}, "B2B": {}}}}}

_ids = iter(range(10**9))


def day(ahead: int) -> int:
    return TODAY + ahead


def schedule(supply: str, quantity: int, ahead: int, at: int = AT, **rest: Any) -> ScheduleSupply:
    stated = {"event_id": f"s{next(_ids)}", "at_us": at, "supply": supply, "quantity": quantity, "day": day(ahead)}
    return ScheduleSupply(**{**stated, **rest})


def cancel(supply: str, at: int = AT) -> CancelSupply:
    return CancelSupply(event_id=f"c{next(_ids)}", at_us=at, supply=supply)


def receive(supply: str, quantity: int | None = None, at: int = AT, **rest: Any) -> ReceiveSupply:
    stated = {"event_id": f"r{next(_ids)}", "at_us": at, "supply": supply, "quantity": quantity}
    return ReceiveSupply(**{**stated, **rest})


def wants(reservation: str, quantity: int, ahead: int | None, channel: str = "ECOM", **rest: Any) -> Any:
    return reserve(reservation, quantity, channel, wanted=None if ahead is None else day(ahead), **rest)


def comes(log: Log, ahead: int) -> list[AnyEvent]:
    """Let a day come, in its first minute."""
    log_time = day(ahead) * DAY + 60_000
    return log.say(tick(log_time * 1_000), log_time=log_time)


def lines(log: Log, reservation: str) -> list[tuple[int, int]]:
    """Return days from TODAY, with the units that are promised for them."""
    return [(one.day - TODAY, one.quantity) for one in log.reservation(reservation).promises]


def held(log: Log, reservation: str) -> tuple[int, int]:
    """Return what is allocated and what waits."""
    row = log.reservation(reservation)
    return sum(one.quantity for one in row.allocations), row.waiting
