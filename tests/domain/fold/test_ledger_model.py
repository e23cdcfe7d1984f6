"""The ledger against a model that recomputes everything from the list of commands."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from atp_stream.domain.commands import AnyCommand, Entry
from atp_stream.domain.events import (
    AllocationCommitted,
    AllocationReleased,
    AnyEvent,
    CommandRefused,
    ReservationDenied,
    StockDrifted,
)
from atp_stream.domain.state import rows as state_rows
from atp_stream.domain.state.rows import Allocation, Channel, Item
from tests.domain.model.item import ItemModel
from tests.domain.model.partition import Model
from tests.domain.model.reservation import Promise, Reservation
from tests.domain.support.folding import tight_bounds
from tests.domain.support.histories import FEW, LONG, NAMES, PASSED, change_of_policy, command, dice, histories, tick_at
from tests.domain.support.log import NOON, Log

SEQUENCES = settings().max_examples


def happened(events: list[AnyEvent], name: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for event in events:
        if event.name == name:
            match event:
                case AllocationCommitted():
                    found.append(("committed", event.reservation, event.quantity))
                case AllocationReleased():
                    found.append(("released", event.reservation, event.quantity, event.reason.value))
                case ReservationDenied():
                    found.append(("denied", event.reservation, event.quantity, event.outcome.value, event.reason))
    return found


def drifts(events: list[AnyEvent], name: str) -> list[tuple[int, int, int, bool]]:
    found = [event for event in events if isinstance(event, StockDrifted) and event.name == name]
    return [(event.gap, event.on_hand, event.since_ms, event.resolved) for event in found]


def numbers(log: Log, name: str, item: Item) -> dict[str, Any]:
    rows = {key.split("|", 3)[3]: log.read(key) for key in log.rows if key.startswith(f"{name}|r|")}
    return {
        "on_hand": item.stock.on_hand,
        "gap": item.stock.gap,
        "safety_stock": item.safety_stock,
        "scaled": item.scaled,
        "purged_at": item.purged_at_us,
        "channels": {channel: channel_in(row) for channel, row in item.channels.items()},
        "reservations": {reservation: reservation_in(row) for reservation, row in rows.items()},
        "drift": None if item.drift is None else (item.drift.since_ms, item.drift.reported),
    }


def channel_in(row: Channel) -> tuple[int, ...]:
    return row.available, row.reserved, row.waiting, row.granted, row.consumed


def reservation_in(row: state_rows.Reservation) -> tuple[Any, ...]:
    promised = [promise_in(allocation) for allocation in row.allocations]
    end = None if row.ended is None else row.ended.value
    return row.channel, promised, row.waiting, end, row.confirmed, row.expires_at_us, row.priority


def promise_in(row: Allocation) -> Promise:
    return Promise(row.offset, row.quantity, row.earmarked, row.offset if row.asked_at < 0 else row.asked_at)


def expected(model: ItemModel) -> dict[str, Any]:
    return {
        "on_hand": model.on_hand(),
        "gap": model.gap(),
        "safety_stock": model.safety_stock(),
        "scaled": model.weights() > 10_000,
        "purged_at": model.purged_at,
        "channels": {
            channel: (
                model.available(channel),
                model.reserved(channel),
                model.waiting(channel),
                row.granted,
                model.consumed(channel),
            )
            for channel, row in model.channels.items()
        },
        "reservations": {name: expected_reservation(reservation) for name, reservation in model.reservations.items()},
        "drift": None if model.drift is None else (model.drift.since, model.drift.reported),
    }


def expected_reservation(reservation: Reservation) -> tuple[Any, ...]:
    one = reservation
    return one.channel, one.promised, one.waiting(), one.ended, one.confirmed, one.expires_at, one.priority


def assert_agrees(log: Log, model: Model) -> None:
    items = {key[:-2]: log.item(key[:-2]) for key in log.rows if key.endswith("|i")}
    assert {name: expected(item) for name, item in model.items.items()} == {
        name: numbers(log, name, item) for name, item in items.items()
    }
    assert {name: item.events for name, item in model.items.items()} == {
        name: happened(log.events, name) for name in items
    }
    assert {name: item.drifts for name, item in model.items.items()} == {
        name: drifts(log.events, name) for name in items
    }
    assert model.refused == sorted((e.offset, e.reason) for e in log.events if isinstance(e, CommandRefused))


@settings(max_examples=2 * SEQUENCES)
@given(histories(), st.integers(1, 30), st.integers(1, 9), st.integers(1, 30))
def test_rows_and_events_are_those_of_the_model(entries: list[Entry], run: int, served: int, enough: int) -> None:
    log = Log()
    with tight_bounds(served, enough):
        for start in range(0, len(entries), run):
            log.run(entries[start : start + run])
    assert_agrees(log, Model(entries))


class LedgerMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.log = Log()
        self.model = Model()
        self.log_time = NOON
        self.long_pauses = 0

    def says(self, *commands: AnyCommand, name: str = "") -> None:
        first = len(self.log.entries)
        self.log.say(*commands, name=name, log_time=self.log_time)
        for entry in self.log.entries[first:]:
            self.model.hear(entry)

    @rule(name=st.sampled_from(NAMES), said=dice(command), passed=st.sampled_from(PASSED))
    def one_command(self, name: str, said: AnyCommand, passed: int) -> None:
        self.log_time += passed
        self.says(said, name=name)

    @rule(name=st.sampled_from(NAMES), several=st.lists(dice(command), min_size=2, max_size=5))
    def several_in_one_step(self, name: str, several: list[AnyCommand]) -> None:
        self.says(*several, name=name)

    @rule(data=st.data())
    def one_again(self, data: st.DataObject) -> None:
        if self.log.entries:
            again = data.draw(st.sampled_from(self.log.entries))
            self.says(again.command, name=again.name)

    @rule(said=dice(change_of_policy))
    def other_policy(self, said: AnyCommand) -> None:
        self.says(said)

    @rule(data=st.data(), passed=st.sampled_from(PASSED))
    def short_time_passes(self, data: st.DataObject, passed: int) -> None:
        self.time_passes(data, passed)

    def time_passes(self, data: st.DataObject, passed: int) -> None:
        self.log_time += passed
        self.says(data.draw(dice(lambda r: tick_at(r, self.log_time))))

    @rule(data=st.data())
    def long_time_passes(self, data: st.DataObject) -> None:
        if self.long_pauses < FEW:
            self.long_pauses += 1
            self.time_passes(data, LONG)

    @invariant()
    def agrees_with_the_model(self) -> None:
        assert_agrees(self.log, self.model)


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=max(25, SEQUENCES // 4), stateful_step_count=25)
