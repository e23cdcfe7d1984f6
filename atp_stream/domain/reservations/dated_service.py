"""Serving an item with dates: those who wait, and those whose promise may be redeemed or come earlier.

Four queues in each channel: what is promised for today; what is due and waits; promises that are due or later than
wanted; what waits for a later day. The best head of all, by priority and the place in the log, is served next. One that
cannot be helped closes its queue for the pass. A promise that is made, or an earmark that is used, opens all queues
again; late promises are looked at once in a pass, and again when promises have used so much of earmarks that one of
them could be helped.

Law: serving lowers neither another channel's earmark (but by a step) nor any point at which a promise stands below 0.
A pass is cut into slices; what is closed stays closed in the next slice, so the borders do not show.
Source: docs/rules/dates.md#dated-service.
"""

from enum import StrEnum
from typing import NamedTuple

from atp_stream.domain.item.dates import is_late
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.limits import SliceBudget
from atp_stream.domain.reservations.backorder_allocation import takes_parts
from atp_stream.domain.reservations.backorder_queue import reduce
from atp_stream.domain.reservations.balances import pieces
from atp_stream.domain.reservations.saving import save
from atp_stream.domain.row_keys import late_prefix, queue_prefix, rank_offset, redeemed_prefix, undue_prefix
from atp_stream.domain.state.rows import Backorder, Promise, Reservation, Work

_DAY_DIGITS = 8


class Queue(StrEnum):
    """A queue of a channel; of one rank the first is served first."""

    TODAY = "1"
    DUE = "2"
    LATE = "3"
    UNDUE = "4"


class Head(NamedTuple):
    """The next in a queue: its rank sorts it, `key` is that of its row."""

    rank: str
    queue: Queue
    day: int
    channel: str
    key: str
    reservation: str


def serve(item: OpenItem, work: Work, budget: SliceBudget) -> bool:
    """Serve all who can be, as far as there is room; return whether the pass is over."""
    item.dismiss()
    while (head := _next(item, work)) is not None:
        if not budget.take_days(len(item.dates.row.days)):
            return False
        row = item.reservation(head.reservation)
        assert row is not None  # noqa: S101  (a head without its reservation is a fault of ours)
        channel = item.channels[head.channel]
        before, kept = (channel.consumed, channel.promised), item.dates.kept()
        if not _help(item, head, row):
            work.closed.append(f"{head.queue}{head.channel}")
        earmark_used, promises = channel.consumed > before[0], channel.promised > before[1]
        if earmark_used or promises:
            work.closed = []
        if earmark_used and promises:
            _look_again(work, kept - item.dates.kept())
        if head.queue is Queue.LATE:
            work.late[head.channel] = head.rank + f"{head.day:08x}"
            work.closed = [one for one in work.closed if one != f"{Queue.TODAY}{head.channel}"]
        _note_lack(item, work, row)
    return True


def _look_again(work: Work, freed: int) -> None:
    """Look at late promises again once enough units are free that were kept for earmarks."""
    work.freed += freed
    if work.enough is None or work.freed >= work.enough:
        work.late, work.freed, work.enough = {}, 0, None


def _note_lack(item: OpenItem, work: Work, row: Reservation) -> None:
    """Note with how many freed units a late promise of a reservation could be helped: points only fall in a pass."""
    for promise in row.promises:
        if promise.day > item.dates.today and is_late(row, promise):
            enough = work.freed + item.dates.lack(row, promise, in_parts=_in_parts(item, row))
            work.enough = enough if work.enough is None else min(enough, work.enough)


def _next(item: OpenItem, work: Work) -> Head | None:
    """Return the best head of the queues that are open, where anything may be claimed or moved at all."""
    dates, heads = item.dates, []
    today, sells, moves = dates.today, bool(dates.curve().levels[-1]), dates.may_hasten()
    for channel, row in item.channels.items():
        if row.promised:
            heads.append(_head(item, work, Queue.TODAY, channel, redeemed_prefix(item.name, today, channel)))
            if moves:
                heads.append(_late(item, work, channel))
        if row.waiting and sells and not dates.is_frozen(channel):
            heads.append(_head(item, work, Queue.DUE, channel, queue_prefix(item.name, channel)))
            heads.append(_head(item, work, Queue.UNDUE, channel, undue_prefix(item.name, channel)))
    return min((head for head in heads if head is not None), default=None)


def _head(item: OpenItem, work: Work, queue: Queue, channel: str, prefix: str) -> Head | None:
    if f"{queue}{channel}" in work.closed:
        return None
    found = item.state.first(prefix)
    return None if found is None else Head(found[0][len(prefix) :], queue, 0, channel, found[0], found[1].reservation)


def _late(item: OpenItem, work: Work, channel: str) -> Head | None:
    """Return the first promise behind those that were looked at in this pass."""
    prefix = late_prefix(item.name, channel)
    seen = work.late.get(channel)
    if seen is None:
        found = item.state.first(prefix)
        key = None if found is None else found[0]
    else:
        key = item.state.after(prefix + seen + "\0")
    if key is None or not key.startswith(prefix):
        return None
    place = key[len(prefix) :]
    row = item.state.get(key)
    assert row is not None  # noqa: S101  (only keys that have a row are found)
    day = int(place[-_DAY_DIGITS:], 16)
    return Head(place[:-_DAY_DIGITS], Queue.LATE, day, channel, key, row.reservation)


def _help(item: OpenItem, head: Head, row: Reservation) -> bool:
    if head.queue is Queue.TODAY:
        cap = item.dates.cap_of_today()
        helped = _redeem(item, head, row, _promise(row, rank_offset(head.rank), item.dates.today), cap)
    elif head.queue is Queue.LATE:
        helped = _hasten(item, head, row)
    elif head.queue is Queue.DUE:
        helped = _serve(item, head, row)
    else:
        due = item.state.first(queue_prefix(item.name, head.channel))
        behind = due is not None and due[0][len(queue_prefix(item.name, head.channel)) :] < head.rank
        helped = not behind and _promise_part(item, head, row)
    save(item, head.reservation, row)
    return helped


def _redeem(item: OpenItem, head: Head, row: Reservation, promise: Promise, cap: int) -> bool:
    """Redeem a promise, or (where parts are allowed) what there is of it."""
    units = promise.quantity
    if units > cap:
        units = cap - cap % item.rules.step if _in_parts(item, row) else 0
    if units:
        item.dates.redeem(head.reservation, row, promise, units)
    return bool(units)


def _in_parts(item: OpenItem, row: Reservation) -> bool:
    return row.allow_partial and pieces(row) < item.limits.parts


def _hasten(item: OpenItem, head: Head, row: Reservation) -> bool:
    """Redeem a late promise if it is due, and promise what is left of it for an earlier day, if there is one."""
    dates, day = item.dates, head.day
    if day <= dates.today:
        return True  # it has its own queue
    promise = _promise(row, rank_offset(head.rank), day)
    if not row.undue:
        _redeem(item, head, row, promise, dates.cap_now(day))
    if promise.quantity:
        earlier = dates.curve().earliest_move(promise.quantity, day, dates.first_day(row), dates.entitled())
        if earlier is not None:
            dates.move(head.reservation, row, promise, earlier)
    return True


def _serve(item: OpenItem, head: Head, row: Reservation) -> bool:
    """Commit what the claim covers of a part that is due, and promise the rest."""
    part = _part(item, head)
    claim = sum(item.claim(head.channel))
    units = min(part.quantity, claim)
    if units < part.quantity and not takes_parts(item, head.channel, part, pieces(row)):
        units = 0
    if units:
        reduce(item, head.key, part, row, units)
        item.commit(head.reservation, row, units, rank_offset(head.key))
    return (bool(part.quantity) and _promise_part(item, head, row)) or bool(units)


def _promise_part(item: OpenItem, head: Head, row: Reservation) -> bool:
    """Promise a waiting part for the earliest day that takes it whole."""
    part = _part(item, head)
    units = part.quantity
    day = item.dates.earliest(row, units, more=not row.undue)
    if day is None:
        return False
    reduce(item, head.key, part, row, units)
    item.dates.promise(head.reservation, row, units, day, rank_offset(head.key))
    return True


def _part(item: OpenItem, head: Head) -> Backorder:
    part: Backorder | None = item.state.get(head.key)
    assert part is not None  # noqa: S101  (it is the head of a queue)
    return part


def _promise(row: Reservation, place: int, day: int) -> Promise:
    return next(one for one in row.promises if (one.place, one.day) == (place, day))
