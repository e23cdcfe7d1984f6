"""Changes of rows as Debezium reports them: `before`, `after`, `op`, `source`; the row is in `after`."""

from collections.abc import Container, Mapping
from typing import Any, Final

_MAX_INSTANT_US: Final = 10**18


def is_change(names: Container[str]) -> bool:
    """Return whether a record with fields of these names is a change of a row."""
    return "op" in names and "after" in names


def instant(change: Mapping[str, Any]) -> float | None:
    """Return when the row was changed in its database, in milliseconds; None if it does not say.

    `ts_ms` beside `source` is when the connector got to it: later, and another time after each of its restarts.
    """
    source = change.get("source")
    if not isinstance(source, Mapping):
        return None
    micros = source.get("ts_us")
    if isinstance(micros, int):
        return micros / 1000 if abs(micros) < _MAX_INSTANT_US else micros  # beyond that it is no instant anyway
    millis = source.get("ts_ms")
    return millis if isinstance(millis, int) else None
