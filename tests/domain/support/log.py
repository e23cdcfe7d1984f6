"""The log of one partition, folded over encoded rows as the engine does it, and short words for commands."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from atp_stream.domain.commands import (
    OF_PARTITION,
    AdjustStock,
    AnyCommand,
    Confirm,
    CountStock,
    EditItem,
    EditPolicy,
    Entry,
    Fulfil,
    Grant,
    Move,
    Release,
    Reserve,
    ResumeItem,
    Revoke,
    SetPolicy,
    Tick,
)
from atp_stream.domain.events import AnyEvent, AvailabilityCalculated
from atp_stream.domain.fold.ledger import Broken, Folded, fold
from atp_stream.domain.limits import DEFAULT_LIMITS
from atp_stream.domain.row_keys import kind_of
from atp_stream.domain.state.overlay import State, Tally
from atp_stream.domain.state.row_types import ROW_TYPES
from atp_stream.domain.state.rows import Item, Reservation

LAMP = "acme|lamp"
NOON = 1_700_000_000_000
"""Log time, in milliseconds."""
AT = NOON * 1000
"""The same moment as an event time, in microseconds."""


class Log:
    """A partition's log and what is committed of it; `steps` are the events of each step."""

    limits = DEFAULT_LIMITS

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.rows: dict[str, bytes] = {}
        self.steps: list[list[AnyEvent]] = []
        self.tallies: list[Tally] = []
        self.faults: list[int] = []
        self.breaks: set[int] = set()
        """Offsets of entries that are known to break the fold: their items are quarantined."""

    @property
    def events(self) -> list[AnyEvent]:
        return [event for step in self.steps for event in step]

    def say(self, *commands: AnyCommand, name: str = LAMP, log_time: int = NOON) -> list[AnyEvent]:
        """Append commands, fold them in one run, and return what happened."""
        first = len(self.steps)
        offset = self.entries[-1].offset + 1 if self.entries else 0
        entries = [
            Entry(0, offset + place, log_time, "|" if isinstance(command, OF_PARTITION) else name, command)
            for place, command in enumerate(commands)
        ]
        self.run(entries)
        return [event for step in self.steps[first:] for event in step]

    def run(self, entries: Sequence[Entry]) -> None:
        """Fold entries to the end, unfinished work included."""
        self.entries += entries
        left = list(entries)
        while True:
            folded = self.step(left)
            left = left[folded.consumed :]
            if not left and not folded.unfinished:
                return

    def step(self, entries: Sequence[Entry]) -> Folded:
        """Fold what one step takes, as the engine does: what breaks is folded again as broken."""
        broken = {offset: f"fault {offset}" for offset in self.breaks}
        while True:
            state = State(self.read, self.scan)
            try:
                folded = fold(state, entries, broken=broken, limits=self.limits)
            except Broken as error:
                broken[error.offset] = f"fault {error.offset}"
                self.faults.append(error.offset)
                continue
            break
        for key, row in state.changed.items():
            if row is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = msgspec.json.encode(row)
        self.steps.append(folded.events)
        self.tallies.append(state.tally)
        return folded

    def read(self, key: str) -> Any:
        row = self.rows.get(key)
        return None if row is None else msgspec.json.decode(row, type=ROW_TYPES[kind_of(key)])

    def scan(self, key: str) -> Iterator[tuple[str, Any]]:
        keys = sorted(self.rows)
        return ((found, self.read(found)) for found in keys[bisect_left(keys, key) :])

    def put(self, key: str, row: Any) -> None:
        """Put a row as an earlier version may have left it."""
        self.rows[key] = msgspec.json.encode(row)

    def item(self, name: str = LAMP) -> Item:
        row: Item = self.read(f"{name}|i")
        return row

    def reservation(self, reservation: str, name: str = LAMP) -> Reservation:
        row: Reservation = self.read(f"{name}|r|{reservation}")
        return row

    def shows(self, channel: str = "ECOM", name: str = LAMP) -> tuple[int, int]:
        """Return available and reserved of a channel."""
        row = self.item(name).channels[channel]
        return row.available, row.reserved

    def all_rows(self) -> dict[str, Any]:
        return {key: self.read(key) for key in self.rows}


def allocations(events: Sequence[AnyEvent]) -> list[AnyEvent]:
    """Return all but the availability events, which alone may be conflated."""
    return [event for event in events if not isinstance(event, AvailabilityCalculated)]


_ids = iter(range(10**9))


def _id() -> str:
    return f"event {next(_ids)}"


def adjust(delta: int, absolute: int | None = None, at: int = AT, **rest: Any) -> AdjustStock:
    return AdjustStock(**{"event_id": _id(), "at_us": at, "delta": delta, "absolute": absolute, **rest})


def count(on_hand: int, at: int = AT, **rest: Any) -> CountStock:
    return CountStock(**{"event_id": _id(), "at_us": at, "on_hand": on_hand, **rest})


def reserve(
    reservation: str,
    quantity: int,
    channel: str | None = "ECOM",
    at: int = AT,
    expires_at: int | None = None,
    **rest: Any,
) -> Reserve:
    stated = {"event_id": _id(), "at_us": at, "reservation": reservation, "quantity": quantity, "channel": channel}
    return Reserve(**{**stated, "expires_at_us": expires_at, **rest})


def confirm(reservation: str, at: int = AT, **rest: Any) -> Confirm:
    return Confirm(**{"event_id": _id(), "at_us": at, "reservation": reservation, **rest})


def release(reservation: str, quantity: int | None = None, at: int = AT, **rest: Any) -> Release:
    return Release(**{"event_id": _id(), "at_us": at, "reservation": reservation, "quantity": quantity, **rest})


def fulfil(reservation: str, quantity: int | None = None, at: int = AT, **rest: Any) -> Fulfil:
    return Fulfil(**{"event_id": _id(), "at_us": at, "reservation": reservation, "quantity": quantity, **rest})


def policy(document: object, event_id: str | None = None) -> SetPolicy:
    return SetPolicy(event_id=event_id or _id(), at_us=AT, document=msgspec.Raw(msgspec.json.encode(document)))


def edit(tenant: str, patch: object, **rest: Any) -> EditPolicy:
    stated = {"event_id": _id(), "at_us": AT, "tenant": tenant, "patch": msgspec.Raw(msgspec.json.encode(patch))}
    return EditPolicy(**{**stated, **rest})


def edit_item(patch: object, **rest: Any) -> EditItem:
    return EditItem(**{"event_id": _id(), "at_us": AT, "patch": msgspec.Raw(msgspec.json.encode(patch)), **rest})


def grant(channel: str, quantity: int | None = None, percent: int | None = None, **rest: Any) -> Grant:
    stated = {"event_id": _id(), "at_us": AT, "channel": channel, "quantity": quantity, "percent": percent}
    return Grant(**{**stated, **rest})


def revoke(channel: str, quantity: int | None = None, **rest: Any) -> Revoke:
    return Revoke(**{"event_id": _id(), "at_us": AT, "channel": channel, "quantity": quantity, **rest})


def move(channel: str, to: str, quantity: int, **rest: Any) -> Move:
    return Move(**{"event_id": _id(), "at_us": AT, "channel": channel, "to": to, "quantity": quantity, **rest})


def tick(at: int, **rest: Any) -> Tick:
    return Tick(**{"event_id": "tick", "at_us": at, **rest})


def resume() -> ResumeItem:
    return ResumeItem(event_id="resume", at_us=AT)
