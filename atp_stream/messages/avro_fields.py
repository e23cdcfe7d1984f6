"""What the bare values of Avro's fields mean: for each field that we know, a reader made once per schema."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeAlias

from atp_stream.domain.errors import Refused
from atp_stream.domain.reasons import Reason
from atp_stream.messages import amounts
from atp_stream.messages.input_events import IDS, Amount, Date, Document, Stamp
from atp_stream.messages.timestamps import LEAST_MICROS, DayNumber, Micros

Reader: TypeAlias = Callable[[Any], Any]
_UNITS: Final = {  # of a long, in parts of a second
    "timestamp-millis": 1_000,
    "local-timestamp-millis": 1_000,
    "timestamp-micros": 1_000_000,
    "local-timestamp-micros": 1_000_000,
    "timestamp-nanos": 1_000_000_000,
    "local-timestamp-nanos": 1_000_000_000,
}


def reader(field: dict[str, Any], name: str, meaning: Any) -> Reader:
    """Return what becomes of a field's value where it is to have a form's `meaning` under `name`."""
    logical = _logical(field)
    if meaning is Amount:
        return _amount_reader(name, logical.get("scale", 0) if logical["logicalType"] == "decimal" else None)
    if meaning is Date:
        return _date_reader(name, logical["logicalType"])
    if meaning is Document:
        return _plain_reader(name, str)
    if meaning == Stamp | None:
        return _stamp_reader(name, _UNITS.get(logical["logicalType"]))
    if name in IDS:
        return _id_reader(name)
    return _plain_reader(name, next(kind for kind in (str, bool, int) if meaning == kind | None))


def _logical(field: dict[str, Any]) -> dict[str, Any]:
    # The seed's schemas have the logical type beside `type`, where Avro ignores it: what was meant is clear.
    declared = field["type"]
    branches = declared if isinstance(declared, list) else [declared]
    for branch in (*branches, field):
        if isinstance(branch, dict) and "logicalType" in branch:
            return branch
    return {"logicalType": None}


def _amount_reader(name: str, scale: int | None) -> Reader:
    def read_amount(bare: Any) -> Any:
        if type(bare) is bytes and scale is not None and bare:
            return amounts.from_decimal(bare, scale)
        if type(bare) is float:
            return Decimal(repr(bare))  # the shortest text that is this double: what its writer saw
        if type(bare) in (int, str):
            return bare
        raise Refused(Reason.WRONG_TYPE, f"{name}: {bare!r:.100} is not a quantity")

    return read_amount


def _stamp_reader(name: str, per_second: int | None) -> Reader:
    def read_stamp(bare: Any) -> Any:
        if type(bare) is int and per_second is not None:
            found = bare * 1_000_000 // per_second
            if found < LEAST_MICROS:
                raise Refused(Reason.BAD_TIMESTAMP, f"{name}: {bare} is not in the unit that its schema says")
            return Micros(found)
        if type(bare) in (int, str, float):
            return bare
        raise Refused(Reason.BAD_TIMESTAMP, f"{name}: {bare!r:.100} is not a timestamp")

    return read_stamp


def _date_reader(name: str, logical: str | None) -> Reader:
    if logical == "date":
        return lambda bare: DayNumber(_plain_reader(name, int)(bare))
    return _stamp_reader(name, _UNITS.get(logical or ""))


def _id_reader(name: str) -> Reader:
    def read_id(bare: Any) -> Any:
        if type(bare) is str:
            return bare
        if type(bare) is int:
            return str(bare)
        raise Refused(Reason.WRONG_TYPE, f"{name}: expected text or a whole number, got {bare!r:.100}")

    return read_id


def _plain_reader(name: str, kind: type) -> Reader:
    def read_plain(bare: Any) -> Any:
        if type(bare) is kind:
            return bare
        raise Refused(Reason.WRONG_TYPE, f"{name}: expected {kind.__name__}, got {bare!r:.100}")

    return read_plain
