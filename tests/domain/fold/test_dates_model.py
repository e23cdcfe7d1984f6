"""Dates against a model that recomputes everything from the list of commands, cut into slices of any size."""

from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from atp_stream.domain.commands import Entry
from atp_stream.domain.events import CommandRefused
from atp_stream.domain.state.rows import Reservation
from atp_stream.domain.supply import register
from tests.domain.fold import test_ledger_model as undated
from tests.domain.model.item import ItemModel
from tests.domain.model.order import Order
from tests.domain.model.partition import Model
from tests.domain.support.dated_histories import dated_histories
from tests.domain.support.folding import tight_bounds
from tests.domain.support.log import LAMP, Log
from tests.domain.support.sizes import nightly

SEQUENCES = nightly(10_000, 60)


def rows_of(log: Log, kind: str) -> dict[str, Any]:
    prefix = f"{LAMP}|{kind}|"
    return {key.removeprefix(prefix): log.read(key) for key in log.rows if key.startswith(prefix)}


def numbers(log: Log) -> dict[str, Any]:
    found = undated.numbers(log, LAMP, log.item())
    curve = log.read(f"{LAMP}|c")
    supplies = rows_of(log, "s")
    return found | {
        "dated": log.item().dated,
        "by_day": {name: promises_in(row) for name, row in rows_of(log, "r").items()},
        "supplies": {
            name: (register.open_units(row), register.over(row), row.timer_us) for name, row in supplies.items()
        },
        "supply_purged_at": log.item().supply_purged_at_us,
        "arriving": [] if curve is None else [(one.supply, one.units, one.until_us) for one in curve.arriving],
        "boundary": None if curve is None else curve.boundary,
        "roll_at": None if curve is None else curve.timer_us,
    }


def promises_in(row: Reservation) -> list[tuple[int, int, int, int]]:
    return [(one.place, one.quantity, one.earmarked, one.day) for one in row.promises]


def expected(model: ItemModel) -> dict[str, Any]:
    return undated.expected(model) | {
        "dated": model.is_dated(),
        "by_day": {name: promises_of(order) for name, order in model.orders.items()},
        "supplies": {name: (one.open(), one.over(), model.purges[name]) for name, one in model.supplies.items()},
        "supply_purged_at": model.supply_purged_at,
        "arriving": [(one.supply, one.units, one.until) for one in model.coming],
        "boundary": model.boundary,
        "roll_at": model.roll_at,
    }


def promises_of(order: Order) -> list[tuple[int, int, int, int]]:
    return [(one.place, one.units, one.earmarked, one.day) for one in order.dated]


def assert_agrees(log: Log, model: Model) -> None:
    item = model.items.get(LAMP)
    if item is not None:
        assert expected(item) == numbers(log)
        assert item.events == undated.happened(log.events, LAMP)
    refused = sorted((event.offset, event.reason) for event in log.events if isinstance(event, CommandRefused))
    assert model.refused == refused


@settings(max_examples=SEQUENCES)
@given(dated_histories(), st.integers(1, 30), st.integers(1, 9), st.integers(1, 30))
def test_rows_and_events_are_those_of_the_model(entries: list[Entry], run: int, served: int, enough: int) -> None:
    log = Log()
    with tight_bounds(served, enough):
        for start in range(0, len(entries), run):
            log.run(entries[start : start + run])
    assume(all(event.reason != "stale" for event in log.events if isinstance(event, CommandRefused)))  # no such model
    assert_agrees(log, Model(entries))
