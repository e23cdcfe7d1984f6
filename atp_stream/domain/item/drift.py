"""Drift: counts and movements of an item that disagree for longer than a grace are told, and so is their agreement.

Law: what is told alternates: a gap (or another gap), then its end; a gap that closes within the grace is never told.
Source: docs/rules/stock.md#drift.
"""

from atp_stream.domain.events import StockDrifted
from atp_stream.domain.item.open_item import MICROSECONDS, ItemFold
from atp_stream.domain.item.timers import start, stop
from atp_stream.domain.state.rows import Drift


def follow(x: ItemFold) -> None:
    """Take note of what a command has left of a gap; to be called while there is one, or was."""
    item, gap = x.item, x.item.stock.gap
    drift = item.drift
    if drift is None:
        item.drift = Drift(since=x.log_time)
        _wait(x, item.drift)
    elif not gap:
        if drift.timer is not None:
            stop(x, drift.timer, "")
        if drift.told:
            _tell(x, drift, resolved=True)
        item.drift = None
    elif gap != drift.told and drift.timer is None:
        _wait(x, drift)


def tell(x: ItemFold) -> None:
    """Tell the gap whose grace is over."""
    drift = x.item.drift
    assert drift is not None  # noqa: S101  (a gap that closes gives its timer up)
    drift.timer = None
    if drift.told != x.item.stock.gap:
        drift.told = x.item.stock.gap
        _tell(x, drift, resolved=False)


def _wait(x: ItemFold, drift: Drift) -> None:
    drift.timer = start(x, x.log_time * MICROSECONDS + x.rules.drift_grace, "")


def _tell(x: ItemFold, drift: Drift, *, resolved: bool) -> None:
    stock = x.item.stock
    x.events.append(
        StockDrifted(
            name=x.name, version=x.version, at=x.log_time, offset=x.offset, ordinal=x.ordinal,
            gap=stock.gap, on_hand=stock.on_hand, since=drift.since, resolved=resolved,
        )
    )  # fmt: skip
    x.ordinal += 1
