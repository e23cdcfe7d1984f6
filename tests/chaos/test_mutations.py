"""The oracle sees: whatever is dropped, doubled, swapped or altered in a history that the real fold made, it objects.

A history that stays true is no mutation: the last row of a step may overtake one before it, letters and log records may
come twice. Those are left out by what each test picks.
"""

import json
from functools import cache
from itertools import pairwise

import pytest

from atp_stream.oracle import History, Record, check
from atp_stream.settings import Wire
from tests.chaos.test_load import played

INPUTS = ("adjusted", "counted", "created", "released", "fulfilled")
OUTPUTS = ("allocation_committed", "allocation_released", "reservation_denied", "availability_calculated")
PLACES = (0.2, 0.5, 0.9)


@cache
def truth():
    return played(2, 400, Wire.JSON, 1)


def judged(records):
    return check(History(names=truth().names, records=records, schemas=truth().schemas))


def of(role):
    return truth().of(getattr(truth().names, role))


def pick(records, place):
    return records[int(len(records) * place)]


def without(*gone):
    return [record for record in truth().records if record not in gone]


def instead(*changes):
    there = dict(changes)
    return [there.get(record, record) for record in truth().records]


def swapped(one, other):
    """Exchange what two records say; their places stay."""
    return instead(
        (one, one._replace(key=other.key, value=other.value, headers=other.headers)),
        (other, other._replace(key=one.key, value=one.value, headers=one.headers)),
    )


def again(record):
    """Put the record once more, behind all others of its partition."""
    last = max(r.offset for r in truth().records if (r.topic, r.partition) == (record.topic, record.partition))
    return [*truth().records, record._replace(offset=last + 1)]


def altered(record, change):
    said = json.loads(record.value)
    change(said)
    return instead((record, record._replace(value=json.dumps(said).encode())))


def good(role):
    """Return the inputs in JSON that became commands."""
    taken = {record.header("atp-source") for record in of("item_log")}
    return [record for record in of(role) if record.place in taken and record.value[:1] == b"{"]


def payload(said):
    return said.get("payload", said)


def test_the_truth_passes():
    report = judged(truth().records)

    assert [] == report.objections
    assert 300 < report.commands


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("role", INPUTS)
def test_an_input_that_was_dropped_is_missed(role, place):
    assert not judged(without(pick(good(role), place))).balanced


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("role", INPUTS)
def test_an_input_that_came_once_more_and_was_not_taken_is_lost(role, place):
    assert 0 < judged(again(pick(good(role), place))).lost


@pytest.mark.parametrize("role", INPUTS)
def test_inputs_that_changed_places_are_seen(role):
    one, other = good(role)[3:5]

    assert not judged(swapped(one, other)).balanced


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("role", "field"),
    [("adjusted", "adjusted_quantity"), ("counted", "onHand"), ("created", "quantity"), ("fulfilled", "reservationId")],
)
def test_an_input_that_said_something_else_is_seen(role, field, place):
    def change(said):
        payload(said)[field] = "r-other" if field == "reservationId" else 987

    assert not judged(altered(pick(good(role), place), change)).balanced


@pytest.mark.parametrize("place", PLACES)
def test_a_command_that_was_dropped_is_lost(place):
    assert 0 < judged(without(pick(of("item_log")[30:], place))).lost


@pytest.mark.parametrize("place", PLACES)
def test_a_command_in_a_second_partition_is_doubled(place):
    record = pick([record for record in of("item_log") if record.header("atp-source")], place)

    assert 0 < judged([*truth().records, record._replace(partition=(record.partition + 1) % 6, offset=9_999)]).doubled


@pytest.mark.parametrize("place", PLACES)
def test_commands_of_an_item_that_changed_places_are_seen(place):
    log = [record for record in of("item_log") if record.header("atp-source")]
    pairs = [
        (one, other)
        for one, other in pairwise(sorted(log, key=lambda record: (record.key, record.offset)))
        if one.key == other.key and b'"reserve"' in one.value and b'"reserve"' in other.value
    ]

    assert not judged(swapped(*pick(pairs, place))).balanced


@pytest.mark.parametrize("place", PLACES)
def test_a_command_that_says_something_else_than_its_input_is_seen(place):
    log = [record for record in of("item_log") if b'"reserve"' in record.value]

    def change(said):
        said["quantity"] += 1

    assert not judged(altered(pick(log, place), change)).balanced


def test_a_dead_letter_that_was_dropped_is_lost():
    assert 0 < judged(without(of("dead_letter")[0])).lost


def test_a_dead_letter_of_another_message_is_seen():
    letter = of("dead_letter")[0]
    headers = tuple((name, b"nowhere/0/0" if name == "atp-origin" else value) for name, value in letter.headers)

    assert not judged(instead((letter, letter._replace(headers=headers)))).balanced


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("role", OUTPUTS[:3])
def test_an_event_that_was_dropped_is_lost(role, place):
    assert 0 < judged(without(pick(of(role), place))).lost


@pytest.mark.parametrize("place", PLACES)
def test_a_row_that_its_own_step_left_out_is_lost(place):
    rows = of("availability_calculated")
    causes = [record.header("atp-cause") for record in rows]
    together = [record for record in rows if causes.count(record.header("atp-cause")) > 1]

    assert 0 < judged(without(pick(together, place))).lost


def test_a_last_row_that_was_dropped_is_lost():
    newest = {record.key: record for record in of("availability_calculated")}

    assert [] == [key for key, record in newest.items() if not judged(without(record)).lost][:1]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("role", OUTPUTS)
def test_an_event_that_came_twice_is_doubled(role, place):
    assert 0 < judged(again(pick(of(role), place))).doubled


@pytest.mark.parametrize("role", OUTPUTS)
def test_events_that_changed_places_are_seen(role):
    one = of(role)[0]
    other = next(record for record in of(role)[1:] if record.key == one.key and record.value != one.value)

    assert not judged(swapped(one, other)).balanced


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("role", OUTPUTS)
def test_an_event_that_says_something_else_is_seen(role, place):
    def change(said):
        field = "available" if "available" in said["payload"] else "quantity"
        said["payload"][field] += 1

    assert not judged(altered(pick(of(role), place), change)).balanced


def rows(kind):
    """Return the newest row of each key of a kind, and the key's earlier ones."""
    found: dict[bytes, list[Record]] = {}
    for record in of("state_changelog"):
        parts = record.key.split(b"|", 3)
        if parts[0] and parts[2] == kind:
            found.setdefault(record.key, []).append(record)
    return [records for records in found.values() if records[-1].value is not None]


@pytest.mark.parametrize("kind", [b"i", b"r", b"q"])
def test_a_table_row_that_was_dropped_is_seen(kind):
    assert not judged(without(*rows(kind)[0])).balanced


@pytest.mark.parametrize("kind", [b"i", b"r"])
def test_a_table_row_that_was_left_at_an_older_state_is_seen(kind):
    changed = next(records for records in rows(kind) if len(records) > 1)

    assert not judged(without(changed[-1])).balanced


@pytest.mark.parametrize(("kind", "field"), [(b"i", "version"), (b"r", "requested"), (b"q", "quantity")])
def test_a_table_row_that_says_something_else_is_seen(kind, field):
    def change(said):
        said[field] += 1

    assert not judged(altered(rows(kind)[0][-1], change)).balanced


def test_a_table_row_of_nothing_is_seen():
    row = rows(b"r")[0][-1]

    assert not judged([*truth().records, row._replace(key=row.key + b"-other", offset=9_999)]).balanced
