"""The load and the oracle agree with the real fold, by two roads that share no code; policies come in between."""

import heapq

import pytest

from atp_stream.settings import Wire
from chaos import policies
from chaos.load import Load
from chaos.oracle import check
from tests.chaos.in_process import InProcess, frame

NOON = 1_700_000_000_000_000


def played(seed, messages, wire, step, hot=0.0):
    """Play the load, with a policy after each third of it, and return what the topics hold."""
    load = Load(seed=seed, items=12, frame=frame, hot=hot)
    worker = InProcess(wire, step)
    due = [(NOON, number, message) for number, message in enumerate(load.opening(NOON))]
    now = NOON
    for number in range(messages):
        now = NOON + 5_000 * number
        for place, message in enumerate(load.step(now)):
            heapq.heappush(due, (now + int(message.delay * 1_000_000), 1_000 + 10 * number + place, message))
        while due and due[0][0] <= now:
            worker.take(heapq.heappop(due)[2], now)
        if number % 20 == 19:
            worker.tick(now - 20_000, now)
        if number % (messages // 3) == messages // 6:
            worker.apply(policies.DOCUMENTS[number * 3 // messages], now)
    return worker.history(now)


@pytest.mark.parametrize(("wire", "step"), [(Wire.AVRO, 1), (Wire.JSON, 7), (Wire.AVRO, 50)])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_fold_and_the_oracle_agree_on_the_load(seed, wire, step):
    report = check(played(seed, 2_000, wire, step))

    assert [] == report.objections
    assert 0 < report.out["AllocationReleasedEvent"]
