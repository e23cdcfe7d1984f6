"""What waits for a later day: it blocks nobody, so views count it apart from what waits now."""

from collections.abc import Iterator, Mapping
from itertools import islice, takewhile
from types import MappingProxyType
from typing import Final

from atp_stream.domain.row_keys import queue_prefix, undue_prefix
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.rows import Backorder, Item

NOTHING_LATER: Final[Mapping[str, int]] = MappingProxyType({})
MAX_READ: Final = 200
"""So many parts of a channel are counted one by one, so that an answer takes no long while."""


def parts_later(state: State, name: str, channel: str) -> Iterator[Backorder]:
    """Yield the parts that wait in a channel for a later day, in the order of service."""
    prefix = undue_prefix(name, channel)
    return (part for _, part in takewhile(lambda pair: pair[0].startswith(prefix), state.scan(prefix)))


def waiting_later(state: State, name: str, row: Item) -> dict[str, int]:
    """Return by channel how many units of what waits are wanted for a later day.

    Of a channel in which parts wait now, too, the first `MAX_READ` that wait for later are counted.
    """
    if not row.dated:
        return {}
    found: dict[str, int] = {}
    for channel, one in row.channels.items():
        if not one.waiting:
            continue
        if state.first(queue_prefix(name, channel)) is None:
            found[channel] = one.waiting
        else:
            found[channel] = sum(part.quantity for part in islice(parts_later(state, name, channel), MAX_READ))
    return found
