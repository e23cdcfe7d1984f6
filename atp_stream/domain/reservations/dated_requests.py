"""A request for a day: when it is due, and what it is promised.

    wanted as soon as can be, or a day that is near (due):  units on the shelf are committed; what is not there is
                                                            promised, whole, for the earliest day
    wanted later:  promised for the day that it wants; the rest, whole, for the earliest later day

Law: another day costs no promise. What is promised for an earlier day moves to it, which only raises the curve; what is
promised for a later one is late from now on.
Source: docs/rules/dates.md#wanted, docs/rules/dates.md#redate.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from atp_stream.domain.errors import Refused
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.reasons import Reason
from atp_stream.domain.state.rows import Reservation


def require_in_reach(item: OpenItem, wanted: int) -> None:
    """Raise Refused with reason too_far if a wanted day lies beyond the horizon."""
    if wanted > item.dates.today + item.rules.supply.horizon_days:
        raise Refused(Reason.TOO_FAR, f"`supply.horizon` is {item.rules.supply.horizon_days} days")


def is_undue(item: OpenItem, wanted: int | None) -> bool:
    """Return whether a wanted day is not near yet."""
    return wanted is not None and wanted > item.dates.today + item.rules.supply.ahead_days


def want(item: OpenItem, reservation: str, row: Reservation) -> None:
    """Let a reservation that holds nothing be due, or not yet."""
    row.undue = is_undue(item, row.wanted)
    if row.undue:
        item.dates.list_all(reservation, row)


@contextmanager
def listed_anew(item: OpenItem, reservation: str, row: Reservation) -> Iterator[None]:
    """Let what a reservation is found by change."""
    dated = bool(row.promises) or row.undue
    if dated:
        item.dates.note(reservation, row)
        item.dates.unlist_all(reservation, row)
    yield
    if row.promises or row.undue:
        item.dates.list_all(reservation, row)


def move_to_wanted(item: OpenItem, reservation: str, row: Reservation) -> None:
    """Let promises for days before the wanted one be for that."""
    if row.promises:
        item.dates.asked = reservation
    if row.wanted is not None:
        for promise in [one for one in row.promises if one.day < row.wanted]:
            item.dates.move(reservation, row, promise, row.wanted)


def claim(item: OpenItem, row: Reservation) -> int:
    """Return what a request that is not due may take on the day that it wants, if nobody stands in front of it."""
    return sum(item.dates.claim(row.channel, item.dates.first_day(row)))


def take(item: OpenItem, reservation: str, row: Reservation, units: int) -> None:
    """Promise units for the day that is wanted."""
    item.dates.asked = reservation
    item.dates.promise(reservation, row, units, item.dates.first_day(row), item.offset)


def promise_rest(item: OpenItem, reservation: str, row: Reservation, units: int) -> bool:
    """Promise units that were not there for the earliest day on which they are; return whether there is one."""
    if not item.row.dated:
        return False
    first = item.dates.first_day(row)
    day = item.dates.earliest(row, units, first=first + 1 if row.undue else first, more=not row.undue)
    if day is None:
        return False
    item.dates.asked = reservation
    item.dates.promise(reservation, row, units, day, item.offset)
    return True
