"""What the log says of partitions and of the broker: once for each change, with figures."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from atp_stream.engine.journal import Journal
from atp_stream.engine.presence import Presence
from atp_stream.engine.repetitions import MAX_KINDS, Repetitions
from atp_stream.engine.transport import RunConsumer


@pytest.fixture(autouse=True)
def _all_levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def test_a_take_over_is_reported_with_its_rows_and_its_time(caplog: pytest.LogCaptureFixture) -> None:
    now = iter([100.0, 102.54])
    journal = Journal(lambda: next(now))

    journal.assigned({4, 1}, {2})
    journal.restored(700)
    journal.restored(34)
    journal.serving({1, 4})
    journal.lost({1, 4})

    assert [
        "taking over partitions: 1, 4; keeping copies of: 2",
        "serving partitions: 1, 4; restored 734 rows in 2.5 s",
        "no longer serving partitions: 1, 4",
    ] == caplog.messages
    served: Any = caplog.records[1]
    assert ("serving", [1, 4], 734, 2.5) == (served.event, served.partitions, served.rows, served.seconds)


def test_rows_of_one_take_over_do_not_count_in_the_next(caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal(lambda: 0.0)
    journal.assigned({1}, set())
    journal.restored(5)
    journal.assigned(set(), set())
    journal.serving(set())

    assert "serving partitions: none; restored 0 rows in 0.0 s" == caplog.messages[-1]


def test_who_served_nothing_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    Journal().lost(set())

    assert [] == caplog.messages


class Surroundings:
    """An app whose group answers heartbeats, or not; one look a second."""

    def __init__(self) -> None:
        self.consumer = self
        self.conf = SimpleNamespace(broker_session_timeout=10.0)
        self.rebalancing = False
        self.last_heartbeat = 0.0
        self.now = 1_000.0
        host: Any = self
        self.presence = Presence(host, "kafka:9092", lambda: self.now)

    def pass_seconds(self, seconds: int, *, answers: bool) -> None:
        for _ in range(seconds):
            self.now += 1
            if answers:
                self.last_heartbeat = self.now
            self.presence.look()


def test_a_broker_that_goes_away_and_comes_back_is_two_lines(caplog: pytest.LogCaptureFixture) -> None:
    around = Surroundings()
    around.pass_seconds(30, answers=True)
    around.pass_seconds(5, answers=False)
    assert [] == caplog.messages
    around.pass_seconds(95, answers=False)
    around.pass_seconds(30, answers=True)

    away, back = caplog.records
    assert ("broker_away", "broker_back") == (away.event, back.event)  # type: ignore[attr-defined]
    assert (logging.ERROR, logging.WARNING) == (away.levelno, back.levelno)
    assert "the broker at kafka:9092 answers again, after 101.0 s" == caplog.messages[1]


def test_before_a_first_heartbeat_and_while_partitions_move_no_broker_is_blamed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    around = Surroundings()
    around.pass_seconds(60, answers=False)
    around.pass_seconds(1, answers=True)
    around.rebalancing = True
    around.pass_seconds(60, answers=False)

    assert [] == caplog.messages


def test_a_worker_that_was_frozen_blames_no_broker(caplog: pytest.LogCaptureFixture) -> None:
    around = Surroundings()
    around.pass_seconds(3, answers=True)
    around.now += 600
    around.pass_seconds(2, answers=False)
    around.pass_seconds(3, answers=True)

    assert [] == caplog.messages


def test_the_first_of_a_kind_is_written_and_then_one_in_each_interval_that_counts_the_others() -> None:
    repetitions = Repetitions(60.0)

    assert [0, None, None] == [repetitions.passed_over("a", now) for now in (0.0, 1.0, 59.9)]
    assert 0 == repetitions.passed_over("b", 5.0)
    assert [2, None, 1] == [repetitions.passed_over("a", now) for now in (60.0, 61.0, 120.0)]


def test_what_was_forgotten_is_new() -> None:
    repetitions = Repetitions(60.0)
    repetitions.passed_over("a", 0.0)

    assert [True, False] == [repetitions.forget("a"), repetitions.forget("a")]
    assert 0 == repetitions.passed_over("a", 1.0)


def test_made_up_kinds_do_not_fill_the_memory() -> None:
    repetitions = Repetitions(1e9)
    for kind in range(3 * MAX_KINDS):
        repetitions.passed_over(kind, 0.0)

    assert MAX_KINDS == len(repetitions._known)


async def test_fausts_look_for_a_livelock_reports_no_healthy_worker() -> None:
    reported: list[Any] = []
    consumer: Any = RunConsumer.__new__(RunConsumer)
    consumer.assignment = lambda: {TP("log", 0)}
    consumer.verify_event_path = lambda *about: reported.append(about)

    await consumer.verify_all_partitions_active()

    assert [] == reported
