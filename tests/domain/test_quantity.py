"""Amounts are exact: kept as written, or refused with a reason."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atp_stream.domain import quantity
from atp_stream.domain.errors import Refused

AMOUNTS = st.integers(-quantity.MAX_HUNDREDTHS, quantity.MAX_HUNDREDTHS)


def _name(value: object) -> str:
    """Return a name by which pytest also finds the test again: it does not find one with a backslash."""
    if type(value) is int and value > 10**30:
        return f"an int of {value.bit_length()} bits"
    return ascii(value)[:30].replace("\\", "")


@pytest.mark.parametrize(
    ("value", "hundredths"),
    [
        (120, 12000),
        (-3, -300),
        (0, 0),
        (999_999_999_999, 99_999_999_999_900),
        ("120", 12000),
        ("+1", 100),
        ("0.5", 50),
        (".5", 50),
        ("1.", 100),
        ("-0.05", -5),
        ("1.500", 150),
        ("1.5e1", 1500),
        ("1E3", 100_000),
        ("150e-1", 1500),
        ("100e-4", 1),
        ("-0", 0),
        ("0e999999", 0),
        ("0.000000", 0),
        ("-999999999999.99", -99_999_999_999_999),
        (Decimal("1.500"), 150),
        (Decimal("1E+11"), 10_000_000_000_000),
        (Decimal(30), 3000),
        ("0." + "10" + "0" * 5000, 10),
    ],
    ids=_name,
)
def test_an_amount_of_up_to_two_decimals_by_value_is_kept_exactly(value: object, hundredths: int) -> None:
    assert hundredths == quantity.parse(value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (True, "quantity_not_a_number"),
        (1.5, "quantity_not_a_number"),
        (None, "quantity_not_a_number"),
        ("", "quantity_not_a_number"),
        (" 1", "quantity_not_a_number"),
        ("1\n", "quantity_not_a_number"),
        ("1_000", "quantity_not_a_number"),
        ("1,5", "quantity_not_a_number"),
        ("\u0661", "quantity_not_a_number"),
        ("many", "quantity_not_a_number"),
        ("NaN", "quantity_not_finite"),
        ("-Infinity", "quantity_not_finite"),
        ("inf", "quantity_not_finite"),
        (Decimal("NaN"), "quantity_not_finite"),
        (Decimal("sNaN"), "quantity_not_finite"),
        (Decimal("-Infinity"), "quantity_not_finite"),
        (1_000_000_000_000, "quantity_too_large"),
        (-1_000_000_000_000, "quantity_too_large"),
        (10**20, "quantity_too_large"),
        (10**6000, "quantity_too_large"),
        ("1000000000000", "quantity_too_large"),
        ("9" * 10_000, "quantity_too_large"),
        ("1e999999999", "quantity_too_large"),
        ("1e99999999999999999999", "quantity_too_large"),
        (Decimal("1E+12"), "quantity_too_large"),
        ("1.505", "quantity_too_fine"),
        ("0.001", "quantity_too_fine"),
        ("0.0999", "quantity_too_fine"),
        ("1e-999999999", "quantity_too_fine"),
        ("1E-99999999999999999999", "quantity_too_fine"),
        ("0." + "0" * 5000 + "1", "quantity_too_fine"),
        ("1." + "0" * 60 + "1", "quantity_too_fine"),
        (Decimal("999999999999.995"), "quantity_too_fine"),
    ],
    ids=_name,
)
def test_anything_else_is_refused_with_a_stable_reason(value: object, reason: str) -> None:
    with pytest.raises(Refused) as refusal:
        quantity.parse(value)
    assert reason == refusal.value.reason


def test_a_refusal_shows_what_was_found_and_no_more_than_a_header_holds() -> None:
    with pytest.raises(Refused) as refusal:
        quantity.parse("9" * 10_000)
    assert "quantity_too_large: " + "9" * 40 + "…" == str(refusal.value)


def test_a_refusal_without_detail_reads_as_its_reason() -> None:
    assert "stale" == str(Refused("stale"))


@pytest.mark.parametrize(
    ("hundredths", "text"),
    [(12000, "120"), (0, "0"), (50, "0.50"), (-5, "-0.05"), (-300, "-3"), (1, "0.01"), (10, "0.10"), (100, "1")],
)
def test_whole_amounts_print_whole_and_others_with_two_decimals(hundredths: int, text: str) -> None:
    assert text == quantity.show(hundredths)


@given(AMOUNTS)
def test_what_is_printed_is_read_back_exactly(hundredths: int) -> None:
    assert hundredths == quantity.parse(quantity.show(hundredths))


@given(st.integers(-(10**18) + 1, 10**18 - 1))
def test_a_decimal_for_avro_has_scale_two_and_the_same_value(hundredths: int) -> None:
    decimal = quantity.to_decimal(hundredths)
    assert (-2, hundredths) == (decimal.as_tuple().exponent, int(decimal * 100))


@given(st.decimals(min_value=-(10**13), max_value=10**13))
def test_a_decimal_is_accepted_exactly_when_it_is_a_whole_number_of_hundredths_in_range(value: Decimal) -> None:
    numerator, denominator = value.as_integer_ratio()
    exact = numerator * 100 % denominator == 0 and abs(value) < 10**12
    try:
        parsed = quantity.parse(value)
    except Refused:
        assert not exact
    else:
        assert exact
        assert numerator * 100 == parsed * denominator


def test_the_decimal_context_of_the_thread_does_not_matter() -> None:
    with localcontext(prec=1):
        assert (12345, Decimal("123.45")) == (quantity.parse(Decimal("123.45")), quantity.to_decimal(12345))


def test_the_largest_amount_is_twelve_nines_and_two_more() -> None:
    assert quantity.MAX_HUNDREDTHS == quantity.parse("999999999999.99")


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        ("1e-99999999999999999999", "1e-99999999999999999999"),
        ("1e99999999999999999999", "1e99999999999999999999"),
        ("inf", "inf"),
        ("many", "many"),
        (10**12, "an integer of 40 bits"),
        (Decimal("NaN"), "NaN"),
        (Decimal("1E+12"), "1E+12"),
        (Decimal("1.505"), "1.505"),
        (1.5, "a float"),
    ],
    ids=_name,
)
def test_a_refusal_shows_what_was_found(value: object, detail: str) -> None:
    with pytest.raises(Refused) as refusal:
        quantity.parse(value)
    assert detail == refusal.value.detail


def test_a_refusal_shows_forty_characters_whole() -> None:
    with pytest.raises(Refused) as refusal:
        quantity.parse("x" * 40)
    assert "x" * 40 == refusal.value.detail
