"""Confluent-framed Avro to forms: read by the writer's schema, matched to ours by field name.

A *plan* is made once per schema: the writer's schema without its logical types, which fastavro would turn into slow
objects, and for each field that we know what its bare value means. So any writer whose names are ours can be read,
whether its quantity is a decimal, a long, a double or text: more than Avro's own resolution would allow.
"""

from collections.abc import Callable
from decimal import Decimal
from io import BytesIO
from typing import Any, Final, NamedTuple, cast

import msgspec
from fastavro import parse_schema, schemaless_reader

from atp_stream.domain import quantity
from atp_stream.domain.errors import Refused
from atp_stream.messages import amounts, avro_flat
from atp_stream.messages.amounts import Hundredths
from atp_stream.messages.avro_flat import Step
from atp_stream.messages.forms import FORMS, Amount, Document, Form, InputKind, Stamp, is_ours
from atp_stream.messages.moments import Micros
from atp_stream.messages.reasons import Reason

FRAME: Final = 5  # the magic byte 0 and the schema's id in four bytes
_UNITS: Final = {  # of a long, in parts of a second
    "timestamp-millis": 1_000,
    "local-timestamp-millis": 1_000,
    "timestamp-micros": 1_000_000,
    "local-timestamp-micros": 1_000_000,
    "timestamp-nanos": 1_000_000_000,
    "local-timestamp-nanos": 1_000_000_000,
}


class Plan(NamedTuple):
    """How one writer's bytes become a form."""

    form: type[Form]
    schema: Any
    readers: dict[str, Callable[[Any], Any]]
    flat: tuple[Step, ...] | None


def plan(kind: InputKind, schema: Any) -> Plan | None:
    """Return how to read what was written by `schema` (as parsed JSON), or None if it is an event of another type.

    Raises:
        Refused: `bad_schema`, if it is no record or not Avro at all.
    """
    try:
        bare = cast(Any, parse_schema(_without_logical_types(schema), _force=True))
        name = bare["name"].rpartition(".")[2]
        fields = schema["fields"]
    except Exception as error:  # whatever fastavro says about a schema from outside
        raise Refused(Reason.BAD_SCHEMA, f"no Avro record: {error!r:.200}") from error
    if not is_ours(kind, name):
        return None
    form = FORMS[kind]
    known = {known.name: known.type for known in msgspec.structs.fields(form) if known.name != "payload"}
    readers = {f["name"]: _reader(f, known[f["name"]]) for f in fields if f["name"] in known}
    texts = {name for name in readers if known[name] == str | None}
    return Plan(form, bare, readers, avro_flat.steps(bare["fields"], readers, texts))


def read(plan: Plan, value: bytes) -> Form:
    """Return the form that the framed bytes hold.

    Raises:
        Refused: `undecodable`, `wrong_type`, or what is wrong with an amount.
    """
    try:
        found = _read_any(plan, value) if plan.flat is None else avro_flat.read(plan.flat, value, FRAME)
    except Refused:
        raise
    except Exception as error:  # bytes from outside make fastavro raise errors of a dozen types
        raise Refused(Reason.UNDECODABLE, f"not written by its schema: {error!r:.200}") from error
    return plan.form(**found)


def _read_any(plan: Plan, value: bytes) -> dict[str, Any]:
    stream = BytesIO(value)
    stream.seek(FRAME)
    record: Any = schemaless_reader(stream, plan.schema, None)
    if stream.tell() != len(value):
        raise ValueError("bytes left over")
    return {name: reader(record[name]) for name, reader in plan.readers.items() if record[name] is not None}


def _without_logical_types(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {name: _without_logical_types(part) for name, part in schema.items() if name != "logicalType"}
    if isinstance(schema, list):
        return [_without_logical_types(part) for part in schema]
    return schema


def _reader(field: dict[str, Any], meaning: Any) -> Callable[[Any], Any]:
    logical = _logical(field)
    if meaning is Amount:
        return _amount_reader(field["name"], logical.get("scale", 0) if logical["logicalType"] == "decimal" else None)
    if meaning is Document:
        return _plain_reader(field["name"], str)
    if meaning == Stamp | None:
        return _stamp_reader(field["name"], _UNITS.get(logical["logicalType"]))
    return _plain_reader(field["name"], next(kind for kind in (str, bool, int) if meaning == kind | None))


def _logical(field: dict[str, Any]) -> dict[str, Any]:
    # The seed's schemas have the logical type beside `type`, where Avro ignores it: what was meant is clear.
    declared = field["type"]
    branches = declared if isinstance(declared, list) else [declared]
    for branch in (*branches, field):
        if isinstance(branch, dict) and "logicalType" in branch:
            return branch
    return {"logicalType": None}


def _amount_reader(name: str, scale: int | None) -> Callable[[Any], Any]:
    def read_amount(bare: Any) -> Any:
        if type(bare) is bytes and scale is not None and bare:
            return amounts.from_decimal(bare, scale)
        if type(bare) is float:
            return Decimal(repr(bare))  # the shortest text that is this double: what its writer saw
        if type(bare) in (int, str):
            return bare
        raise Refused(Reason.WRONG_TYPE, f"{name}: {bare!r:.100} is no amount")

    return read_amount


def _stamp_reader(name: str, per_second: int | None) -> Callable[[Any], Any]:
    def read_stamp(bare: Any) -> Any:
        if type(bare) is int and per_second is not None:
            return Micros(bare * 1_000_000 // per_second)
        if type(bare) in (int, str, float):
            return bare
        raise Refused(Reason.BAD_TIMESTAMP, f"{name}: {bare!r:.100} is no instant")

    return read_stamp


def _plain_reader(name: str, kind: type) -> Callable[[Any], Any]:
    def read_plain(bare: Any) -> Any:
        if type(bare) is kind:
            return bare
        raise Refused(Reason.WRONG_TYPE, f"{name}: expected {kind.__name__}, got {bare!r:.100}")

    return read_plain


def amount(found: object) -> int | None:
    """Return the amount of a form's field in hundredths, None if it is absent; either wire's field will do.

    Raises:
        Refused: as `quantity.parse`.
    """
    if type(found) is msgspec.Raw:
        return amounts.from_json(bytes(found)) if found else None
    if type(found) is Hundredths:
        return int(found)
    return quantity.parse(found)
