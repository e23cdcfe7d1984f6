"""The books see: whatever is dropped, doubled, swapped or altered in a history, they object to it."""

import json

import pytest

from atp_stream.oracle import Record, check
from tests.chaos.story import INPUTS, LETTERS, LOG, OUTPUTS, RECORDS, START, asked, history, logged, published


def place(record):
    return record.place


def without(record):
    return [other for other in RECORDS if other is not record]


def altered(record, **said):
    event = json.loads(record.value)
    event["payload"].update(said)
    return [other._replace(value=json.dumps(event).encode()) if other is record else other for other in RECORDS]


def renamed(record, **headers):
    new = tuple((name, headers.get(name.replace("-", "_"), value)) for name, value in record.headers)
    return [other._replace(headers=new) if other is record else other for other in RECORDS]


def swapped(one, other):
    """Exchange what two log records are, but for their offsets."""
    first, second = other._replace(offset=one.offset), one._replace(offset=other.offset)
    return [first if record is one else second if record is other else record for record in RECORDS]


def the(topic, offset):
    return next(record for record in RECORDS if (record.topic, record.offset) == (topic, offset))


def test_a_true_history_balances():
    report = check(history())

    assert [] == report.objections
    assert (9, 7, 1, 1) == (report.events_in, report.commands, report.duplicates, report.skipped)
    assert {"too_fine": 1} == report.refused
    assert (0, 0, 0) == (report.lost, report.doubled, report.oversold)
    assert {
        "AvailabilityCalculatedEvent": 14,
        "AllocationCommittedEvent": 2,
        "AllocationReleasedEvent": 1,
        "ReservationDeniedEvent": 1,
    } == report.out
    assert {"COMMITTED": 1, "FULFILLED": 1} == report.reservations


def test_the_verdict_for_programs_has_plain_counts():
    plain = check(history()).plain()

    assert (True, {"too_fine": 1}, []) == (plain["balanced"], plain["refused"], plain["objections"])


def test_a_count_below_what_was_promised_is_short_and_no_objection():
    assert 1 == check(history()).short


@pytest.mark.parametrize(("short", "words"), [(0, "0 times"), (1, "once"), (1234, "1,234 times")])
def test_how_often_promises_came_short_is_reported_in_words(short, words):
    report = check(history())
    report.short = short

    assert f"{words} a fact about the stock left less than was promised" in report.lines()


def test_the_verdict_is_the_last_of_the_lines():
    report = check(history())

    assert ["lost 0, doubled 0, oversold 0", "the books balance"] == report.verdict() == report.lines()[-2:]


OVERTAKEN = the("availability", 8)


@pytest.mark.parametrize("record", [record for record in OUTPUTS if record is not OVERTAKEN], ids=place)
def test_a_missing_event_is_lost(record):
    assert 0 < check(history(without(record))).lost


def test_a_row_that_its_own_step_overtook_need_not_be_shown():
    assert check(history(without(OVERTAKEN))).balanced


@pytest.mark.parametrize("record", OUTPUTS, ids=place)
def test_an_event_that_comes_twice_is_doubled(record):
    again = record._replace(offset=record.offset + 100)

    assert 0 < check(history([*RECORDS, again])).doubled


@pytest.mark.parametrize("record", OUTPUTS, ids=place)
def test_an_event_that_comes_twice_under_another_name_is_objected_to(record):
    event = {**json.loads(record.value), "eventId": "new"}
    again = record._replace(offset=record.offset + 100, value=json.dumps(event).encode())

    assert not check(history([*RECORDS, again])).balanced


@pytest.mark.parametrize("record", OUTPUTS, ids=place)
def test_another_quantity_is_objected_to(record):
    field = "available" if record.topic == "availability" else "quantity"

    assert not check(history(altered(record, **{field: 3.01}))).balanced


@pytest.mark.parametrize("record", OUTPUTS, ids=place)
def test_another_channel_is_objected_to(record):
    assert not check(history(altered(record, channel="OUTLET"))).balanced


@pytest.mark.parametrize("record", OUTPUTS, ids=place)
def test_another_item_is_objected_to(record):
    assert not check(history(altered(record, itemId="gadget"))).balanced


@pytest.mark.parametrize("record", OUTPUTS, ids=place)
def test_another_version_is_objected_to(record):
    assert not check(history(renamed(record, atp_version=b"77"))).balanced


@pytest.mark.parametrize("record", OUTPUTS, ids=place)
def test_another_cause_is_objected_to(record):
    assert not check(history(renamed(record, atp_cause=b"0-7"))).balanced


@pytest.mark.parametrize("record", [r for r in OUTPUTS if r.topic == "availability"], ids=place)
def test_another_reserved_quantity_is_objected_to(record):
    assert not check(history(altered(record, reserved=99))).balanced


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("committed", {"allocationId": "a2"}),
        ("given-back", {"allocationId": "a2"}),
        ("given-back", {"reservationId": "r2"}),
        ("given-back", {"reason": "EXPIRED"}),
        ("denied", {"reservationId": "r1"}),
        ("denied", {"outcome": "REJECTED"}),
    ],
)
def test_another_word_in_an_allocation_event_is_objected_to(topic, said):
    assert not check(history(altered(the(topic, 0), **said))).balanced


@pytest.mark.parametrize("record", LOG[2:], ids=place)
def test_an_input_that_is_not_in_the_log_is_lost(record):
    assert 0 < check(history(without(record))).lost


@pytest.mark.parametrize("record", INPUTS[:7], ids=place)
def test_a_command_without_its_input_is_objected_to(record):
    assert not check(history(without(record))).balanced


@pytest.mark.parametrize(("one", "other"), [(2, 3), (3, 4), (4, 5), (3, 5)])
def test_another_order_of_the_log_is_objected_to(one, other):
    assert not check(history(swapped(the("log", one), the("log", other)))).balanced


def test_a_log_record_that_intake_wrote_twice_is_no_objection():
    report = check(history([*RECORDS, logged(9, "created/0/0")]))

    assert (1, []) == (report.repeated, report.objections)


def test_an_input_in_two_partitions_of_the_log_is_doubled():
    assert 1 == check(history([*RECORDS, logged(0, "created/0/0")._replace(partition=1)])).doubled


def test_an_input_behind_a_later_one_of_its_partition_is_objected_to():
    late = asked("created", 3, reservationId="r3", channel="ECOM", quantity=6, timestamp=1_700_000_000_100)
    later = late._replace(offset=4)

    report = check(
        history(
            [
                *RECORDS,
                late,
                later,
                logged(9, later.place, command="reserve"),
                logged(10, late.place, command="reserve"),
            ]
        )
    )

    assert any("behind a later one" in words for words in report.objections)


def test_a_breach_without_a_dead_letter_is_lost():
    assert 1 == check(history(without(LETTERS[0]))).lost


def test_a_dead_letter_that_intake_wrote_twice_is_no_objection():
    assert check(history([*RECORDS, LETTERS[0]._replace(offset=1)])).balanced


def test_a_good_message_among_the_dead_letters_is_objected_to():
    letter = LETTERS[0]._replace(offset=1, headers=(("atp-reason", b"x"), ("atp-origin", b"created/0/0")))

    assert not check(history([*RECORDS, letter])).balanced


def test_a_dead_letter_from_nowhere_is_objected_to():
    letter = LETTERS[0]._replace(offset=1, headers=(("atp-reason", b"x"), ("atp-origin", b"created/7/7")))

    assert not check(history([*RECORDS, letter])).balanced


def test_a_breach_in_the_log_is_objected_to():
    assert not check(history([*without(LETTERS[0]), logged(9, "adjusted/0/0", command="adjust")])).balanced


def test_a_promise_of_more_than_is_there_is_oversold():
    late = asked("created", 3, reservationId="r3", channel="STORE", quantity=1, timestamp=1_700_000_000_100)
    promise = published("committed", 2, 9, 7, allocationId="a3", channel="STORE", quantity=1)

    assert 1 == check(history([*RECORDS, late, logged(9, late.place, command="reserve"), promise])).oversold


def test_an_allocation_that_ends_twice_is_doubled():
    again = published(
        "given-back", 1, 5, 4, allocationId="a1", reservationId="r1", channel="ECOM", quantity=6, reason="CANCELLED"
    )

    assert 0 < check(history([*RECORDS, again])).doubled


def test_an_event_that_nobody_can_read_is_objected_to():
    broken = [r._replace(value=b"{}") if r is OUTPUTS[0] else r for r in RECORDS]

    assert not check(history(broken)).balanced


def test_what_the_model_does_not_know_is_an_objection_and_no_guess():
    document = {"tenants": {"*": {"channels": {"ECOM": {"share": 0.5}}}}}
    policy = Record("log", 0, 9, START, b"|", json.dumps({"command": "policy", "document": document}).encode())

    report = check(history([*RECORDS, policy]))

    assert ["log/0/9: this model knows no policy of channels by share"] == report.objections[:1]
