"""Which tables are compared at all, and which are refused because another version has folded them."""

from typing import Any

import msgspec
import pytest

from atp_stream.audit.errors import AuditError
from atp_stream.audit.folding import Folding
from atp_stream.audit.tables import Held, read_position
from atp_stream.audit.verify import Case, Subject
from atp_stream.domain.fold.step import FOLD_VERSION
from atp_stream.domain.state.partition_rows import FoldRow
from atp_stream.engine.position import Position
from atp_stream.engine.scratch_store import Scratch
from tests.audit.examples import GENESIS, SUBJECT, count, genesis

LATER = FOLD_VERSION + 1


def refusal(held: FoldRow | None, start: FoldRow | None = None) -> str | None:
    """Return why tables at offset 9 are refused, whose log from offset 1 on is folded again over what `start` says."""
    events: Any = None
    with Scratch() as rows, Scratch() as folded:
        rows.write([] if held is None else [(b"|fold", msgspec.json.encode(held))])
        folded.write([] if start is None else [(b"|fold", msgspec.json.encode(start))])
        folding = Folding(SUBJECT.ledger(), 3, rows=folded, position=Position(genesis=GENESIS))
        place = Held(Position(genesis=GENESIS, applied=9), 0)
        case = Case(SUBJECT, 3, start=folding.position, held=place, rows=rows, folding=folding, events=events)
        case.refuse_other_version()  # nothing is known yet
        list(folding.take([genesis(), count(1, 5)]))
        try:
            case.refuse_other_version()
        except AuditError as error:
            return str(error)
    return None


def test_tables_that_this_version_has_folded_from_the_beginning_are_compared() -> None:
    assert refusal(FoldRow(version=FOLD_VERSION, since=1)) is None


def test_tables_of_which_an_earlier_version_has_folded_a_part_are_refused_with_what_to_do() -> None:
    expected = (
        "inventory.atp.item-log/3 was folded up to offset 4 by an earlier version, which gave other numbers: take a"
        " snapshot with workers of this version now (`atp snapshot`), and verify from it later"
    )
    assert expected == refusal(FoldRow(version=FOLD_VERSION, since=5))


@pytest.mark.parametrize("held", [None, FoldRow(version=FOLD_VERSION - 1, since=1)])
def test_tables_that_no_worker_of_this_version_has_met_are_refused(held: FoldRow | None) -> None:
    assert "up to offset 9 by an earlier version" in str(refusal(held))


def test_a_snapshot_taken_since_the_versions_changed_is_where_to_begin() -> None:
    changed = FoldRow(version=FOLD_VERSION, since=-7)
    assert refusal(changed, start=changed) is None


def test_a_snapshot_taken_just_before_the_versions_changed_will_do() -> None:
    assert refusal(FoldRow(version=FOLD_VERSION, since=1), start=FoldRow(version=FOLD_VERSION - 1, since=-7)) is None


def test_tables_of_a_later_version_are_refused() -> None:
    expected = "inventory.atp.item-log/3 was folded by a later version from offset 6 on: verify with that one"
    assert expected == refusal(FoldRow(version=LATER, since=6))


def test_a_position_of_a_later_version_is_refused_in_one_line() -> None:
    with pytest.raises(AuditError, match=r"^state/3: the state has format 99, .* or a later one$"):
        read_position(b'{"format":99}', "state/3")


def test_a_reference_is_looked_at_with_its_item() -> None:
    subject = Subject(topics=SUBJECT.topics, genesis=GENESIS, item="acme|lamp")
    assert [True, False] == [subject.mine(key) for key in (b"|ref|acme|order 7|lamp|r", b"|ref|acme|lamp|desk|r")]
