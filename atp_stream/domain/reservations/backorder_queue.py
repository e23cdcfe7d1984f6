"""The queue of a channel: parts of reservations that wait, by priority, then by the place in the log of the request.

Law: a part's place is that of its request, whatever happens in between; parts of one reservation at one place are one.
Source: docs/rules/reservations.md#queue.
"""

from bisect import insort

from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.row_keys import queue_prefix, rank, rank_offset, undue_prefix
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.rows import Backorder, Item, Reservation


def enqueue(item: OpenItem, reservation: str, row: Reservation, units: int, place: int) -> None:
    """Let units wait at a place in the log."""
    if item.row.dated:
        item.dates.note(reservation, row)
    key = waiting_prefix(item, row) + rank(row.priority, place)
    if place in row.queued:
        part = _part(item, key)
        part.quantity += units
    else:
        part = Backorder(
            reservation=reservation, quantity=units, priority=row.priority, allow_partial=row.allow_partial
        )
        insort(row.queued, place)
        item.channels[row.channel].blocking += not row.undue and row.priority >= 0
    item.state.put(key, part)
    _count(item, row, units)


def waiting_prefix(item: OpenItem, row: Reservation) -> str:
    """Return what the keys of the waiting parts of a reservation begin with: what is not due yet blocks nobody."""
    return (undue_prefix if row.undue else queue_prefix)(item.name, row.channel)


def dequeue(item: OpenItem, row: Reservation, units: int, *, newest: bool) -> None:
    """Let units wait no more, beginning with the newest part, or with the oldest."""
    place = -1 if newest else 0
    while units:
        key = waiting_prefix(item, row) + rank(row.priority, row.queued[place])
        part = _part(item, key)
        taken = min(units, part.quantity)
        reduce(item, key, part, row, taken)
        units -= taken


def reduce(item: OpenItem, key: str, part: Backorder, row: Reservation, units: int) -> None:
    """Take units from one waiting part; an empty part is gone."""
    part.quantity -= units
    if part.quantity:
        item.state.put(key, part)
    else:
        item.state.delete(key)
        row.queued.remove(rank_offset(key))
        item.channels[row.channel].blocking -= not row.undue and part.priority >= 0
    _count(item, row, -units)


def reprioritise(item: OpenItem, row: Reservation, priority: int, *, allow_partial: bool, undue: bool) -> None:
    """Let the waiting parts of a reservation have another priority or flag, be due or not; they keep their place."""
    before, was_undue = waiting_prefix(item, row), row.undue
    row.undue = undue
    prefix = waiting_prefix(item, row)
    for offset in row.queued:
        key = before + rank(row.priority, offset)
        part = _part(item, key)
        blocked = not was_undue and part.priority >= 0
        item.channels[row.channel].blocking += (not undue and priority >= 0) - blocked
        part.priority, part.allow_partial = priority, allow_partial
        item.state.delete(key)
        item.state.put(prefix + rank(priority, offset), part)


def closing(state: State, name: str, item: Item) -> dict[str, Backorder]:
    """Return, by channel, the part that waits first where one of priority 0 or more waits: that closes the channel."""
    heads = {c: state.first(queue_prefix(name, c)) for c, row in item.channels.items() if row.blocking}
    return {channel: head[1] for channel, head in heads.items() if head is not None}


def _part(item: OpenItem, key: str) -> Backorder:
    part: Backorder | None = item.state.get(key)
    assert part is not None  # noqa: S101  (a reservation knows only parts that have a row)
    return part


def _count(item: OpenItem, row: Reservation, units: int) -> None:
    row.waiting += units
    item.channels[row.channel].waiting += units
    item.waiting += units
