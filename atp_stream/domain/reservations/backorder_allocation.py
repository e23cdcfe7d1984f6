"""Serving those who wait: one queue over all channels, by priority, then by the place in the log of the request.

Law: nobody is overtaken within a channel. A head that cannot be served closes its channel for the pass, and only that
one; a head that allows parts takes what there is, except of a share: a share of the rest again and again would creep.
So would, in another name of a quota, a part as large as its fence, which that does not make smaller.
A pass is cut into slices; what is closed stays closed in the next slice, so the borders do not show.
Source: docs/rules/reservations.md#serving, docs/rules/identity.md#slices.
"""

from atp_stream.domain.budget import Room
from atp_stream.domain.item.open_item import ItemFold
from atp_stream.domain.policy.schema import Kind
from atp_stream.domain.reservations.backorder_queue import place_of, shorten
from atp_stream.domain.reservations.balances import MOST_PIECES, pieces
from atp_stream.domain.reservations.saving import keep
from atp_stream.domain.row_keys import queue_prefix
from atp_stream.domain.state.rows import Waiting


def refill(x: ItemFold, closed: list[str], room: Room) -> bool:
    """Serve those who wait, as far as claims and room reach; tell whether the pass is over."""
    x.dismiss()
    while x.waiting and x.free():
        head = _head(x, closed)
        if head is None:
            break
        if not room.left:
            return False
        room.left -= _serve(x, *head, closed)
    return True


def _head(x: ItemFold, closed: list[str]) -> tuple[str, str, Waiting] | None:
    """Return channel, key and part of the request that is next in the channels that are not closed."""
    best: tuple[str, str, str, Waiting] | None = None
    for channel, row in x.channels.items():
        if row.waiting and channel not in closed and x.rules.rule(channel).kind is not Kind.FROZEN:
            prefix = queue_prefix(x.name, channel)
            head = x.state.first(prefix)
            if head is not None and (best is None or head[0][len(prefix) :] < best[0]):
                best = head[0][len(prefix) :], channel, *head
    return None if best is None else best[1:]


def _serve(x: ItemFold, channel: str, key: str, part: Waiting, closed: list[str]) -> bool:
    """Commit what the claim covers of a waiting part, or close its channel; tell whether it was served."""
    reservation = part.reservation
    row = x.reservation(reservation)
    assert row is not None  # noqa: S101  (a waiting part without its reservation is a fault of ours)
    units = min(part.quantity, sum(x.claim(channel)))
    if units < part.quantity and not (units and _takes_parts(x, channel, part, pieces(row))):
        closed.append(channel)
        return False
    shorten(x, key, part, row, units)
    x.commit(reservation, row, units, place_of(key))
    keep(x, reservation, row)
    return True


def _takes_parts(x: ItemFold, channel: str, part: Waiting, pieces: int) -> bool:
    rule = x.rules.rule(channel)
    creeps = rule.kind is Kind.SHARE or (rule.kind is Kind.QUOTA and not rule.overflow and x.rules.closed(channel))
    return part.allow_partial and pieces < MOST_PIECES and not creeps
