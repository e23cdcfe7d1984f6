"""Timers: the moments at which time alone changes an item; ticks in the log say when they have come.

A reservation has one timer at the most: until its end that of its time limit, afterwards that of its purge. The item
itself has the one of its drift, under no reservation's name. The partition finds an item by its earliest timer, which
may have been given up meanwhile: then the item has nothing to do, and moves on to its next.

Law: a timer lies behind the log time of what set it, so no tick that stands earlier in the log can reach it: what a
tick ends does not depend on when it is worked off. Moments are microseconds. Source: docs/rules/time.md#timers.
"""

from atp_stream.domain.item.open_item import MICROSECONDS, ItemFold
from atp_stream.domain.names import encode
from atp_stream.domain.row_keys import TIMER
from atp_stream.domain.state.rows import Due


def timer_key(name: str, moment: int, reservation: str) -> str:
    """Return the key of a timer of the item `name`: of a reservation, or ("") of the item itself."""
    return f"{name}|t|{moment:016x}{encode(reservation)}"


def item_timer_key(name: str, moment: int) -> str:
    """Return the key by which a partition finds the items whose timers run out first."""
    return f"{TIMER}{moment:016x}|{name}"


def start(x: ItemFold, moment: int, reservation: str) -> int:
    """Start a timer of a reservation, or ("") of the item itself, and return when it runs out."""
    moment = max(moment, x.log_time * MICROSECONDS + 1)
    x.state.put(timer_key(x.name, moment, reservation), Due())
    if x.item.timer is None or moment < x.item.timer:
        watch(x, moment)
    return moment


def stop(x: ItemFold, moment: int, reservation: str) -> None:
    """Give a timer up."""
    x.state.delete(timer_key(x.name, moment, reservation))


def watch(x: ItemFold, moment: int | None) -> None:
    """Let the partition find an item by another earliest timer, or by none."""
    hide(x)
    x.item.timer = moment
    show(x)
    x.changed = True


def hide(x: ItemFold) -> None:
    """Let the partition not find an item by its timers: it is quarantined."""
    if x.item.timer is not None:
        x.state.delete(item_timer_key(x.name, x.item.timer))


def show(x: ItemFold) -> None:
    """Let the partition find an item by its timers again."""
    if x.item.timer is not None:
        x.state.put(item_timer_key(x.name, x.item.timer), Due())
