"""Bounds of stock that hold whatever comes: rows and work, and items of before 0.2 that were stopped."""

from collections.abc import Iterator
from typing import Any

import pytest

from atp_stream.domain.commands import AnyCommand, Elapse, Entry
from atp_stream.domain.row_keys import STOCK_TIME, deferred_key, old_location_key
from atp_stream.domain.state.rows import DeferredCommand, Due
from atp_stream.domain.stock.rows import Stock
from atp_stream.domain.stock.upgrade import OldFloor, OldLocation
from tests.domain.support.log import AT, LAMP, NOON, Log, adjust, count, fulfil, policy, resume

HOUR = 3_600_000
DAY = 24 * HOUR
MINUTE = 60_000_000


def stopped_before(units: int, *kept: Any) -> Log:
    """Return a log with an item that the version before stopped, and what that version kept for it."""
    log = Log()
    log.say(count(100, location="S"))
    item = log.item()
    item.stock = Stock(on_hand=units, basis=units, places={"S": [units, 0, AT, units]})
    item.quarantine, item.deferred = "old fault", len(kept)
    for key in [key for key in log.rows if "|L|" in key or "|N|" in key or key.startswith("|g|")]:
        del log.rows[key]
    log.put(f"{LAMP}|i", item)
    log.put(f"|quarantine|{LAMP}", Due())
    log.put(old_location_key(LAMP, "S"), OldLocation(OldFloor(units, 0, AT, units), AT, []))
    for place, command in enumerate(kept):
        log.put(deferred_key(LAMP, place - len(kept)), DeferredCommand(log_time_ms=NOON, command=command))
    return log


def passes(log: Log, hours: int, step: int) -> int:
    """Let facts of others come for some hours; return the log time."""
    for hour in range(step, hours + 1, step):
        log.say(adjust(1), name="acme|other", log_time=NOON + hour * HOUR)
    return NOON + hours * HOUR


@pytest.mark.parametrize("together", [False, True])
def test_an_old_item_that_was_stopped_takes_what_was_kept_before_what_comes_now(*, together: bool) -> None:
    log = stopped_before(10_000, adjust(-500, at=AT + 5, location="S"))
    now = passes(log, 72, 6)
    commands: list[AnyCommand] = [resume(), adjust(-100, at=now * 1_000, location="S")]
    for part in [commands] if together else [[one] for one in commands]:
        log.say(*part, log_time=now)
    assert (9_400, None, []) == (log.item().stock.on_hand, log.item().quarantine, log.faults)


def test_what_an_old_item_kept_twice_counts_once_though_a_border_passes_while_it_is_taken() -> None:
    facts = [
        adjust(-1, event_id=f"k{place % 1_200}", at=AT + 5 + place % 1_200, location="S") for place in range(2_400)
    ]
    log = stopped_before(1_000_000, *facts)
    now = passes(log, 47, 1)
    last = log.entries[-1].offset
    log.step([Entry(0, last + 1, now, LAMP, resume())])
    while log.item().deferred > 1_000:
        log.step([])
    others = [Entry(0, last + 2 + place, now + 2 * HOUR, "acme|other", adjust(1)) for place in range(900)]
    log.step(others)
    while log.step([]).unfinished:
        pass
    assert (1_000_000 - 1_200, 1_200) == (log.item().stock.on_hand, log.item().duplicates)


def test_shipments_of_any_number_of_windows_in_one_backlog_stay_in_small_rows() -> None:
    log, shipments = Log(), 1_500
    log.say(policy({"stock": {"window": 60}}))
    log.say(count(10_000, at=AT - (shipments + 5) * MINUTE, location="S"))
    log.say(*(fulfil(f"r{n}", 1, at=AT - (shipments - n) * MINUTE, location="S") for n in range(shipments)))
    widest = max(len(row) for row in log.rows.values())
    assert (10_000 - shipments, True) == (log.item().stock.on_hand, widest < 20_000)
    log.say(count(5_000, at=AT - shipments // 2 * MINUTE, location="S"))
    assert 5_000 - shipments // 2 + 1 == log.item().stock.on_hand


def test_one_count_meets_the_places_that_others_were_counted_behind_once_each() -> None:
    log, places, met = Log(), 300, []
    log.say(*(count(100, at=AT + n, location=f"P{n}") for n in range(places)), fulfil("r", 1, at=AT + places))
    log.say(*(count(100, at=AT + 10**6 + n, location=f"P{n}") for n in range(1, places)))
    scan = log.scan

    def counted(key: str) -> Iterator[tuple[str, Any]]:
        for pair in scan(key):
            met.append(pair[0])
            yield pair

    log.scan = counted  # type: ignore[method-assign]
    log.say(count(100, at=AT + 2 * 10**6, location="P0"))
    assert (100 * places, True) == (log.item().stock.on_hand, len(met) < 3 * places)


def test_a_look_at_one_item_runs_on_the_time_of_all() -> None:
    def folded(*, alone: bool) -> Log:
        log = Log()
        for hour in range(21):
            command = Elapse(event_id="", at_us=0) if alone else adjust(1, event_id=f"x{hour}")
            log.say(command, name="acme|other", log_time=NOON + hour * HOUR)
        for hour in range(21, 75):
            at = NOON + hour * HOUR
            log.say(adjust(-1, event_id=f"a{hour}", at=at * 1_000, location="S"), log_time=at)
        return log

    whole, alone = folded(alone=False), folded(alone=True)
    assert whole.read(STOCK_TIME) == alone.read(STOCK_TIME)
    rows = ({key: row for key, row in log.rows.items() if LAMP in key} for log in (whole, alone))
    assert next(rows) == next(rows)
