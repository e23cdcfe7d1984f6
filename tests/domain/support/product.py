"""How the tests of stock read the product's rows: the only module of theirs that knows what the rows look like."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec
import pytest

from atp_stream.domain.events import AnyEvent, CommandRefused
from atp_stream.domain.row_keys import STOCK_TIME
from atp_stream.domain.stock import instants, place, series, spans
from atp_stream.domain.stock.generations import StockTimeRow
from tests.domain.model.stock import StockNumbers
from tests.domain.support.log import LAMP, Log

GENERATIONS = "|g|"
"""What the keys of all rows of generations begin with; the number of the generation follows, and `|`."""

OTHER_LETTERS = {"r", "q", "h", "t", "o"}
"""The letters in the keys of an item's rows that are none of stock."""

_NOTHING = StockNumbers(0, 0, 0, split=False)


def numbers(log: Log, name: str = LAMP) -> StockNumbers:
    """Return what the item's row says of its stock."""
    if f"{name}|i" not in log.rows:
        return _NOTHING
    stock = log.item(name).stock
    return StockNumbers(stock.on_hand, stock.gap, stock.basis, stock.split)


def refusals(events: Sequence[AnyEvent]) -> list[str]:
    return [event.reason for event in events if isinstance(event, CommandRefused)]


class Counters:
    """What an item's row has counted; two of them tell what became of the fact in between."""

    def __init__(self, log: Log, name: str = LAMP) -> None:
        row = log.item(name) if f"{name}|i" in log.rows else None
        self.duplicates = 0 if row is None else row.duplicates
        self.past = 0 if row is None else getattr(row, "past", 0)

    def outcome(self, after: "Counters", events: Sequence[AnyEvent]) -> str:
        """Return what became of a fact: applied, duplicate, past, or the reason of its letter."""
        reasons = refusals(events)
        if reasons:
            return reasons[0]
        if after.duplicates > self.duplicates:
            return "duplicate"
        return "past" if after.past > self.past else "applied"


def is_of_stock(key: str) -> bool:
    """Return whether the row of this key is one of stock: of a generation, or of an item or its places."""
    if key.startswith("|"):
        return key.startswith(GENERATIONS)
    parts = key.split("|", 3)
    return len(parts) > 2 and parts[2] not in OTHER_LETTERS


def rows_of_generations(log: Log) -> list[str]:
    return [key for key in log.rows if key.startswith(GENERATIONS)]


def generation_of(key: str) -> int:
    """Return the number of the generation that a row of one belongs to."""
    return int(key.split("|", 3)[2], 16)


def present_generation(rows: Mapping[str, bytes]) -> int:
    """Return the number of the present generation."""
    return msgspec.json.decode(rows[STOCK_TIME], type=StockTimeRow).generation


def values_of_places(log: Log, name: str = LAMP) -> dict[str, int]:
    """Return the value of each place of an item, as its rows tell it."""
    front = f"{name}|L|"
    return {key.removeprefix(front): log.read(key).value for key in log.rows if key.startswith(front)}


def widest_row(log: Log) -> tuple[int, str]:
    """Return the size in bytes of the widest row, and its key."""
    return max((len(row), key) for key, row in log.rows.items())


@contextmanager
def narrow_rows(most: int) -> Iterator[None]:
    """Let the tails and chunks of stock hold so few entries that small histories meet every border of them."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in (
            (series, "MAX_TAIL", most),
            (series, "FLUSHED", most - 1),
            (series, "MAX_CHUNK", most + 1),
            (instants, "MAX_INLINE", most),
            (instants, "PAGE_UNITS", most),
            (place, "MAX_IDS", most),
            (spans, "MAX_SPANS", most + 2),
            (spans, "MAX_BARE_SPANS", most + 2),
        ):
            patch.setattr(module, name, value)
        yield
