"""Whenever the topics are read, they are judged at one place of the log: what came behind it is left out."""

import json
from dataclasses import replace

import pytest

from atp_stream.demo.traffic import Message
from atp_stream.oracle import Record, check, cut
from atp_stream.settings import Wire
from tests.chaos.in_process import InProcess
from tests.chaos.story import NAMES, RECORDS, START, asked, history, logged, published

TABLES = replace(NAMES, state_changelog="tables", stock_drift="drift")


def row(offset, key, **said):
    return Record("tables", 0, offset, START, key, json.dumps(said).encode() if said else None)


def position(offset, applied):
    return row(offset, b"|position", applied=applied)


def judged(*more, tables):
    return cut(replace(history([*RECORDS, *more, *tables]), names=TABLES))


LATER = asked("created", 3, reservationId="r3", channel="ECOM", quantity=6, timestamp=START + 9)
STEP = [  # what a step behind the others adds to every topic
    LATER,
    logged(9, LATER.place, command="reserve"),
    published(
        "denied", 1, 9, 7, reservationId="r3", channel="ECOM", quantity=6, outcome="BACKORDERED", reason="rest_waits"
    ),
    Record("dead", 0, 1, START, None, b"", (("atp-reason", b"future"), ("atp-origin", LATER.place.encode()))),
]


def without_tables(found):
    return [record for record in found.records if record.topic != "tables"]


def test_a_history_without_tables_stays_as_it_is():
    assert RECORDS == cut(history()).records


def test_all_that_the_tables_include_is_kept():
    assert RECORDS == without_tables(judged(tables=[position(0, 8)]))


@pytest.mark.parametrize("read", range(len(STEP) + 1))
def test_a_step_that_was_read_in_part_is_left_out(read):
    found = judged(*STEP[:1], *STEP[1 : 1 + read], tables=[position(0, 8)])

    assert [] == [record for record in without_tables(found) if record not in RECORDS + STEP[:1]]
    assert int(read > 0) == found.beyond


def test_the_rows_of_a_step_that_ended_later_are_left_out():
    tables = [row(0, b"acme|widget|i", version=1), position(1, 8), row(2, b"acme|widget|i", version=2)]

    assert tables[:2] == judged(tables=tables).of("tables")


@pytest.mark.parametrize("key", [b"|work|acme|widget", b"|sweep"])
def test_a_place_at_which_work_is_left_is_none(key):
    tables = [position(0, 6), row(1, key, since=7), position(2, 7), row(3, key), position(4, 8)]

    assert [0, 4] == [max(r.offset for r in judged(tables=tables[:n]).of("tables")) for n in (4, 5)]


def test_a_tick_that_items_have_to_meet_is_work():
    tables = [position(0, 7), row(1, b"|clock", pending=[[8, START, 1]]), position(2, 8), row(3, b"|clock")]

    assert [position(0, 7)] == judged(tables=tables).of("tables")
    assert 5 == len(judged(tables=[*tables, position(4, 8)]).of("tables"))


def test_inputs_that_are_left_out_are_reported():
    report = check(replace(cut(replace(history([*RECORDS, *STEP, position(0, 8)]), names=TABLES)), names=NAMES))

    assert ["1 inputs are in the log, behind the place up to which the tables are done"] == report.objections


def test_an_input_that_intake_wrote_again_is_kept_with_what_came_first():
    again = logged(9, "created/0/0")

    assert RECORDS == without_tables(judged(again, tables=[position(0, 8)]))


def drifted():
    """Return what the topics hold before and after a gap was reported."""
    worker = InProcess(Wire.JSON, 1)
    for number, said in enumerate([{"new_quantity": 10}, {"adjusted_quantity": -1, "new_quantity": 5}]):
        event = {"event_id": f"e{number}", "product_id": "widget", "timestamp": START + number, **said}
        worker.take(Message("adjusted", None, json.dumps(event).encode()), (START + number) * 1000)
    before = worker.history((START + 2) * 1000)
    before = replace(before, records=[*before.records])
    worker.tick((START + 40_000) * 1000, (START + 40_000) * 1000)
    return before, worker.history((START + 40_000) * 1000)


def test_a_gap_that_is_reported_between_the_reading_of_tables_and_log_is_no_fault():
    """So a run of two minutes once ended with seven objections: the grace of a drift was over while it was judged."""
    before, after = drifted()
    ticks = [record for record in after.of(after.names.item_log) if record not in before.records]
    torn = replace(before, records=[*before.records, *ticks])

    assert 0 < len(check(torn).objections)
    assert [[], []] == [check(cut(read)).objections for read in (torn, after)]


def test_a_gap_that_is_not_reported_in_its_time_is_lost():
    _, after = drifted()
    silent = replace(after, records=[record for record in after.records if record.topic != after.names.stock_drift])

    assert (1, 1) == (check(after).out["StockDriftDetectedEvent"], check(silent).lost)


def test_a_tick_between_the_reading_of_tables_and_log_is_no_fault():
    """So a run of two minutes once ended with seven objections: a gap was reported while the judges read."""
    tick = Record("log", 0, 9, START, b"|", json.dumps({"command": "tick", "at": (START + 9) * 1000}).encode())
    drift = Record("drift", 0, 0, START, b"acme|widget", b"{}", (("atp-cause", b"0-9"),))
    found = judged(tick, drift, tables=[position(0, 8)])

    assert RECORDS == without_tables(found)
