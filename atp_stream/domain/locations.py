"""The facts of one location: a floor, and over it the tail of facts that a late one may still join.

Law: within the window, how the location stands is the fold of its facts in the order of their stamps.
The fold of what arrives in order costs one instant; only a late fact folds the tail again.
"""

from bisect import bisect_right
from collections.abc import Iterator
from enum import Enum
from itertools import groupby
from operator import attrgetter
from typing import Annotated, Final

import msgspec

from atp_stream.domain.instants import NEVER, Fact, Shipped, Standing, after

LONGEST_TAIL: Final = 100
"""So many facts with ids of 255 bytes stay under 64 KB."""

_stamp = attrgetter("at")
_place_in_tail = attrgetter("at", "id")


class StockRules(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How long a fact may be late: a part of the policy document.

    `window` (W) and `skew` are microseconds: a fact older than the newest of its location by more than W is stale; an
    absolute includes what was shipped up to `skew` before it. `tail` (N) is the number of facts that a late one may
    still join.
    """

    window: Annotated[int, msgspec.Meta(ge=0)] = 24 * 60 * 60 * 1_000_000
    tail: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_TAIL)] = 64
    skew: Annotated[int, msgspec.Meta(ge=0)] = 0


class Outcome(Enum):
    """What became of a fact."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    STALE = "stale"


class Location(msgspec.Struct, array_like=True):
    """The row of a location: `floor` is how it stood after all facts up to `floor_at`, `tail` the facts since.

    The tail is in the order of (stamp, id). An instant is never divided between floor and tail, and the newest is
    always in the tail.
    """

    floor: Standing = Standing()
    floor_at: int = NEVER
    tail: list[Fact] = []


def admits(row: Location, fact: Fact, rules: StockRules) -> Outcome:
    """Say what will become of `fact`: APPLIED if `enter` may be called."""
    tail = row.tail
    if not tail:
        return Outcome.APPLIED
    name = fact.id
    for known in tail:  # a plain loop: it is half as long as any(), and every fact pays it
        if known.id == name:
            return Outcome.DUPLICATE
    newest = tail[-1].at
    if fact.at <= row.floor_at or fact.at < newest - rules.window:
        return Outcome.STALE
    if fact.at == newest and len(tail) >= rules.tail and tail[-rules.tail].at == newest:
        return Outcome.STALE  # its instant is full, and cannot be folded into the floor while it is the newest
    return Outcome.APPLIED


def enter(row: Location, fact: Fact, now: Standing, rules: StockRules, shipped: Shipped) -> Standing:
    """Put an admitted fact into `row` and return how the location stands; `now` is how it stood."""
    tail = row.tail
    if not tail or fact.at > tail[-1].at:
        tail.append(fact)
        now = after(now, fact.at, (fact,), shipped)
        _raise_floor(row, rules, shipped)
        return now
    tail.insert(bisect_right(tail, (fact.at, fact.id), key=_place_in_tail), fact)
    _raise_floor(row, rules, shipped)
    return fold(row, shipped)


def fold(row: Location, shipped: Shipped) -> Standing:
    """Return how the location stands: the fold of the tail over the floor, an instant at a time."""
    now = row.floor
    for at, facts in _instants(row.tail):
        now = after(now, at, facts, shipped)
    return now


def _instants(facts: list[Fact]) -> Iterator[tuple[int, list[Fact]]]:
    for at, instant in groupby(facts, key=_stamp):
        yield at, list(instant)


def _raise_floor(row: Location, rules: StockRules, shipped: Shipped) -> None:
    """Fold into the floor what is out of the window, whole instants, never the newest."""
    tail = row.tail
    newest = tail[-1].at
    while len(tail) > rules.tail or tail[0].at < newest - rules.window:
        at = tail[0].at
        if at == newest:
            break
        end = bisect_right(tail, at, key=_stamp)
        row.floor = after(row.floor, at, tail[:end], shipped)
        row.floor_at = at
        del tail[:end]
