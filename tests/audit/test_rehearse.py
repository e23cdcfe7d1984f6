"""A rehearsal of one partition: both sides differ by policy alone."""

from collections.abc import Sequence

import pytest

from atp_stream.audit.rehearse import Period, Sum, _Stage
from atp_stream.engine.position import Position
from atp_stream.engine.scratch_store import Scratch
from tests.agents.memory import Record
from tests.audit.examples import (
    BEGIN,
    GENESIS,
    OPEN,
    SECOND,
    STRICT,
    SUBJECT,
    count,
    day,
    document,
    genesis,
    release,
    reserve,
    schedule,
    wants,
)

EVER = Period()
LOG = [
    genesis(),
    document(1, OPEN),
    count(2, 10),
    reserve(3, 4),
    document(4, OPEN),
    reserve(5, 4),
    release(6, "order-3"),
    reserve(7, 2),
]


def play(
    text: bytes, period: Period = EVER, pieces: int = 100, log: Sequence[Record] = LOG
) -> tuple[dict[str, Sum], dict[str, Sum]]:
    with Scratch() as rows, Scratch() as copy:
        stage = _Stage(SUBJECT, 0, Position(genesis=GENESIS), rows, copy, text, period)
        for start in range(0, len(log), pieces):
            if not stage.play(log[start : start + pieces]):
                break
        stage.close()
    return stage.was.tally["acme", "ECOM"], stage.would.tally["acme", "ECOM"]


def test_the_policy_that_stood_changes_nothing() -> None:
    was, would = play(OPEN)

    assert was == would
    assert Sum(3, 1000) == was["committed"]
    assert Sum(1, 400) == was["released"]


@pytest.mark.parametrize("pieces", [1, 3, 100])
def test_another_policy_stands_from_the_beginning_whatever_documents_come_later(pieces: int) -> None:
    was, would = play(STRICT, pieces=pieces)

    assert Sum(3, 1000) == was["committed"]
    assert Sum(3, 1000) == would["backordered"]
    assert Sum() == would["committed"]


def test_before_the_period_nothing_is_counted_and_the_policies_that_stood_stand() -> None:
    was, would = play(STRICT, Period(start=BEGIN + 5 * SECOND))

    assert Sum(2, 600) == was["committed"]
    assert Sum(1, 400) == was["released"]
    assert Sum(1, 400) == would["released"]  # committed before
    assert Sum(2, 600) == would["backordered"]


def test_behind_the_period_nothing_is_counted() -> None:
    was, would = play(STRICT, Period(end=BEGIN + 5 * SECOND))

    assert (Sum(2, 800), Sum()) == (was["committed"], was["released"])
    assert Sum(2, 800) == would["backordered"]


def test_a_period_in_which_nothing_came_is_empty() -> None:
    was, would = play(STRICT, Period(start=BEGIN + 100 * SECOND))

    assert {Sum()} == {*was.values(), *would.values()}


BY_DAY = [
    genesis(),
    document(1, OPEN),
    schedule(2, "po-1", 10, 2),
    wants(3, 6, day(3)),
    schedule(4, "po-1", 10, 5),
    release(5, "order-3"),
]


def test_what_is_promised_by_day_and_put_off_is_counted() -> None:
    was, would = play(STRICT, log=BY_DAY)

    assert (Sum(1, 600), Sum(1, 600)) == (was["promised"], was["put_off"])
    assert (Sum(), Sum()) == (would["promised"], would["put_off"])


def test_what_was_promised_before_the_period_is_not_counted_again() -> None:
    was, _ = play(OPEN, Period(BEGIN + 4 * SECOND), log=BY_DAY)

    assert (Sum(), Sum(1, 600)) == (was["promised"], was["put_off"])
