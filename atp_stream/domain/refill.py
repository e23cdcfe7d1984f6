"""Serving those who wait: one queue over all channels, by priority, then by the place in the log of the request.

Law: nobody is overtaken within a channel. A head that cannot be served closes its channel for the pass, and only that
one; a head that allows parts takes what there is. A pass is cut into slices of 500 reservations; what is closed stays
closed in the next slice, so the borders do not show. Source: domain.md, Reservation, rules 5 and 8.
"""

from typing import Final

from atp_stream.domain.item import ItemFold
from atp_stream.domain.reservation import MOST_PIECES, pieces
from atp_stream.domain.rows import Waiting, Work, queue_prefix

SLICE: Final = 500
"""So many reservations are served, or items visited, before others have their turn."""


def refill(x: ItemFold, closed: list[str]) -> None:
    """Serve those who wait, as far as the pool reaches; what one slice cannot finish is left as the item's work."""
    served = 0
    while x.waiting and (free := x.pool()):
        head = _head(x, closed)
        if head is None:
            break
        if served == SLICE:
            x.item.work = Work(offset=x.offset, log_time=x.log_time, ordinal=x.ordinal, closed=closed)
            return
        served += _serve(x, *head, free, closed)
    x.item.work = None


def _head(x: ItemFold, closed: list[str]) -> tuple[str, str, Waiting] | None:
    """Return channel, key and part of the request that is next in the channels that are not closed."""
    best: tuple[str, str, str, Waiting] | None = None
    for channel, row in x.channels.items():
        if row.waiting and channel not in closed and not x.rules.closed(channel):
            prefix = queue_prefix(x.name, channel)
            head = x.state.first(prefix)
            if head is not None and (best is None or head[0][len(prefix) :] < best[0]):
                best = head[0][len(prefix) :], channel, *head
    return None if best is None else best[1:]


def _serve(x: ItemFold, channel: str, key: str, part: Waiting, free: int, closed: list[str]) -> bool:
    """Commit what `free` covers of a waiting part, or close its channel; tell whether it was served."""
    reservation = part.reservation
    row = x.reservation(reservation)
    assert row is not None  # noqa: S101  (a waiting part without its reservation is a fault of ours)
    units = min(part.quantity, free)
    if units < part.quantity and (not part.allow_partial or pieces(row) >= MOST_PIECES):
        closed.append(channel)
        return False
    x.shorten(key, part, row, units)
    x.commit(reservation, row, units)
    x.keep(reservation, row)
    return True
