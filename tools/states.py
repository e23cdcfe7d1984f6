"""Draws the states of a reservation with Mermaid; it finds them by folding short sequences of commands.

States are those of the code's own enums, ends those of `End`; an arrow is there if some sequence took it.
"""

import copy
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from atp_stream.domain.commands import AnyCommand, Confirm, CountStock, Entry, Fulfil, Release, Reserve, SetPolicy, Tick
from atp_stream.domain.fold.ledger import fold
from atp_stream.domain.reservations.balances import Status, status
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.rows import End, Item, Reservation

_DEPTH: Final = 5
_NAME: Final = "acme|lamp"
_ROW: Final = f"{_NAME}|r|order-1"
_NOON: Final = 1_700_000_000_000  # milliseconds
_DAY: Final = 24 * 3_600_000
_FEW, _MANY, _STOCK = 4_00, 12_00, 10_00
_POLICY: Final = b'{"shortage":"deallocate","tenants":{"*":{"channels":{"ECOM":{}}}}}'


def _reserve(
    units: int, *, partial: bool = False, backorder: bool = True, later: bool = False
) -> Callable[[str, int], AnyCommand]:
    def made(event: str, now: int) -> AnyCommand:
        return Reserve(
            event_id=event,
            at_us=now * 1000,
            reservation="order-1",
            quantity=units,
            expires_at_us=None if later else (now + _DAY // 2) * 1000,
            wanted=now // _DAY + 2 if later else None,
            allow_partial=partial,
            allow_backorder=backorder,
        )

    return made


def _count(units: int) -> Callable[[str, int], AnyCommand]:
    return lambda event, now: CountStock(event_id=event, at_us=now * 1000, on_hand=units)


_CAUSES: Final[list[tuple[str, Callable[[str, int], AnyCommand]]]] = [
    ("create", _reserve(_FEW)),
    ("create", _reserve(_MANY)),
    ("create", _reserve(_MANY, partial=True)),
    ("create", _reserve(_MANY, backorder=False)),
    ("create", _reserve(_FEW, later=True)),
    ("confirm", lambda event, _: Confirm(event_id=event, at_us=_NOON * 1000, reservation="order-1")),
    ("release", lambda event, now: Release(event_id=event, at_us=now * 1000, reservation="order-1")),
    ("release", lambda event, now: Release(event_id=event, at_us=now * 1000, reservation="order-1", quantity=2_00)),
    ("fulfil", lambda event, now: Fulfil(event_id=event, at_us=now * 1000, reservation="order-1")),
    ("fulfil", lambda event, now: Fulfil(event_id=event, at_us=now * 1000, reservation="order-1", quantity=2_00)),
    ("limit over", lambda event, now: Tick(event_id=event, at_us=now * 1000)),
    ("stock", _count(_MANY)),
    ("stock", _count(2_00)),
    ("stock", _count(0)),
]


class _Story(NamedTuple):
    """The committed rows after some commands."""

    rows: Mapping[str, Any]
    length: int

    @property
    def on_hand(self) -> int:
        item: Item = self.rows[f"{_NAME}|i"]
        return item.stock.on_hand

    @property
    def state(self) -> Status | None:
        row: Reservation | None = self.rows.get(_ROW)
        return None if row is None else status(row)

    def then(self, make: Callable[[str, int], AnyCommand]) -> "_Story":
        """Return the story with one more command, a day later."""
        now, length, rows = _NOON + self.length * _DAY, self.length, self.rows
        command = make(f"event-{length}", now)
        name = "|" if isinstance(command, SetPolicy | Tick) else _NAME
        entries = [Entry(0, length, now, name, command)]
        unfinished = True
        while entries or unfinished:
            state = _state_of(rows)
            consumed, _, unfinished = fold(state, entries)
            entries = entries[consumed:]
            rows = {key: row for key, row in {**rows, **state.changed}.items() if row is not None}
        return _Story(rows, length + 1)

    @property
    def sign(self) -> bytes:
        """What decides how the story can go on; times do not."""
        row: Reservation | None = self.rows.get(_ROW)
        if row is None:
            return msgspec.json.encode(self.on_hand)
        parts = [sum(one.quantity for one in row.allocations), row.waiting, row.requested, row.released, row.fulfilled]
        flags = [row.confirmed, row.ended, row.release_rest, row.fulfil_rest is not None, row.allow_partial]
        by_day = [(one.day - _NOON // _DAY - self.length, one.quantity) for one in row.promises]
        return msgspec.json.encode([*parts, row.dropped, *flags, self.on_hand, by_day])


def _state_of(rows: Mapping[str, Any]) -> State:
    """Return committed rows under no changes; each row that is read is a copy."""
    keys = sorted(rows)

    def scan(start: str) -> Iterator[tuple[str, Any]]:
        return ((key, copy.deepcopy(rows[key])) for key in keys if key >= start)

    return State(lambda key: copy.deepcopy(rows.get(key)), scan)


def changes() -> dict[tuple[Status | None, Status], set[str]]:
    """Return each change of state that was found, with its cause; None is the state before the first command."""
    policy = _Story({}, 0).then(
        lambda event, now: SetPolicy(event_id=event, at_us=now * 1000, document=msgspec.Raw(_POLICY))
    )
    first = policy.then(_count(_STOCK))
    seen: dict[tuple[Status | None, Status], set[str]] = {}
    known, waiting = {first.sign}, deque([first])
    while waiting:
        story = waiting.popleft()
        for cause, make in _CAUSES:
            later = story.then(make)
            if later.state is not None and later.state is not story.state:
                seen.setdefault((story.state, later.state), set()).add(_edge(cause, story, later))
            if later.length - first.length < _DEPTH and later.sign not in known:
                known.add(later.sign)
                waiting.append(later)
    return seen


def _edge(cause: str, before: _Story, after: _Story) -> str:
    if cause == "stock":
        return "stock arrives" if after.on_hand > before.on_hand else "stock is lost"
    if cause == "limit over" and before.state is Status.PROMISED and after.state is not Status.EXPIRED:
        return "its day comes"
    return "newer create" if cause == "create" and before.state not in {None, Status.PENDING} else cause


def picture() -> str:
    """Return the picture, as a block of Markdown."""
    order: list[Status | None] = [None, *Status]
    seen = sorted(changes().items(), key=lambda one: (order.index(one[0][0]), order.index(one[0][1])))
    arrows = [f"  {before or '[*]'} --> {after}: {', '.join(sorted(causes))}" for (before, after), causes in seen]
    ends = [f"  {end} --> [*]" for end in End]
    return "\n".join(["```mermaid", "stateDiagram-v2", *arrows, *ends, "```"])
