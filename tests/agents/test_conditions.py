"""The log tells which policy is in force once all partitions here have it, and which inputs are missing."""

import logging
from typing import Any

import msgspec
import pytest

from atp_stream.agents.conditions import Conditions
from atp_stream.domain.state.partition_rows import PolicyRow
from atp_stream.messages.rows import encode_row


class Worker:
    """A worker that serves partitions 0 and 1, and a broker that has some topics."""

    def __init__(self) -> None:
        self.consumer = self.steps = self.table = self._thread = self._consumer = self._client = self.cluster = self
        self.tables = self.recovery = self
        self.settled, self.rebalancing, self.left = True, False, 0
        self.log_topic = "log"
        self.topics = {"adjusted", "counted"}
        self.rows: dict[int, bytes] = {}
        self.asked = 0

    def owned(self) -> set[int]:
        return {0, 1}

    def read(self, number: int, key: bytes) -> bytes | None:
        assert b"|policy" == key
        return self.rows.get(number)

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return {0} if topic in self.topics else None

    def active_remaining_total(self) -> int:
        return self.left

    async def look_for_topics(self) -> None:
        self.asked += 1

    def meet(self, number: int, offset: int, document: bytes) -> None:
        self.rows[number] = encode_row(PolicyRow(offset=offset, log_time_ms=0, document=msgspec.Raw(document)))


@pytest.fixture
def worker(caplog: pytest.LogCaptureFixture) -> Worker:
    caplog.set_level(logging.INFO)
    return Worker()


def conditions(worker: Any) -> Conditions:
    return Conditions(worker, ["adjusted", "counted"])


async def test_a_policy_is_reported_once_all_partitions_have_it(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    look = conditions(worker).look
    worker.meet(0, 1, b'{"retention":5}')
    await look(0.0)
    assert [] == caplog.messages
    worker.meet(1, 1, b'{"retention":5}')
    await look(1.0)
    await look(2.0)
    worker.meet(0, 7, b'{"retention":6}')
    await look(3.0)
    worker.meet(1, 9, b'{"retention":6}')
    await look(4.0)

    assert [
        "the policy in force in partitions 0, 1 is the one of log/0/1; `atp policy show` prints it",
        "the policy in force in partitions 0, 1 is the one of log/0/7; `atp policy show` prints it",
    ] == caplog.messages


async def test_a_missing_input_is_reported_once_a_minute_with_what_to_do_and_so_is_its_return(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    look = conditions(worker).look
    worker.topics.remove("counted")
    for second in range(65):
        await look(float(second))
    worker.topics.add("counted")
    await look(66.0)
    await look(67.0)

    gone = "the input topic counted does not exist: nothing is read from it, and no time limit ends; run `atp init`"
    assert [gone, gone, "the input topic counted is there again"] == caplog.messages
    assert 65 == worker.asked


async def test_a_worker_that_is_taking_over_knows_of_no_missing_input(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    worker.topics.clear()
    worker.settled = False
    await conditions(worker).look(0.0)

    assert [] == caplog.messages


async def test_a_restore_that_takes_long_is_reported_every_ten_seconds_with_what_is_left(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    look = conditions(worker).look
    worker.settled = False
    for second in range(25):
        worker.left = 25_000 - 1_000 * second
        await look(1_000.0 + second)
    worker.rebalancing = True
    await look(1_030.0)

    assert [
        f"restoring state: {left} changelog records are left" for left in (25_000, 15_000, 5_000)
    ] == caplog.messages
    assert [25_000, 15_000, 5_000] == [record.__dict__["left"] for record in caplog.records]
