"""Rows and log records to bytes and back: JSON, so that an operator can read a changelog with any consumer."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from atp_stream.domain.commands import AnyCommand
from atp_stream.domain.row_keys import kind_of
from atp_stream.domain.state.row_types import ROW_TYPES

encode_row: Callable[[Any], bytes] = msgspec.json.Encoder().encode
"""Return a row as it stands in the table and its changelog."""

encode_command: Callable[[AnyCommand], bytes] = encode_row
"""Return the item-log record's value."""

decode_command: Callable[[bytes], AnyCommand] = msgspec.json.Decoder(AnyCommand).decode
"""Return the command of an item-log record.

Raises msgspec.DecodeError: the record was made neither by intake nor by an operator's command.
"""

_row_decoders = {kind: msgspec.json.Decoder(row_type).decode for kind, row_type in ROW_TYPES.items()}


def decode_row(key: str, value: bytes) -> Any:
    """Return the row that `value` holds; its type follows from its key."""
    return _row_decoders[kind_of(key)](value)


def reader(read: Callable[[bytes], bytes | None]) -> Callable[[str], Any]:
    """Return how the fold reads a row, from how the store does."""

    def row(key: str) -> Any:
        value = read(key.encode())
        return None if value is None else decode_row(key, value)

    return row


def scanner(scan: Callable[[bytes], Iterator[tuple[bytes, bytes]]]) -> Callable[[str], Iterator[tuple[str, Any]]]:
    """Return how the fold scans rows, from how the store does."""

    def rows(start: str) -> Iterator[tuple[str, Any]]:
        for key, value in scan(start.encode()):
            name = key.decode()
            yield name, decode_row(name, value)

    return rows
