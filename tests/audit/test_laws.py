"""What must hold of the rows of stock by themselves."""

from collections.abc import Iterator

import msgspec
import pytest

from atp_stream.audit.folding import Folding
from atp_stream.audit.laws import MAX_ROW_BYTES, broken_laws
from atp_stream.domain.commands import CountStock, Fulfil
from atp_stream.domain.row_keys import mark_key
from atp_stream.domain.state.partition_rows import PurgeRow
from atp_stream.domain.state.rows import Item
from atp_stream.domain.stock.rows import Stock
from atp_stream.engine.position import Position
from atp_stream.engine.scratch_store import Scratch
from atp_stream.messages.rows import decode_row, encode_row
from tests.audit.examples import GENESIS, SUBJECT, at, count, genesis, record, reserve

LAMP = b"acme|lamp|i"


@pytest.fixture
def rows() -> Iterator[Scratch]:
    """Rows of an item that is counted at a location and without one, and of which some was shipped."""
    with Scratch() as scratch:
        folding = Folding(SUBJECT.ledger(), 0, rows=scratch, position=Position(genesis=GENESIS))
        north = CountStock(event_id="n", at_us=at(2), on_hand=700, location="north")
        shipped = Fulfil(event_id="f", at_us=at(4), reservation="order-3", quantity=100, location="north")
        log = [genesis(), count(1, 9), record(2, north), reserve(3, 2), record(4, shipped), count(5, 3, b"acme|desk")]
        list(folding.take(log))
        yield scratch


def laws(rows: Scratch, item: bytes = b"") -> list[str]:
    return list(broken_laws(rows, lambda key: item in key))


def changed(rows: Scratch, **stock: object) -> None:
    item: Item = decode_row(LAMP.decode(), rows.read(LAMP) or b"")
    for name, value in stock.items():
        setattr(item.stock, name, value)
    rows.write([(LAMP, encode_row(item))])


def test_rows_as_the_fold_leaves_them_are_in_order(rows: Scratch) -> None:
    assert [] == laws(rows)


def test_sums_that_are_not_those_of_the_locations_are_reported(rows: Scratch) -> None:
    item: Item = decode_row(LAMP.decode(), rows.read(LAMP) or b"")
    item.stock.named.missing -= 1
    rows.write([(LAMP, encode_row(item))])
    expected = (
        "row acme|lamp|i sums its locations as [700,0,700,1,99] and [900,0,900,1,100],"
        " and they are [700,0,700,1,100] and [900,0,900,1,100]"
    )
    assert [expected] == laws(rows)


def test_only_the_items_that_are_asked_for_are_looked_at(rows: Scratch) -> None:
    changed(rows, named=Stock().named)
    assert [] == laws(rows, b"desk")
    assert 1 == len(laws(rows, b"lamp"))


def test_an_item_that_was_not_upgraded_yet_has_no_sums_to_look_at(rows: Scratch) -> None:
    changed(rows, named=Stock().named, places={"north": [[700, 0, 1, 700], -1]})
    assert [] == laws(rows)


def test_a_row_that_grew_beyond_its_bound_is_reported(rows: Scratch) -> None:
    rows.write([(b"|g|00000000|F|acme|lamp||1", b" " * MAX_ROW_BYTES)])
    assert [] == laws(rows)
    rows.write([(b"|g|00000000|F|acme|lamp||1", b" " * (MAX_ROW_BYTES + 1))])
    assert ["row |g|00000000|F|acme|lamp||1 has 65537 bytes, and may have 65536"] == laws(rows)


def test_what_nobody_can_read_is_left_to_the_comparison(rows: Scratch) -> None:
    rows.write([(b"acme|desk|i", b"{"), (b"|purge", b"{")])
    assert [] == laws(rows)


@pytest.mark.parametrize(("stopped", "wrong"), [(None, 2), (2, 1), (1, 0)])
def test_what_the_purge_left_behind_is_reported_but_for_an_item_that_is_stopped(
    rows: Scratch, stopped: int | None, wrong: int
) -> None:
    item: Item = decode_row(LAMP.decode(), rows.read(LAMP) or b"")
    item.stopped = stopped
    marks = [(mark_key(number, "acme|lamp", "x").encode(), b"[]") for number in (0, 1, 5)]
    rows.write([*marks, (LAMP, encode_row(item)), (b"|purge", msgspec.json.encode(PurgeRow(below=5)))])
    assert wrong == len(laws(rows, b"lamp"))
    assert [] == laws(rows, b"desk")


def test_what_the_purge_has_not_come_to_is_no_fault(rows: Scratch) -> None:
    rows.write([(mark_key(0, "acme|lamp", "x").encode(), b"[]")])
    assert [] == laws(rows)
