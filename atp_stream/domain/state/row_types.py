"""The type of each row of the state, by the kind of its key."""

from typing import Any, Final

from atp_stream.domain.state.partition_rows import Clock, FoldRow, PolicyRow, PurgeRow, Sweep
from atp_stream.domain.state.rows import Backorder, DeferredCommand, Due, Item, Ranked, Reservation
from atp_stream.domain.stock.generations import StockTimeRow
from atp_stream.domain.stock.rows import Chains, Instant, Location, Mark, Shipped
from atp_stream.domain.stock.upgrade import OldLocation
from atp_stream.domain.supply.rows import CurveRow, Supply

ROW_TYPES: Final[dict[str, Any]] = {
    "i": Item,
    "L": Location,
    "N": Mark,
    "K": Mark,
    "F": list[Instant],
    "X": list[Shipped],
    "C": Chains,
    "l": OldLocation,
    "r": Reservation,
    "q": Backorder,
    "h": DeferredCommand,
    "t": Due,
    "o": Due,
    "c": CurveRow,
    "s": Supply,
    "p": Due,
    "d": Ranked,
    "v": Ranked,
    "f": Backorder,
    "w": Due,
    "b": Ranked,
    "policy": PolicyRow,
    "sweep": Sweep,
    "work": Due,
    "quarantine": Due,
    "clock": Clock,
    "timer": Due,
    "stock_time": StockTimeRow,
    "purge": PurgeRow,
    "fold": FoldRow,
    "ref": Due,
}
"""The type of a row by the kind of its key."""
