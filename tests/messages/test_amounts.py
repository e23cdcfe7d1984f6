from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atp_stream.domain import quantity
from atp_stream.domain.errors import Refused
from atp_stream.messages import amounts
from atp_stream.messages.output_values import avro_amount

HUNDREDTHS = st.integers(-quantity.MAX_HUNDREDTHS, quantity.MAX_HUNDREDTHS)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"0", 0),
        (b"-0", 0),
        (b"10", 1000),
        (b"-10", -1000),
        (b"10.5", 1050),
        (b"10.50", 1050),
        (b"10.500", 1050),
        (b"0.05", 5),
        (b"-0.05", -5),
        (b"1e2", 10_000),
        (b"150e-1", 1500),
        (b"999999999999.99", 99_999_999_999_999),
        (b'"10.5"', 1050),
        (b"null", None),
    ],
)
def test_json_numbers_and_their_texts_are_read_exactly(raw: bytes, expected: int | None) -> None:
    assert expected == amounts.amount(msgspec.Raw(raw))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"1000000000000", "quantity_too_large"),
        (b"1000000000000.00", "quantity_too_large"),
        (b"100000000000000000000", "quantity_too_large"),
        (b"1e999999999", "quantity_too_large"),
        (b"9" * 5000, "quantity_too_large"),
        (b"1.005", "quantity_too_fine"),
        (b"1.0000000000000000000000000001", "quantity_too_fine"),
        (b"1e-999999999", "quantity_too_fine"),
        (b'"NaN"', "quantity_not_finite"),
        (b'"-Infinity"', "quantity_not_finite"),
        (b"true", "quantity_not_a_number"),
        (b"[1]", "quantity_not_a_number"),
        (b'{"a":1}', "quantity_not_a_number"),
        (b'""', "quantity_not_a_number"),
        (b'"1_0"', "quantity_not_a_number"),
        (b'" 1"', "quantity_not_a_number"),
        (b'"\xd9\xa1"', "quantity_not_a_number"),
        (b'"\xff"', "quantity_not_a_number"),
        (b'"null"', "quantity_not_a_number"),
    ],
)
def test_json_that_is_no_amount_is_refused(raw: bytes, expected: str) -> None:
    with pytest.raises(Refused) as refused:
        amounts.amount(msgspec.Raw(raw))
    assert expected == refused.value.reason


@given(HUNDREDTHS)
def test_every_amount_shown_is_read_back(hundredths: int) -> None:
    assert hundredths == amounts.amount(msgspec.Raw(quantity.show(hundredths).encode()))


@given(HUNDREDTHS, st.integers(0, 3))
def test_avro_decimals_are_read_back_whatever_their_length(hundredths: int, padding: int) -> None:
    shortest = avro_amount(hundredths)[1:]
    padded = (b"\xff" if hundredths < 0 else b"\0") * padding + shortest
    assert hundredths == amounts.from_decimal(padded, 2)


@pytest.mark.parametrize(
    ("hundredths", "expected"),
    [(0, b"\0"), (127, b"\x7f"), (128, b"\0\x80"), (-128, b"\xff\x80"), (-1, b"\xff"), (12_000, b"\x2e\xe0")],
)
def test_avro_decimals_are_two_complements(hundredths: int, expected: bytes) -> None:
    assert bytes([2 * len(expected)]) + expected == avro_amount(hundredths)


@pytest.mark.parametrize(
    ("unscaled", "scale", "expected"),
    [
        (12, 0, Decimal(12)),
        (125, 1, Decimal("12.5")),
        (12_500, 4, Decimal("1.25")),
        (10**20, 2, Decimal(10**18)),
        (10**27 + 1, 27, Decimal("1.000000000000000000000000001")),
    ],
)
def test_other_scales_stay_exact(unscaled: int, scale: int, expected: Any) -> None:
    assert expected == amounts.from_decimal(unscaled.to_bytes(20, "big"), scale)


def test_a_decimal_of_absurd_length_is_too_large() -> None:
    with pytest.raises(Refused) as refused:
        quantity.parse(amounts.from_decimal(b"\x01" * 100_000, 2))
    assert refused.value.reason == "quantity_too_large"
