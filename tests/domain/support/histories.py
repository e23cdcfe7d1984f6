"""Random histories of a partition: few names, stamps and amounts, so that they meet; time passes between commands.

Hypothesis draws one number for each command, and dice that begin with it throw the rest: drawing every field would
cost ten times as much. The number 0 stands for no command, so that a failing history shrinks by losing commands.
"""

from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st
from msgspec.structs import replace

from atp_stream.domain.commands import OF_PARTITION, AnyCommand, Entry
from tests.domain.support import documents
from tests.domain.support.log import (
    AT,
    NOON,
    adjust,
    confirm,
    count,
    edit,
    edit_item,
    fulfil,
    grant,
    move,
    policy,
    release,
    reserve,
    revoke,
    tick,
)

T = TypeVar("T")

MINUTE = 60_000_000
LATE = 10 * MINUTE  # further ahead than the policy lets a stamp be

NAMES = [*["acme|lamp"] * 5, "acme|rug", "umbra|lamp"]
RESERVATIONS = ["one", "two", "three", "four"]
CHANNELS = ["ECOM", "ECOM", "Ecom ", "STORE", "STORE", "store", "shop", "Shop", "POPUP", "popup", None]
QUOTAS = ["ECOM", "ECOM", "Ecom ", "STORE", "STORE", "store", "shop", "POPUP", "NOWHERE"]
STAMPS = [AT - minute * MINUTE for minute in range(5)]
LIMITS = [None, None, AT - MINUTE, AT, AT + MINUTE]
LOCATIONS = ["", "", "", "north", "south"]
UNITS = [1, 2, 3, 4, 6, 9]
PASSED = [0, 0, 0, 1, 1_000, 30_000, 61_000]
"""Milliseconds of log time between two commands."""
LONG = 150 * 60_000
"""So much that what has ended is purged; few such pauses in a history leave all facts of stock remembered."""
FEW = 3

_SEEDS = st.integers(1, 2**24 - 1)


def dice(throw: Callable[[Random], T]) -> st.SearchStrategy[T]:
    """Draw what `throw` makes of dice."""
    return _SEEDS.map(lambda seed: throw(Random(seed)))


def upstream_command(r: Random) -> AnyCommand:
    """Throw a command about stock or a reservation."""
    at = r.choice(STAMPS) if r.random() < 0.96 else AT + LATE
    said: dict[str, Any] = {"at": at, "event_id": f"event {r.randrange(10_000)}"}
    reservation, units = r.choice(RESERVATIONS), r.choice(UNITS)
    match r.choice([*["reserve"] * 5, "adjust", "adjust", "count", "confirm", "release", "fulfil"]):
        case "adjust":
            absolute, ships = r.choice([None, r.randrange(40)]), r.choice([None, reservation])
            return adjust(r.randrange(-5, 15), absolute, reservation=ships, location=r.choice(LOCATIONS), **said)
        case "count":
            return count(r.choice([0, *range(5, 50)]), location=r.choice(LOCATIONS), **said)
        case "reserve":
            return reserve(
                reservation, units, r.choice(CHANNELS), location=r.choice(LOCATIONS), expires_at=r.choice(LIMITS),
                priority=r.choice([-1, 0, 0, 1]), allow_partial=r.choice([False, True]),
                allow_backorder=r.random() < 0.8, **said,
            )  # fmt: skip
        case "confirm":
            return confirm(reservation, **{**said, "at": r.choice([at, AT - MINUTE, AT + MINUTE])})
        case "release":
            return release(reservation, r.choice([None, units]), **said)
        case _:
            return fulfil(reservation, r.choice([None, units]), location=r.choice(LOCATIONS), **said)


def verb(r: Random, *, edits_items: bool = True) -> AnyCommand:
    """Throw what an operator says of one item."""
    named, channel, units = f"verb {r.randrange(10_000)}", r.choice(QUOTAS), r.choice(UNITS)
    match r.choice(["grant", "grant", "percent", "revoke", "move", *["edit"] * edits_items]):
        case "grant":
            return grant(channel, units, event_id=named)
        case "percent":
            return grant(channel, percent=r.choice([1_000, 3_333, 5_000]), event_id=named)
        case "revoke":
            return revoke(channel, r.choice([None, units]), event_id=named)
        case "move":
            return move(channel, r.choice(QUOTAS), units, event_id=named)
        case _:
            return edit_item(documents.patch(r), event_id=named)


def command(r: Random) -> AnyCommand:
    """Throw a command to an item."""
    return upstream_command(r) if r.random() < 0.8 else verb(r)


def change_of_policy(r: Random, *, forgets: bool = True) -> AnyCommand:
    """Throw a change of the policy of a whole partition."""
    if r.random() < 0.5:
        return policy(documents.document(r, forgets=forgets))
    return edit(r.choice(["acme", "umbra"]), documents.patch_of_tenant(r))


def tick_at(r: Random, log_time: int) -> AnyCommand:
    """Throw a tick: of an intake that is up to date, behind, or ahead of log time."""
    return tick(log_time * 1_000 + r.choice([0, 0, -30_000_000, MINUTE]))


def opening(r: Random, *, forgets: bool) -> list[Entry]:
    """Throw how a history begins: most have a policy, some stock and some grants."""
    throws: list[tuple[str, AnyCommand]] = [
        ("|", policy(documents.document(r, forgets=forgets))),
        ("acme|lamp", count(r.randrange(10, 40), AT - 5 * MINUTE)),
        ("acme|lamp", grant("ECOM", r.choice(UNITS), event_id="first grant")),
        ("acme|lamp", grant("STORE", r.choice(UNITS), event_id="second grant")),
    ]
    begun = [throw for throw in throws if r.random() < 0.75]
    return [Entry(0, offset, NOON, name, command) for offset, (name, command) in enumerate(begun)]


def histories(
    *, policies: bool = True, forgets: bool = True, most: int = 30, one_item: bool = False
) -> st.SearchStrategy[list[Entry]]:
    """Draw the entries of a log; without `policies` none comes later than the opening."""

    def history(seeds: list[int]) -> list[Entry]:
        entries = opening(Random(seeds[0]), forgets=forgets) if seeds[0] else []
        log_time, long_pauses = NOON, 0
        for seed in filter(None, seeds[1:]):
            r = Random(seed)
            log_time += r.choice(PASSED)
            if forgets and long_pauses < FEW and r.random() < 0.05:
                log_time, long_pauses = log_time + LONG, long_pauses + 1
            entries.append(entry(r, entries, log_time))
        return entries

    def entry(r: Random, before: list[Entry], log_time: int) -> Entry:
        turn = r.choice([*["order"] * 12, "verb", "verb", "tick", "tick", "again", "again", "policy"])
        name = "acme|lamp" if one_item else r.choice(NAMES)
        said = [one for one in before if not isinstance(one.command, OF_PARTITION)]
        if turn == "again" and said:  # upstream says it again
            return replace(r.choice(said), offset=len(before), log_time_ms=log_time)
        if turn == "policy" and policies:
            return Entry(0, len(before), log_time, "|", change_of_policy(r, forgets=forgets))
        if turn == "tick":
            return Entry(0, len(before), log_time, "|", tick_at(r, log_time))
        chosen = verb(r, edits_items=policies) if turn == "verb" else upstream_command(r)
        return Entry(0, len(before), log_time, name, chosen)

    return st.lists(st.integers(0, 2**24 - 1), min_size=most // 2, max_size=most).map(history)
