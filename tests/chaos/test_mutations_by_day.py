"""The oracle sees what can go wrong by day: a fold with a fault in it, and records that say something else than it did.

Each fault was put into the real fold, which then wrote some histories; in the records one thing was changed afterwards.
"""

import json
from datetime import date, timedelta
from functools import cache
from typing import Any
from unittest.mock import patch

import pytest

from atp_stream.domain.fold import follow_up
from atp_stream.domain.item import projections, supplies
from atp_stream.domain.item.dates import ItemDates
from atp_stream.domain.promise import curve
from atp_stream.domain.promise.curve import Curve
from atp_stream.domain.reservations import dated_requests, dated_service, day_roll
from atp_stream.domain.supply import register
from atp_stream.oracle import check
from atp_stream.settings import Wire
from tests.chaos.dated_histories import history

SEEDS = range(100, 125)


def objects():
    """Return whether one of some histories is objected to; what matters may not happen in each."""
    return any(not check(history(seed)).balanced for seed in SEEDS)


def test_without_a_fault_no_history_is_objected_to():
    assert not objects()


def counted_and_still_expected(row, event_id, _, location):
    known = f"{location} {event_id}"
    return known not in row.adjusted_by and not row.adjusted_by.append(known)


def lost_without_a_cause(dates):
    promised = [one for one in dates.row.days if one.promised]
    return (promised[-1].day, 1) if len(promised) > 1 else None


def forgotten_roll(_, work, __):
    work.roll = None
    return True


def out_of_turn(item, work):
    found = dated_service_next(item, work)
    return None if found is not None and found.queue is dated_service.Queue.DUE else found


def costly(item, reservation, row):
    for promise in list(row.promises):
        item.dates.give_up(reservation, row, promise, promise.quantity)


def redeemed_twice(dates, reservation, row, promise, units):
    place = promise.place
    redeem(dates, reservation, row, promise, units)
    dates.item.commit(reservation, row, units, place, 0)


def redeemed_and_still_promised(dates, reservation, row, promise, units):
    dates.note(reservation, row)
    dates.item.commit(reservation, row, units, promise.place, 0)


dated_service_next = dated_service._next
earliest = ItemDates.earliest
redeem = ItemDates.redeem
steps = projections._steps
FAULTS: dict[str, Any] = {
    "a promise beyond the curve": (
        ItemDates, "earliest", lambda self, row, units, **more: earliest(self, row, max(1, units - 100), **more)
    ),
    "units on the shelf that are still expected": (register, "adjust", counted_and_still_expected),
    "a receipt that counts again": (register, "_remember", lambda *_: True),
    "a promise that is lost without a cause": (ItemDates, "hole", lost_without_a_cause),
    "a loss that is passed over": (follow_up, "take_off", lambda *_: True),
    "a loss that is not promised anew first": (follow_up, "promise_anew", lambda *_: True),
    "a day that nobody brings": (follow_up, "roll", forgotten_roll),
    "a day without its promises": (day_roll, "_pass", lambda *_: True),
    "a day without what falls due": (day_roll, "_fall_due", lambda *_: True),
    "past due, and counted": (curve, "expected", lambda day, today, *_: max(day, today)),
    "beyond the horizon, and counted": (curve, "end_of", lambda _, today, __: today + 400),
    "a queue that is passed over": (dated_service, "_next", out_of_turn),
    "a promise that comes before its units": (
        Curve, "earliest_move", lambda _, __, at, first, ___: first if first < at else None
    ),
    "arriving, whatever a count says": (supplies, "hold", lambda *_: None),
    "arriving for ever": (supplies, "wait_no_longer", lambda *_: None),
    "a day too late is published": (
        projections, "_steps", lambda *of: tuple((day + 1, units) for day, units in steps(*of))
    ),
    "a unit too much is published for a day": (
        projections, "_steps", lambda *of: tuple((day, units + 100) for day, units in steps(*of))
    ),
    "a promise that is redeemed twice": (ItemDates, "redeem", redeemed_twice),
    "a promise that is redeemed and still promised": (ItemDates, "redeem", redeemed_and_still_promised),
    "another day that costs a promise": (dated_requests, "move_to_wanted", costly),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_fold_is_seen(fault):
    with patch.object(*FAULTS[fault]):
        assert objects()


@cache
def truth():
    return history(100, messages=150, step=1, items=2, wire=Wire.JSON)


def judged(*changes):
    """Judge the truth with some records changed; None stands for one that is dropped."""
    there = dict(changes)
    records = [there.get(record, record) for record in truth().records]
    past = truth()
    return check(past.__class__(names=past.names, records=[r for r in records if r is not None], schemas=past.schemas))


def of(role):
    return truth().of(getattr(truth().names, role))


def altered(record, **said):
    event = json.loads(record.value)
    event["payload"] |= said
    return record, record._replace(value=json.dumps(event).encode())


def test_the_truth_passes():
    report = judged()

    assert [] == report.objections
    assert 20 < report.out["ReservationPromisedEvent"]


@pytest.mark.parametrize("role", ["reservation_promised", "availability_projected"])
def test_an_event_that_is_missing_is_lost(role):
    records = of(role)

    assert all(0 < judged((record, None)).lost for record in (records[0], records[len(records) // 2], records[-1]))


@pytest.mark.parametrize("role", ["reservation_promised", "availability_projected"])
def test_an_event_that_comes_twice_is_doubled(role):
    record = of(role)[-1]
    event = json.loads(record.value)
    event["eventId"] += "-again"
    again = record._replace(offset=record.offset + 100, value=json.dumps(event).encode())
    past = truth()

    records = [*past.records, again]
    assert not check(past.__class__(names=past.names, records=records, schemas=past.schemas)).balanced


def test_a_promise_that_was_redeemed_comes_twice_and_is_doubled():
    redeemed = [record for record in of("reservation_promised") if b'"REDEEMED"' in record.value]
    causes = {record.header("atp-cause") for record in redeemed}
    record = next(one for one in of("allocation_committed") if one.header("atp-cause") in causes)
    event = json.loads(record.value)
    event["eventId"] += "-again"
    event["payload"]["allocationId"] += "-again"
    past, again = truth(), record._replace(offset=record.offset + 100, value=json.dumps(event).encode())

    assert 0 < check(past.__class__(names=past.names, records=[*past.records, again], schemas=past.schemas)).doubled


@pytest.mark.parametrize("days", [1, -1])
def test_a_projection_of_which_one_day_is_off_by_one_is_seen(days):
    found = [record for record in of("availability_projected") if json.loads(record.value)["payload"]["steps"]]

    for record in (found[0], found[len(found) // 2], found[-1]):
        first, *rest = json.loads(record.value)["payload"]["steps"]
        other = date.fromisoformat(first["date"]) + timedelta(days)
        assert not judged(altered(record, steps=[first | {"date": str(other)}, *rest])).balanced


def test_a_promise_that_is_put_off_without_a_cause_is_reported_as_broken():
    with patch.object(ItemDates, "hole", lost_without_a_cause):
        broken = [check(history(seed)).broken for seed in SEEDS]

    assert 0 < max(broken)


def test_a_projection_that_misses_a_day_is_seen():
    found = [record for record in of("availability_projected") if json.loads(record.value)["payload"]["steps"]]

    for record in (found[0], found[len(found) // 2], found[-1]):
        steps = json.loads(record.value)["payload"]["steps"]
        assert not judged(altered(record, steps=steps[1:])).balanced


@pytest.mark.parametrize("said", [{"now": 777}, {"asOf": "2023-11-01"}, {"horizon": "2033-11-01"}, {"channel": "X"}])
def test_a_projection_that_says_something_else_is_seen(said):
    assert not judged(altered(of("availability_projected")[-1], **said)).balanced


@pytest.mark.parametrize(
    "said",
    [
        {"lines": [{"date": "2023-11-30", "quantity": 1}]},
        {"waiting": 777},
        {"allocated": 777},
        {"reason": "NO_REASON"},
        {"requestedDate": "2023-10-01"},
        {"reservationId": "another"},
    ],
)
def test_a_promise_that_says_something_else_is_seen(said):
    assert not judged(altered(of("reservation_promised")[-1], **said)).balanced


def test_an_input_of_a_supply_that_nobody_took_is_lost():
    scheduled = of("supply_scheduled")[2]
    log = next(record for record in of("item_log") if record.header("atp-source") == scheduled.place)

    assert 0 < judged((log, None)).lost


@pytest.mark.parametrize(("name", "said"), [("quantity", 987), ("expectedDate", "2023-12-24"), ("supplyId", "other")])
def test_a_supply_of_which_the_input_said_something_else_is_seen(name, said):
    record = next(
        record for record in of("supply_scheduled") if record.value[:2] == b'{"' and b"payload" not in record.value
    )
    changed = json.dumps({**json.loads(record.value), name: said}).encode()

    assert not judged((record, record._replace(value=changed))).balanced


@pytest.mark.parametrize("kind", [b"c", b"s", b"p", b"d", b"v", b"w", b"f"])
def test_a_row_that_is_missing_or_there_in_vain_is_seen(kind):
    rows = {record.key: record for record in of("state_changelog") if record.key.split(b"|")[2:3] == [kind]}
    deleted = [record for record in rows.values() if record.value is None]
    there = [record for record in rows.values() if record.value is not None]

    assert rows
    for record in [*deleted[:1], *there[:1]]:
        value = (
            None if record.value is not None else next(r.value for r in of("state_changelog") if r.key == record.key)
        )
        assert not judged((record, record._replace(value=value))).balanced
