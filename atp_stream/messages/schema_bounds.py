"""Avro schemas from outside, held to bounds before anything is read by them.

A schema decides what a message can cost: by a recursive one, twenty kilobytes nest deeper than the stack of fastavro's
C code; by an array of nothing, fourteen bytes are 200 million items.
"""

from typing import Any, Final, NamedTuple

from fastavro import parse_schema
from fastavro.schema import SchemaParseException, UnknownType

from atp_stream.domain.errors import Refused
from atp_stream.domain.reasons import Reason
from atp_stream.messages.limits import MAX_SCHEMA_DEPTH, MAX_SCHEMA_PARTS, MAX_VALUES_PER_BYTE
from atp_stream.messages.registered import Composed, Language

_JSON_LEVELS: Final = 5  # of JSON to one of Avro: a field's type stands in an object in a list in an object
_PLAIN: Final = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string", "enum"})
_LEAST_BYTES: Final = {"null": 0, "float": 4, "double": 8}  # of all others: 1


class Branch(NamedTuple):
    """One type that a message may be of: `bare` for fastavro, `typed` with its logical types and no name left open.

    Without logical types fastavro gives plain numbers and bytes, and no slow objects.
    """

    bare: Any
    typed: Any


def branches(schema: Any) -> list[Branch]:
    """Return what a registered schema allows at its top: its branches if it is a union, else itself alone.

    Raises:
        Refused: `bad_schema`.
    """
    if isinstance(schema, Language):
        raise Refused(Reason.BAD_SCHEMA, f"a schema in {schema.name}; Avro and JSON Schema are read")
    main, definitions = schema if isinstance(schema, Composed) else (schema, ())
    for part in (*definitions, main):
        _refuse_large(part)
    try:
        bare = _parsed(_without_logical_types(main), _without_logical_types(list(definitions)), expand=False)
        typed = _parsed(main, definitions, expand=True)
        for branch in typed:
            _Bounds().excess(branch)
    except (SchemaParseException, UnknownType) as error:
        raise Refused(Reason.BAD_SCHEMA, f"no valid Avro schema: {error!s:.200}") from error
    except Refused:
        raise
    except Exception as error:  # whatever fastavro makes of a schema from outside
        raise Refused(Reason.BAD_SCHEMA, "no valid Avro schema: a part of it is malformed") from error
    return [Branch(*pair) for pair in zip(bare, typed, strict=True)]


def _parsed(schema: Any, definitions: Any, *, expand: bool) -> list[Any]:
    named: dict[str, Any] = {}
    for definition in definitions:
        parse_schema(definition, named, expand=expand, _force=True)
    parts = schema if isinstance(schema, list) else [schema]
    found = [parse_schema(part, named, expand=expand, _force=True) for part in parts]
    # A name alone is parsed to itself.
    return [_by_name(part, named) for part in found]


def _by_name(part: Any, named: dict[str, Any]) -> Any:
    if isinstance(part, str) and part in named:
        return {**named[part], "__fastavro_parsed": True, "__named_schemas": named}
    return part


def _refuse_large(schema: Any) -> None:
    """Refuse what is too deep or too large for a parser that recurses."""
    level, parts = [schema], 0
    for _ in range(_JSON_LEVELS * MAX_SCHEMA_DEPTH):
        level = [inner for part in level for inner in _inside(part)]
        parts += len(level)
        if not level:
            return
        if parts > _JSON_LEVELS * MAX_SCHEMA_PARTS:
            break
    raise _too_large()


def _inside(part: Any) -> list[Any]:
    parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return [inner for inner in parts if isinstance(inner, dict | list)]


def _too_large() -> Refused:
    return Refused(
        Reason.BAD_SCHEMA, f"deeper than {MAX_SCHEMA_DEPTH} levels, or of more than {MAX_SCHEMA_PARTS} types"
    )


class _Bounds:
    """One look through a schema without open names; what is still a name there is that of a type that holds itself."""

    def __init__(self) -> None:
        self._parts = 0

    def excess(self, part: Any, depth: int = 0) -> int:
        """Return by how many values one of this type may exceed what its bytes allow, at the most.

        What an array or a map repeats must exceed it by none: so a message of n bytes makes no more values than
        MOST_VALUES_PER_BYTE x n, and those of one look at the schema.

        Raises:
            Refused: there is no such bound, or the schema is too large.
        """
        self._parts += 1
        if depth > MAX_SCHEMA_DEPTH or self._parts > MAX_SCHEMA_PARTS:
            raise _too_large()
        if isinstance(part, list):
            return max((self.excess(one, depth + 1) for one in part), default=0) - MAX_VALUES_PER_BYTE
        kind = part if isinstance(part, str) else part["type"]
        if kind in {"record", "error"}:
            return 1 + sum(self.excess(field["type"], depth + 1) for field in part["fields"])
        if kind in {"array", "map"}:
            return self._block(kind, self.excess(part["items" if kind == "array" else "values"], depth + 1))
        if not isinstance(kind, str):  # a type around a type
            return self.excess(kind, depth + 1)
        return 1 - MAX_VALUES_PER_BYTE * (int(part["size"]) if kind == "fixed" else _least_bytes(kind))

    @staticmethod
    def _block(kind: str, item: int) -> int:
        if item > (MAX_VALUES_PER_BYTE if kind == "map" else 0):  # a key takes a byte at least
            raise Refused(Reason.BAD_SCHEMA, f"{kind}s of what takes next to no bytes: messages could be endless")
        return 1 - MAX_VALUES_PER_BYTE


def _least_bytes(name: str) -> int:
    if name not in _PLAIN:
        raise Refused(Reason.BAD_SCHEMA, f"{name:.100} holds itself: messages could nest without end")
    return _LEAST_BYTES.get(name, 1)


def _without_logical_types(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {name: _without_logical_types(part) for name, part in schema.items() if name != "logicalType"}
    if isinstance(schema, list):
        return [_without_logical_types(part) for part in schema]
    return schema
