import math
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atp_stream.domain.errors import Refused
from atp_stream.domain.reasons import Reason
from atp_stream.messages.timestamps import DayNumber, Micros, day_of, micros

NOON = 1_714_564_800_000_000
LAST = 253_402_300_799_999_999


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-01T12:00:00Z", NOON),
        ("2024-05-01T12:00:00.123456Z", NOON + 123_456),
        ("2024-05-01T12:00:00.5Z", NOON + 500_000),
        ("2024-05-01T14:00:00+02:00", NOON),
        ("2024-05-01T06:30:00.000001-05:30", NOON + 1),
        ("20240501T120000Z", NOON),
        ("1970-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59.999999Z", LAST),
    ],
)
def test_iso_8601_is_read_to_the_microsecond(text: str, expected: int) -> None:
    assert expected == micros(text)


def test_a_text_without_an_offset_is_utc() -> None:
    assert micros("2024-05-01T12:00:00.25") == NOON + 250_000


def test_digits_beyond_microseconds_are_cut_off() -> None:
    assert micros("2024-05-01T12:00:00.123456999Z") == NOON + 123_456


def test_lower_case_letters_are_iso_8601_too() -> None:
    assert micros("2024-05-01t12:00:00z") == NOON


def test_a_z_glued_to_an_aware_isoformat_changes_nothing() -> None:
    assert micros("2024-05-01T12:00:00.123456+00:00Z") == NOON + 123_456


def test_a_refusal_repeats_the_text_as_it_was_written() -> None:
    with pytest.raises(Refused, match="'Yesterday, noon' is not ISO 8601"):
        micros("Yesterday, noon")


def test_a_number_is_milliseconds() -> None:
    assert micros(1_714_564_800_123) == NOON + 123_000


def test_decimals_of_milliseconds_are_microseconds() -> None:
    assert micros(1_714_564_800_123.456) == NOON + 123_456


def test_a_schema_may_say_that_it_is_microseconds() -> None:
    found = micros(Micros(5))
    assert (int, 5) == (type(found), found)


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        "soon",
        "2024-05-01",
        "20240501",
        "2024-W18-3",
        "2024-05-01T25:00:00Z",
        "2024-05-01T12:00:00+02:00Z",
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-01:00",
        "1714564800000",
        1_714_564_800,  # seconds
        1_714_564_800.5,
        0,
        -1,
        99_999_999_999,
        10**20,
        math.nan,
        math.inf,
        Micros(-2),
        Micros(LAST + 1),
    ],
)
def test_what_is_no_instant_is_refused(stamp: str | float) -> None:
    with pytest.raises(Refused) as refused:
        micros(stamp)
    assert refused.value.reason == "bad_timestamp"


@given(st.text() | st.integers() | st.floats())
def test_any_stamp_is_an_instant_or_refused(stamp: str | float) -> None:
    try:
        found = micros(stamp)
    except Refused as refused:
        assert refused.reason == "bad_timestamp"  # noqa: PT017 - both ends are right
    else:
        assert 0 <= found <= LAST


@given(st.integers(0, LAST))
def test_what_isoformat_prints_is_read_back(instant: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)
    assert instant == micros(moment.isoformat())


@pytest.mark.parametrize(
    "raw", [b'"2024-05-\x80"', b"1" * 5_000, b"1" * 400, b"1e400", b"[" * 6_000 + b"]" * 6_000, b"{}"]
)
def test_a_day_that_cannot_be_read_is_refused(raw: bytes) -> None:
    with pytest.raises(Refused) as refused:
        day_of(msgspec.Raw(raw))
    assert Reason.BAD_TIMESTAMP == refused.value.reason


@pytest.mark.parametrize(
    ("found", "day"), [("1970-01-01", 0), ("2024-05-01", 19_844), ("9999-12-31", 2_932_896), (DayNumber(0), 0)]
)
def test_a_date_is_a_day_between_1970_and_9999(found: object, day: int) -> None:
    assert day == day_of(found)


@pytest.mark.parametrize(
    "found",
    [
        "0001-01-01", "1969-12-31", "1969-12-31T23:59:59Z", "2024-02-30", "2024/05/01", "tomorrow", 20_240_501, 0,
        True, DayNumber(-1), DayNumber(2_932_897),
    ],
)  # fmt: skip
def test_what_is_no_day_between_1970_and_9999_is_refused(found: object) -> None:
    with pytest.raises(Refused) as refused:
        day_of(found)
    assert Reason.BAD_TIMESTAMP == refused.value.reason
