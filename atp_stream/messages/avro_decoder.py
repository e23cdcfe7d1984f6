"""Confluent-framed Avro to forms: read by the writer's schema, matched to ours by field name.

A *plan* is made once per schema: the writer's schema without its logical types, which fastavro would turn into slow
objects, and for each field that we know what its bare value means. So any writer whose names are ours can be read,
whatever its record is called, whether its quantity is a decimal, a long, a double or text, and whether the fields
stand in the record itself, in the `payload` of an envelope or in the `after` of a change that Debezium reports:
more than Avro's own resolution would allow.
"""

import struct
from io import BytesIO
from typing import Any, Final, NamedTuple, TypeAlias, cast

import msgspec
from fastavro import schemaless_reader

from atp_stream.domain.errors import Refused
from atp_stream.domain.reasons import Reason
from atp_stream.messages import avro_fast_path, debezium
from atp_stream.messages.avro_fast_path import Step
from atp_stream.messages.avro_fields import Reader, reader
from atp_stream.messages.event_types import foreign, is_another, is_ours
from atp_stream.messages.input_events import FORMS, Form, InputKind, Skipped
from atp_stream.messages.schema_bounds import Branch, branches

FRAME: Final = 5  # the magic byte 0 and the schema's id in four bytes
_PRODUCT: Final = {"product_id": "item_id", "productId": "itemId"}  # an item is a product for some


class Fields(NamedTuple):
    """How the fields of one record become those of a form: readers by the record's names, and what the form says."""

    form: type[Form]
    readers: dict[str, Reader]
    names: dict[str, str]

    def found(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return the form's fields that are not null."""
        bare = {written: record[written] for written in self.readers}
        return {self.names[one]: self.readers[one](value) for one, value in bare.items() if value is not None}


class Plan(msgspec.Struct, frozen=True, gc=False):
    """How one writer's record becomes a form; `inner` are the fields of the record in its field `wrapper`.

    Only where the record has a field for its event's type, that says whether an event of the `kind` was written.
    """

    kind: InputKind
    form: type[Form]
    fields: Fields
    schema: Any
    flat: tuple[Step, ...] | None
    wrapper: str
    inner: Fields | None
    is_typed: bool


Branches: TypeAlias = list[Plan | Skipped | Refused]
Plans: TypeAlias = Plan | Branches
"""The plan of a writer; of one that writes a union, what becomes of each of its branches."""


def plan(kind: InputKind, schema: Any) -> Plans:
    """Return how to read what was written by `schema`, as the registry has it.

    Raises:
        Refused: `bad_schema`, if it is no record, not Avro at all, or without bounds.
    """
    found = branches(schema)
    if not any(_is_record(branch.typed) for branch in found):
        raise Refused(Reason.BAD_SCHEMA, "no Avro record")
    plans = [_plan(kind, branch) for branch in found]
    if len(plans) == 1:
        if isinstance(plans[0], Refused):
            raise plans[0]
        if isinstance(plans[0], Plan):
            return plans[0]
    return plans


def _is_record(typed: Any) -> bool:
    return isinstance(typed, dict) and typed["type"] == "record"


def _plan(kind: InputKind, branch: Branch) -> Plan | Skipped | Refused:
    typed = branch.typed
    if not _is_record(typed):
        return Skipped.NULL if typed == "null" else Skipped(Skipped.FOREIGN, "it is no record")
    names = {field["name"]: _record_in(field["type"]) for field in typed["fields"]}
    wrapper = "after" if debezium.is_change(names) else "payload"
    inner = names.get(wrapper)
    is_typed = not names.keys().isdisjoint({"eventType", "event_type"})
    if not is_typed:
        called = [record["name"].rpartition(".")[2] for record in (typed, inner) if record is not None]
        if (foreign := _foreign(kind, called)) is not None:
            return foreign
    form = FORMS[kind]
    fields = _fields(form, typed)
    inside = None if inner is None else _fields(form, inner)
    if not (fields.readers or (inside is not None and inside.readers)):
        return Refused(Reason.BAD_SCHEMA, f"the record {typed['name']:.100} has none of the fields of this event")
    flat = _flat(fields, branch.bare) if inside is None else None
    return Plan(kind, form, fields, branch.bare, flat, wrapper, inside, is_typed)


def _flat(fields: Fields, bare: Any) -> tuple[Step, ...] | None:
    kinds = {field.name: field.type for field in msgspec.structs.fields(fields.form)}
    texts = {written for written, name in fields.names.items() if kinds[name] == str | None}
    found = avro_fast_path.steps(bare["fields"], fields.readers, texts)
    if found is None:
        return None
    return tuple(step._replace(name=None if step.name is None else fields.names[step.name]) for step in found)


def _foreign(kind: InputKind, names: list[str]) -> Skipped | None:
    if any(is_ours(kind, name) for name in names):
        return None
    return next(
        (Skipped(Skipped.FOREIGN, f"its record is a {name:.100}") for name in names if is_another(kind, name)), None
    )


def _record_in(declared: Any) -> Any:
    """Return the record that a field holds, if it holds one or null."""
    records = [branch for branch in (declared if isinstance(declared, list) else [declared]) if _is_record(branch)]
    return records[0] if len(records) == 1 else None


def _fields(form: type[Form], record: Any) -> Fields:
    known = {field.name: field.type for field in msgspec.structs.fields(form) if field.name != "payload"}
    readers, names = {}, {}
    for field in record["fields"]:
        written = field["name"]
        name = written if written in known else _PRODUCT.get(written, "")
        if name in known:
            readers[written], names[written] = reader(field, name, known[name]), name
    return Fields(form, readers, names)


def read(plans: Plans, value: bytes) -> Form | Skipped:
    """Return the form that the framed bytes hold.

    Raises:
        Refused: `undecodable`, `wrong_type`, or what is wrong with an amount.
    """
    try:
        if type(plans) is Plan:
            return _read(plans, value, FRAME)
        return _read_branch(cast(Branches, plans), value)
    except Refused:
        raise
    except (IndexError, EOFError, struct.error) as error:
        raise Refused(Reason.UNDECODABLE, "not written by its schema, or cut short") from error
    except Exception as error:  # bytes from outside make fastavro raise errors of a dozen types
        raise Refused(Reason.UNDECODABLE, f"not written by its schema: {error!s:.200}") from error


def _read_branch(branches: Branches, value: bytes) -> Form | Skipped:
    number, at = avro_fast_path.index(value, FRAME) if len(branches) > 1 else (0, FRAME)
    branch = branches[number]
    if isinstance(branch, Refused):
        raise Refused(branch.reason, branch.detail)
    return branch if isinstance(branch, Skipped) else _read(branch, value, at)


def _read(plan: Plan, value: bytes, at: int) -> Form | Skipped:
    if plan.flat is not None:
        form = plan.form(**avro_fast_path.read(plan.flat, value, at))
    elif isinstance(found := _read_any(plan, value, at), Skipped):
        return found
    else:
        form = found
    if plan.is_typed:
        event_type = form.eventType or form.event_type
        if event_type and not is_ours(plan.kind, event_type):
            return foreign(event_type)
    return form


def _read_any(plan: Plan, value: bytes, at: int) -> Form | Skipped:
    stream = BytesIO(value)
    stream.seek(at)
    record: Any = schemaless_reader(stream, plan.schema, None)
    if stream.tell() != len(value):
        raise ValueError("bytes left over")
    found = plan.fields.found(record)
    inner = record[plan.wrapper] if plan.inner is not None else None
    if plan.inner is None:
        return plan.fields.form(**found)
    if plan.wrapper == "after":
        if inner is None:
            return Skipped.DELETED
        row = plan.inner.form(**plan.inner.found(inner))
        row.timestamp = debezium.instant(record) if row.timestamp is None else row.timestamp
        return row
    if inner is None:
        return plan.fields.form(**found)
    return plan.fields.form(**found, payload=plan.inner.form(**plan.inner.found(inner)))
