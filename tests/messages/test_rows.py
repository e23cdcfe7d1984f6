"""Rows and commands survive their bytes, and old bytes stay readable."""

from collections.abc import Iterator

import msgspec
import pytest

from atp_stream.domain.commands import Reserve
from atp_stream.domain.state.rows import Item
from atp_stream.domain.stock.rows import Stock
from atp_stream.messages.inbound import InputKind
from atp_stream.messages.rows import decode_command, decode_row, encode_command, encode_row, reader, scanner
from tests.messages.wire import CAMEL, command

ITEM = Item(stock=Stock(), channels={}, version=7)


@pytest.mark.parametrize("kind", InputKind)
def test_every_command_of_intake_survives_the_item_log(kind: InputKind) -> None:
    made = command(kind, CAMEL[kind])
    assert made == decode_command(encode_command(made))


def test_a_command_of_an_older_release_is_read() -> None:
    value = b'{"command":"reserve","event_id":"e","at":5,"reservation":"r","quantity":100,"from_the_future":1}'
    assert Reserve(event_id="e", at_us=5, reservation="r", quantity=100) == decode_command(value)


def test_what_is_no_command_is_an_error() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_command(b'{"command":"explode"}')


def test_a_row_is_read_by_the_kind_in_its_key() -> None:
    assert ITEM == decode_row("acme|item-001|i", encode_row(ITEM))


def test_the_fold_reads_rows_of_the_store() -> None:
    rows = {b"acme|item-001|i": encode_row(ITEM)}
    assert reader(rows.get)("acme|item-001|i") == ITEM
    assert reader(rows.get)("acme|item-002|i") is None


def test_the_fold_scans_rows_of_the_store() -> None:
    def scan(start: bytes) -> Iterator[tuple[bytes, bytes]]:
        assert start == "acme|é".encode()
        yield "acme|é|i".encode(), encode_row(ITEM)

    assert [("acme|é|i", ITEM)] == list(scanner(scan)("acme|é"))
