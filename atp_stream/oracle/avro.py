"""Avro by hand, as much of it as our events need: records of texts, numbers, bytes, lists, and unions with null."""

import struct
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

FRAME = 5  # bytes before a framed record: 0, and the schema's id in four
_MORE = 0x80  # a byte of a number that is not its last
_MAX_BITS = 63  # bits


class NotAvro(Exception):
    """The bytes were not written by the schema."""


class _Bytes:
    def __init__(self, value: bytes) -> None:
        self._value = value
        self._at = 0

    def take(self, count: int) -> bytes:
        found = self._value[self._at : self._at + count]
        if count < 0 or len(found) < count:
            raise NotAvro("cut short")
        self._at += count
        return found

    def long(self) -> int:
        number = shift = 0
        while True:
            byte = self.take(1)[0]
            number |= (byte & ~_MORE) << shift
            shift += 7
            if byte < _MORE:
                return (number >> 1) ^ -(number & 1)
            if shift > _MAX_BITS:
                raise NotAvro("a number without end")

    @property
    def empty(self) -> bool:
        return self._at == len(self._value)


def schema_id(value: bytes | None) -> int | None:
    """Return the id of the schema of a framed value, None if it is no such value."""
    if value is None or value[:1] != b"\0" or len(value) < FRAME:
        return None
    return int.from_bytes(value[1:FRAME], "big")


def decode(value: bytes, schema: Any) -> dict[str, Any]:
    """Return the fields of a record; decimals as Decimal, timestamps as the numbers that they are.

    Raises:
        NotAvro: the bytes do not fit the schema.
    """
    source = _Bytes(value)
    try:
        found = {field["name"]: _field(source, field["type"]) for field in schema["fields"]}
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise NotAvro(repr(error)) from error
    if not source.empty:
        raise NotAvro("bytes left over")
    return found


def _field(source: _Bytes, kind: Any) -> Any:  # noqa: PLR0911 - one line a type
    if isinstance(kind, list):
        return _field(source, kind[source.long()])
    name = kind["type"] if isinstance(kind, dict) else kind
    if name == "null":
        return None
    if name == "boolean":
        return source.take(1) == b"\1"
    if name in {"int", "long"}:
        return source.long()
    if name == "double":
        return Decimal(repr(struct.unpack("<d", source.take(8))[0]))
    if name == "string":
        return source.take(source.long()).decode()
    if name == "record":
        return {field["name"]: _field(source, field["type"]) for field in kind["fields"]}
    if name == "array":
        return list(_entries(source, kind["items"]))
    if name == "bytes":
        unscaled = int.from_bytes(source.take(source.long()), "big", signed=True)
        return Decimal(unscaled).scaleb(-kind["scale"])
    raise NotAvro(f"a type that our events do not have: {name}")


def _entries(source: _Bytes, kind: Any) -> Iterator[Any]:
    """Yield what the blocks of a list hold; where a block begins with its length, its count is below 0."""
    while count := source.long():
        if count < 0:
            source.long()
        for _ in range(abs(count)):
            yield _field(source, kind)
