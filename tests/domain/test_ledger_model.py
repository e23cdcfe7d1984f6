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
)
from atp_stream.domain.holdings import allocated
from atp_stream.domain.rows import Item
from tests.domain.histories import NAMES, commands, documents, histories
from tests.domain.log import NOON, Log, policy
from tests.domain.model import ItemModel, Model


def happened(events: list[AnyEvent], name: str) -> list[tuple[Any, ...]]:
    told: list[tuple[Any, ...]] = []
    for event in events:
        if event.name == name:
            match event:
                case AllocationCommitted():
                    told.append(("committed", event.reservation, event.quantity))
                case AllocationReleased():
                    told.append(("released", event.reservation, event.quantity))
                case ReservationDenied():
                    told.append(("denied", event.reservation, event.quantity))
    return told


def numbers(log: Log, name: str, item: Item) -> dict[str, Any]:
    rows = {key.split("|", 3)[3]: log.read(key) for key in log.rows if key.startswith(f"{name}|r|")}
    return {
        "on_hand": item.stock.on_hand,
        "safety_stock": item.safety_stock,
        "channels": {channel: (row.available, row.reserved, row.waiting) for channel, row in item.channels.items()},
        "orders": {
            reservation: (row.channel, allocated(row), row.waiting, row.ended is not None, row.confirmed)
            for reservation, row in rows.items()
        },
    }


def expected(model: ItemModel) -> dict[str, Any]:
    return {
        "on_hand": model.on_hand(),
        "safety_stock": model.safety_stock(),
        "channels": {
            channel: (
                model.available(channel),
                model.reserved(channel),
                sum(part[1] for order in model.orders.values() if order.channel == channel for part in order.waits),
            )
            for channel in model.channels
        },
        "orders": {
            name: (
                order.channel,
                sum(units for _, units in order.promised),
                sum(units for _, units in order.waits),
                order.over,
                order.confirmed,
            )
            for name, order in model.orders.items()
        },
    }


def assert_agrees(log: Log, model: Model) -> None:
    items = {key[:-2]: log.item(key[:-2]) for key in log.rows if key.endswith("|i")}
    assert {name: expected(item) for name, item in model.items.items()} == {
        name: numbers(log, name, item) for name, item in items.items()
    }
    assert {name: item.events for name, item in model.items.items()} == {
        name: happened(log.events, name) for name in items
    }
    assert model.refused == [(e.offset, e.reason) for e in log.events if isinstance(e, CommandRefused)]


@given(histories(), st.integers(1, 30))
def test_rows_and_events_are_those_of_the_model(entries: list[Entry], run: int) -> None:
    log = Log()
    for start in range(0, len(entries), run):
        log.run(entries[start : start + run])
    assert_agrees(log, Model(entries))


class LedgerMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.log = Log()

    @rule(name=NAMES, command=commands())
    def one_command(self, name: str, command: AnyCommand) -> None:
        self.log.say(command, name=name)

    @rule(name=NAMES, several=st.lists(commands(), min_size=2, max_size=5))
    def several_in_one_step(self, name: str, several: list[AnyCommand]) -> None:
        self.log.say(*several, name=name)

    @rule(data=st.data())
    def one_again(self, data: st.DataObject) -> None:
        if self.log.entries:
            again = data.draw(st.sampled_from(self.log.entries))
            self.log.say(again.command, name=again.name, log_time=NOON)

    @rule(document=documents())
    def other_policy(self, document: dict[str, Any]) -> None:
        self.log.say(policy(document))

    @invariant()
    def agrees_with_the_model(self) -> None:
        assert_agrees(self.log, Model(self.log.entries))


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=25, stateful_step_count=20)
