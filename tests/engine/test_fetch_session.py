"""What each fetch of a session names, and when it begins again with all."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import FetchSessionIdNotFound, KafkaConnectionError
from aiokafka.protocol.fetch import FetchRequest, FetchRequest_v4, FetchRequest_v11
from aiokafka.protocol.offset import OffsetRequest

from atp_stream.engine.fetch_session import FULL_FETCH_BYTES, FetchSession, fetch_in_sessions
from atp_stream.engine.pace import pace_s

SIZE = 1_000


def fetch(**partitions: dict[int, int]) -> FetchRequest:
    """Return aiokafka's fetch, which names all: {topic: {partition: offset}}."""
    topics = [(topic, [(number, at, SIZE) for number, at in found.items()]) for topic, found in partitions.items()]
    return FetchRequest(50, 1, 1_000_000, 1, topics)


def said(request: Any) -> tuple[int, int, dict[str, dict[int, int]], dict[str, list[int]]]:
    """Return session, epoch, what is named and what is forgotten in a request as it is sent."""
    built = request.build(FetchRequest_v11)
    named = {topic: {number: at for number, _, at, _, _ in found} for topic, found in built.topics}
    return built.session_id, built.session_epoch, named, dict(built.forgotten_topics_data)


def answer(session: int = 7, error: int = 0) -> Any:
    return SimpleNamespace(session_id=session, error_code=error, topics=[])


def unpaced(*_: int) -> float:
    return 0.0


def opened(**partitions: dict[int, int]) -> FetchSession:
    """Return a session whose first fetch, of these, was answered."""
    session = FetchSession()
    session.next(fetch(**partitions))
    session.answered(answer())
    return session


def test_the_first_fetch_names_all_and_opens_a_session() -> None:
    assert (0, 0, {"in": {0: 5, 1: 6}}, {}) == said(FetchSession().next(fetch(**{"in": {0: 5, 1: 6}})))


def test_the_next_fetch_names_only_what_has_moved() -> None:
    session = opened(a={0: 5, 1: 6}, b={0: 7})

    assert (7, 1, {"a": {1: 9}}, {}) == said(session.next(fetch(a={0: 5, 1: 9}, b={0: 7})))


def test_what_is_asked_for_no_more_is_forgotten_and_named_when_it_is_asked_for_again() -> None:
    session = opened(a={0: 5, 1: 6}, b={0: 7})

    assert (7, 1, {}, {"a": [1], "b": [0]}) == said(session.next(fetch(a={0: 5})))
    session.answered(answer())
    assert (7, 2, {"a": {1: 6}}, {}) == said(session.next(fetch(a={0: 5, 1: 6})))


def test_a_fetch_without_an_answer_is_followed_by_one_that_names_all_and_closes_the_session() -> None:
    session = opened(a={0: 5, 1: 6})
    session.next(fetch(a={0: 8, 1: 6}))
    session.restart()

    assert (7, 0, {"a": {0: 8, 1: 6}}, {}) == said(session.next(fetch(a={0: 8, 1: 6})))


def test_a_session_that_the_broker_has_forgotten_is_opened_anew() -> None:
    session = opened(a={0: 5, 1: 6})
    session.next(fetch(a={0: 5, 1: 6}))
    session.answered(answer(0, FetchSessionIdNotFound.errno))

    assert (0, 0, {"a": {0: 5, 1: 6}}, {}) == said(session.next(fetch(a={0: 5, 1: 6})))


def test_a_broker_with_no_room_for_a_session_is_told_all_every_time() -> None:
    session = FetchSession()
    session.next(fetch(a={0: 5}))
    session.answered(answer(session=0))

    assert (0, 0, {"a": {0: 5}}, {}) == said(session.next(fetch(a={0: 5})))


def test_the_epoch_after_the_last_is_the_first() -> None:
    session = opened(a={0: 5})
    session._epoch = 2**31 - 1
    session.next(fetch(a={0: 5}))
    session.answered(answer())

    assert (7, 1, {}, {}) == said(session.next(fetch(a={0: 5})))


def test_a_broker_that_knows_no_sessions_is_asked_for_all() -> None:
    built: Any = FetchSession().next(fetch(a={0: 5})).build(FetchRequest_v4)

    assert [("a", [(0, 5, SIZE)])] == built.topics


class Consumer:
    """aiokafka's consumer, whose broker answers what the test says, and notes what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self._client = self._subscription = self.subscription = self  # all that is asked of those stands here
        self.assignment = object()
        self._answers = list(answers)
        self.sent: list[Any] = []

    async def send(self, _: int, request: Any) -> Any:
        self.sent.append(request)
        found = self._answers.pop(0)
        if isinstance(found, BaseException):
            raise found
        return found


async def test_a_lost_answer_ends_the_session() -> None:
    consumer = Consumer(answer(), KafkaConnectionError(), answer())
    fetch_in_sessions(consumer, unpaced)
    await consumer.send(1, fetch(a={0: 5}))
    with pytest.raises(KafkaConnectionError):
        await consumer.send(1, fetch(a={0: 5}))
    await consumer.send(1, fetch(a={0: 5}))

    assert [(0, 0), (7, 1), (7, 0)] == [said(request)[:2] for request in consumer.sent]


async def test_a_new_assignment_begins_a_session_of_its_own() -> None:
    consumer = Consumer(answer(), answer())
    fetch_in_sessions(consumer, unpaced)
    await consumer.send(1, fetch(a={0: 5}))
    consumer.assignment = object()
    await consumer.send(1, fetch(a={0: 5}))

    assert [(0, 0, {"a": {0: 5}}, {}), (7, 0, {"a": {0: 5}}, {})] == [said(request) for request in consumer.sent]


async def test_brokers_have_sessions_of_their_own() -> None:
    consumer = Consumer(answer(7), answer(8), answer(7), answer(8))
    fetch_in_sessions(consumer, unpaced)
    for broker in (1, 2, 1, 2):
        await consumer.send(broker, fetch(a={broker: 5}))

    assert [(0, 0), (0, 0), (7, 1), (8, 1)] == [said(request)[:2] for request in consumer.sent]


async def test_other_requests_go_as_they_are() -> None:
    consumer = Consumer(answer())
    fetch_in_sessions(consumer, unpaced)
    request = OffsetRequest(-1, 0, [])
    await consumer.send(1, request)

    assert [request] == consumer.sent


async def test_the_next_fetch_waits_for_as_long_as_what_the_last_one_brought_asks_for() -> None:
    brought = answer()
    brought.topics = [
        ("a", [(0, 0, 9, 9, 0, [], b"four"), (1, 0, 9, 9, 0, [], None)]),
        ("b", [(0, 0, 9, 9, 0, [], b"2!")]),
    ]
    asked: list[int] = []

    def pace(size_bytes: int, _: int) -> float:
        asked.append(size_bytes)
        return 0.05

    consumer = Consumer(brought, answer())
    fetch_in_sessions(consumer, pace)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await consumer.send(1, fetch(a={0: 5}))
    await consumer.send(1, fetch(a={0: 5}))

    assert [0, 6] == asked
    assert 0.05 <= loop.time() - began


@pytest.mark.parametrize(
    ("size_bytes", "pace"), [(0, 0.01), (2_048, 0.01), (3_072, 0.015), (4_096, 0.02), (1_000_000, 0.02)]
)
def test_fetches_are_farther_apart_the_more_they_bring(size_bytes: int, pace: float) -> None:
    assert pytest.approx(pace) == pace_s(size_bytes, FULL_FETCH_BYTES)
