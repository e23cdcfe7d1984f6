"""Where the state has come to: duplicates of intake are dropped, resets and partial steps count exactly."""

from typing import Any, NamedTuple

import pytest

from atp_stream.engine.position import (
    CONTROL_GENESIS,
    CONTROL_HEADER,
    CONTROL_RESET,
    GENESIS_HEADER,
    SOURCE_HEADER,
    Mark,
    Position,
    WrongGenesis,
    advance,
    decode_position,
    encode_position,
    plan,
)

GENESIS = "0123456789abcdef"
START = Position(genesis=GENESIS)


class Record(NamedTuple):
    """The attributes of a consumed record that are read."""

    offset: int
    timestamp: int = 0
    key: bytes = b"t|i"
    value: bytes = b"{}"
    headers: tuple[tuple[str, bytes], ...] = ()


def record(offset: int, source: str | None = None, *, at: int = 0, genesis: str = GENESIS) -> Record:
    headers: tuple[tuple[str, bytes], ...] = ((GENESIS_HEADER, genesis.encode()),)
    if source is not None:
        headers += ((SOURCE_HEADER, source.encode()),)
    return Record(offset, at, headers=headers)


def control(offset: int, kind: bytes, value: bytes = b"{}") -> Record:
    return Record(offset, key=b"|", value=value, headers=((CONTROL_HEADER, kind),))


def test_what_intake_sent_twice_in_one_run_is_folded_once() -> None:
    records = [record(0, "in/0/7"), record(1, "in/0/8"), record(2, "in/0/7"), record(3, "in/1/7")]

    fresh = plan(START, records).fresh

    assert [0, 1, 3] == [one.offset for one in fresh]


def test_what_an_earlier_run_had_is_dropped_by_its_mark() -> None:
    position = Position(genesis=GENESIS, applied=4, marks={"in/0": Mark(7)})

    fresh = plan(position, [record(5, "in/0/7"), record(6, "in/0/8")]).fresh

    assert [6] == [one.offset for one in fresh]


def test_a_topic_with_a_slash_like_number_in_its_name_keeps_its_own_mark() -> None:
    planned = plan(START, [record(0, "in-1/0/3"), record(1, "in/10/3")])

    moved, _ = advance(START, [record(0, "in-1/0/3"), record(1, "in/10/3")], planned, 2, 2)

    assert {"in-1/0": Mark(3), "in/10": Mark(3)} == moved.marks


def test_log_time_never_goes_back() -> None:
    fresh = plan(START, [record(0, at=100), record(1, at=50)]).fresh

    assert [100, 100] == [one.log_time_ms for one in fresh]


def test_a_step_that_stops_early_moves_only_over_what_it_consumed() -> None:
    records = [record(10, "in/0/1", at=5), record(11, "in/0/1", at=6), record(12, "in/0/2", at=7)]
    planned = plan(START, records)

    moved, covered = advance(START, records, planned, 1, 13)

    assert 2 == covered
    assert Position(genesis=GENESIS, applied=11, log_time_ms=6, marks={"in/0": Mark(1)}) == moved


def test_a_step_that_consumed_nothing_does_not_move() -> None:
    records = [record(10, "in/0/1", at=5)]

    assert (START, 0) == advance(START, records, plan(START, records), 0, 11)


def test_the_markers_behind_the_last_record_are_behind_us_too() -> None:
    records = [record(10, "in/0/1")]

    moved, _ = advance(START, records, plan(START, records), 1, 13)

    assert 12 == moved.applied


@pytest.mark.parametrize("source", [b"no number", b"in/0/x", b"\xff/0/1", b"/"])
def test_a_source_that_cannot_be_read_leaves_a_record_that_cannot_be_read(source: bytes) -> None:
    records = [Record(0, value=b"{}", headers=((SOURCE_HEADER, source),))]

    [fresh] = plan(START, records).fresh

    assert (b"", b"") == (fresh.value, fresh.source)


def test_headers_without_a_value_stop_nothing() -> None:
    nothing: Any = None
    records = [
        Record(0, value=nothing, headers=((CONTROL_HEADER, CONTROL_RESET),)),
        Record(1, headers=((SOURCE_HEADER, nothing), ("atp-checksum", nothing), ("atp-original", nothing))),
    ]

    assert [1] == [one.offset for one in plan(START, records).fresh]


def test_the_genesis_record_is_not_folded_but_passed() -> None:
    records = [control(0, CONTROL_GENESIS)]
    planned = plan(START, records)

    assert [] == planned.fresh
    assert 0 == advance(START, records, planned, 0, 1)[0].applied


def test_a_reset_forgets_the_marks_of_its_topic_only() -> None:
    position = Position(genesis=GENESIS, marks={"in/0": Mark(7), "in/1": Mark(9), "other/0": Mark(4)})
    records = [control(0, CONTROL_RESET, b"in"), record(1, "in/0/0"), record(2, "other/0/4")]
    planned = plan(position, records)

    assert [1] == [one.offset for one in planned.fresh]
    assert {"in/0": Mark(0), "other/0": Mark(4)} == advance(position, records, planned, 1, 3)[0].marks


def test_a_record_of_another_log_is_never_folded() -> None:
    with pytest.raises(WrongGenesis, match="offset 3 has genesis ffff, expected 0123456789abcdef"):
        plan(START, [record(3, genesis="ffff")])


def test_a_position_reads_back_as_it_was_written() -> None:
    position = Position(genesis=GENESIS, applied=41, log_time_ms=99, marks={"in/0": Mark(7)})

    assert position == decode_position(encode_position(position))


def test_a_position_row_of_format_1_is_still_read() -> None:
    row = b'{"format":1,"genesis":"0123456789abcdef","applied":41,"log_time":99,"marks":{"in/0":[7,"89abcdef"]}}'

    assert Position(
        genesis=GENESIS, applied=41, log_time_ms=99, marks={"in/0": Mark(7, "89abcdef")}
    ) == decode_position(row)
