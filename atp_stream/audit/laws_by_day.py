"""What must hold of the rows of supplies and promises by themselves: sums of an item's curve are those of its rows."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from atp_stream.domain.row_keys import GENERATIONS, kind_of
from atp_stream.domain.state.rows import Item, Reservation
from atp_stream.domain.supply import register
from atp_stream.domain.supply.rows import CurveRow, Supply
from atp_stream.engine.scratch_store import Scratch
from atp_stream.messages.rows import decode_row

_KINDS: Final = frozenset("icrs")


class _Sums:
    """What the rows of one item say of days, and what they come to."""

    def __init__(self) -> None:
        self.curve = CurveRow()
        self.channels: dict[str, int] = {}
        self.promised: Counter[int] = Counter()
        self.expected: Counter[int] = Counter()
        self.of_channels: Counter[str] = Counter()

    def add(self, row: object) -> None:
        """Take note of a row."""
        match row:
            case CurveRow():
                self.curve = row
            case Item():
                self.channels = {name: channel.promised for name, channel in row.channels.items() if channel.promised}
            case Reservation():
                for one in row.promises:
                    self.promised[one.day] += one.quantity
                    self.of_channels[row.channel] += one.quantity
            case Supply():
                holds = register.holds(row)
                if holds is not None and register.counts(row) and register.open_units(row):
                    self.expected[holds.day] += register.open_units(row)
            case _:
                pass

    def broken(self, name: str) -> Iterator[str]:
        """Yield in words what does not add up."""
        promised = {one.day: one.promised for one in self.curve.days if one.promised}
        expected = {one.day: one.supply for one in self.curve.days if one.supply}
        for what, said, found in (
            ("promises", promised, dict(self.promised)),
            ("supplies", expected, dict(self.expected)),
        ):
            if said != found:
                yield f"row {name}|c sums its {what} by day as {_words(said)}, and they are {_words(found)}"
        if self.channels != self.of_channels:
            found_ = _words(dict(self.of_channels))
            yield f"row {name}|i sums its promises by channel as {_words(self.channels)}, and they are {found_}"


def broken_laws_by_day(rows: Scratch, mine: Callable[[bytes], bool]) -> Iterator[str]:
    """Yield, in words, what is wrong with the dates of the items whose keys `mine` accepts."""
    name, sums = "", _Sums()
    for raw, row in rows.scan():
        key = raw.decode()
        if key.startswith(("|", GENERATIONS)) or kind_of(key) not in _KINDS or not mine(raw):
            continue
        if not key.startswith(f"{name}|"):
            yield from sums.broken(name)
            name, sums = "|".join(key.split("|", 2)[:2]), _Sums()
        if kind_of(key) != "r" or b'"promises"' in row:  # most reservations have none
            try:
                sums.add(decode_row(key, row))
            except msgspec.DecodeError:  # then it differs from what the log says
                continue
    yield from sums.broken(name)


def _words(sums: dict[int, int] | dict[str, int]) -> str:
    return msgspec.json.encode({str(name): units for name, units in sums.items()}, order="sorted").decode()
