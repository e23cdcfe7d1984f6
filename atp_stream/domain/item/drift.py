"""Drift: a disagreement of counts and movements that outlasts a grace is published, and so is its end.

Law: events alternate: a gap (or another gap), then its end; a gap that closes within the grace is never published.
Source: docs/rules/stock.md#drift.
"""

from atp_stream.domain.events import StockDrifted
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.item.timers import start, stop
from atp_stream.domain.state.rows import Drift
from atp_stream.domain.time_units import US_PER_MS


def follow(item: OpenItem) -> None:
    """Take note of what a command has left of a gap; to be called while there is one, or was."""
    row, gap = item.row, item.row.stock.gap
    drift = row.drift
    if drift is None:
        row.drift = Drift(since_ms=item.log_time_ms)
        _start_grace(item, row.drift)
    elif not gap:
        if drift.timer_us is not None:
            stop(item, drift.timer_us, "")
        if drift.reported:
            _report(item, drift, resolved=True)
        row.drift = None
    elif gap != drift.reported and drift.timer_us is None:
        _start_grace(item, drift)


def report(item: OpenItem) -> None:
    """Tell the gap whose grace is over."""
    drift = item.row.drift
    assert drift is not None  # noqa: S101  (a gap that closes gives its timer up)
    drift.timer_us = None
    if drift.reported != item.row.stock.gap:
        drift.reported = item.row.stock.gap
        _report(item, drift, resolved=False)


def _start_grace(item: OpenItem, drift: Drift) -> None:
    drift.timer_us = start(item, item.log_time_ms * US_PER_MS + item.rules.drift_grace_us, "")


def _report(item: OpenItem, drift: Drift, *, resolved: bool) -> None:
    stock = item.row.stock
    item.events.append(
        StockDrifted(
            name=item.name, version=item.version, log_time_ms=item.log_time_ms, offset=item.offset,
            ordinal=item.ordinal, gap=stock.gap, on_hand=stock.on_hand, since_ms=drift.since_ms, resolved=resolved,
        )
    )  # fmt: skip
    item.ordinal += 1
