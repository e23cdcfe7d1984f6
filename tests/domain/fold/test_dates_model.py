"""Dates against a model that recomputes everything from the list of commands, cut into slices of any size.

Each focus is a run of its own, in every history of which it happens: a pass is cut (*slices*), a limit ends promises
(*limits*), a receipt and an absolute come in another order than that of their stamps (*clocks*).
"""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from atp_stream.domain.commands import Entry, ReceiveSupply
from atp_stream.domain.events import CommandRefused
from atp_stream.domain.fold.ledger import Folded
from atp_stream.domain.state import rows as state_rows
from atp_stream.domain.supply import register
from tests.domain.fold import test_ledger_model as undated
from tests.domain.model.item import ItemModel
from tests.domain.model.partition import Model
from tests.domain.model.reservation import Reservation
from tests.domain.support.dated_histories import dated_histories
from tests.domain.support.days import receive, schedule, wants
from tests.domain.support.folding import tight_bounds
from tests.domain.support.log import AT, LAMP, Log, count, grant, policy
from tests.domain.support.sizes import nightly

SEQUENCES = nightly(10_000, 60)
FOCUSES = ["everything", "slices", "limits", "clocks"]


class Cut(Log):
    """A log that knows whether a step ended within what an item with dates had to do."""

    was_cut = False

    def step(self, entries: Sequence[Entry]) -> Folded:
        folded = super().step(entries)
        row = self.item() if f"{LAMP}|i" in self.rows else None
        self.was_cut |= row is not None and row.dated and row.work is not None
        return folded


class Noted(ItemModel):
    """An item that notes what happens to it."""

    limited = disordered = False

    def expire(self, name: str) -> None:
        self.limited |= bool(self.reservations[name].dated)
        super().expire(name)

    def is_held(self, command: ReceiveSupply) -> bool:
        held = super().is_held(command)
        self.disordered |= held
        return held

    def holds_what_has_come(self, at: int, location: str) -> None:
        self.disordered |= any(one.location in ("", location) and one.at > at for one in self.coming)
        super().holds_what_has_come(at, location)


class NotedModel(Model):
    makes = Noted


def happened_in(log: Cut, model: Model) -> list[str]:
    """Return what of the focuses happened."""
    item = model.items.get(LAMP)
    limited, disordered = (item.limited, item.disordered) if isinstance(item, Noted) else (False, False)
    return [name for name, did in zip(FOCUSES, (True, log.was_cut, limited, disordered), strict=True) if did]


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


def promises_in(row: state_rows.Reservation) -> list[tuple[int, int, int, int]]:
    return [(one.place, one.quantity, one.earmarked, one.day) for one in row.promises]


def expected(model: ItemModel) -> dict[str, Any]:
    return undated.expected(model) | {
        "dated": model.is_dated(),
        "by_day": {name: promises_of(reservation) for name, reservation in model.reservations.items()},
        "supplies": {name: (one.open(), one.over(), model.purges[name]) for name, one in model.supplies.items()},
        "supply_purged_at": model.supply_purged_at,
        "arriving": [(one.supply, one.units, one.until) for one in model.coming],
        "boundary": model.boundary,
        "roll_at": model.roll_at,
    }


def promises_of(reservation: Reservation) -> list[tuple[int, int, int, int]]:
    return [(one.place, one.units, one.earmarked, one.day) for one in reservation.dated]


def assert_agrees(log: Log, model: Model) -> None:
    item = model.items.get(LAMP)
    if item is not None:
        assert expected(item) == numbers(log)
        assert item.events == undated.happened(log.events, LAMP)
    refused = sorted((event.offset, event.reason) for event in log.events if isinstance(event, CommandRefused))
    assert model.refused == refused


def test_in_the_model_a_count_that_is_repeated_holds_nothing_of_a_receipt() -> None:
    log, counted = Cut(), count(4)
    log.say(counted, counted, schedule("x", 13, 3), counted, receive("x", 5, AT - 1))
    model = NotedModel(log.entries)
    assert [("x", 5)] == [(one.supply, one.units) for one in model.items[LAMP].coming]
    assert_agrees(log, model)


@pytest.mark.parametrize("on_hand", [3, 4])
def test_in_the_model_a_late_promise_gets_what_an_earmark_that_is_used_for_a_later_day_sets_free(on_hand: int) -> None:
    log, channels = Cut(), {"B2B": {"kind": "QUOTA", "overflow": True}, "ECOM": {}}
    log.say(policy({"tenants": {"*": {"channels": channels}}}), count(on_hand), grant("B2B", 3))
    log.say(wants("a", 4, None, allow_partial=True), wants("b", 5, 2, "B2B"), schedule("x", 8, 4))
    model = NotedModel(log.entries)
    assert on_hand == model.items[LAMP].reservations["a"].held()
    assert_agrees(log, model)


@pytest.mark.parametrize("focus", FOCUSES)
@settings(max_examples=SEQUENCES)
@given(st.data(), st.integers(1, 30), st.integers(1, 9), st.integers(1, 30))
def test_rows_and_events_are_those_of_the_model(
    focus: str, data: st.DataObject, run: int, served: int, enough: int
) -> None:
    entries, log = data.draw(dated_histories(focus=focus)), Cut()
    with tight_bounds(1 if focus == "slices" else served, enough):
        for start in range(0, len(entries), run):
            log.run(entries[start : start + run])
    assume(all(one.reason != "stale" for one in log.events if isinstance(one, CommandRefused)))  # no such model
    model = NotedModel(entries)
    happened = happened_in(log, model)
    for one in happened:
        event(one)
    assume(focus in happened)
    assert_agrees(log, model)
