"""Timers: the moments at which time alone changes an item; ticks in the log say when they have come.

A reservation has one timer at the most: until its end that of its time limit, afterwards that of its purge. The item
itself has the one of its drift, under no reservation's name; days and supplies have names of their own. The partition
finds an item by its earliest timer, which may have been given up meanwhile: then the item has nothing to do, and moves
on to its next.

Law: a timer lies behind the log time of what set it, so no tick that stands earlier in the log can reach it: what a
tick ends does not depend on when it is worked off. Moments are microseconds. Source: docs/rules/time.md#timers.
"""

from typing import Final

from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.row_keys import item_timer_key, timer_key
from atp_stream.domain.state.rows import Due
from atp_stream.domain.time_units import US_PER_MS

OF_DAY: Final = "\x1fday"
OF_RECEIPTS: Final = "\x1freceipts"
OF_SUPPLY: Final = "\x1fsupply "
"""Timers of the item's next boundary, of what is arriving, and (with its name behind) of a supply.

No reservation's id has a control character in it.
"""


def start(item: OpenItem, moment_us: int, reservation: str) -> int:
    """Start a timer of a reservation, or ("") of the item itself, and return when it runs out."""
    moment_us = max(moment_us, item.log_time_ms * US_PER_MS + 1)
    item.state.put(timer_key(item.name, moment_us, reservation), Due())
    if item.row.timer_us is None or moment_us < item.row.timer_us:
        watch(item, moment_us)
    return moment_us


def stop(item: OpenItem, moment_us: int, reservation: str) -> None:
    """Give a timer up."""
    item.state.delete(timer_key(item.name, moment_us, reservation))


def watch(item: OpenItem, moment_us: int | None) -> None:
    """Let the partition find an item by another earliest timer, or by none."""
    hide(item)
    item.row.timer_us = moment_us
    show(item)
    item.changed = True


def hide(item: OpenItem) -> None:
    """Let the partition not find an item by its timers: it is quarantined."""
    if item.row.timer_us is not None:
        item.state.delete(item_timer_key(item.name, item.row.timer_us))


def show(item: OpenItem) -> None:
    """Let the partition find an item by its timers again."""
    if item.row.timer_us is not None:
        item.state.put(item_timer_key(item.name, item.row.timer_us), Due())
