"""What a list shows of an item, and what is at risk about it: for a person who looks for what needs him."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from atp_stream.domain.promise.availability import short
from atp_stream.domain.state.rows import Item
from atp_stream.web.availability import mark, sums
from atp_stream.web.formatting import units
from atp_stream.web.later import NOTHING_LATER


class Risk(StrEnum):
    """What may be wrong with an item, the gravest first."""

    QUARANTINE = "quarantine"
    SHORT = "short"
    WAITING = "waiting"
    GAP = "gap"
    SOLD_OUT = "sold_out"


class Found(msgspec.Struct, frozen=True):
    """A risk of an item and its quantity in hundredths, 0 where it has none; `channels` are those that it is about."""

    risk: Risk
    quantity: int = 0
    channels: tuple[str, ...] = ()


_GRAVITY: Final = {risk: place for place, risk in enumerate(Risk)}


def risks(row: Item) -> Iterator[Found]:
    """Yield what is at risk about an item, the gravest first."""
    if row.quarantine:
        yield Found(Risk.QUARANTINE)
    reserved = sum(channel.reserved for channel in row.channels.values())
    missing = short(row.stock.on_hand, reserved)
    if missing:
        yield Found(Risk.SHORT, missing)
    waiting = sum(channel.waiting for channel in row.channels.values())
    if waiting:
        in_channels = sorted(name for name, channel in row.channels.items() if channel.waiting)
        yield Found(Risk.WAITING, waiting, tuple(in_channels))
    if row.stock.gap:
        yield Found(Risk.GAP, row.stock.gap)
    if row.channels and not any(channel.available for channel in row.channels.values()):
        yield Found(Risk.SOLD_OUT)


def gravity(found: Found) -> tuple[int, int]:
    """Return what a list of items is sorted by: the kind of a risk, then its quantity, the largest first."""
    return _GRAVITY[found.risk], -abs(found.quantity)


def describe(item: str, row: Item, later: Mapping[str, int] = NOTHING_LATER) -> dict[str, Any]:
    """Return an item as a list shows it; `later` are the units that wait for a later day, by channel."""
    return {
        "item": item,
        **sums(row),
        "risks": [
            {"risk": found.risk, "quantity": units(found.quantity), "channels": found.channels} for found in risks(row)
        ],
        **mark(row),
        "channels": [
            {
                "channel": name,
                "available": units(channel.available),
                "reserved": units(channel.reserved),
                "waiting": units(channel.waiting),
                "waiting_later": units(later.get(name, 0)),
            }
            for name, channel in sorted(row.channels.items())
        ],
    }
