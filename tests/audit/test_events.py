"""What should have been said against what was: missing, twice, without a cause, and what is none of our business."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from atp_stream.audit.events import Events, Stretch
from atp_stream.audit.folding import Folding
from atp_stream.engine.position import Position
from atp_stream.engine.scratch_store import Scratch
from atp_stream.messages.outbound import CAUSE_HEADER
from atp_stream.records import Output
from tests.agents.memory import Record
from tests.audit.examples import GENESIS, SUBJECT, TOPICS, count, genesis, release, reserve

LOG = [genesis(), count(1, 10), reserve(2, 4), reserve(3, 4), release(4, "order-2"), count(5, 7)]
COMMITTED, AVAILABILITY = TOPICS.allocation_committed.name, TOPICS.availability_calculated.name


class Published:
    """The output topics of a running system."""

    def __init__(self, outputs: Sequence[Output], begin: int = 0) -> None:
        self.records: dict[str, list[Record]] = {}
        self._begin = begin
        for output in outputs:
            self.add(output)

    def add(self, output: Output) -> None:
        records = self.records.setdefault(output.topic, [])
        records.append(
            Record(output.topic, output.value, 0, len(records), key=output.key, headers=tuple(output.headers))
        )

    async def begin(self, *_: Any) -> int:
        return self._begin

    async def decided_end(self, topic: str, _: int) -> int:
        return len(self.records.get(topic, []))

    async def stretch(self, topic: str, _: int, start: int, end: int) -> AsyncIterator[list[Record]]:
        yield self.records.get(topic, [])[start:end]


class Plain:
    """The reader of a JSON wire."""

    async def envelope(self, value: bytes) -> bytes:
        return value


@pytest.fixture
def outputs() -> list[Output]:
    """What the log says, step by step, so that nothing is conflated."""
    return folded()


def folded() -> list[Output]:
    with Scratch() as rows:
        folding = Folding(SUBJECT.ledger(), 0, rows=rows, position=Position(genesis=GENESIS))
        return [output for record in LOG for output in folding.take([record])]


async def objections(
    outputs: Sequence[Output], published: Any, *, after: int = -1, until: int = 5, allowed: Sequence[Output] = ()
) -> Sequence[str]:
    decode: Any = Plain()
    with Scratch() as rows:
        events = Events(TOPICS, Stretch(0, after, until), rows)
        events.expect(outputs)
        events.allow(allowed)
        return (await events.compare(published, decode, lambda _: True, lambda _: None)).shown


def of(topic: str, outputs: Sequence[Output]) -> list[Output]:
    return [output for output in outputs if output.topic == topic]


def cause(output: Output) -> int:
    return int(dict(output.headers)[CAUSE_HEADER].decode().partition("-")[2])


async def test_what_the_log_says_is_right(outputs: list[Output]) -> None:
    assert [] == await objections(outputs, Published(outputs))


async def test_an_event_that_is_missing_is_named(outputs: list[Output]) -> None:
    lost = of(COMMITTED, outputs)[0]

    found = await objections(outputs, Published([output for output in outputs if output is not lost]))

    assert [f"{COMMITTED}: event {GENESIS}-0-2-0 is missing"] == found


async def test_an_event_that_is_there_twice_is_named_with_its_place(outputs: list[Output]) -> None:
    published = Published(outputs)
    published.add(of(COMMITTED, outputs)[0])

    assert [f"{COMMITTED}/0/2: event {GENESIS}-0-2-0 was published before"] == await objections(outputs, published)


async def test_an_event_that_the_log_does_not_explain_is_named(outputs: list[Output]) -> None:
    surplus = of(COMMITTED, outputs)[1]
    known = [output for output in outputs if output is not surplus]

    found = await objections(known, Published(outputs))

    assert [f"{COMMITTED}/0/1: event {GENESIS}-0-3-0 does not follow from the log"] == found


async def test_what_later_commands_caused_is_left_alone(outputs: list[Output]) -> None:
    early = [output for output in outputs if cause(output) <= 2]

    assert [] == await objections(early, Published(outputs), until=2)


async def test_what_was_caused_before_a_snapshot_is_left_alone(outputs: list[Output]) -> None:
    late = [output for output in outputs if cause(output) > 3]

    assert [] == await objections(late, Published(outputs), after=3)


async def test_what_is_still_to_be_said_may_be_there_or_not(outputs: list[Output]) -> None:
    rest = of(COMMITTED, outputs)[1]
    most = [output for output in outputs if output is not rest]

    assert [] == await objections(outputs, Published(most), allowed=[rest])
    assert [] == await objections(outputs, Published(outputs), allowed=[rest])


async def test_what_retention_removed_is_not_missed(outputs: list[Output]) -> None:
    gone = of(COMMITTED, outputs)[0]
    published = Published(outputs, begin=1)

    assert [] == await objections(
        [output for output in outputs if output.topic in {gone.topic, AVAILABILITY}], published
    )


async def test_the_last_availability_must_be_what_the_log_says(outputs: list[Output]) -> None:
    first, *_, last = [output for output in of(AVAILABILITY, outputs) if output.key == b"acme|lamp|ECOM"]
    published = Published([output for output in outputs if output is not last])

    [found] = await objections(outputs, published)

    assert f"{AVAILABILITY}: acme|lamp|ECOM shows 6 available, 4 reserved, and should show 3 available, 4 reserved" == (
        found
    )
    assert first is not last


async def test_a_key_that_never_spoke_is_named(outputs: list[Output]) -> None:
    silent = [output for output in outputs if output.key != b"acme|lamp|STORE"]

    [found] = await objections(outputs, Published(silent))

    assert f"{AVAILABILITY}: acme|lamp|STORE should show 3 available, 0 reserved, and shows nothing" == found


async def test_of_many_differences_the_first_are_reported_and_all_are_counted(outputs: list[Output]) -> None:
    published = Published(outputs)
    for _ in range(30):
        published.add(of(COMMITTED, outputs)[0])
    decode: Any = Plain()
    reader: Any = published

    with Scratch() as rows:
        events = Events(TOPICS, Stretch(0, -1, 5), rows)
        events.expect(outputs)
        wrong = await events.compare(reader, decode, lambda _: True, lambda _: None)

    assert (30, 20) == (wrong.count, len(wrong.shown))
