"""What must hold of the rows of supplies and promises by themselves."""

from collections.abc import Iterator
from typing import Any

import pytest

from atp_stream.audit.folding import Folding
from atp_stream.audit.laws_by_day import broken_laws_by_day
from atp_stream.engine.position import Position
from atp_stream.engine.scratch_store import Scratch
from atp_stream.messages.rows import decode_row, encode_row
from tests.audit.examples import GENESIS, SUBJECT, count, day, genesis, schedule, wants

LAMP = "acme|lamp"


@pytest.fixture
def rows() -> Iterator[Scratch]:
    """Rows of an item of which 10 are expected and 6 are promised, beside one that has no dates."""
    with Scratch() as scratch:
        folding = Folding(SUBJECT.ledger(), 0, rows=scratch, position=Position(genesis=GENESIS))
        log = [genesis(), count(1, 3, b"acme|desk"), schedule(2, "po-1", 10, 2), wants(3, 6, day(3))]
        list(folding.take(log))
        yield scratch


def broken(rows: Scratch, item: bytes = b"") -> list[str]:
    return list(broken_laws_by_day(rows, lambda key: item in key))


def change(rows: Scratch, key: str, **said: Any) -> None:
    row = decode_row(key, rows.read(key.encode()) or b"")
    for name, value in said.items():
        setattr(row, name, value)
    rows.write([(key.encode(), encode_row(row))])


def test_rows_as_the_fold_leaves_them_add_up(rows: Scratch) -> None:
    assert [] == broken(rows)


def test_a_supply_that_is_not_in_the_curve_is_reported(rows: Scratch) -> None:
    change(rows, f"{LAMP}|s|po-1", received=300)
    said, found = {str(day(2)): 1000}, {str(day(2)): 700}
    words = f"row {LAMP}|c sums its supplies by day as {said}, and they are {found}"
    assert [words.replace("'", '"').replace(": ", ":")] == broken(rows)


def test_a_promise_that_is_not_in_the_curve_is_reported_by_day_and_by_channel(rows: Scratch) -> None:
    change(rows, f"{LAMP}|r|order-3", promises=[])
    assert [f"row {LAMP}|c", f"row {LAMP}|i"] == [words.split(" sums")[0] for words in broken(rows)]


def test_a_curve_that_is_gone_is_reported(rows: Scratch) -> None:
    rows.write([(f"{LAMP}|c".encode(), None)])
    assert [f"row {LAMP}|c"] * 2 == [words.split(" sums")[0] for words in broken(rows)]


def test_only_the_items_that_are_asked_for_are_looked_at(rows: Scratch) -> None:
    change(rows, f"{LAMP}|s|po-1", received=300)
    assert [] == broken(rows, b"desk")
