"""The load and the oracle agree with the real fold, by two roads that share no code; policies come in between."""

import heapq
import json
from collections import Counter

import pytest

from atp_stream.oracle import check
from atp_stream.settings import Wire
from chaos import policies
from chaos.load import WINDOW_S, Load
from tests.chaos.in_process import InProcess, frame

NOON = 1_700_000_000_000_000


def played(seed, messages, wire, step, hot=0.0, pause=5_000):
    """Play the load, with a policy in each third of it, and return what the topics hold; `pause` in microseconds."""
    load = Load(seed=seed, items=12, frame=frame, hot=hot)
    worker = InProcess(wire, step)
    worker.apply(document(policies.FIRST), NOON)
    due = [(NOON, number, message) for number, message in enumerate(load.opening(NOON))]
    now = NOON
    for number in range(messages):
        now = NOON + pause * number
        for place, message in enumerate(load.step(now)):
            heapq.heappush(due, (now + int(message.delay * 1_000_000), 1_000 + 10 * number + place, message))
        while due and due[0][0] <= now:
            worker.take(heapq.heappop(due)[2], now)
        if number % 20 == 19:
            worker.tick(now - 20_000, now)
        if number % (messages // 3) == messages // 6:
            worker.apply(document(policies.DOCUMENTS[number * 3 // messages]), now)
    return worker.history(now)


def document(policy):
    return json.loads(policies.text(policy, WINDOW_S))


@pytest.mark.parametrize(("wire", "step"), [(Wire.AVRO, 1), (Wire.JSON, 7), (Wire.AVRO, 50)])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_fold_and_the_oracle_agree_on_the_load(seed, wire, step):
    report = check(played(seed, 1_000, wire, step, hot=0.03))

    assert [] == report.objections
    assert 0 < report.out["AllocationReleasedEvent"]


@pytest.mark.parametrize("seed", [4, 9])
def test_they_agree_over_many_windows_where_some_facts_are_past_and_some_are_stale(seed):
    report = check(played(seed, 1_500, Wire.JSON, 20, hot=0.05, pause=WINDOW_S * 1_000_000 // 200))

    assert [] == report.objections
    assert 0 < report.past
    assert 0 < report.refused["stale"]


def hot_messages(seconds, window=20):
    """Return what the load says of hot items, three acts a second: message, what it says, and when."""
    load = Load(seed=1, items=1, hot=1.0, window=window)
    said = [(message, 0.0) for message in load.opening(NOON)]
    for number in range(seconds * 3):
        said += [(message, number / 3) for message in load.step(NOON + number * 333_333)]
    return [(message, flat(message.value), second) for message, second in said if message.value is not None]


def flat(value):
    said = json.loads(value)
    return {**said, **said.get("payload", {})}


def test_hot_items_have_bursts_without_keys_hundreds_of_places_and_shipments_by_the_thousand():
    said = hot_messages(150)
    facts = Counter(body["product_id"] for message, body, _ in said if message.kind == "adjusted")
    places = {body.get("locationId") for _, body, _ in said if body.get("itemId") == "hot-stores"}
    shipped = sum(message.kind == "fulfilled" for message, _, _ in said)

    assert {None} == {message.key for message, body, _ in said if "hot" in (body.get("itemId") or body["product_id"])}
    assert all(facts[item] > 400 for item in ("hot-deltas", "hot-sales", "hot-seconds"))
    assert 300 == len(places)
    assert 800 < shipped


def test_hot_items_have_whole_seconds_with_dozens_of_sales_and_a_count():
    said = [(message.kind, body) for message, body, _ in hot_messages(150)]
    busy = [(kind, body) for kind, body in said if "hot-seconds" in {body.get("product_id"), body.get("itemId")}]
    sales = Counter(body["timestamp"] for kind, body in busy if kind == "adjusted")
    counts = {body["timestamp"] for kind, body in busy if kind == "counted"}

    assert not [body for _, body in busy if "." in body["timestamp"]]
    assert 60 < max(sales.values())
    assert counts & sales.keys()


def test_messages_come_again_behind_hundreds_of_others_within_a_window_or_two_or_later():
    first: dict[bytes, tuple[int, float]] = {}
    again = []
    for place, (message, _, second) in enumerate(hot_messages(150)):
        if message.value in first:
            again.append((place - first[message.value][0], second - first[message.value][1]))
        else:
            first[message.value] = place, second
    far = [seconds for places, seconds in again if places > 300]
    windows = [int(seconds / 20) for seconds in far]

    assert all(10 < windows.count(number) for number in (0, 1, 2))
