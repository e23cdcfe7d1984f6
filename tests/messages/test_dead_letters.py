from hypothesis import given
from hypothesis import strategies as st

from atp_stream.domain.errors import Refused
from atp_stream.messages.dead_letters import DEAD_LETTER, escaped, letter, pack_original, unpack_original
from atp_stream.records import Output
from tests.messages.wire import Record

REFUSED = Refused("missing_item", "no item id")
TO = ("letters", 1)
ORIGIN = "inventory.adjusted/3/42"
HEADERS = st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.binary() | st.none()), max_size=5).map(tuple)


def test_a_letter_is_the_original_with_the_reason_behind_its_headers() -> None:
    record = Record(b"\xff{not json", timestamp=5, key=b"k", headers=(("trace", b"1"), ("trace", b"2")))
    expected = Output(
        *TO,
        b"k",
        b"\xff{not json",
        [
            ("trace", b"1"),
            ("trace", b"2"),
            ("atp-reason", b"missing_item"),
            ("atp-detail", b"no item id"),
            ("atp-origin", b"inventory.adjusted/3/42"),
            ("atp-at", b"9"),
        ],
        DEAD_LETTER,
    )
    assert expected == letter(record, ORIGIN, REFUSED, to=TO, at_ms=9)


def test_without_a_clock_a_letter_is_as_old_as_its_message() -> None:
    assert ("atp-at", b"5") in letter(Record(b"x", timestamp=5), ORIGIN, REFUSED, to=TO).headers


def test_a_replayed_letter_that_is_refused_again_has_one_reason() -> None:
    first = letter(Record(b"x"), ORIGIN, Refused("too_old", "once"), to=TO, at_ms=1)
    again = Record(first.value, headers=tuple(first.headers))
    assert letter(Record(b"x"), "t/0/1", REFUSED, to=TO, at_ms=2) == letter(again, "t/0/1", REFUSED, to=TO, at_ms=2)


def test_a_record_may_have_no_headers_at_all() -> None:
    assert len(letter(Record(b"x", headers=None), ORIGIN, REFUSED, to=TO).headers) == 4  # type: ignore[arg-type]


@given(st.none() | st.binary(), st.none() | st.binary(), HEADERS, st.integers(-1, 2**53))
def test_an_original_survives_the_item_log(
    key: bytes | None, value: bytes | None, headers: tuple[tuple[str, bytes | None], ...], timestamp: int
) -> None:
    record = Record(value, timestamp, key, headers)
    found = unpack_original(pack_original(record))
    assert (key, value, headers, timestamp) == (found.key, found.value, found.headers, found.timestamp)


@given(st.binary(), HEADERS)
def test_a_letter_written_by_the_fold_is_the_one_that_intake_would_have_written(
    value: bytes, headers: tuple[tuple[str, bytes | None], ...]
) -> None:
    record = Record(value, 5, b"k", headers)
    again = unpack_original(pack_original(record))
    assert letter(record, ORIGIN, REFUSED, to=TO) == letter(again, ORIGIN, REFUSED, to=TO)


def test_control_characters_in_a_detail_are_escaped() -> None:
    assert escaped("a\x1b[2J\n\r\0\x9b\u2028 é\ud800") == "a\\x1b[2J\\n\\r\\x00\\x9b\\u2028 é\\ud800"


def test_a_long_detail_is_cut() -> None:
    assert escaped("x" * 501) == "x" * 500 + "…"


@given(st.text())
def test_any_detail_is_one_line_that_utf_8_can_say(detail: str) -> None:
    assert len(escaped(detail).encode().decode().splitlines()) <= 1
