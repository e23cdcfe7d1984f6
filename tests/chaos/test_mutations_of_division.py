"""The oracle sees what can go wrong with quotas, shares, frozen channels and limits, on the shelf and by day.

Each fault was put into the real fold, which then wrote some histories; in the records one thing was changed afterwards.
"""

import json
from dataclasses import replace
from functools import cache
from unittest.mock import patch

import msgspec
import pytest

from atp_stream.demo.traffic import Message
from atp_stream.domain.commands import EditItem, Grant
from atp_stream.domain.item import operator_commands, time_limit
from atp_stream.domain.item.dates import ItemDates
from atp_stream.domain.promise import claims
from atp_stream.oracle import check
from atp_stream.settings import Wire
from tests.chaos.dated_histories import HOUR, NOON, history
from tests.chaos.in_process import InProcess

SEEDS = range(200, 240)


def objects():
    """Tell whether one of some histories is objected to; what matters may not happen in each."""
    return any(not check(history(seed, divided=True)).balanced for seed in SEEDS)


def test_without_a_fault_no_history_is_objected_to():
    assert not objects()


def taken_of_the_pool(dates, reservation, row, units, day, place):
    promise(dates, reservation, row, units, day, place)
    for one in row.promises:
        dates.item.channels[row.channel].consumed -= one.earmarked
        one.earmarked = 0


def redeemed_of_the_pool(dates, reservation, row, one, units):
    dates.item.channels[row.channel].consumed -= one.earmarked
    one.earmarked = 0
    redeem(dates, reservation, row, one, units)


def given_up_into_the_pool(dates, reservation, row, one, units):
    consumed = dates.item.channels[row.channel].consumed
    give_up(dates, reservation, row, one, units)
    dates.item.channels[row.channel].consumed = consumed


def without_ranks(total, quotas):
    return shared(total, [quota._replace(rank=1) for quota in quotas])


def without_minima(total, quotas):
    return shared(total, [quota._replace(minimum=0) for quota in quotas])


def late_limit(row, rules, log_time_ms):
    begin_default(row, rules, log_time_ms + 1)


def limit_of_the_confirmed(row, rules, log_time_ms):
    confirmed, row.confirmed = row.confirmed, False
    begin_default(row, rules, log_time_ms)
    row.confirmed = confirmed


def unscaled(pool, weights, step):
    return {channel: weight * pool // 10_000 // step * step for channel, weight in weights.items()}


def thawed(rules, channels):
    plain = open_rules(rules, channels)
    return {name: msgspec.structs.replace(rule, kind=rule.thawed) for name, rule in plain.items()}


promise, redeem, give_up, claim = ItemDates.promise, ItemDates.redeem, ItemDates.give_up, ItemDates.claim
shared, open_rules, granted, begin_default = (
    claims.shared, claims.open_rules, operator_commands._granted, time_limit.begin_default
)  # fmt: skip
FAULTS = {
    "earmarks that nobody keeps free": (claims, "earmarks", lambda _, quotas, *__: {q.channel: 0 for q in quotas}),
    "earmarks beyond what is free": (claims, "earmarks", lambda _, quotas, *__: {q.channel: q.left for q in quotas}),
    "a shortage without ranks": (claims, "shared", without_ranks),
    "a shortage without minima": (claims, "shared", without_minima),
    "shares that are more than all": (claims, "shares", unscaled),
    "a frozen channel that claims": (claims, "open_rules", thawed),
    "a grant that is made twice": (operator_commands, "_granted", lambda *said: 2 * granted(*said)),
    "a promise by day out of the pool": (ItemDates, "promise", taken_of_the_pool),
    "a promise that is redeemed out of the pool": (ItemDates, "redeem", redeemed_of_the_pool),
    "a promise that is given up into the pool": (ItemDates, "give_up", given_up_into_the_pool),
    "promises that move forward over earmarks": (ItemDates, "entitled", property(lambda _: 0)),
    "a limit that never begins": (time_limit, "begin_default", lambda *_: None),
    "a limit that begins too late": (time_limit, "begin_default", late_limit),
    "a limit of what is confirmed": (time_limit, "begin_default", limit_of_the_confirmed),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_fold_is_seen(fault):
    with patch.object(*FAULTS[fault]):
        assert objects()


DAY = 86_400_000_000
IN_3_DAYS = NOON // DAY + 3
DOCUMENT = {
    "tenants": {
        "*": {
            "channels": {
                "ECOM": {"kind": "QUOTA"},
                "B2B": {"kind": "QUOTA", "rank": 2, "overflow": True},
                "STORE": {"kind": "SHARE", "weight": 0.5},
            },
            "supply": {"horizon": 9},
            "time_limit": 3_600,
        }
    }
}


def said(kind, place, **body):
    """Return a message with an id and a moment of its own."""
    body = {"eventId": f"e{place}", "timestamp": NOON // 1000, "itemId": "lamp", **body}
    return Message(kind, None, json.dumps(body).encode())


def told(command, place, **body):
    return command(event_id=f"o{place}", at_us=NOON, **body)


def wants(reservation, place, channel, units, day=None):
    rest = {} if day is None else {"requestedDate": day * DAY // 1000}
    return said("created", place, reservationId=reservation, channel=channel, quantity=units, **rest)


@cache
def truth():
    """Return a history by hand: two quotas, a share that is frozen, a shortage, and a limit by policy that is over."""
    worker = InProcess(Wire.JSON, 1)
    worker.apply(DOCUMENT, NOON)
    worker.take(said("counted", 1, onHand=100), NOON)
    worker.operate("lamp", told(Grant, 1, channel="ECOM", quantity=4_000), NOON)
    worker.operate("lamp", told(Grant, 2, channel="B2B", quantity=3_000), NOON)
    worker.operate("lamp", told(Grant, 3, channel="STORE", quantity=100), NOON)
    day = (NOON // DAY + 2) * DAY // 1000
    worker.take(said("supply_scheduled", 2, supplyId="po", quantity=60, expectedDate=day), NOON)
    worker.take(wants("now", 3, "ECOM", 20), NOON)
    worker.take(wants("later", 4, "ECOM", 15, IN_3_DAYS), NOON)
    worker.take(wants("shared", 5, "STORE", 20, IN_3_DAYS), NOON)
    worker.take(said("counted", 6, onHand=50, timestamp=NOON // 1000 + 1), NOON + 1_000)
    frozen = msgspec.Raw(b'{"frozen": {"STORE": true}}')
    worker.operate("lamp", told(EditItem, 4, patch=frozen), NOON + 1_000)
    worker.take(wants("stopped", 7, "STORE", 1), NOON + 2_000)
    worker.tick(NOON + 2 * HOUR, NOON + 2 * HOUR)
    return worker.history(NOON + 2 * HOUR)


def of(role):
    return truth().of(getattr(truth().names, role))


def judged(*changes):
    """Judge the truth with some records changed; None stands for one that is dropped."""
    there = dict(changes)
    records = [there.get(record, record) for record in truth().records]
    return check(replace(truth(), records=[record for record in records if record is not None]))


def altered(record, **said):
    event = json.loads(record.value)
    event["payload"] |= said
    return record, record._replace(value=json.dumps(event).encode())


def payloads(role):
    return [(record, json.loads(record.value)["payload"]) for record in of(role)]


def test_the_truth_passes_and_has_what_it_is_about():
    report = judged()

    assert [] == report.objections
    assert {"ReservationPromisedEvent": 4, "AllocationReleasedEvent": 1} == {
        name: report.out[name] for name in ("ReservationPromisedEvent", "AllocationReleasedEvent")
    }
    assert {"not_a_quota"} == {record.header("atp-reason") for record in of("dead_letter")}


@pytest.mark.parametrize("channel", ["ECOM", "B2B", "STORE"])
def test_a_claim_that_is_off_by_one_is_seen(channel):
    found = [
        (record, payload) for record, payload in payloads("availability_calculated") if channel == payload["channel"]
    ]

    assert found
    for record, payload in found:
        assert not judged(altered(record, available=payload["available"] + 1)).balanced


@pytest.mark.parametrize("channel", ["B2B", "STORE"])
def test_a_claim_on_a_day_that_is_off_by_one_is_seen(channel):
    found = [
        (record, payload["steps"])
        for record, payload in payloads("availability_projected")
        if channel == payload["channel"] and payload["steps"]
    ]

    assert found
    for record, (first, *rest) in found:
        steps = [first | {"available": first["available"] + 1}, *rest]
        assert not judged(altered(record, steps=steps)).balanced


def test_a_limit_of_the_policy_that_ends_nothing_is_seen():
    assert 0 < judged(*((record, None) for record in of("allocation_released"))).lost
    assert 0 < judged((of("reservation_promised")[-1], None)).lost


@pytest.mark.parametrize("place", range(4))
def test_what_an_operator_said_and_nobody_heard_is_seen(place):
    commands = [record for record in of("item_log") if b'"grant"' in record.value or b'"edit_item"' in record.value]

    assert not judged((commands[place], None)).balanced


def test_a_refusal_of_an_operators_command_that_is_missing_is_seen():
    assert not judged((of("dead_letter")[0], None)).balanced


@pytest.mark.parametrize("field", ["granted", "consumed"])
def test_a_row_whose_quota_is_off_by_a_hundredth_is_seen(field):
    record = [record for record in of("state_changelog") if record.key.endswith(b"|i")][-1]
    row = json.loads(record.value)
    row["channels"]["B2B"][field] = row["channels"]["B2B"].get(field, 0) + 1

    assert not judged((record, record._replace(value=json.dumps(row).encode()))).balanced
