"""Random histories of one item with supplies and dates: days pass, receipts come early, late and twice."""

from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import strategies as st

from atp_stream.domain.commands import (
    AnyCommand,
    CancelSupply,
    Entry,
    ReceiveSupply,
    ScheduleSupply,
)
from tests.domain.support import documents
from tests.domain.support.histories import CHANNELS, QUOTAS, RESERVATIONS
from tests.domain.support.log import (
    LAMP,
    NOON,
    adjust,
    confirm,
    count,
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

DAY = 24 * 60 * 60 * 1_000
HOUR = 60 * 60 * 1_000
MINUTE = 60 * 1_000
"""Of log time, in milliseconds."""

SUPPLIES = ["po 1", "po 2", "po 3", "po 4", "po 5"]
UNITS = [1, 2, 3, 5, 8, 13]
PASSED = [0, 0, 0, MINUTE, HOUR, 9 * HOUR, DAY, DAY, 2 * DAY, 5 * DAY]
WINDOW = 56 * 24 * 60 * 60
"""So long that no fact of stock is forgotten, in seconds."""

Named = dict[str, Any]


def supply_rules(r: Random) -> Named:
    return {
        "horizon": r.choice([4, 9, 9]),
        "ahead": r.choice([0, 0, 1, 3, 300]),
        "past_due_days": r.choice([0, 0, 2, 5]),
        "past_due_offset": r.choice([0, 1, 1, 2]),
        "receipt_grace": r.choice([600, 3600, 90_000]),
        "dock_days": r.choice([0, 0, 0, 1, 3]),
    }


def document(r: Random) -> Named:
    """Throw a policy: channels of all kinds, few of which are frozen or limited."""
    found = documents.document(r, forgets=False)
    found |= {"stock": {"skew": 0, "window": WINDOW}, "drift_grace": 86_400}
    for section in found["tenants"].values():
        section.pop("max_waiting_each", None)
        if r.random() < 0.5:
            section["channels"] = {"ECOM": {}, "STORE": {}}
            section.pop("rule", None)
        section["supply"] = supply_rules(r)
        section["items"] = {}
        if "time_limit" in section:
            section["time_limit"] = r.choice([3_600, 3 * 86_400])
    return found


def of_supply(r: Random, said: Named, today: int) -> AnyCommand:
    """Throw what is said of a supply."""
    named, units, where = r.choice(SUPPLIES), r.choice(UNITS), r.choice(["", "", "north"])
    match r.choice(["schedule"] * 9 + ["cancel"] + ["receive"] * 3 + ["adjust"] * 3):
        case "schedule":
            day = today + r.choice([-1, 0, 1, 1, 2, 3, 4, 6, 8, 12])
            return ScheduleSupply(**said, supply=named, quantity=units, day=day, firm=r.random() < 0.93)
        case "cancel":
            return CancelSupply(**said, supply=named)
        case "receive":
            moves = r.random() < 0.3
            return ReceiveSupply(
                **said, supply=named, quantity=units if moves or r.random() < 0.85 else None, location=where,
                final=r.random() < 0.1, moves_stock=moves,
            )  # fmt: skip
        case _:
            absolute = None if r.random() < 0.7 else r.randrange(30)
            delta = units if r.random() < 0.85 else -units
            return adjust(delta, absolute, location=where, supply=named, **said)


def of_order(r: Random, said: Named, today: int, log_time: int) -> AnyCommand:
    named, units = r.choice([*RESERVATIONS, "five", "six"]), r.choice(UNITS)
    match r.choice(["reserve"] * 9 + ["confirm", "release", "release", "fulfil", "fulfil"]):
        case "reserve":
            wanted = r.choice([None, None, -1, 0, 1, 2, 3, 5, 8, 10])
            limit = r.choice([None] * 8 + [2 * HOUR, 3 * DAY, 6 * DAY])
            return reserve(
                named, units, r.choice(CHANNELS[:5]), wanted=None if wanted is None else today + wanted,
                expires_at=None if limit is None else (log_time + limit) * 1_000, priority=r.choice([-1, 0, 0, 0, 1]),
                allow_partial=r.random() < 0.4, allow_backorder=r.random() < 0.85, **said,
            )  # fmt: skip
        case "confirm":
            return confirm(named, **said)
        case "release":
            return release(named, r.choice([None, units]), **said)
        case _:
            return fulfil(named, r.choice([None, units]), **said)


def of_stock(r: Random, said: Named) -> AnyCommand:
    where = r.choice(["", "", "north"])
    if r.random() < 0.5:
        return count(r.choice([0, 3, *range(2, 25)]), location=where, **said)
    return adjust(r.choice([-8, -3, -1, 2, 5, 9]), location=where, **said)


def of_operator(r: Random) -> AnyCommand:
    named = f"verb {r.randrange(10_000)}"
    match r.choice(["grant"] * 8 + ["revoke", "move"] + ["edit"] * 4):
        case "grant":
            return grant(r.choice(QUOTAS), r.choice(UNITS), event_id=named)
        case "revoke":
            return revoke(r.choice(QUOTAS), r.choice([None, *UNITS]), event_id=named)
        case "move":
            return move(r.choice(QUOTAS), r.choice(QUOTAS), r.choice(UNITS), event_id=named)
    patches: list[Callable[[], Named]] = [
        lambda: {"safety_stock": documents.safety(r)},
        lambda: {"supply": supply_rules(r)},
        lambda: {"frozen": {r.choice(["ECOM", "STORE"]): r.choice([True, False])}},
    ]
    return edit_item(r.choice(patches)(), event_id=named)


def command(r: Random, log_time: int, place: int, focus: str = "") -> AnyCommand:
    """Throw a command, under an id of its own.

    The clocks of senders are behind by up to days, or ahead, and some by more than is let pass.
    """
    behind = r.choice([0, 0, 0, 0, 0, 1, 5, 60, 60 * 30, 60 * 24 * 3, -3, -9]) * MINUTE
    said = {"at_us": (log_time - behind) * 1_000 + r.randrange(3), "event_id": f"event {place} {r.randrange(100_000)}"}
    today = log_time // DAY
    if focus in FOCUSES and r.random() < 0.7:
        return FOCUSES[focus](r, said, today, log_time)
    match r.choice(["supply"] * 6 + ["order"] * 8 + ["stock"] * 3 + ["operator"]):
        case "supply":
            return of_supply(r, said, today)
        case "order":
            return of_order(r, said, today, log_time)
        case "stock":
            return of_stock(r, said)
        case _:
            return of_operator(r)


def of_limits(r: Random, said: Named, today: int, log_time: int) -> AnyCommand:
    """Throw a reservation that is promised for some days, and whose limit is over within them."""
    limit = log_time + r.choice([HOUR, DAY, 2 * DAY])
    return reserve(
        r.choice(RESERVATIONS), r.choice(UNITS), r.choice(CHANNELS[:5]), wanted=today + r.choice([2, 3, 4]),
        expires_at=limit * 1_000, allow_partial=r.random() < 0.4, **said,
    )  # fmt: skip


def of_receipts(r: Random, said: Named, today: int, _: int) -> AnyCommand:
    """Throw a supply, a receipt that moves no stock, or an absolute, each by a clock of its own."""
    said["at_us"] = (said["at_us"] // 1_000 + r.choice([-50, -20, -2, 0, 2]) * MINUTE) * 1_000
    named, where = r.choice(SUPPLIES[:2]), r.choice(["", "", "north"])
    match r.randrange(4):
        case 0:
            return ScheduleSupply(**said, supply=named, quantity=r.choice([13, 21]), day=today + r.choice([0, 1, 2]))
        case 1 | 2:
            return ReceiveSupply(**said, supply=named, quantity=r.choice([1, 2, 3]), location=where)
        case _:
            return count(r.randrange(25), location=where, **said)


FOCUSES: dict[str, Callable[[Random, Named, int, int], AnyCommand]] = {"limits": of_limits, "clocks": of_receipts}
"""What most commands of a history may be about."""


def history(seeds: list[int], focus: str = "") -> list[Entry]:
    """Return a log; most have a policy and some stock to begin with."""
    first = Random(seeds[0])
    begun: list[AnyCommand] = [
        (policy(document(first), event_id="policy")),
        count(first.randrange(25), (NOON - HOUR) * 1_000, event_id="first"),
    ]
    entries = [
        Entry(0, place, NOON, "|" if place == 0 else LAMP, one)
        for place, one in enumerate(begun)
        if first.random() < 0.8
    ]
    log_time = NOON
    for seed in filter(None, seeds[1:]):
        r = Random(seed)
        passed = r.choice(PASSED) if r.random() < 0.5 else 0
        log_time += passed
        if r.random() < 0.02:
            changed = policy(document(r), event_id=f"policy {r.randrange(10_000)}")
            entries.append(Entry(0, len(entries), log_time, "|", changed))
        if passed and r.random() < 0.9:
            behind = r.choice([0, 0, 0, HOUR])
            entries.append(Entry(0, len(entries), log_time, "|", tick((log_time - behind) * 1_000)))
        again = [one for one in entries if one.name != "|"]
        said = r.choice(again).command if again and r.random() < 0.08 else command(r, log_time, len(entries), focus)
        entries.append(Entry(0, len(entries), log_time, LAMP, said))
    return [Entry(0, place, one.log_time_ms, one.name, one.command) for place, one in enumerate(entries)]


def dated_histories(most: int = 30, focus: str = "") -> st.SearchStrategy[list[Entry]]:
    seeds = st.lists(st.integers(0, 2**24 - 1), min_size=most // 2, max_size=most)
    return seeds.map(lambda thrown: history(thrown, focus))
