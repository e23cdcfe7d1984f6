"""What a refused message is about: what its JSON names, in whatever form it comes."""

import pytest

from atp_stream.messages.input_events import InputKind
from atp_stream.messages.subjects import About, about


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b'{"itemId":"lamp","reservationId":"r"}', About("lamp", "r")),
        (b'{"item_id":4711,"reservation_id":9,"quantity":0}', About("4711", "9")),
        (b'{"eventId":"e","payload":{"itemId":"lamp","reservationId":"r"}}', About("lamp", "r")),
        (b'{"schema":null,"payload":{"itemId":"lamp","quantity":"x"}}', About("lamp", None)),
        (b'{"before":null,"after":{"item_id":7,"quantity":0},"op":"c"}', About("7", None)),
        (b'{"specversion":"1.0","id":"1","source":"s","data":{"itemId":"lamp"}}', About("lamp", None)),
        (b'\xef\xbb\xbf{"itemId":"lamp"}', About("lamp", None)),
        (b'\0\0\0\0\7{"itemId":"lamp"}', About("lamp", None)),
        (b'"{\\"itemId\\":\\"lamp\\"}"', About("lamp", None)),
    ],
    ids=["flat", "numbers", "envelope", "Connect", "Debezium", "CloudEvent", "mark", "JSON Schema", "string"],
)
def test_what_a_form_names_is_found(value: bytes, expected: About) -> None:
    assert expected == about(InputKind.CREATED, value)


def test_a_product_is_an_item() -> None:
    assert About("lamp", None) == about(InputKind.ADJUSTED, b'{"product_id":"lamp","adjusted_quantity":"x"}')


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff",
        b"5",
        b"[]",
        b"{",
        b'{"itemId":{},"reservationId":[]}',
        b'{"itemId":""}',
        b'{"payload":' * 100_000,
        b"\0\0\0\0\7\x08lamp",
        b'{"before":{"item_id":7},"after":null,"op":"d"}',
    ],
    ids=lambda value: f"{value[:20]}",
)
def test_what_names_nothing_is_about_nothing(value: bytes) -> None:
    assert About(None, None) == about(InputKind.CREATED, value)
