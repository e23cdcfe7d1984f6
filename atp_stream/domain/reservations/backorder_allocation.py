"""Serving those who wait: one queue over all channels, by priority, then by the place in the log of the request.

Law: nobody is overtaken within a channel. A head that cannot be served closes its channel for the pass, and only that
one; a head that allows parts takes what there is, except of a share: a share of the rest again and again would creep.
So would, in another name of a quota, a part as large as its earmark, which that does not make smaller.
A pass is cut into slices; what is closed stays closed in the next slice, so the borders do not show.
Source: docs/rules/reservations.md#serving, docs/rules/identity.md#slices.
"""

from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.limits import SliceBudget
from atp_stream.domain.policy.schema import Kind
from atp_stream.domain.reservations.backorder_queue import reduce
from atp_stream.domain.reservations.balances import pieces
from atp_stream.domain.reservations.saving import save
from atp_stream.domain.row_keys import queue_prefix, rank_offset
from atp_stream.domain.state.rows import Backorder


def serve_backorders(item: OpenItem, closed: list[str], budget: SliceBudget) -> bool:
    """Serve those who wait, as far as claims and room reach; return whether the pass is over."""
    item.dismiss()
    while item.waiting and item.free():
        head = _head(item, closed)
        if head is None:
            break
        if not budget.left:
            return False
        budget.left -= _serve(item, *head, closed)
    return True


def _head(item: OpenItem, closed: list[str]) -> tuple[str, str, Backorder] | None:
    """Return channel, key and part of the request that is next in the channels that are not closed."""
    best: tuple[str, str, str, Backorder] | None = None
    for channel, row in item.channels.items():
        if row.waiting and channel not in closed and item.rules.rule(channel).kind is not Kind.FROZEN:
            prefix = queue_prefix(item.name, channel)
            head = item.state.first(prefix)
            if head is not None and (best is None or head[0][len(prefix) :] < best[0]):
                best = head[0][len(prefix) :], channel, *head
    return None if best is None else best[1:]


def _serve(item: OpenItem, channel: str, key: str, part: Backorder, closed: list[str]) -> bool:
    """Commit what the claim covers of a waiting part, or close its channel; return whether it was served."""
    reservation = part.reservation
    row = item.reservation(reservation)
    assert row is not None  # noqa: S101  (a waiting part without its reservation is a fault of ours)
    units = min(part.quantity, sum(item.claim(channel)))
    if units < part.quantity and not (units and takes_parts(item, channel, part, pieces(row))):
        closed.append(channel)
        return False
    reduce(item, key, part, row, units)
    item.commit(reservation, row, units, rank_offset(key))
    save(item, reservation, row)
    return True


def takes_parts(item: OpenItem, channel: str, part: Backorder, pieces: int) -> bool:
    """Return whether a waiting part takes what there is of it."""
    rule = item.rules.rule(channel)
    creeps = rule.kind is Kind.SHARE or (rule.kind is Kind.QUOTA and not rule.overflow and item.rules.closed(channel))
    return part.allow_partial and pieces < item.limits.parts and not creeps
