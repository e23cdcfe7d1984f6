"""The demo's traffic and its books agree with the real fold, by two roads that share no code."""

import heapq
import json

import pytest

from atp_stream.demo.traffic import Traffic, snippet
from atp_stream.oracle import check
from atp_stream.settings import Wire
from tests.chaos.in_process import InProcess, frame

NOON = 1_700_000_000_000_000


def played(seed, messages, wire, step):
    traffic = Traffic(seed=seed, frame=frame)
    worker = InProcess(wire, step)
    due = [(NOON, number, message) for number, message in enumerate(traffic.opening(NOON))]
    now = NOON
    for number in range(messages):
        now = NOON + 5_000 * number
        for message in traffic.step(now):
            heapq.heappush(due, (now + int(message.delay * 1_000_000), len(due) + number * 1000, message))
        while due and due[0][0] <= now:
            worker.take(heapq.heappop(due)[2], now)
    return check(worker.history(now))


@pytest.mark.parametrize(("wire", "step"), [(Wire.AVRO, 1), (Wire.JSON, 7), (Wire.AVRO, 50)])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_fold_and_the_books_agree_on_traffic(seed, wire, step):
    report = played(seed, 1_500, wire, step)

    assert [] == report.objections


def test_traffic_meets_every_outcome():
    report = played(3, 2_500, Wire.JSON, 5)

    assert {"COMMITTED", "PARTIAL", "PROMISED", "CONFIRMED", "FULFILLED", "RELEASED", "REJECTED"} <= {
        *report.reservations
    }
    assert 0 < report.kept
    assert 0 < report.redated
    assert 0 == report.broken
    assert 0 < report.short
    assert 0 < report.duplicates
    assert 0 < report.skipped
    assert 5 < len(report.refused)


def test_a_rush_is_dozens_of_sales_of_the_busiest_item_without_a_key():
    traffic = Traffic(seed=1)
    rush = next(made for made in (traffic.step(NOON) for _ in range(5_000)) if len(made) > 2)
    said = [json.loads(message.value) for message in rush if message.value is not None]

    assert 40 <= len(rush)
    assert ({None}, {"adjusted"}) == ({message.key for message in rush}, {message.kind for message in rush})
    assert {"sku-001"} == {{**one, **one.get("payload", {})}["product_id"] for one in said}
    assert len({message.delay for message in rush}) == len(rush)


def test_the_seeds_snippet_is_sent_as_it_stands():
    message = snippet(NOON)

    assert message.key is None
    assert message.value is not None
    assert {
        "event_id": "abc123",
        "timestamp": "2023-11-14T22:13:20Z",
        "product_id": "prod987",
        "adjusted_quantity": 10,
        "new_quantity": 150,
        "adjustment_reason": "restock",
        "adjusted_by": "user123",
    } == json.loads(message.value)
